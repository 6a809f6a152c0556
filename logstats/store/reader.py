"""Look into a store without working on it: no lock, nothing changes."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from logstats.errors import InputMissingError
from logstats.schema import TABLES
from logstats.store.ledger import read_ledger
from logstats.store.months import read_table
from logstats.store.records import Records

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["read_cells", "state_of"]

_SUMS: Final = ", ".join(
    f"coalesce(sum({name}), 0) AS {name}" for name in ("lines", "hits", "rejected", "opted_out", "late", "skipped")
)


def read_cells(store: Path, table: str, *, untouched: bool = False) -> pl.LazyFrame:
    """Read a table of the closed days of a store.

    Args:
        store: Folder of the store.
        table: A name of schema.TABLES, for example `pages`.
        untouched: As `read_ledger` takes it.

    Returns:
        Its columns as schema.py declares them; one row for each combination of dimensions.

    Raises:
        InputMissingError: There is no such store, or no such table.
    """
    if table not in TABLES:
        raise InputMissingError(f"{table}: is no table", hint=f"tables: {', '.join(TABLES)}")
    path = _ledger_of(store)
    with read_ledger(path, untouched=untouched) as ledger:
        return read_table(table, Records(ledger, path).cells(table))


def state_of(store: Path, *, untouched: bool = False) -> dict[str, Any]:
    """Say what a store holds: days, inputs, keys, late lines, hours with hits, runs, bytes on disk.

    Args:
        store: Its folder.
        untouched: As `read_ledger` takes it.

    Raises:
        InputMissingError: There is no such store.
    """
    with read_ledger(_ledger_of(store), untouched=untouched) as ledger:
        ledger.row_factory = sqlite3.Row
        week_ago = (datetime.now(UTC) - timedelta(days=7)).isoformat(timespec="seconds")
        days = _rows(ledger, "SELECT site, day, first_seen, closed, late, hits FROM days ORDER BY day, site")
        return {
            "days": days,
            "inputs": _rows(
                ledger, "SELECT source, name, offset, lines, seen FROM inputs ORDER BY source, seen DESC, id DESC"
            ),
            "keys": {
                "alive": [{"site": path.parent.name, "day": path.name} for path in sorted(store.glob("keys/*/*"))],
                "destroyed": _rows(ledger, "SELECT site, day, at, reason, fingerprint FROM destroyed ORDER BY at, day"),
            },
            "late": sum(day["late"] for day in days),
            "hours": {row["hour"]: row["hits"] for row in ledger.execute("SELECT hour, hits FROM hours ORDER BY hour")},
            "totals": _rows(ledger, f"SELECT count(*) AS runs, {_SUMS} FROM runs")[0],  # noqa: S608 - names of columns
            "last_week": _rows(ledger, f"SELECT {_SUMS} FROM runs WHERE started >= ?", week_ago)[0],  # noqa: S608 - the same
            "last_run": next(iter(_rows(ledger, "SELECT * FROM runs ORDER BY id DESC LIMIT 1")), None),
            "bytes": sum(map(_size, store.rglob("*"))),
        }


def _ledger_of(store: Path) -> Path:
    path = store / "ledger.sqlite"
    if not path.exists():
        raise InputMissingError(f"{store}: is no store", hint="logstats ingest --store makes one")
    return path


def _size(path: Path) -> int:
    """Give the bytes of a file; none when a run has removed it meanwhile."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def _rows(ledger: sqlite3.Connection, query: str, *values: str) -> list[dict[str, Any]]:
    return [dict(row) for row in ledger.execute(query, values)]
