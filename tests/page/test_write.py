"""The folder of the page: nobody else's, never by halves, and what was published keeps its data."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from logstats import folders, page, releasing
from logstats.errors import BusyError, CannotWriteError
from logstats.page.write import MARK, write, write_file

from .conftest import ROOT, page_rules
from .generate import release_again
from .reader import Tables, whole

KILLED = """
import os, signal, sys
from pathlib import Path
from logstats import page
from tests.page.conftest import page_rules
left, replace = int(sys.argv[1]), Path.replace

def replacing(path, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, target)

Path.replace = replacing
page.build([Path(name) for name in sys.argv[3:]], Path(sys.argv[2]), page_rules())
"""
"""Builds a page, and is killed when so many files have got their name."""


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two versions of the release of a month."""
    return release_again(tmp_path_factory.mktemp("versions"), "2026-10")


def views(csv: Path) -> int:
    """Read the page views of a month from a published CSV."""
    frame = pl.read_csv(csv, null_values=["s"])
    return int(frame.filter(pl.col("niveau") == 0)["vues"].item())


def shows_its_data(file: Path) -> bool:
    """Tell whether the data that a page leads to verify, and are those of its headline."""
    text = file.read_text()
    link = text.split('datapackage.json">')[0].rpartition('"')[2]
    data = file.parent / link
    return releasing.verify(folders.read(data)) == [] and views(data / "pages.csv") == whole(Tables(text).big[0])


def test_a_killed_run_leaves_pages_with_their_data(versions: list[Path], tmp_path: Path) -> None:
    """A run with a new version is killed anywhere: each page shows the data it leads to; the next run ends it."""
    old, new = versions
    data = len(folders.read(new))
    for step in (0, data // 2, data - 1, data, data + 1, data + 4, data + 7):
        out = tmp_path / str(step)
        page.build([old], out, page_rules())
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(step), str(out), str(old), str(new)], cwd=ROOT, check=False
        )
        assert done.returncode == -signal.SIGKILL
        for name in ("index.html", "2026-10.html", "en/2026-10.html", "en/index.html"):
            assert shows_its_data(out / name), (step, name)
        page.build([old, new], out, page_rules())
        assert views(out / "data/2026-10.v2/pages.csv") == views(new / "pages.csv") != views(old / "pages.csv")
        assert shows_its_data(out / "index.html")
        assert folders.read(out / "data/2026-10.v1") == folders.read(old)
        assert folders.read(out / "data/2026-10.v2") == folders.read(new)
        assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]


def test_the_first_pages_are_the_last_to_be_written(versions: list[Path], tmp_path: Path, monkeypatch: Any) -> None:
    """What a page leads to is there before it: data, pictures, pages of months and feeds, then index.html."""
    order: list[str] = []
    usual, renamed = page_rules(), Path.replace

    def replacing(path: Path, target: Path) -> Path:
        order.append(str(target.relative_to(tmp_path)))
        return renamed(path, target)

    monkeypatch.setattr(Path, "replace", replacing)
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    page.build(
        versions[:1], tmp_path / "out", replace(usual, page=replace(usual.page, logo=str(tmp_path / "logo.svg")))
    )
    marks = {"release": "/data/2", "needed": "/logo.svg", "index": "index.html", "months": "/mois.csv"}
    kinds = [next((kind for kind, mark in marks.items() if mark in path), "page") for path in order]
    turns = ["release", "needed", "months", "page", "index"]
    assert list(dict.fromkeys(kinds)) == turns
    assert kinds == sorted(kinds, key=turns.index)


def test_a_table_that_a_version_no_longer_has_is_not_beside_it(versions: list[Path], tmp_path: Path) -> None:
    """Data of a folder that another program has changed are made those of the release again, and nothing else."""
    page.build(versions[:1], tmp_path / "out", page_rules())
    data = tmp_path / "out" / "data" / "2026-10.v1"
    (data / "old.csv").write_text("a\n")
    (data / "pages.csv").write_text("a\n")
    assert page.build(versions[:1], tmp_path / "out", page_rules())["changed"] == 1
    assert folders.read(data) == folders.read(versions[0])


def test_temporary_names_do_not_collide(tmp_path: Path) -> None:
    """A file that a killed run of the same number left is no obstacle; in a folder of ours it is removed."""
    left = tmp_path / f".x.html.{os.getpid()}.tmp"
    left.write_text("left")
    write_file(tmp_path / "x.html", b"a")
    assert (tmp_path / "x.html").read_bytes() == b"a"
    (tmp_path / MARK).touch()
    write({"index.html": b"b"}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {MARK, "x.html", "index.html"}


@pytest.mark.parametrize(
    "files",
    (
        {"index.html": "mine"},
        {"index.html": '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'},
        {"data/mine.csv": "a", "2026-10.html": "mine"},
        {".git/config": "a"},
    ),
)
def test_a_folder_of_something_else_is_left_alone(versions: list[Path], tmp_path: Path, files: dict[str, str]) -> None:
    """A folder that holds anything, and not our mark, is refused (74), and nothing in it is touched."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(CannotWriteError, match="no statistics page"):
        page.build(versions[:1], tmp_path, page_rules())
    found = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == files


def test_a_folder_of_ours_is_taken_however_little_is_in_it(versions: list[Path], tmp_path: Path) -> None:
    """After a run that was killed with nothing but its mark or a picture in place, the next one ends it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "logo.svg").write_text("<svg/>")
    (tmp_path / MARK).touch()
    page.build(versions[:1], tmp_path, page_rules())
    assert (tmp_path / "index.html").is_file()
    assert (tmp_path / MARK).read_text()


def test_two_runs_do_not_write_one_folder(versions: list[Path], tmp_path: Path) -> None:
    """While one run holds the folder, another ends with 75 and changes nothing."""
    page.build(versions[:1], tmp_path, page_rules())
    before = (tmp_path / "index.html").read_bytes()
    with (tmp_path / MARK).open("r+b") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        with pytest.raises(BusyError) as refused:
            page.build(versions, tmp_path, page_rules())
    assert refused.value.exit_code == 75
    assert (tmp_path / "index.html").read_bytes() == before


FULL = """
import resource, sys
from pathlib import Path
from logstats import page
from logstats.errors import CannotWriteError
from tests.page.conftest import page_rules
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    page.build([Path(name) for name in sys.argv[3:]], Path(sys.argv[2]), page_rules())
except CannotWriteError as error:
    sys.exit(error.exit_code)
"""
"""Builds a page where no file may become larger than a limit, as on a disk that gets full."""


def test_a_full_disk_leaves_the_page_as_it_was(versions: list[Path], tmp_path: Path) -> None:
    """Where there is no place for data or for a page, the run ends with 74, and the old page is whole."""
    page.build(versions[:1], tmp_path, page_rules())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    heaviest = max(path.stat().st_size for path in tmp_path.rglob("*.html"))
    for limit in (100, 2_000, heaviest - 10_000):
        done = subprocess.run(
            [sys.executable, "-c", FULL, str(limit), str(tmp_path), *map(str, versions)], cwd=ROOT, check=False
        )
        assert done.returncode == 74
        assert {path: path.read_bytes() for path in before} == before
        assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")]
        assert shows_its_data(tmp_path / "index.html")
    page.build(versions, tmp_path, page_rules())
    assert shows_its_data(tmp_path / "index.html")
    assert (tmp_path / "data" / "2026-10.v2").is_dir()
