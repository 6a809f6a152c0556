"""Write: the files of the page, each complete or as it was; what has not changed is not touched.

What always holds, also when a run is killed: a page leads to data that are there, whole, and of its own version.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logstats import folders
from logstats.errors import BusyError, CannotWriteError
from logstats.parquet import cannot_write, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MARK", "write", "write_file"]

MARK: Final = ".logstats-page"
"""Says that a folder is ours; it is there before anything else."""
_TEXT: Final = b"logstats page writes this folder: files of the same names are replaced.\n"
_PUBLIC: Final = 0o644
_FOLDER: Final = 0o755
_DATA: Final = "data/"
_ASSETS: Final = "assets/"
_INDEX: Final = "index.html"


def write(files: Mapping[str, bytes], folder: Path) -> int:
    """Write the files, those that others lead to first, so that no link leads nowhere; give how many have changed.

    Nothing is removed but what a killed run left: an address that was published stays.

    Args:
        files: Bytes by path below the folder.
        folder: Made if it is not there; its files are for everybody to read.

    Raises:
        BusyError: Another run writes this folder.
        CannotWriteError: The disk is full, or the folder holds something else.
        NoPermissionError: The folder may not be written.
    """
    with _ours(folder):
        changed = _write_data(files, folder)
        pages = [path for path in files if not _of_release(path)]
        for _, batch in groupby(sorted(pages, key=_turn), key=lambda path: _turn(path)[0]):
            paths = list(batch)
            changed += sum(write_file(folder / path, files[path]) for path in paths)
            _sync({(folder / path).parent for path in paths} | {folder})
    return changed


def write_file(path: Path, data: bytes, mode: int = _PUBLIC) -> bool:
    """Write a file so that it is complete under its name, or as it was; tell whether it has changed.

    Raises:
        CannotWriteError: The disk is full, or the system refuses.
        NoPermissionError: It may not be written.
    """
    with cannot_write(path):
        if path.is_file() and path.read_bytes() == data:
            path.chmod(mode)
            return False
    _made(path)
    with cannot_write(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                temporary.chmod(mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return True


def _of_release(path: str) -> bool:
    return path.startswith(_DATA) and "/" in path.removeprefix(_DATA)


def _turn(path: str) -> tuple[int, str]:
    """Say when a file is written: what pages need, then pages and feeds, then what leads to those."""
    return (0 if path.startswith((_DATA, _ASSETS)) else 2 if path.endswith(_INDEX) else 1), path


def _sync(parents: set[Path]) -> None:
    for parent in parents:
        with cannot_write(parent):
            sync_folder(parent)


@contextmanager
def _ours(folder: Path) -> Iterator[None]:
    """Take a folder that is empty or ours, for this run alone; remove what a killed run left."""
    mark = folder / MARK
    with cannot_write(folder):
        folder.mkdir(parents=True, exist_ok=True)
        foreign = not mark.is_file() and any(folder.iterdir())
    if foreign:
        raise CannotWriteError(
            f"{folder}: holds files that are no statistics page",
            hint=f"name an empty folder, or put an empty file {MARK} into this one if all of it may be replaced",
        )
    with cannot_write(mark):
        descriptor = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, _PUBLIC)
    try:
        _lock(descriptor, folder)
        with cannot_write(mark):
            if not os.fstat(descriptor).st_size:
                os.write(descriptor, _TEXT)
                os.fsync(descriptor)
                sync_folder(folder)
            for left in folder.rglob(".*.tmp"):
                left.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BusyError(f"{folder}: another run writes it", hint="try again when it is done") from None


def _write_data(files: Mapping[str, bytes], folder: Path) -> int:
    """Write each release into a folder of its own, whose name has its version; give how many files have changed."""
    releases: dict[str, dict[str, bytes]] = {}
    for path, data in files.items():
        if _of_release(path):
            parent, _, name = path.rpartition("/")
            releases.setdefault(parent, {})[name] = data
    changed = 0
    for parent, wanted in sorted(releases.items()):
        target = _made(folder / parent / MARK).parent
        there = folders.read(target)
        if there != wanted:
            folders.write(wanted, target)
            changed += sum(there.get(name) != data for name, data in wanted.items())
    _sync({(folder / parent).parent for parent in releases})
    return changed


def _made(path: Path) -> Path:
    """Make the folder of a file, for everybody to read."""
    with cannot_write(path.parent):
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            path.parent.chmod(_FOLDER)
    return path
