"""The cells of one run: in memory up to a number of rows, in files beyond, read one table at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from logstats.parquet import write_parquet
from logstats.schema import TABLES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CountedCells"]


class CountedCells(Mapping[str, pl.DataFrame]):
    """TABLES of schema.py by name, of all days that were kept so far; each access puts one table together.

    Args:
        folder: For files; made when the first one is written. Whoever names it removes it.
        most_rows: So many rows stay in memory.
    """

    def __init__(self, folder: Path, most_rows: int) -> None:
        self._folder, self._most_rows = folder, most_rows
        self._rows = self._written = 0
        self._waiting: defaultdict[str, list[pl.DataFrame]] = defaultdict(list)
        self._files: defaultdict[str, list[Path]] = defaultdict(list)

    def keep(self, cells: Mapping[str, pl.DataFrame]) -> None:
        """Keep the cells of a day; days are disjoint, so nothing has to be added."""
        for name, frame in cells.items():
            self._waiting[name].append(frame)
            self._rows += frame.height
        if self._rows > self._most_rows:
            self._spill()

    def __getitem__(self, name: str) -> pl.DataFrame:
        empty = pl.DataFrame(schema=TABLES[name].schema)
        files = [pl.read_parquet(path).cast(empty.schema) for path in self._files.get(name, [])]
        return pl.concat([empty, *files, *self._waiting.get(name, [])])

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)

    def _spill(self) -> None:
        """Write what waits; a table without a row needs no file."""
        self._folder.mkdir(exist_ok=True)
        for name, frames in self._waiting.items():
            together = pl.concat(frames)
            if not together.is_empty():
                path = self._folder / f"{name}.{self._written}.parquet"
                write_parquet(together, path)
                self._files[name].append(path)
        self._written += 1
        self._waiting.clear()
        self._rows = 0
