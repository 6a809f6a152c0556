"""Staging: hits of open days on their way into the store, until a commit names their parts.

What always holds:

- A part is complete under its name, or absent.
- Memory is bounded: hits beyond a number of rows wait as parts, which the ledger does not name yet.
- What is staged is forgotten by `rollback` until it is kept, and by `discard` until a commit has named it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from logstats.codes import together
from logstats.parquet import write_parquet
from logstats.store.files import private_folder

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import date
    from pathlib import Path

__all__ = ["Part", "Staging"]


@dataclass(frozen=True)
class Part:
    """A file with hits of one site and day."""

    path: Path
    site: str
    day: date
    rows: int


class Staging:
    """Hits that are staged, and hits that are kept for the next commit.

    Args:
        folder: Of the store.
        most_rows: So many hits wait in memory.
    """

    def __init__(self, folder: Path, most_rows: int) -> None:
        self._folder, self._most_rows = folder, most_rows
        self._staged: list[pl.DataFrame] = []
        self._kept: list[pl.DataFrame] = []
        self._staged_parts: list[Part] = []
        self._kept_parts: list[Part] = []

    @property
    def parts(self) -> list[Part]:
        """The parts that were written since the last commit."""
        return self._kept_parts + self._staged_parts

    def add(self, hits: pl.DataFrame) -> None:
        """Stage hits."""
        self._staged.append(hits)
        if _rows(self._staged) + _rows(self._kept) > self._most_rows:
            self._spill()

    def keep(self) -> None:
        """Keep what is staged."""
        self._kept += self._staged
        self._kept_parts += self._staged_parts
        self._staged, self._staged_parts = [], []

    def write(self) -> list[Part]:
        """Keep what is staged, write all as parts, and give them."""
        self.keep()
        self._spill()
        return self._kept_parts

    def done(self) -> None:
        """A commit has named the parts."""
        self._kept_parts = []

    def rollback(self) -> None:
        """Forget what is staged and not kept."""
        for part in self._staged_parts:
            part.path.unlink(missing_ok=True)
        self._staged, self._staged_parts = [], []

    def discard(self, named: AbstractSet[Path]) -> None:
        """Forget all, but for the files that are named."""
        for part in self.parts:
            if part.path not in named:
                part.path.unlink(missing_ok=True)
        self._staged, self._staged_parts, self._kept, self._kept_parts = [], [], [], []

    def _spill(self) -> None:
        """Write what waits in memory as parts, one for each site and day."""
        self._kept_parts += self._written(self._kept)
        self._kept = []
        self._staged_parts += self._written(self._staged)
        self._staged = []

    def _written(self, frames: list[pl.DataFrame]) -> list[Part]:
        parts = []
        hits = together(frames) if frames else pl.DataFrame()
        days = hits.partition_by("site", "day", as_dict=True) if hits.height else {}
        for (site, day), of_day in days.items():
            folder = private_folder(private_folder(self._folder / "open") / day.isoformat())
            path = folder / f"{secrets.token_hex(8)}.parquet"
            write_parquet(of_day, path)
            parts.append(Part(path, site, day, of_day.height))
        return parts


def _rows(frames: list[pl.DataFrame]) -> int:
    return sum(frame.height for frame in frames)
