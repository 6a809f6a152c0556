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
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self
from zoneinfo import ZoneInfo

import polars as pl
from pyarrow.parquet import read_metadata

from logstats.errors import BusyError, InputMissingError, LogstatsError
from logstats.parquet import cannot_write, write_parquet
from logstats.schema import DEFINITION, HITS, TABLES
from logstats.store import releases
from logstats.store.files import create_private, destroy, entries, open_private, private_folder, read_private
from logstats.store.identity import Position
from logstats.store.keys import KEY_BYTES, SiteDay, some_visitors
from logstats.store.ledger import VERSION, open_ledger, transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from logstats.store.releases import Frozen
    from logstats.tally import Tally

__all__ = ["GRACE", "DurableStore", "SiteDay"]

GRACE: Final = timedelta(hours=48)
"""So long after its end, or after its first line when it is backfilled, a day is closed."""

_MOST_ROWS: Final = 1_000_000
_FINGERPRINT: Final = b"logstats:key"


@dataclass(frozen=True)
class InputRecord:
    """What the ledger knows of an input: up to where it was counted, and under which name it was seen last."""

    id: int
    position: Position
    name: str


class DurableStore:
    """A store, opened and locked. Use it as a context.

    Hits are staged by `add` until `commit` or `rollback`.

    Args:
        folder: Where it is; made if it is not there.
        create: False refuses a folder that holds no store.

    Raises:
        BusyError: Another run works on it.
        NoPermissionError: Others may look into it, or it is a link.
        ConfigurationError: A newer version made it.
    """

    def __init__(self, folder: Path, *, create: bool = True, most_rows: int = _MOST_ROWS) -> None:
        if not create and not (folder / "ledger.sqlite").exists():
            raise InputMissingError(f"{folder}: is no store", hint="logstats ingest --store makes one")
        self.folder = private_folder(folder)
        self._most_rows = most_rows
        self._path = folder / "ledger.sqlite"
        self._staged: list[pl.DataFrame] = []
        self._staged_rows = 0
        self._staged_parts: list[tuple[Path, str, date, int]] = []
        self._keys: dict[SiteDay, bytes] = {}
        self._making_keys = Lock()
        self._lock = self._locked()
        try:
            self._ledger = open_ledger(self._path)
            self.closed = self._closed_days()
            _remove_store(folder / "scratch")
            self._recover()
            self.identity_key = self._identity_key(private_folder(folder / "keys") / "identity")
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rollback()
        self._ledger.close()
        os.close(self._lock)

    # --- intake -------------------------------------------------------------------------------------------------

    def keys(self, site: str, day: date) -> bytes:
        """Give the key of an open day; the first time, make it."""
        if (site, day) in self.closed:
            raise LogstatsError(f"{day} of {site} is closed and has no key")
        with self._making_keys:
            known = self._keys.get((site, day))
            if known is None:
                folder = private_folder(private_folder(self.folder / "keys") / site)
                known = self._keys[site, day] = self._key_at(folder / day.isoformat())
            return known

    def add(self, hits: pl.DataFrame) -> None:
        """Stage hits of open days."""
        self._staged.append(hits)
        self._staged_rows += hits.height
        if self._staged_rows > self._most_rows:
            self._spill()

    def commit(self, run: int, tally: Tally, source: str, record: tuple[int | None, Position, str]) -> int:
        """Make true what is staged, with the account of its lines and the position in its input.

        Args:
            run: Number of the run.
            tally: Account of the lines since the last commit.
            source: Name of the source.
            record: Number of the input if it is known, the position after these lines, its name.

        Returns:
            The number of the input.
        """
        self._spill()
        now = _now()
        with transaction(self._ledger, self._path):
            for path, site, day, rows in self._staged_parts:
                name = str(path.relative_to(self.folder))
                self._ledger.execute("INSERT INTO parts VALUES (?, ?, ?, ?)", (name, site, str(day), rows))
                self._ledger.execute(
                    "INSERT INTO days (site, day, first_seen, hits) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET hits = hits + excluded.hits",
                    (site, str(day), now, rows),
                )
            self._count(run, tally)
            number = self._record(source, *record, now)
        self._staged_parts = []
        return number

    def rollback(self) -> None:
        """Forget what is staged. An interrupt may come just after the commit: what the ledger names stays."""
        if self._staged_parts:
            with suppress(sqlite3.Error):  # then the next start removes them
                named = self._named()
                for path, *_ in self._staged_parts:
                    if str(path.relative_to(self.folder)) not in named:
                        path.unlink(missing_ok=True)
        self._staged, self._staged_rows, self._staged_parts = [], 0, []

    def begin(self, command: str) -> int:
        """Note that a run begins; give its number."""
        with transaction(self._ledger, self._path):
            cursor = self._ledger.execute("INSERT INTO runs (command, started) VALUES (?, ?)", (command, _now()))
        return int(cursor.lastrowid or 0)

    def end(self, run: int, skipped: int = 0) -> None:
        """Note that a run has come to its end, and how many lines it knew already."""
        with transaction(self._ledger, self._path):
            self._ledger.execute("UPDATE runs SET ended = ?, skipped = ? WHERE id = ?", (_now(), skipped, run))

    def known_inputs(self, source: str) -> list[InputRecord]:
        """Give what was counted of the inputs of a source."""
        rows = self._ledger.execute(
            "SELECT id, head, head_length, anchor, anchor_length, offset, lines, name FROM inputs WHERE source = ?",
            (source,),
        )
        return [InputRecord(number, Position(*position), name) for number, *position, name in rows]

    # --- closing ------------------------------------------------------------------------------------------------

    def open_days(self) -> list[SiteDay]:
        """Give the open days in order."""
        rows = self._ledger.execute("SELECT site, day FROM days WHERE closed IS NULL ORDER BY day, site")
        return [(site, date.fromisoformat(day)) for site, day in rows]

    def due_days(self, timezone: str, now: datetime) -> list[SiteDay]:
        """Give the open days whose grace is over."""
        rows = self._ledger.execute("SELECT site, day, first_seen FROM days WHERE closed IS NULL ORDER BY day, site")
        due = []
        for site, text, first_seen in rows:
            day = date.fromisoformat(text)
            end = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone))
            if now >= max(end, datetime.fromisoformat(first_seen)) + GRACE:
                due.append((site, day))
        return due

    def rows(self, site: str, day: date) -> int:
        """Say how many hits an open day has."""
        query = "SELECT coalesce(sum(rows), 0) FROM parts WHERE site = ? AND day = ?"
        return int(self._ledger.execute(query, (site, str(day))).fetchone()[0])

    def hits(self, site: str, day: date, part: int = 0, parts: int = 1) -> pl.DataFrame:
        """Give the committed hits of an open day, or those of some of its visitors: part i of n.

        Raises:
            LogstatsError: A part that the ledger names is gone.
        """
        named = self._ledger.execute("SELECT path, rows FROM parts WHERE site = ? AND day = ?", (site, str(day)))
        wanted = some_visitors(part, parts)
        frames = [self._part(name, rows, wanted) for name, rows in named.fetchall()]
        return pl.concat([pl.DataFrame(schema=HITS), *frames])

    def close(self, site: str, day: date, cells: Mapping[str, pl.DataFrame], reason: str) -> None:
        """Keep the cells of a day, instead of those it may have already, and destroy its parts and its key."""
        month = f"{day:%Y-%m}"
        others = ~((pl.col("site") == site) & (pl.col("day") == day))
        written = {name: self._write_month(name, month, others, frame) for name, frame in cells.items()}
        with transaction(self._ledger, self._path):
            self._name_cells(written, month)
            self._ledger.execute(
                "INSERT INTO days (site, day, first_seen, closed) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET closed = excluded.closed",
                (site, str(day), _now(), _now()),
            )
            self._give_up(site, day, reason)
        self.closed |= {(site, day)}
        self._keys.pop((site, day), None)
        self._recover()

    def forget(self, days: Iterable[SiteDay], *, reason: str) -> int:
        """Forget days wholly, open or closed: their cells, parts, keys and counters. Give how many there were.

        Closed days whose site stays are still known as closed, so that their lines are not counted again.
        """
        by_month: dict[str, list[SiteDay]] = {}
        for site, day in days:
            by_month.setdefault(f"{day:%Y-%m}", []).append((site, day))
        for month, forgotten in by_month.items():
            others = ~pl.any_horizontal(
                pl.lit(value=False), *((pl.col("site") == site) & (pl.col("day") == day) for site, day in forgotten)
            )
            written = {name: self._write_month(name, month, others) for name in TABLES}
            with transaction(self._ledger, self._path):
                self._name_cells(written, month)
                for site, day in forgotten:
                    self._give_up(site, day, reason)
                    self._ledger.execute(
                        "UPDATE days SET closed = coalesce(closed, ?), forgotten = 1 WHERE site = ? AND day = ?",
                        (_now(), site, str(day)),
                    )
        self.closed = self._closed_days()
        self._recover()
        return sum(map(len, by_month.values()))

    def kept_days(self, *, site: str | None = None, before: date | None = None) -> list[SiteDay]:
        """Give the days of which something is kept: of a site, or before a day."""
        rows = self._ledger.execute("SELECT site, day FROM days WHERE forgotten = 0 ORDER BY day, site")
        known = [(name, date.fromisoformat(day)) for name, day in rows]
        return [(name, day) for name, day in known if site in {None, name} and (before is None or day < before)]

    def closed_before(self, moment: datetime) -> list[SiteDay]:
        """Give the days that are kept and were closed before a moment."""
        rows = self._ledger.execute(
            "SELECT site, day FROM days WHERE forgotten = 0 AND closed < ? ORDER BY day, site",
            (moment.astimezone(UTC).isoformat(timespec="seconds"),),
        )
        return [(site, date.fromisoformat(day)) for site, day in rows]

    @contextmanager
    def scratch(self) -> Iterator[DurableStore]:
        """Give an empty store inside this one, of which nothing is left afterwards, whatever happens."""
        folder = self.folder / "scratch"
        _remove_store(folder)
        try:
            with DurableStore(folder, most_rows=self._most_rows) as store:
                yield store
        finally:
            _remove_store(folder)

    def cells(self, name: str) -> pl.LazyFrame:
        """Give a table of the closed days."""
        return read_table(self.folder, name, self._ledger.execute("SELECT path FROM cells WHERE name = ?", (name,)))

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
        with transaction(self._ledger, self._path):
            releases.record(self._ledger, frozen, digests)

    # --- what is true, and what is not --------------------------------------------------------------------------

    def _locked(self) -> int:
        descriptor = open_private(self.folder / "lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise BusyError(f"{self.folder}: another run works on it", hint="try again later") from None
        return descriptor

    def _closed_days(self) -> frozenset[SiteDay]:
        rows = self._ledger.execute("SELECT site, day FROM days WHERE closed IS NOT NULL")
        return frozenset((site, date.fromisoformat(day)) for site, day in rows)

    def _recover(self) -> None:
        """Remove what the ledger does not name: temporary files, orphaned parts and cells, keys without a day."""
        named = self._named()
        with cannot_write(self.folder):
            for path in [*entries(self.folder / "open"), *entries(self.folder / "cells")]:
                if str(path.relative_to(self.folder)) not in named:
                    path.unlink()
        opened = self.open_days()
        in_use = {(site, day.isoformat()) for site, day in opened}
        for path in entries(self.folder / "keys"):
            if (path.parent.name, path.name) not in in_use:
                destroy(path)
        self._keys = {site_and_day: key for site_and_day, key in self._keys.items() if site_and_day in opened}
        with cannot_write(self.folder):
            for folder in self.folder.glob("open/*"):
                if not any(folder.iterdir()):
                    folder.rmdir()

    def _named(self) -> set[str]:
        """Give the files that the ledger names."""
        return {path for (path,) in self._ledger.execute("SELECT path FROM parts UNION SELECT path FROM cells")}

    def _identity_key(self, path: Path) -> bytes:
        """Give the key by which inputs are known; without the one they were counted with, all would count again."""
        (inputs,) = self._ledger.execute("SELECT count(*) FROM inputs").fetchone()
        if inputs and len(read_private(path) or b"") != KEY_BYTES:
            raise LogstatsError(
                f"{path}: the key by which inputs are known is gone",
                hint="restore it; without it lines would count twice",
            )
        return self._key_at(path)

    def _key_at(self, path: Path) -> bytes:
        key = read_private(path)
        if key is not None and len(key) != KEY_BYTES:  # a crash in the middle of making it
            destroy(path)
            key = None
        if key is None:
            key = secrets.token_bytes(KEY_BYTES)
            create_private(path, key)
        return key

    def _spill(self) -> None:
        """Write what is staged in memory as parts, one for each site and day."""
        if not self._staged_rows:
            return
        hits = pl.concat(self._staged)
        for (site, day), of_day in hits.partition_by("site", "day", as_dict=True).items():
            folder = private_folder(private_folder(self.folder / "open") / day.isoformat())
            path = folder / f"{secrets.token_hex(8)}.parquet"
            write_parquet(of_day, path)
            self._staged_parts.append((path, site, day, of_day.height))
        self._staged, self._staged_rows = [], 0

    def _part(self, name: str, rows: int, wanted: pl.Expr) -> pl.DataFrame:
        path = self.folder / name
        if not path.exists():
            raise LogstatsError(
                f"{path}: a part of an open day is gone", hint="restore it, or redo the day from its logs"
            )
        if (found := read_metadata(path).num_rows) != rows:
            raise LogstatsError(f"{path}: holds {found:,} rows instead of {rows:,}")
        return pl.scan_parquet(path).filter(wanted).collect().cast(pl.Schema(HITS))

    def _write_month(
        self, name: str, month: str, others: pl.Expr, frame: pl.DataFrame | None = None
    ) -> tuple[Path, int] | None:
        """Write what stays of a table's month, and one more day; the ledger decides which file counts.

        Returns:
            The file and its rows; None when nothing is left.
        """
        table = TABLES[name]
        known = self._ledger.execute("SELECT path FROM cells WHERE name = ? AND month = ?", (name, month)).fetchall()
        kept = [pl.read_parquet(self.folder / path).filter(others) for (path,) in known]
        whole = pl.concat([pl.DataFrame(schema=table.schema), *kept, *([] if frame is None else [frame])])
        if whole.is_empty():
            return None
        folder = private_folder(private_folder(self.folder / "cells") / name)
        path = folder / f"{month}.{secrets.token_hex(4)}.parquet"
        meanings = {column.name: f"{column.english} / {column.french}" for column in table.columns}
        about = {"table": name, "schema_version": str(VERSION), "definition": DEFINITION}
        write_parquet(whole.sort(table.dimensions, nulls_last=True), path, descriptions=meanings, metadata=about)
        return path, whole.height

    def _name_cells(self, written: Mapping[str, tuple[Path, int] | None], month: str) -> None:
        for name, file in written.items():
            self._ledger.execute("DELETE FROM cells WHERE name = ? AND month = ?", (name, month))
            if file:
                values = (name, month, str(file[0].relative_to(self.folder)), file[1])
                self._ledger.execute("INSERT INTO cells VALUES (?, ?, ?, ?)", values)

    def _give_up(self, site: str, day: date, reason: str) -> None:
        """Take the parts of a day out of the ledger, and note that its key is destroyed."""
        self._ledger.execute("DELETE FROM parts WHERE site = ? AND day = ?", (site, str(day)))
        if key := read_private(self.folder / "keys" / site / day.isoformat()):
            record = (site, str(day), _now(), reason, _fingerprint(key))
            self._ledger.execute("INSERT INTO destroyed VALUES (?, ?, ?, ?, ?)", record)

    def _count(self, run: int, tally: Tally) -> None:
        for (site, day), late in tally.late_by_day.items():
            self._ledger.execute("UPDATE days SET late = late + ? WHERE site = ? AND day = ?", (late, site, str(day)))
        for hour, hits in tally.hours.items():
            self._ledger.execute(
                "INSERT INTO hours VALUES (?, ?) ON CONFLICT DO UPDATE SET hits = hits + excluded.hits",
                (hour.isoformat(), hits),
            )
        self._ledger.execute(
            "UPDATE runs SET lines = lines + ?, hits = hits + ?, rejected = rejected + ?, opted_out = opted_out + ?,"
            " late = late + ? WHERE id = ?",
            (tally.lines, tally.hits, tally.rejected, tally.opted_out, tally.late, run),
        )

    def _record(self, source: str, number: int | None, position: Position, name: str, now: str) -> int:
        values = (
            position.head,
            position.head_length,
            position.anchor,
            position.anchor_length,
            position.offset,
            position.lines,
            name,
            now,
        )
        if number is None:
            cursor = self._ledger.execute(
                "INSERT INTO inputs (source, head, head_length, anchor, anchor_length, offset, lines, name, seen)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (source, *values),
            )
            return int(cursor.lastrowid or 0)
        self._ledger.execute(
            "UPDATE inputs SET head = ?, head_length = ?, anchor = ?, anchor_length = ?, offset = ?, lines = ?,"
            " name = ?, seen = ? WHERE id = ?",
            (*values, number),
        )
        return number


def read_table(folder: Path, name: str, paths: Iterable[tuple[str]]) -> pl.LazyFrame:
    """Give a table whose files the ledger names; without a closed day, the table without a row."""
    files = [folder / path for (path,) in paths]
    empty = pl.LazyFrame(schema=TABLES[name].schema)
    return pl.concat([empty, *(pl.scan_parquet(file) for file in sorted(files))])


def _remove_store(folder: Path) -> None:
    """Destroy the keys of a store that is not wanted any more, and remove it. Of a link, only the link goes."""
    if folder.is_symlink():
        folder.unlink()
    for path in [*folder.glob("keys/*/*"), folder / "keys" / "identity"]:
        destroy(path)
    shutil.rmtree(folder, ignore_errors=True)


def _fingerprint(key: bytes) -> str:
    return blake2b(_FINGERPRINT, key=key, digest_size=8).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
