"""The ledger: which parts, inputs, days and cells there are. Its commit is the only moment anything becomes true.

SQLite with its own journal and `synchronous = EXTRA`: a commit that has returned survives a power cut, so that a key
may be destroyed after it (https://www.sqlite.org/pragma.html#pragma_synchronous). Keys are never in it: deleted rows
stay in free pages.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from logstats.errors import (
    BusyError,
    CannotWriteError,
    ConfigurationError,
    InputMissingError,
    LogstatsError,
    NoPermissionError,
)
from logstats.parquet import cannot_write
from logstats.store.files import open_private
from logstats.store.releases import RELEASES
from logstats.store.transmissions import TRANSMISSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["VERSION", "open_ledger", "read_ledger", "transaction"]

_MIGRATIONS: Final = (
    """
    CREATE TABLE inputs (
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL,
        head BLOB NOT NULL,
        head_length INTEGER NOT NULL,
        anchor BLOB NOT NULL,
        anchor_length INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        lines INTEGER NOT NULL,
        name TEXT NOT NULL,         -- last seen under it; a hint for people, nothing else
        seen TEXT NOT NULL
    ) STRICT;
    CREATE INDEX inputs_by_source ON inputs (source);
    CREATE TABLE days (
        site TEXT NOT NULL,
        day TEXT NOT NULL,
        first_seen TEXT NOT NULL,
        closed TEXT,                -- null while it is open
        late INTEGER NOT NULL DEFAULT 0,
        hits INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (site, day)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE parts (
        path TEXT PRIMARY KEY,
        site TEXT NOT NULL,
        day TEXT NOT NULL,
        rows INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE cells (
        name TEXT NOT NULL,         -- of the table
        month TEXT NOT NULL,
        path TEXT NOT NULL,
        rows INTEGER NOT NULL,
        PRIMARY KEY (name, month)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE destroyed (
        site TEXT NOT NULL,
        day TEXT NOT NULL,
        at TEXT NOT NULL,
        reason TEXT NOT NULL,
        fingerprint TEXT NOT NULL   -- of the key, under a label of its own: useless for computing ids
    ) STRICT;
    CREATE TABLE hours (
        hour TEXT PRIMARY KEY,      -- UTC
        hits INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        command TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT,
        lines INTEGER NOT NULL DEFAULT 0,
        hits INTEGER NOT NULL DEFAULT 0,
        rejected INTEGER NOT NULL DEFAULT 0,
        opted_out INTEGER NOT NULL DEFAULT 0,
        late INTEGER NOT NULL DEFAULT 0,
        skipped INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    """,
    """
    ALTER TABLE inputs ADD COLUMN head_glimpse INTEGER;     -- 16 bits; null in what version 1 counted
    ALTER TABLE inputs ADD COLUMN anchor_glimpse INTEGER;
    ALTER TABLE inputs ADD COLUMN beginnings BLOB NOT NULL DEFAULT x'';
    ALTER TABLE inputs ADD COLUMN marks BLOB NOT NULL DEFAULT x'';
    ALTER TABLE inputs ADD COLUMN joined INTEGER NOT NULL DEFAULT 0;
    """,
    RELEASES,
    TRANSMISSIONS,
)
VERSION: Final = len(_MIGRATIONS)
"""Version of the schema; a store of a newer one is refused."""

_FULL: Final = frozenset(("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC"))
_REFUSED: Final = frozenset(("SQLITE_READONLY", "SQLITE_PERM"))
_PATIENCE: Final = 30.0  # seconds; the lock of the store keeps writers apart, but readers hold up a commit


def open_ledger(path: Path) -> sqlite3.Connection:
    """Open the ledger of a store, make it if there is none, and bring an older one up to date.

    Raises:
        ConfigurationError: The store was made by a newer version, or the file is no ledger.
        CannotWriteError: The disk is full.
    """
    descriptor = open_private(path)
    with cannot_write(path):
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
    with _as_ours(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE)
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA trusted_schema = OFF")
        _migrate(connection, path)
    return connection


@contextmanager
def read_ledger(path: Path, *, untouched: bool = False) -> Iterator[sqlite3.Connection]:
    """Look into a ledger without working on it.

    Args:
        path: Where it is.
        untouched: Whether to leave alone what an interrupted run began, too; then it may have to be refused.

    Raises:
        ConfigurationError: The store was made by a newer version, or the file is no ledger.
        BusyError: A run has been writing it for long; or, untouched, has been stopped while it wrote.
        InputMissingError: The run that was to make the store did not come so far.
    """
    # Not mode=ro: after a crash, SQLite has to undo what was not committed before anybody can read.
    mode = "ro" if untouched else "rw"
    if untouched and path.with_name(f"{path.name}-journal").exists():
        raise BusyError(f"{path}: a run writes it, or was stopped while it did", hint="the next run puts it right")
    with _as_ours(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as connection:
        connection.execute("PRAGMA query_only = ON")
        if not _version(connection, path):
            raise InputMissingError(f"{path.parent}: is no store yet", hint="logstats ingest --store makes one")
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Do all of what is inside, or nothing.

    Raises:
        CannotWriteError: The disk is full; nothing has changed.
    """
    with _as_ours(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:  # SQLite may have rolled back by itself
                connection.execute("ROLLBACK")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    for number in range(_version(connection, path), VERSION):
        script = f"BEGIN IMMEDIATE; {_MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
        connection.executescript(script)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ConfigurationError(
            f"the store has version {version}, this program knows {VERSION}", file=str(path), hint="update logstats"
        )
    return int(version)


@contextmanager
def _as_ours(path: Path) -> Iterator[None]:
    """Turn what SQLite says into an error with an exit code."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        allowed = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        if name in _FULL or (allowed and name in {"SQLITE_CANTOPEN", "SQLITE_READONLY"}):
            raise CannotWriteError(f"{path}: cannot be written: disk full", hint="free some space") from None
        if name.startswith("SQLITE_IOERR") and "READ" not in name:
            raise CannotWriteError(f"{path}: cannot be written: {name}") from None
        if name in _REFUSED or name == "SQLITE_CANTOPEN":
            raise NoPermissionError(f"{path}: no permission to write it") from None
        if name == "SQLITE_BUSY":
            raise BusyError(f"{path}: another program reads it", hint="try again later") from None
        if name == "SQLITE_NOTADB":
            raise ConfigurationError("is no ledger", file=str(path)) from None
        raise LogstatsError(f"{path}: {name or type(error).__name__}") from None
