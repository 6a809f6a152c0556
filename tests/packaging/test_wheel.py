"""The wheel has all that logstats needs, is pure, the same whenever it is built, and installs as its users install."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from logstats import __version__
from logstats.cli import cli
from logstats.ops import SNIPPETS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLE: Final = ROOT / "sample_logs/public_service.log.xz"
SLOW: Final = bool(os.environ.get("LOGSTATS_SLOW"))
REPORTED: Final = "4,942 lines = 4,942 hits + 0 rejected + 0 opted out + 0 late"
"""What the README says about the sample."""


@pytest.fixture(scope="session")
def outside(
    installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the installed program, far from the source and without its path."""
    folder = tmp_path_factory.mktemp("outside")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [str(installed / "bin/logstats"), *map(str, arguments)]
        return subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_nothing_is_compiled(wheel: Path) -> None:
    """One wheel for every machine, of Python and data alone."""
    assert wheel.name == f"logstats-{__version__}-py3-none-any.whl"
    kinds = {Path(name).suffix for name in zipfile.ZipFile(wheel).namelist()}
    assert not kinds & {".so", ".pyd", ".dll", ".dylib", ".pyc"}


def test_every_file_of_the_source_is_in_it(wheel: Path) -> None:
    """What lies in logstats/ and geo/ under version control is in the wheel, byte for byte."""
    tracked = subprocess.run(
        ["git", "ls-files", "logstats", "geo"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if name.startswith("logstats/")}
    own = {name if name.startswith("logstats/") else f"logstats/{name}": ROOT / name for name in tracked}
    assert packed == {name: path.read_bytes() for name, path in own.items() if path.is_file()}


def test_the_same_bytes_again(build_wheel: Callable[..., Path], wheel: Path, tmp_path: Path) -> None:
    """Built again with the same SOURCE_DATE_EPOCH, elsewhere and by somebody else's settings, it is the same."""
    before = os.umask(0o077)
    try:
        again = build_wheel(tmp_path, TZ="Asia/Tokyo", LC_ALL="C", COLUMNS="40", PYTHONHASHSEED="4711")
    finally:
        os.umask(before)
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (wheel, again)]
    assert digests[0] == digests[1]


def test_installed_it_reports(outside: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """The first command of the README works on an installation, with the country database that it brings."""
    done = outside("report", SAMPLE)
    assert done.returncode == 0, done.stderr
    assert REPORTED in done.stdout
    country = json.loads(outside("geo", "info", "--json").stdout)
    assert country["source"].startswith("dbip-country-lite")


def test_installed_it_counts_and_releases(
    outside: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """The way from log to open data and to the Commission's file finds catalogue, schema, texts and lists."""
    store = ("--store", tmp_path / "store")
    assert outside("ingest", *store, "--close", SAMPLE).returncode == 0
    done = outside("release", *store, "--month", "2026-10", "--partial", "--out", tmp_path / "release")
    assert done.returncode == 0, done.stderr
    assert outside("verify", tmp_path / "release").returncode == 0
    message, urls = tmp_path / "october.json", tmp_path / "urls.txt"
    urls.write_text("https://www.example.org/\n", encoding="utf-8")
    done = outside("commission", *store, "--month", "2026-10", "--partial", "--pages", urls, "--out", message)
    assert done.returncode == 0, done.stderr
    assert outside("commission", "--check", message).returncode == 0


@pytest.mark.parametrize("name", sorted(SNIPPETS))
def test_installed_it_prints_snippets(name: str, outside: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """`hook` prints what the source prints."""
    done = outside("hook", name)
    source = subprocess.run(
        [sys.executable, "-m", "logstats", "hook", name], capture_output=True, text=True, check=True
    ).stdout
    assert (done.returncode, done.stdout) == (0, source)


@pytest.mark.parametrize("text", ("notice", "register", "assessment"))
@pytest.mark.parametrize("language", ("fr", "en"))
def test_installed_it_prints_texts(
    text: str, language: str, outside: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """`privacy` has its texts in both languages."""
    done = outside("privacy", text, "--lang", language)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# ")


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_installed_each_command_has_help(name: str, outside: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Each command can be asked what it does."""
    done = outside(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: logstats {name} ")


@pytest.mark.skipif(not SLOW, reason="builds everything: LOGSTATS_SLOW=1 asks for it")
def test_the_sbom_names_what_is_installed(builder: dict[str, str], installed: Path, tmp_path: Path) -> None:
    """scripts/build writes a CycloneDX file with each library, its version, its licence, and no path of the builder."""
    done = subprocess.run(
        [ROOT / "scripts/build", tmp_path],
        env=builder | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    text = (tmp_path / f"logstats-{__version__}.cdx.json").read_text(encoding="utf-8")
    assert not [place for place in (str(ROOT), str(tmp_path), "file:") if place in text]
    bill: dict[str, Any] = json.loads(text)
    assert bill["bomFormat"] == "CycloneDX"
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == (
        "logstats",
        __version__,
    )
    listed = {(part["name"].lower().replace("_", "-"), part["version"]) for part in bill["components"]}
    script = "import importlib.metadata as m; print(*(f'{d.name} {d.version}' for d in m.distributions()), sep='\\n')"
    found = subprocess.run([installed / "bin/python", "-c", script], capture_output=True, text=True, check=True).stdout
    there = {(name.lower().replace("_", "-"), version) for name, version in map(str.split, found.splitlines())}
    assert listed == there - {("logstats", __version__)}
    assert all(part["licenses"] for part in bill["components"])
    assert (tmp_path / f"logstats-{__version__}.tar.gz").is_file()
