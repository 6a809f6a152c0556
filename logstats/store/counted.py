"""The cells of one run: in memory up to a number of rows, in files beyond, read one table at a time.

The files have no name, so that nothing is left behind, however the run ends: cells may tell about single people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import polars as pl

from logstats.codes import together
from logstats.parquet import cannot_write
from logstats.schema import TABLES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CountedCells"]


class CountedCells(Mapping[str, pl.DataFrame]):
    """TABLES of schema.py by name, of all days that were kept so far; each access puts one table together.

    Texts are coded.

    Args:
        folder: On whose disk the files are.
        most_rows: So many rows stay in memory.

    Raises:
        CannotWriteError: The disk is full.
    """

    def __init__(self, folder: Path, most_rows: int) -> None:
        self._folder, self._most_rows = folder, most_rows
        self._rows = 0
        self._waiting: defaultdict[str, list[pl.DataFrame]] = defaultdict(list)
        self._files: dict[str, IO[bytes]] = {}
        self._sizes: defaultdict[str, list[int]] = defaultdict(list)

    def keep(self, cells: Mapping[str, pl.DataFrame]) -> None:
        """Keep the cells of a day; days are disjoint, so nothing has to be added."""
        for name, frame in cells.items():
            self._waiting[name].append(together([frame]))
            self._rows += frame.height
        if self._rows > self._most_rows:
            self._spill()

    def close(self) -> None:
        """Give the files back; what was kept is gone."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._sizes.clear()
        self._waiting.clear()

    def __getitem__(self, name: str) -> pl.DataFrame:
        empty = pl.DataFrame(schema=TABLES[name].schema)
        return together([empty, *self._written(name), *self._waiting.get(name, [])])

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)

    def _written(self, name: str) -> Iterator[pl.DataFrame]:
        """Read what was written of a table, one Parquet file behind the other."""
        if name in self._files:
            self._files[name].seek(0)
        for size in self._sizes.get(name, []):
            yield pl.read_parquet(BytesIO(self._files[name].read(size)))

    def _spill(self) -> None:
        """Write what waits; a table without a row needs no file."""
        for name, frames in self._waiting.items():
            table = together(frames)
            if not table.is_empty():
                self._write(name, table)
        self._waiting.clear()
        self._rows = 0

    def _write(self, name: str, frame: pl.DataFrame) -> None:
        content = BytesIO()
        frame.write_parquet(content, compression="zstd")
        with cannot_write(self._folder):
            if name not in self._files:
                self._files[name] = TemporaryFile(dir=self._folder)  # noqa: SIM115 - it lives as long as the run
            file = self._files[name]
            file.seek(0, 2)
            file.write(content.getbuffer())
            file.flush()
        self._sizes[name].append(content.getbuffer().nbytes)
