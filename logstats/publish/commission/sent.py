"""What was sent: one unique id for each period, and each post with its payload and answer.

What always holds:

- An id is in the ledger, with its period, before anything is posted under it.
- Under one environment and service, no second belongs to two ids; a period may become shorter, and never longer.
- The payload is on the disk before it is posted; payload and answer are for the store's owner alone.
"""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from logstats.errors import InputMissingError, InputRejectedError, LogstatsError
from logstats.publish.commission.files import write
from logstats.publish.commission.period import Period
from logstats.store.files import private_folder
from logstats.store.ledger import open_ledger, read_ledger, transaction
from logstats.store.locking import locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstats.publish.commission.channel import Answer
    from logstats.publish.commission.message import Message

__all__ = ["Recipient", "Sent", "opened", "periods", "posts"]

_TABLE = "SELECT 1 FROM sqlite_master WHERE name = 'transmissions'"


@dataclass(frozen=True)
class Recipient:
    """Whom periods are sent to: `acceptance` or `production`, and one of the two services."""

    environment: str
    service: str


class Sent:
    """The ledger of what was sent to a recipient, and its folder in the store. `opened` gives one."""

    def __init__(self, store: Path, ledger: sqlite3.Connection, to: Recipient) -> None:
        self._store, self._ledger, self._to = store, ledger, to
        self._path = store / "ledger.sqlite"
        self._key = (to.environment, to.service)

    def id_of(self, period: Period, until: datetime) -> str | None:
        """Give the id of a period, which is None when it needs one; a longer one is shortened to it.

        Args:
            period: What is sent next.
            until: The end of all that is sent with it: what a longer period had behind this one stands there then, too.

        Raises:
            InputRejectedError: A part of the period has an id of its own, and would count twice; or more than all of
                this was sent, and would be taken away.
        """
        rows = self._ledger.execute(
            "SELECT period_start, period_end, unique_id FROM transmissions WHERE environment = ? AND service = ?",
            self._key,
        ).fetchall()
        for start, end, unique_id in rows:
            known = Period.of(start, end)
            if known.start == period.start and known.end >= period.end:
                if known.end > until:
                    raise InputRejectedError(
                        f"{period}: {known} was sent, and what lies behind it would be taken away",
                        hint="send the whole of it again: logstats commission --month",
                    )
                if known.end > period.end:
                    self._shorten(known, period)
                return str(unique_id)
            if known.overlaps(period):
                raise InputRejectedError(
                    f"{period}: {known} was sent under an id of its own, and would count twice",
                    hint="build the file anew with the store; logstats commission log lists what was sent",
                )
        return None

    def keep(self, period: Period, unique_id: str) -> None:
        """Keep an id that was just fetched. When this returns, it is on the disk."""
        if self._ledger.execute("SELECT 1 FROM transmissions WHERE unique_id = ?", (unique_id,)).fetchone():
            raise LogstatsError("the service gave an id that another period has already; nothing was sent")
        values = (*self._key, *period.texts, unique_id, _now())
        with transaction(self._ledger, self._path):
            self._ledger.execute("INSERT INTO transmissions VALUES (?, ?, ?, ?, ?, ?)", values)

    def accepted_last(self, message: Message) -> bool:
        """Tell whether the last post of the period was accepted and had the same figures."""
        # A post that was cut off has no status, and NULL is never between two numbers.
        row = self._ledger.execute(
            "SELECT figures = ? AND period_end = ? AND status BETWEEN 200 AND 299 FROM posts"
            " WHERE environment = ? AND service = ? AND period_start = ? ORDER BY id DESC LIMIT 1",
            (message.figures, message.period.texts[1], *self._key, message.period.texts[0]),
        ).fetchone()
        return bool(row and row[0])

    def begin(self, message: Message, views: int) -> tuple[int, bytes]:
        """Write down what is posted next; give the number of the post and its bytes."""
        body = message.encoded
        digest = sha256(body).hexdigest()
        name = f"sent/{self._to.environment}/{message.period.start:%Y-%m-%dT%H}.{secrets.token_hex(8)}.json"
        folder = private_folder(private_folder(self._store / "sent") / self._to.environment)
        write(folder / name.rpartition("/")[2], body)
        with transaction(self._ledger, self._path):
            cursor = self._ledger.execute(
                "INSERT INTO posts (environment, service, period_start, period_end, unique_id, at, payload, digest,"
                " figures, entries, views, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(*self._key, *message.period.texts, message.unique_id, message.transferred, name, digest),
                    *(message.figures, message.entries, views, len(body)),
                ),
            )
        return int(cursor.lastrowid or 0), body

    def end(self, number: int, answer: Answer) -> None:
        """Write down what came of a post."""
        (payload,) = self._ledger.execute("SELECT payload FROM posts WHERE id = ?", (number,)).fetchone()
        name = f"{payload.removesuffix('.json')}.answer.txt"
        write(self._store / name, answer.text.encode("utf-8", "replace"))
        with transaction(self._ledger, self._path):
            self._ledger.execute(
                "UPDATE posts SET status = ?, answer = ?, answered = ? WHERE id = ?",
                (answer.status or None, name, _now(), number),
            )

    def _shorten(self, known: Period, period: Period) -> None:
        """Let an id stand for the beginning of its period; what was behind it gets ids of its own."""
        with transaction(self._ledger, self._path):
            self._ledger.execute(
                "UPDATE transmissions SET period_end = ? WHERE environment = ? AND service = ? AND period_start = ?",
                (period.texts[1], *self._key, known.texts[0]),
            )


@contextmanager
def opened(store: Path, to: Recipient) -> Iterator[Sent]:
    """Open the ledger of what was sent. Logs may be counted meanwhile: nothing else of the store is looked at.

    Raises:
        InputMissingError: There is no such store.
        BusyError: Another run sends.
    """
    if not (store / "ledger.sqlite").exists():
        raise InputMissingError(f"{store}: is no store", hint="logstats ingest --store makes one")
    with (
        locked(private_folder(store / "sent") / "lock", f"{store}: another run sends from it"),
        closing(open_ledger(store / "ledger.sqlite")) as ledger,
    ):
        yield Sent(store, ledger, to)


def periods(store: Path, to: Recipient) -> list[Period]:
    """Give the periods that have an id, in order."""
    with read_ledger(store / "ledger.sqlite") as ledger:
        if not ledger.execute(_TABLE).fetchone():  # made by an older version, and not worked on since
            return []
        query = "SELECT period_start, period_end FROM transmissions WHERE environment = ? AND service = ?"
        return sorted(Period.of(*row) for row in ledger.execute(query, (to.environment, to.service)))


def posts(store: Path) -> list[dict[str, Any]]:
    """Give every post in order.

    Raises:
        InputMissingError: There is no such store.
    """
    if not (store / "ledger.sqlite").exists():
        raise InputMissingError(f"{store}: is no store", hint="logstats ingest --store makes one")
    with read_ledger(store / "ledger.sqlite") as ledger:
        ledger.row_factory = sqlite3.Row
        if not ledger.execute(_TABLE).fetchone():
            return []
        return [dict(row) for row in ledger.execute("SELECT * FROM posts ORDER BY id")]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
