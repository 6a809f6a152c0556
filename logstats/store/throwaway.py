"""A store for one run: what `report` counts in, and what is left of it is nothing.

Hits wait in memory; when there are many, they go to parts in a folder of their own (mode 0700, in $TMPDIR). Keys
stay in memory, so that parts which a crash leaves behind are worth nothing.
"""

from __future__ import annotations

from collections import defaultdict
from io import BytesIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar, Final, Self

import polars as pl

from logstats.codes import together
from logstats.parquet import cannot_write
from logstats.schema import HITS
from logstats.store.counted import CountedCells
from logstats.store.keys import MemoryKeys, by_day
from logstats.store.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from logstats.store.keys import SiteDay

__all__ = ["ThrowawayStore"]

_MOST_ROWS: Final = 500_000  # of about 50 bytes each
_KNOWN: Final = ("site", "day")  # the same for all hits that wait together


class ThrowawayStore:
    """Open days of one run. Use it as a context; at its end everything is gone.

    Hits are staged by `add` until `commit` or `rollback`.

    Args:
        keys: Gives and destroys the keys of days.
        most_rows: So many hits, and rows of cells, stay in memory; more go to parts.

    Attributes:
        cells: What was counted, as long as the store is open.
    """

    keeps_cells: ClassVar = False

    def __init__(self, keys: MemoryKeys | None = None, most_rows: int = _MOST_ROWS) -> None:
        self.keys = keys or MemoryKeys()
        self.closed: frozenset[SiteDay] = frozenset()
        self._most_rows = most_rows
        self._folder = TemporaryDirectory(prefix="logstats-", ignore_cleanup_errors=True)
        self._staged = _Hits(Path(self._folder.name) / "staged")
        self._committed = _Hits(Path(self._folder.name) / "open")
        self.cells = CountedCells(Path(self._folder.name), most_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cells.close()
        self._folder.cleanup()

    def add(self, hits: pl.DataFrame) -> None:
        """Stage hits."""
        self._staged.add(hits, self._most_rows)

    def commit(self) -> None:
        """Count what is staged."""
        self._committed.take(self._staged, self._most_rows)

    def rollback(self) -> None:
        """Forget what is staged."""
        self._staged.clear()

    def open_days(self) -> list[SiteDay]:
        """Give the open days, in order."""
        return self._committed.days()

    def rows(self, site: str, day: date) -> int:
        """Say how many hits a day has."""
        return self._committed.rows((site, day))

    def hits(self, site: str, day: date) -> pl.DataFrame:
        """Give the committed hits of a day."""
        return together([pl.DataFrame(schema=HITS), *self._committed.of((site, day))])

    def shares(self, site: str, day: date, number: int) -> Shares:
        """Give the same in shares, each all hits of some visitors."""
        return Shares(Path(self._folder.name), self._committed.of((site, day)), number)

    def close(self, site: str, day: date, _cells: Mapping[str, pl.DataFrame], _reason: str) -> None:
        """Destroy the parts and the key of a day; its cells are kept by `cells`, in the order of the days."""
        self._committed.forget((site, day))
        self.keys.destroy(site, day)


class _Hits:
    """Hits by day, in memory up to a number of rows and in parts beyond."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows = 0
        self._written = 0
        self._waiting: defaultdict[SiteDay, list[pl.DataFrame]] = defaultdict(list)
        self._parts: defaultdict[SiteDay, list[tuple[Path, int]]] = defaultdict(list)

    def add(self, hits: pl.DataFrame, most_rows: int) -> None:
        for day, of_day in by_day(hits):
            self._waiting[day].append(of_day.drop(_KNOWN))
        self._rows += hits.height
        if self._rows > most_rows:
            self._spill()

    def take(self, other: _Hits, most_rows: int) -> None:
        for day, frames in other._waiting.items():
            self._waiting[day] += frames
        for day, parts in other._parts.items():
            self._parts[day] += parts
        self._rows += other._rows
        other._waiting.clear()
        other._parts.clear()
        other._rows = 0
        if self._rows > most_rows:
            self._spill()

    def clear(self) -> None:
        for day in self.days():
            self.forget(day)
        self._rows = 0

    def days(self) -> list[SiteDay]:
        return sorted(self._waiting.keys() | self._parts.keys(), key=lambda known: (known[1], known[0]))

    def rows(self, day: SiteDay) -> int:
        waiting = sum(frame.height for frame in self._waiting.get(day, []))
        return waiting + sum(rows for _, rows in self._parts.get(day, []))

    def of(self, day: SiteDay) -> Iterator[pl.DataFrame]:
        parts = (pl.read_parquet(path) for path, _ in self._parts.get(day, []))
        return (_named(frame, day) for frame in chain(parts, self._waiting.get(day, [])))

    def forget(self, day: SiteDay) -> None:
        self._waiting.pop(day, None)
        for path, _ in self._parts.pop(day, []):
            path.unlink()

    def _spill(self) -> None:
        self._folder.mkdir(exist_ok=True)
        for day, frames in self._waiting.items():
            path = self._folder / f"{self._written}.parquet"
            self._parts[day].append((path, write_part(together(frames), path)))
            self._written += 1
        self._waiting.clear()
        self._rows = 0


def write_part(hits: pl.DataFrame, path: Path) -> int:
    """Write a part, which only has to last as long as the run; say how many hits it has."""
    content = BytesIO()
    hits.write_parquet(content, compression="lz4", statistics=False)
    with cannot_write(path):
        path.touch(0o600)
        path.write_bytes(content.getbuffer())
    return hits.height


def _named(hits: pl.DataFrame, day: SiteDay) -> pl.DataFrame:
    """Give hits their site and day again."""
    names = dict(zip(_KNOWN, day, strict=True))
    return hits.select(
        pl.lit(names[name], dtype).alias(name) if name in names else name for name, dtype in HITS.items()
    )
