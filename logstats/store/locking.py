"""Locks: one run at a time, on one machine. A lock ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from logstats.errors import BusyError
from logstats.parquet import cannot_write
from logstats.store.files import open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["locked"]


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock, or give up at once.

    Args:
        path: File that is locked; made if it is not there, and left there.
        busy: What to say when another run holds it.

    Raises:
        BusyError: Another run holds it.
        CannotWriteError: It cannot be made, or its file system has no locks.
        NoPermissionError: It is a link, or may not be opened.
    """
    descriptor = open_private(path)
    try:
        with cannot_write(path):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(busy, hint="try again later") from None
        yield
    finally:
        os.close(descriptor)
