"""Folders of releases: what is no release is refused before it is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from logstats import folders
from logstats.errors import InputMissingError, InputRejectedError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable


@pytest.mark.parametrize("command", (("verify",), ("publish", "--dry-run")), ids=" ".join)
def test_a_folder_of_many_bytes_is_not_read(
    command: tuple[str, ...], logstats: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """30 GB, which no memory here would hold, are refused with 65 and their number."""
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 10**10)
    done = logstats(*command, tmp_path)
    assert done.returncode == 65, done.stderr
    assert f"{tmp_path}: holds 30,000,000,000 bytes" in done.stderr


def test_only_files_are_read(tmp_path: Path) -> None:
    """Folders and pipes are passed over: nobody waits for what is written into one."""
    (tmp_path / "inner").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "a.csv").write_bytes(b"a")
    (tmp_path / "b.csv").symlink_to("a.csv")
    (tmp_path / "c.csv").symlink_to("nowhere")
    assert folders.read(tmp_path) == {"a.csv": b"a", "b.csv": b"a"}


def test_a_file_that_goes_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and reading: 66, with its name."""
    (tmp_path / "a.csv").write_bytes(b"a")
    (tmp_path / "b.csv").write_bytes(b"b")
    opened = Path.open

    def open_and_remove(path: Path, *of: Any, **how: Any) -> Any:
        (tmp_path / "b.csv").unlink(missing_ok=True)
        return opened(path, *of, **how)

    monkeypatch.setattr(Path, "open", open_and_remove)
    with pytest.raises(InputMissingError, match=r"b\.csv: cannot be read: No such file"):
        folders.read(tmp_path)


def test_a_file_that_grows_meanwhile_is_read_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not more than was looked at; that it is no release any more, its digests say."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"a")
    opened = Path.open

    def open_and_grow(path: Path, *of: Any, **how: Any) -> Any:
        with opened(file, "ab") as more:
            more.write(b"b" * 100)
        return opened(path, *of, **how)

    monkeypatch.setattr(Path, "open", open_and_grow)
    assert folders.read(tmp_path) == {"a.csv": b"a"}


def test_the_limit_is_for_all_files_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit it is read, and a byte above it is not."""
    monkeypatch.setattr(folders, "_MOST", 4)
    (tmp_path / "a.csv").write_bytes(b"aa")
    (tmp_path / "b.csv").write_bytes(b"bb")
    assert len(folders.read(tmp_path)) == 2
    (tmp_path / "b.csv").write_bytes(b"bbb")
    with pytest.raises(InputRejectedError, match="holds 5 bytes"):
        folders.read(tmp_path)
