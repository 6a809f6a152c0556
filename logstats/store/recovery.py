"""Recovery: what a start does after a crash, which is what every start does.

What always holds:

- Two runs never work on one store.
- What the ledger does not name is removed, and of a link only the link.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from typing import TYPE_CHECKING

from logstats.errors import BusyError
from logstats.parquet import cannot_write
from logstats.store.files import destroy, entries, open_private

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

__all__ = ["lock", "remove_store", "remove_unnamed"]


def lock(folder: Path) -> int:
    """Take the lock of a store; closing the descriptor gives it back.

    Raises:
        BusyError: Another run has it.
    """
    descriptor = open_private(folder / "lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BusyError(f"{folder}: another run works on it", hint="try again later") from None
    return descriptor


def remove_unnamed(folder: Path, named: AbstractSet[Path]) -> None:
    """Remove parts and cells that are not named, and temporary files."""
    with cannot_write(folder):
        for path in [*entries(folder / "open"), *entries(folder / "cells")]:
            if path not in named:
                path.unlink()
        for day in folder.glob("open/*"):
            if not any(day.iterdir()):
                day.rmdir()


def remove_store(folder: Path) -> None:
    """Destroy the keys of a store that is not wanted any more, and remove it. Of a link, only the link goes."""
    if folder.is_symlink():
        folder.unlink()
    for path in [*folder.glob("keys/*/*"), folder / "keys" / "identity"]:
        destroy(path)
    shutil.rmtree(folder, ignore_errors=True)
