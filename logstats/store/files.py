"""Files that only their owner may see, made so that nobody can put another one in their place."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from logstats.errors import NoPermissionError
from logstats.parquet import cannot_write, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["create_private", "destroy", "entries", "open_private", "private_folder", "read_private"]

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def entries(folder: Path) -> list[Path]:
    """List what is in the folders of a folder. A link is listed, and not followed.

    Raises:
        NoPermissionError: The folder itself is a link.
    """
    if folder.is_symlink():
        raise NoPermissionError(f"{folder}: is a link, not a folder", hint="remove it")
    inner = list(folder.iterdir()) if folder.is_dir() else []
    links = [path for path in inner if path.is_symlink()]
    return [*links, *(path for one in inner if one.is_dir() and not one.is_symlink() for path in one.iterdir())]


def private_folder(path: Path) -> Path:
    """Make a folder of mode 0700, or check that it is one.

    Raises:
        NoPermissionError: It is a link, or others may look into it.
        CannotWriteError: It cannot be made.
    """
    with cannot_write(path):
        if not path.is_symlink() and not path.exists():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(path.parent)  # after a power cut, what is in it must still have a way to it
        status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NoPermissionError(f"{path}: is a link, not a folder", hint="name the folder itself")
    if status.st_mode & _OTHERS:
        raise NoPermissionError(f"{path}: others may look into it", hint=f"chmod 700 {path}")
    return path


def create_private(path: Path, content: bytes) -> None:
    """Write a new file of mode 0600, and wait until it and its name are on disk.

    Raises:
        CannotWriteError: There is such a file already, or the disk is full; then there is none.
    """
    with cannot_write(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            _write_all(descriptor, content)
            os.fsync(descriptor)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        sync_folder(path.parent)


def _write_all(descriptor: int, content: bytes) -> None:
    """Write all of it: where the disk ends in the middle, the system says only how far it came."""
    if os.write(descriptor, content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def open_private(path: Path) -> int:
    """Open a file for reading and writing, of mode 0600 when it is made; give its descriptor.

    Raises:
        NoPermissionError: It is a link, or may not be opened.
        CannotWriteError: It cannot be made.
    """
    with cannot_write(path):
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NoPermissionError(f"{path}: is a link, not a file") from None
            raise


def read_private(path: Path) -> bytes | None:
    """Read a file of mode 0600; None if it is not there.

    Raises:
        NoPermissionError: It is a link or a folder, or others may read it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NoPermissionError(f"{path}: cannot be opened: {error.strerror}") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode) or mode & _OTHERS:
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise NoPermissionError(f"{path}: is a folder, not a file")
        raise NoPermissionError(f"{path}: others may read it", hint=f"chmod 600 {path}")
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def destroy(path: Path) -> None:
    """Overwrite a file, and take its name away; nothing if it is not there. Of a link, only the link goes.

    File systems that copy on write, and solid-state disks, may keep what was overwritten: no program can help that.
    """
    if not path.exists() and not path.is_symlink():
        return
    with cannot_write(path):
        if path.is_symlink():
            path.unlink()
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            os.write(descriptor, bytes(os.fstat(descriptor).st_size))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()
        sync_folder(path.parent)
