"""Tables of the ledger for what was sent to the Commission; publish/commission/sent.py works on them."""

from __future__ import annotations

from typing import Final

__all__ = ["TRANSMISSIONS"]

TRANSMISSIONS: Final = """
    CREATE TABLE transmissions (    -- one unique id for each period, kept before anything is posted under it
        environment TEXT NOT NULL,  -- acceptance or production
        service TEXT NOT NULL,
        period_start TEXT NOT NULL, -- UTC
        period_end TEXT NOT NULL,   -- UTC, the last second
        unique_id TEXT NOT NULL UNIQUE,
        fetched TEXT NOT NULL,
        PRIMARY KEY (environment, service, period_start)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE posts (
        id INTEGER PRIMARY KEY,
        environment TEXT NOT NULL,
        service TEXT NOT NULL,
        period_start TEXT NOT NULL,
        period_end TEXT NOT NULL,
        unique_id TEXT NOT NULL,
        at TEXT NOT NULL,
        payload TEXT NOT NULL,      -- file in the store
        digest TEXT NOT NULL,       -- SHA-256 of the payload
        figures TEXT NOT NULL,      -- SHA-256 of it without id and date of transfer
        entries INTEGER NOT NULL,
        views INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        status INTEGER,             -- of HTTP; null: no answer came
        answer TEXT,                -- file in the store
        answered TEXT
    ) STRICT;
    """
