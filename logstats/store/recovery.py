"""Recovery: what a start does after a crash, which is what every start does.

What always holds:

- What the ledger does not name is removed, and of a link only the link.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from logstats.parquet import cannot_write
from logstats.store.files import destroy, entries

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

__all__ = ["remove_store", "remove_unnamed"]


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
