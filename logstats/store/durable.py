"""The store that outlives a run: open days, their keys, closed days, and what was counted of each input.

    STORE/                     mode 0700
      lock                     held by the one run there may be
      ledger.sqlite            what is true; 0600
      keys/identity            key of the hashes by which inputs are known; 0600
      keys/SITE/2026-11-22     key of a site and day, gone when it is closed; 0600
      open/2026-11-22/*.parquet    pseudonymous parts of open days; 0600
      cells/TABLE/2026-10.*.parquet    closed days by month; 0600

What always holds:

- The ledger's commit is the only moment anything becomes true: before it nothing happened, after it all of it.
- What the ledger does not name is removed when the store is opened: starting is the recovery.
- A key is destroyed only after the ledger has said that its day is closed; a closed day never gets a key again.
- Two runs never work on one store.

The rooms: records.py (the ledger in sentences), keyring.py, staging.py (hits until a commit), months.py (cells),
shares.py (a large day in shares of its visitors), recovery.py, locking.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self
from zoneinfo import ZoneInfo

import polars as pl
from pyarrow.parquet import read_metadata

from logstats.codes import together
from logstats.errors import InputMissingError, LogstatsError
from logstats.schema import HITS, TABLES
from logstats.store import recovery, releases
from logstats.store.files import private_folder
from logstats.store.keyring import Keyring
from logstats.store.keys import SiteDay
from logstats.store.ledger import open_ledger, transaction
from logstats.store.locking import locked
from logstats.store.months import read_table, write_month
from logstats.store.records import Records
from logstats.store.shares import Shares
from logstats.store.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from logstats.store.identity import InputRecord, Position
    from logstats.store.releases import Frozen
    from logstats.store.stretch import Stretch
    from logstats.tally import Tally

__all__ = ["GRACE", "DurableStore", "SiteDay"]

GRACE: Final = timedelta(hours=48)
"""So long after its end, or after its first line when it is backfilled, a day is closed."""

_MOST_ROWS: Final = 1_000_000
_OTHERS: Final = pl.Schema({name: dtype for name, dtype in HITS.items() if dtype != pl.String})


class DurableStore:
    """A store, opened and locked. Use it as a context.

    Hits are staged by `add` until `commit`, `rollback` or `discard`.

    Args:
        folder: Where it is; made if it is not there.
        create: False refuses a folder that holds no store.
        most_rows: So many hits wait in memory.

    Attributes:
        closed: The closed days; their lines are late.
        identity_key: Of the hashes by which inputs are known.

    Raises:
        BusyError: Another run works on it.
        NoPermissionError: Others may look into it, or it is a link.
        ConfigurationError: A newer version made it.
    """

    keeps_cells: ClassVar = True

    def __init__(self, folder: Path, *, create: bool = True, most_rows: int = _MOST_ROWS) -> None:
        if not create and not (folder / "ledger.sqlite").exists():
            raise InputMissingError(f"{folder}: is no store", hint="logstats ingest --store makes one")
        self.folder = private_folder(folder)
        self._most_rows = most_rows
        self._staging = Staging(folder, most_rows)
        with ExitStack() as locks:
            locks.enter_context(locked(folder / "lock", f"{folder}: another run works on it"))
            self._ledger = open_ledger(folder / "ledger.sqlite")
            self._records = Records(self._ledger, folder / "ledger.sqlite")
            self._keyring = Keyring(folder / "keys")
            self.closed = self._records.closed_days()
            recovery.remove_store(folder / "scratch")
            self._recover()
            self.identity_key = self._keyring.of_identities(in_use=self._records.any_input())
            self._locks = locks.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()
        self._ledger.close()
        self._locks.close()

    # --- intake -------------------------------------------------------------------------------------------------

    def keys(self, site: str, day: date) -> bytes:
        """Give the key of an open day; the first time, make it. Several threads may ask.

        Raises:
            LogstatsError: The day is closed, or it has hits and their key is lost.
        """
        if (site, day) in self.closed:
            raise LogstatsError(f"{day} of {site} is closed and has no key")
        return self._keyring.of_day(site, day, in_use=(site, day) in self._with_hits)

    def add(self, hits: pl.DataFrame) -> None:
        """Stage hits of open days."""
        self._staging.add(hits)

    def keep(self) -> None:
        """Keep what is staged for the next commit: `rollback` does not forget it, `discard` does."""
        self._staging.keep()

    def commit(self, run: int, tally: Tally, source: str, name: str, positions: Mapping[Stretch, Position]) -> None:
        """Make true what is kept, with the account of its lines and the positions in its inputs.

        Args:
            run: Number of the run.
            tally: Account of the lines since the last commit.
            source: Name of the source.
            name: Under which the input was given.
            positions: Where each stretch of it stands now; a stretch without a number is given one.
        """
        parts = self._staging.write()
        with self._records.transaction():
            self._records.add_parts(parts)
            self._records.count_lines(run, tally)
            numbers = [self._records.put_input(source, name, stretch, at) for stretch, at in positions.items()]
        for stretch, number in zip(positions, numbers, strict=True):
            stretch.number = number
        self._staging.done()
        self._with_hits |= {(part.site, part.day) for part in parts}

    def rollback(self) -> None:
        """Forget what is staged and not kept."""
        self._staging.rollback()

    def discard(self) -> None:
        """Forget all that is staged. An interrupt may come just after a commit: what the ledger names stays."""
        named = {part.path for part in self._staging.parts}
        with suppress(sqlite3.Error):  # then they are left, and the next start removes them
            named &= self._records.named() if named else named
        self._staging.discard(named)

    def begin(self, command: str) -> int:
        """Note that a run begins; give its number."""
        with self._records.transaction():
            return self._records.begin_run(command)

    def end(self, run: int, skipped: int = 0) -> None:
        """Note that a run has come to its end, and how many lines it knew already."""
        with self._records.transaction():
            self._records.end_run(run, skipped)

    def committed(self, run: int) -> dict[str, int]:
        """Give the account of the lines that a run has committed so far; they stay counted, whatever comes."""
        return self._records.committed(run)

    def known_inputs(self, source: str) -> list[InputRecord]:
        """Give what was counted of the inputs of a source."""
        return self._records.inputs(source)

    def saw(self, inputs: Iterable[int]) -> None:
        """Note that inputs were given again, new or not: they are not forgotten."""
        with self._records.transaction():
            self._records.saw_inputs(inputs)

    def forget_inputs(self, moment: datetime) -> None:
        """Forget what was counted of inputs that were not seen since a moment: their files are long gone."""
        if self._records.any_unseen_since(moment):
            with self._records.transaction():
                self._records.forget_unseen_since(moment)

    # --- closing ------------------------------------------------------------------------------------------------

    def open_days(self) -> list[SiteDay]:
        """Give the open days in order."""
        return list(self._records.open_days())

    def due_days(self, timezone: str, now: datetime) -> list[SiteDay]:
        """Give the open days whose grace is over."""
        zone = ZoneInfo(timezone)
        return [
            (site, day)
            for (site, day), first_seen in self._records.open_days().items()
            if now >= max(datetime.combine(day + timedelta(days=1), time(), zone), first_seen) + GRACE
        ]

    def rows(self, site: str, day: date) -> int:
        """Say how many hits an open day has."""
        return sum(self._records.parts(site, day).values())

    def hits(self, site: str, day: date) -> pl.DataFrame:
        """Give the committed hits of an open day.

        Raises:
            LogstatsError: A part that the ledger names is gone.
        """
        return together([pl.DataFrame(schema=HITS), *self._parts_of(site, day)])

    def shares(self, site: str, day: date, number: int) -> Shares:
        """Give the same in shares, each all hits of some visitors.

        Raises:
            LogstatsError: A part that the ledger names is gone.
            CannotWriteError: The disk is full.
        """
        return Shares(private_folder(self.folder / "open"), self._parts_of(site, day), number)

    def _parts_of(self, site: str, day: date) -> Iterator[pl.DataFrame]:
        return (_read_part(path, rows) for path, rows in self._records.parts(site, day).items())

    def close(self, site: str, day: date, cells: Mapping[str, pl.DataFrame], reason: str) -> None:
        """Keep the cells of a day, instead of those it may have already, and destroy its parts and its key."""
        month = f"{day:%Y-%m}"
        written = {name: self._write_month(name, month, [(site, day)], frame) for name, frame in cells.items()}
        with self._records.transaction():
            self._records.name_cells(month, written)
            self._records.close_day(site, day)
            self._give_up(site, day, reason)
        self.closed |= {(site, day)}
        self._recover()

    def forget(self, days: Iterable[SiteDay], *, reason: str) -> int:
        """Forget days wholly, open or closed: their cells, parts, keys and counters. Give how many there were.

        Closed days whose site stays are still known as closed, so that their lines are not counted again.
        """
        by_month: dict[str, list[SiteDay]] = {}
        for site, day in days:
            by_month.setdefault(f"{day:%Y-%m}", []).append((site, day))
        for month, forgotten in by_month.items():
            written = {name: self._write_month(name, month, forgotten) for name in TABLES}
            with self._records.transaction():
                self._records.name_cells(month, written)
                for site, day in forgotten:
                    self._give_up(site, day, reason)
                    self._records.forget_day(site, day)
        self.closed = self._records.closed_days()
        self._recover()
        return sum(map(len, by_month.values()))

    def kept_days(self, *, site: str | None = None, before: date | None = None) -> list[SiteDay]:
        """Give the days of which something is kept: of a site, or before a day."""
        known = self._records.kept_days()
        return [(name, day) for name, day in known if site in {None, name} and (before is None or day < before)]

    def closed_before(self, moment: datetime) -> list[SiteDay]:
        """Give the days that are kept and were closed before a moment."""
        return self._records.kept_days(closed_before=moment)

    @contextmanager
    def scratch(self) -> Iterator[DurableStore]:
        """Give an empty store inside this one, of which nothing is left afterwards, whatever happens."""
        folder = self.folder / "scratch"
        recovery.remove_store(folder)
        try:
            with DurableStore(folder, most_rows=self._most_rows) as store:
                yield store
        finally:
            recovery.remove_store(folder)

    def cells(self, name: str) -> pl.LazyFrame:
        """Give a table of the closed days."""
        return read_table(name, self._records.cells(name))

    # --- releases -----------------------------------------------------------------------------------------------

    def days_of(self, month: str) -> list[dict[str, Any]]:
        """Give the days of a month: site, day, closed, forgotten, late, hits, and when the key was destroyed."""
        names = ("site", "day", "closed", "forgotten", "late", "hits", "destroyed")
        rows = self._ledger.execute(
            "SELECT site, day, closed, forgotten, late, hits,"
            " (SELECT max(at) FROM destroyed AS d WHERE d.site = days.site AND d.day = days.day)"
            " FROM days WHERE day LIKE ? ORDER BY day, site",
            (f"{month}-%",),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def frozen(self, month: str) -> Frozen | None:
        """Give the last version of a released month."""
        return releases.latest(self._ledger, month)

    def released_months(self) -> list[str]:
        """Give the months that were released, in order."""
        return releases.months(self._ledger)

    def freeze(self, frozen: Frozen, digests: Mapping[str, str]) -> None:
        """Keep what is published, for ever."""
        with transaction(self._ledger, self.folder / "ledger.sqlite"):
            releases.record(self._ledger, frozen, digests)

    def _write_month(
        self, name: str, month: str, days: list[SiteDay], cells: pl.DataFrame | None = None
    ) -> tuple[Path, int] | None:
        return write_month(self.folder / "cells", name, month, self._records.cells(name, month), days, cells)

    def _give_up(self, site: str, day: date, reason: str) -> None:
        """Take the parts of a day out of the ledger, and note that its key is destroyed."""
        self._records.drop_parts(site, day)
        if fingerprint := self._keyring.fingerprint(site, day):
            self._records.key_destroyed(site, day, reason, fingerprint)

    def _recover(self) -> None:
        """Remove what the ledger does not name: temporary files, orphaned parts and cells, keys without a day."""
        self._with_hits = self._records.days_with_hits()
        recovery.remove_unnamed(self.folder, self._records.named())
        self._keyring.destroy_all_but(self._records.open_days().keys())


def _read_part(path: Path, rows: int) -> pl.DataFrame:
    if not path.exists():
        raise LogstatsError(f"{path}: a part of an open day is gone", hint="restore it, or redo the day from its logs")
    if (found := read_metadata(path).num_rows) != rows:
        raise LogstatsError(f"{path}: holds {found:,} rows instead of {rows:,}")
    return pl.read_parquet(path).select(HITS.keys()).cast(_OTHERS)
