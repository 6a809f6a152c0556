"""Releases: what was published of a month, frozen. The public rows, and the bounds that a correction is judged by.

What always holds: a version of a month is written once and never changes; a correction is a further version.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

__all__ = ["RELEASES", "Frozen", "latest", "months", "record"]

RELEASES: Final = """
    CREATE TABLE releases (
        month TEXT NOT NULL,        -- 2026-10
        version INTEGER NOT NULL,   -- from 1
        at TEXT NOT NULL,           -- UTC
        about TEXT NOT NULL,        -- JSON: parameters, definition, lists, hierarchies, days: all that the files say
        digests TEXT NOT NULL,      -- JSON: sha256 of each file
        PRIMARY KEY (month, version)
    ) STRICT;
    CREATE TABLE released (
        month TEXT NOT NULL,
        version INTEGER NOT NULL,
        site TEXT NOT NULL,
        family TEXT NOT NULL,
        rows TEXT NOT NULL,         -- JSON: blocks with their path, as published, and their bounds
        PRIMARY KEY (month, version, site, family)
    ) STRICT, WITHOUT ROWID;
"""
"""The migration that makes these tables."""


@dataclass(frozen=True)
class Frozen:
    """A version of a month as it was published.

    Attributes:
        month: As in 2026-10.
        version: From 1.
        at: When, in UTC.
        about: All that the files say beside their rows.
        rows: By site and family, columns of blocks.
    """

    month: str
    version: int
    at: str
    about: Mapping[str, Any]
    rows: Mapping[tuple[str, str], Mapping[str, list[Any]]]


def latest(ledger: sqlite3.Connection, month: str) -> Frozen | None:
    """Give the last version of a month; None when it was never released."""
    query = "SELECT version, at, about FROM releases WHERE month = ? ORDER BY version DESC LIMIT 1"
    found = ledger.execute(query, (month,)).fetchone()
    if found is None:
        return None
    version, at, about = found
    query = "SELECT site, family, rows FROM released WHERE month = ? AND version = ? ORDER BY site, family"
    rows = {(site, family): json.loads(text) for site, family, text in ledger.execute(query, (month, version))}
    return Frozen(month, version, at, json.loads(about), rows)


def months(ledger: sqlite3.Connection) -> list[str]:
    """Give the months that were released, in order."""
    return [month for (month,) in ledger.execute("SELECT DISTINCT month FROM releases ORDER BY month")]


def record(ledger: sqlite3.Connection, frozen: Frozen, digests: Mapping[str, str]) -> None:
    """Write a new version, within a transaction of the caller's."""
    ledger.execute(
        "INSERT INTO releases VALUES (?, ?, ?, ?, ?)",
        (frozen.month, frozen.version, frozen.at, _text(frozen.about), _text(digests)),
    )
    for (site, family), rows in frozen.rows.items():
        values = (frozen.month, frozen.version, site, family, _text(rows))
        ledger.execute("INSERT INTO released VALUES (?, ?, ?, ?, ?)", values)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
