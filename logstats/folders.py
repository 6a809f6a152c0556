"""Folders of releases: files written whole and readable by all, and read again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from logstats.errors import CannotWriteError, InputMissingError, InputRejectedError, NoPermissionError
from logstats.parquet import cannot_write, sync_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["read", "write"]

_PUBLIC: Final = 0o644
_MARK: Final = "datapackage.json"
_MOST: Final = 1_000_000_000  # bytes: all is read into memory; a Parquet file has at most fifty million


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of a release; the data package comes last, so that a folder with one is complete.

    Files of an earlier version that this one does not have are removed.

    Args:
        files: Bytes by name.
        folder: Made if it is not there; its files are for everybody to read, whatever the umask.

    Raises:
        CannotWriteError: The disk is full, or the folder holds something that is no release.
        NoPermissionError: The folder may not be written.
    """
    with cannot_write(folder):
        folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in folder.iterdir()}
    if there and _MARK not in there and not there <= files.keys() | {f".{name}.tmp" for name in files}:
        raise CannotWriteError(f"{folder}: holds files that are no release", hint="name an empty folder")
    with cannot_write(folder):
        (folder / _MARK).unlink(missing_ok=True)
        for name in sorted(files, key=lambda name: (name == _MARK, name)):
            temporary = folder / f".{name}.tmp"
            try:
                with temporary.open("wb") as file:
                    temporary.chmod(_PUBLIC)
                    file.write(files[name])
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(folder / name)
            finally:
                temporary.unlink(missing_ok=True)
        for name in there - files.keys():
            if name.endswith((".parquet", ".csv", ".tmp")):
                (folder / name).unlink(missing_ok=True)  # a temporary file of a run that died may be this run's, too
        sync_folder(folder)


def read(folder: Path) -> dict[str, bytes]:
    """Read all files of a release.

    Raises:
        InputMissingError: There is no such folder, or a file went away or cannot be read.
        InputRejectedError: It holds more than a release does.
        NoPermissionError: A file may not be read.
    """
    path = folder
    try:
        if not folder.is_dir():
            raise InputMissingError(f"{folder}: is no folder", hint="name the folder that logstats release wrote")
        sizes = {path: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}
        if sum(sizes.values()) > _MOST:
            raise InputRejectedError(
                f"{folder}: holds {sum(sizes.values()):,} bytes; no release is larger than {_MOST:,}"
            )
        files = {}
        for path, size in sizes.items():
            with path.open("rb") as file:
                files[path.name] = file.read(size)  # and no more, should it grow meanwhile
    except PermissionError:
        raise NoPermissionError(f"{folder}: no permission to read it") from None
    except OSError as error:
        raise InputMissingError(f"{path}: cannot be read: {error.strerror}") from None
    return files
