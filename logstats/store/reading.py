"""Reading: an input that a store may know already. It gives what is new of it, and says up to where it was counted."""

from __future__ import annotations

from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Final

from logstats.errors import ImplausibleFormatError
from logstats.store.identity import HASHED_BYTES, furthest, positions, recognise, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from logstats.read import Block
    from logstats.store.durable import DurableStore
    from logstats.store.identity import Position
    from logstats.tally import Tally

__all__ = ["Reading"]

_TRIES: Final = 5


class _ExchangedError(Exception):
    """A second look at an input found another one under its name."""


class Reading:
    """One input of a run.

    Args:
        store: The store that counts it.
        run: Number of the run.
        source: Name of the source: the same content of one source is one input.
        name: Under which it was given, for people.
        open_blocks: Reads it from the front.
        rereadable: Whether it can be read twice: a file, not a pipe.

    Attributes:
        skipped: Lines that were counted by an earlier run.
        number: Number of the input in the store; None while nothing of it was ever counted.
        recognised: Whether an earlier run has counted some of it.
    """

    def __init__(
        self,
        store: DurableStore,
        run: int,
        *,
        source: str,
        name: str,
        open_blocks: Callable[[], Generator[Block, None, None]],
        rereadable: bool,
    ) -> None:
        self.skipped = 0
        self.number: int | None = None
        self.recognised = False
        self._store, self._run = store, run
        self._source, self._name = source, name
        self._open_blocks, self._rereadable = open_blocks, rereadable

    def blocks(self) -> Iterator[tuple[Block, Position]]:
        """Give the blocks that are new, each with the position after it.

        Raises:
            DamagedInputError: As reading does.
            ImplausibleFormatError: A pipe begins as a known input and is another one.
        """
        for _ in range(_TRIES):
            with closing(self._open_blocks()) as blocks:
                first = next(blocks, None)
                if first is None:
                    return
                try:
                    start = self._start(first)
                except _ExchangedError:
                    continue
                self.skipped = start.lines if start else 0
                new = unread(chain([first], blocks), start, self._store.identity_key)
                yield from positions(new, first, start, self._store.identity_key)
                return
        raise ImplausibleFormatError("it changes while it is read; nothing of it was counted", hint="try again later")

    def commit(self, position: Position, tally: Tally) -> None:
        """Make true what was staged up to a position."""
        self.number = self._store.commit(self._run, tally, self._source, (self.number, position, self._name))

    def _start(self, first: Block) -> Position | None:
        """Find up to where the input was counted.

        Raises:
            _ExchangedError: Rotation gave its name to another file meanwhile.
            ImplausibleFormatError: It is shorter than what was counted of it.
        """
        known = {record.position: record.id for record in self._store.known_inputs(self._source)}
        candidates = recognise(first, list(known), self._store.identity_key)
        if not candidates:
            return None
        start: Position | None = candidates[0]
        if self._rereadable:
            with closing(self._open_blocks()) as again:
                head = next(again, None)
                if not (head and head.data.startswith(first.data[:HASHED_BYTES])):
                    raise _ExchangedError
                start = furthest(chain([head], again), candidates, self._store.identity_key)
        self.number = known[start] if start else None
        self.recognised = start is not None
        return start
