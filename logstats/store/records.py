"""Records: what the ledger says, and what is written into it, one sentence of SQL each.

What always holds:

- Whatever is written stands inside `transaction`: all of it is true, or nothing.
- A file of hits or cells counts only while it is named here.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from logstats.store.identity import InputRecord, Position
from logstats.store.ledger import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from logstats.store.keys import SiteDay
    from logstats.store.staging import Part
    from logstats.store.stretch import Stretch
    from logstats.tally import Tally

__all__ = ["Records"]


class Records:
    """The tables of a ledger.

    Args:
        ledger: The connection.
        path: Of the ledger; the names of files in it are relative to its folder.
    """

    def __init__(self, ledger: sqlite3.Connection, path: Path) -> None:
        self._ledger, self._path = ledger, path

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all of what is inside, or nothing.

        Raises:
            CannotWriteError: The disk is full; nothing has changed.
        """
        with transaction(self._ledger, self._path):
            yield

    # --- days ---------------------------------------------------------------------------------------------------

    def open_days(self) -> dict[SiteDay, datetime]:
        """Give the open days in order, each with the time of its first hit in the store."""
        rows = self._ledger.execute("SELECT site, day, first_seen FROM days WHERE closed IS NULL ORDER BY day, site")
        return {(site, date.fromisoformat(day)): datetime.fromisoformat(seen) for site, day, seen in rows}

    def closed_days(self) -> frozenset[SiteDay]:
        """Give the closed days, forgotten ones included."""
        return frozenset(self._days("SELECT site, day FROM days WHERE closed IS NOT NULL"))

    def kept_days(self, closed_before: datetime | None = None) -> list[SiteDay]:
        """Give the days of which something is kept, in order: all, or those that were closed before a moment."""
        if closed_before is None:
            return self._days("SELECT site, day FROM days WHERE forgotten = 0 ORDER BY day, site")
        query = "SELECT site, day FROM days WHERE forgotten = 0 AND closed < ? ORDER BY day, site"
        return self._days(query, _utc(closed_before))

    def close_day(self, site: str, day: date) -> None:
        """Say that a day is closed."""
        self._ledger.execute(
            "INSERT INTO days (site, day, first_seen, closed) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET closed = excluded.closed",
            (site, str(day), _now(), _now()),
        )

    def forget_day(self, site: str, day: date) -> None:
        """Say that nothing is kept of a day; it is closed, so that its lines are not counted again."""
        self._ledger.execute(
            "UPDATE days SET closed = coalesce(closed, ?), forgotten = 1 WHERE site = ? AND day = ?",
            (_now(), site, str(day)),
        )

    def key_destroyed(self, site: str, day: date, reason: str, fingerprint: str) -> None:
        """Note that the key of a day is destroyed."""
        values = (site, str(day), _now(), reason, fingerprint)
        self._ledger.execute("INSERT INTO destroyed VALUES (?, ?, ?, ?, ?)", values)

    def _days(self, query: str, *values: str) -> list[SiteDay]:
        return [(site, date.fromisoformat(day)) for site, day in self._ledger.execute(query, values)]

    # --- files of hits and cells --------------------------------------------------------------------------------

    def named(self) -> set[Path]:
        """Give the files that are named."""
        rows = self._ledger.execute("SELECT path FROM parts UNION SELECT path FROM cells")
        return {self._path.parent / name for (name,) in rows}

    def days_with_hits(self) -> set[SiteDay]:
        """Give the days that have parts."""
        return set(self._days("SELECT DISTINCT site, day FROM parts"))

    def parts(self, site: str, day: date) -> dict[Path, int]:
        """Give the parts of a day, each with its rows."""
        rows = self._ledger.execute("SELECT path, rows FROM parts WHERE site = ? AND day = ?", (site, str(day)))
        return {self._path.parent / name: hits for name, hits in rows}

    def add_parts(self, parts: Iterable[Part]) -> None:
        """Name parts; their days are open from now on, if they were not."""
        now = _now()
        for part in parts:
            name, day = str(part.path.relative_to(self._path.parent)), str(part.day)
            self._ledger.execute("INSERT INTO parts VALUES (?, ?, ?, ?)", (name, part.site, day, part.rows))
            self._ledger.execute(
                "INSERT INTO days (site, day, first_seen, hits) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET hits = hits + excluded.hits",
                (part.site, day, now, part.rows),
            )

    def drop_parts(self, site: str, day: date) -> None:
        """Name the parts of a day no more."""
        self._ledger.execute("DELETE FROM parts WHERE site = ? AND day = ?", (site, str(day)))

    def cells(self, name: str, month: str | None = None) -> list[Path]:
        """Give the files of a table: of a month, or all."""
        query = "SELECT path FROM cells WHERE name = ? AND (month = ? OR ? IS NULL)"
        return [self._path.parent / path for (path,) in self._ledger.execute(query, (name, month, month))]

    def name_cells(self, month: str, written: dict[str, tuple[Path, int] | None]) -> None:
        """Put files in place of those of a month; None in place of one with its rows takes it away."""
        for name, file in written.items():
            self._ledger.execute("DELETE FROM cells WHERE name = ? AND month = ?", (name, month))
            if file:
                values = (name, month, str(file[0].relative_to(self._path.parent)), file[1])
                self._ledger.execute("INSERT INTO cells VALUES (?, ?, ?, ?)", values)

    # --- runs and their lines -----------------------------------------------------------------------------------

    def begin_run(self, command: str) -> int:
        """Note that a run begins; give its number."""
        cursor = self._ledger.execute("INSERT INTO runs (command, started) VALUES (?, ?)", (command, _now()))
        return int(cursor.lastrowid or 0)

    def end_run(self, run: int, skipped: int) -> None:
        """Note that a run has come to its end."""
        self._ledger.execute("UPDATE runs SET ended = ?, skipped = ? WHERE id = ?", (_now(), skipped, run))

    def committed(self, run: int) -> dict[str, int]:
        """Give the account of the lines that a run has committed so far."""
        names = ("lines", "hits", "rejected", "opted_out", "late")
        row = self._ledger.execute(
            f"SELECT {', '.join(names)} FROM runs WHERE id = ?",  # noqa: S608 - names of columns
            (run,),
        ).fetchone()
        return dict(zip(names, row, strict=True))

    def count_lines(self, run: int, tally: Tally) -> None:
        """Add the account of lines to that of the run, of the hours and of the days that are closed."""
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

    # --- inputs -------------------------------------------------------------------------------------------------

    def any_input(self) -> bool:
        """Tell whether an input is known."""
        return self._ledger.execute("SELECT 1 FROM inputs LIMIT 1").fetchone() is not None

    def inputs(self, source: str) -> list[InputRecord]:
        """Give what was counted of the inputs of a source."""
        rows = self._ledger.execute(
            "SELECT id, name, joined, head, head_length, anchor, anchor_length, offset, lines, head_glimpse,"
            " anchor_glimpse, beginnings, marks FROM inputs WHERE source = ?",
            (source,),
        )
        return [InputRecord(id_, Position(*position), name, bool(joined)) for id_, name, joined, *position in rows]

    def put_input(self, source: str, name: str, stretch: Stretch, position: Position) -> int:
        """Note up to where an input is counted; give its number."""
        values = {**asdict(position), "source": source, "name": name, "seen": _now(), "joined": int(stretch.joined)}
        columns = ", ".join(values)
        if stretch.number is None:
            places = ", ".join(f":{column}" for column in values)
            query = f"INSERT INTO inputs ({columns}) VALUES ({places})"  # noqa: S608 - names of fields
            return int(self._ledger.execute(query, values).lastrowid or 0)
        places = ", ".join(f"{column} = :{column}" for column in values)
        query = f"UPDATE inputs SET {places} WHERE id = :id"  # noqa: S608 - the same
        self._ledger.execute(query, {**values, "id": stretch.number})
        return stretch.number

    def saw_inputs(self, numbers: Iterable[int]) -> None:
        """Note that inputs were given again."""
        self._ledger.executemany("UPDATE inputs SET seen = ? WHERE id = ?", [(_now(), number) for number in numbers])

    def any_unseen_since(self, moment: datetime) -> bool:
        """Tell whether an input was not given since a moment."""
        row = self._ledger.execute("SELECT 1 FROM inputs WHERE seen < ? LIMIT 1", (_utc(moment),)).fetchone()
        return row is not None

    def forget_unseen_since(self, moment: datetime) -> None:
        """Forget such inputs."""
        self._ledger.execute("DELETE FROM inputs WHERE seen < ?", (_utc(moment),))


def _now() -> str:
    return _utc(datetime.now(UTC))


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
