"""Write: the files of the page, each complete or as it was; what has not changed is not touched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from logstats.errors import CannotWriteError
from logstats.parquet import cannot_write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["write", "write_file"]

_PUBLIC: Final = 0o644
_FOLDER: Final = 0o755
_MARK: Final = "index.html"
_OURS: Final = b'http-equiv="Content-Security-Policy" content="default-src'


def write(files: Mapping[str, bytes], folder: Path) -> int:
    """Write the files, those that others lead to first, so that no link leads nowhere; give how many have changed.

    Nothing is removed: an address that was published stays.

    Args:
        files: Bytes by path below the folder.
        folder: Made if it is not there; its files are for everybody to read.

    Raises:
        CannotWriteError: The disk is full, or the folder holds something else.
        NoPermissionError: The folder may not be written.
    """
    with cannot_write(folder):
        folder.mkdir(parents=True, exist_ok=True)
        others = any(folder.iterdir())
        mark = folder / _MARK
        ours = mark.is_file() and _OURS in mark.read_bytes()[:2_000]
    unfinished = not mark.exists() and (folder / "data").is_dir()
    if others and not ours and not unfinished:
        raise CannotWriteError(f"{folder}: holds files that are no statistics page", hint="name an empty folder")
    order = sorted(files, key=lambda path: (path.endswith(_MARK), path.endswith((".html", ".xml", "feed.json")), path))
    return sum(write_file(folder / path, files[path]) for path in order)


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
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            path.parent.chmod(_FOLDER)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("xb") as file:
                temporary.chmod(mode)
                file.write(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return True
