"""Reading: an input that a store may know already. It gives what is new of it, and says up to where it was counted."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from logstats.errors import ImplausibleFormatError
from logstats.read import DamagedInputError
from logstats.store.identity import HASHED_BYTES
from logstats.store.known import KnownInputs
from logstats.store.sieve import JOINED, Refusal, Sieve, Sifted
from logstats.store.slices import emptied, joined, whole_lines
from logstats.store.stretch import Stretch
from logstats.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from logstats.read import Block
    from logstats.store.durable import DurableStore
    from logstats.store.identity import InputRecord, Position

__all__ = ["Reading"]

_TRIES: Final = 5
_CHANGES: Final = "it changes while it is read; what is new of it waits"


class _ExchangedError(Exception):
    """A second look at an input found another one under its name."""


@dataclass(frozen=True)
class _Plan:
    """What a look ahead has told of a file.

    Attributes:
        known: From where to where known inputs stand in it, in order.
        number: Of the one that it goes on with; None when it is a new one.
        lines: Lines of the known ones.
        nothing_new: Whether there was nothing else.
        stop: From where on nothing can be told; beyond the end when all can.
        refusal: Why.
    """

    known: list[tuple[int, int, InputRecord]]
    number: int | None
    lines: int
    nothing_new: bool
    stop: int
    refusal: Refusal | None

    @classmethod
    def of(cls, pieces: list[Sifted], refusal: Refusal | None) -> _Plan:
        """Make a plan of what was sifted."""
        counted = [(piece.block.offset, piece.block.end_offset, piece.known) for piece in pieces if piece.known]
        # A joined input stays as it is: the file may be only the first of several that were counted as one.
        first = next((record for begin, _, record in counted if begin == 0 and not record.joined), None)
        return cls(
            known=counted,
            number=first.id if first else None,
            lines=sum(piece.lines for piece in pieces if piece.known),
            nothing_new=len(counted) == len(pieces),
            stop=pieces[-1].block.end_offset if refusal and pieces else sys.maxsize,
            refusal=refusal,
        )


class Reading:
    """One input of a run.

    Args:
        store: The store that counts it.
        run: Number of the run.
        source: Name of the source: the same content of one source is one input.
        name: Under which it was given, for people.
        open_blocks: Reads it from the front.
        rereadable: Whether it can be read twice: a file, not a pipe.
        endless: Whether its lines are committed as they come: of a pipe that is followed.

    Attributes:
        skipped: Lines that were counted by an earlier run.
        numbers: Of the inputs in the store that were found in it or made of it.
        recognised: Whether an earlier run has counted some of it.
        tally: Account of the lines that are kept.
        refusal: Why some of its lines were not counted.
    """

    def __init__(  # noqa: PLR0913 - each is named
        self,
        store: DurableStore,
        run: int,
        *,
        source: str,
        name: str,
        open_blocks: Callable[[], Generator[Block, None, None]],
        rereadable: bool,
        endless: bool = False,
    ) -> None:
        self.skipped = 0
        self.numbers: set[int] = set()
        self.recognised = False
        self.tally = Tally()
        self.refusal: Refusal | None = None
        self._store, self._run = store, run
        self._source, self._name = source, name
        self._open_blocks, self._rereadable, self._endless = open_blocks, rereadable, endless
        self._at_once = True
        self._refuses: Callable[[Stretch], bool] = lambda _stretch: False
        self._passed: list[tuple[Stretch, Position]] = []
        self._applied = 0
        self._changes: dict[Stretch, Position] = {}
        self._waiting = Tally()

    def blocks(self) -> Iterator[tuple[Block, int]]:
        """Give the blocks that are new, each with a mark: the place up to which it brings the account.

        Raises:
            DamagedInputError: As reading does.
            ImplausibleFormatError: What of it is new cannot be told.
        """
        for _ in range(_TRIES):
            with closing(self._open_blocks()) as blocks:
                first = next(blocks, None)
                if first is None:
                    return
                known = KnownInputs(self._store.known_inputs(self._source), self._store.identity_key)
                read = self._of_file if self._rereadable else self._of_pipe
                try:
                    yield from read(first, blocks, known)
                except _ExchangedError:
                    if self._passed:
                        break
                    continue
                return
        raise ImplausibleFormatError(_CHANGES, hint="try again later")

    def commit(self, mark: int, tally: Tally) -> None:
        """Keep what was staged up to a mark, with the account of its lines.

        It is true at once, or together with all of the input where only its end tells whether it is new.
        """
        passed = self._passed[self._applied : mark]
        self._applied = mark
        if any(self._refuses(stretch) for stretch, _ in passed):
            self._store.rollback()
            self.refusal = self.refusal or JOINED
            return
        self._store.keep()
        self._changes.update(dict(passed))
        self._waiting.add(tally)
        if self._at_once:
            self._commit()

    def finish(self) -> None:
        """Make true what was kept."""
        if self._changes:
            self._commit()

    def _commit(self) -> None:
        self._store.commit(self._run, self._waiting, self._source, self._name, self._changes)
        self.numbers |= {stretch.number for stretch in self._changes if stretch.number is not None}
        self.tally.add(self._waiting)
        self._changes, self._waiting = {}, Tally()

    # --- files: one input each, in which known ones may stand ---------------------------------------------------

    def _of_file(
        self, first: Block, blocks: Generator[Block, None, None], known: KnownInputs
    ) -> Iterator[tuple[Block, int]]:
        self._at_once = not known.any_joined  # else only its end tells whether it may be counted
        stretch = Stretch(known, joined=False)
        plan, before = None, b""
        for block, after in _with_what_follows(chain([first], blocks)):
            if plan is None and _may_be_known(known, before, block, after):
                plan = self._look_ahead(first, known)
                self._note(plan)
                stretch.number = plan.number
                if plan.nothing_new:
                    return
            before = (before + block.data)[-HASHED_BYTES:]
            for piece, is_new in _pieces(whole_lines(block), plan):
                stretch.take(piece)
                if is_new:
                    self._passed.append((stretch, stretch.position()))
                    yield piece, len(self._passed)
            if plan and plan.stop <= block.end_offset:
                return

    def _look_ahead(self, first: Block, known: KnownInputs) -> _Plan:
        """Read all of a file to tell what of it is new: done once, where a known input may begin in it.

        Raises:
            _ExchangedError: Rotation gave its name to another file meanwhile.
            ImplausibleFormatError: What of it is new cannot be told.
        """
        sieve = Sieve(known, exact=True, rereadable=True)
        pieces: list[Sifted] = []
        with closing(self._open_blocks()) as again:
            head = next(again, None)
            if not (head and head.data.startswith(first.data[:HASHED_BYTES])):
                raise _ExchangedError
            for block, after in _with_what_follows(chain([head], again)):
                pieces += [replace(piece, block=emptied(piece.block)) for piece in sieve.feed(block, after)]
        pieces += sieve.finish()
        self.numbers |= sieve.seen
        if sieve.refusal and (sieve.refuses_all or not pieces):
            raise ImplausibleFormatError(sieve.refusal.note, hint=sieve.refusal.hint)
        return _Plan.of(pieces, sieve.refusal)

    def _note(self, plan: _Plan) -> None:
        self.recognised = bool(plan.known)
        self.skipped = plan.lines
        self.refusal = plan.refusal

    # --- pipes: a sequence of inputs ----------------------------------------------------------------------------

    def _of_pipe(
        self, first: Block, blocks: Generator[Block, None, None], known: KnownInputs
    ) -> Iterator[tuple[Block, int]]:
        members = bool(first.members)
        sieve = Sieve(known, exact=members, members=members)
        self._at_once = members or self._endless
        if members:
            self._refuses = sieve.refuses
        for block, after in _with_what_follows(chain([first], blocks), wait=not self._endless):
            sifted = sieve.feed(block, after)
            if self._endless and not members and sieve.in_doubt():
                break  # before these lines are committed; of another pipe, only the end tells
            yield from self._new_of(sifted)
            if sieve.refusal:
                break
        yield from self._new_of(sieve.finish())
        self.numbers |= {number for number in sieve.seen if number > 0}
        self.refusal = self.refusal or sieve.refusal or sieve.left_out
        if sieve.refusal and sieve.refuses_all:
            raise ImplausibleFormatError(sieve.refusal.note, hint=sieve.refusal.hint)

    def _new_of(self, sifted: list[Sifted]) -> Iterator[tuple[Block, int]]:
        """Give the new lines, in as few blocks as may be: small members need not be counted one by one."""
        group: list[Sifted] = []
        begun = {id(stretch) for stretch, _ in self._passed[-1:]}
        for piece in sifted:
            if piece.known:
                self.skipped += piece.lines
                self.recognised = True
            elif piece.stretch and self._refuses(piece.stretch) and id(piece.stretch) not in begun:
                self.refusal = JOINED
            else:
                if group and not self._together(group[-1], piece, begun):
                    yield self._as_block(group)
                    group = []
                group.append(piece)
        if group:
            yield self._as_block(group)

    def _together(self, one: Sifted, other: Sifted, begun: set[int]) -> bool:
        """Tell whether lines may be committed together: what may yet be refused stands alone."""
        joins = one.block.end_offset == other.block.offset and one.block.settled == other.block.settled
        return joins and (one.stretch is other.stretch or id(one.stretch) not in begun)

    def _as_block(self, group: list[Sifted]) -> tuple[Block, int]:
        ends = {id(piece.stretch): piece for piece in group}
        self._passed += [(p.stretch, p.position) for p in ends.values() if p.stretch and p.position]
        return joined([piece.block for piece in group]), len(self._passed)


def _may_be_known(known: KnownInputs, before: bytes, block: Block, after: bytes | None) -> bool:
    heads, ends = known.within(before, block, after or b"")
    joined_ends = any(record.joined for records in ends.values() for record in records)
    short = not before and known.begun_with(whole_lines(block).data)
    return bool(heads or joined_ends or short)


def _with_what_follows(blocks: Iterable[Block], *, wait: bool = True) -> Iterator[tuple[Block, bytes | None]]:
    """Give each block with the first bytes after it, for which the next ones are read; without waiting, with None.

    Raises:
        DamagedInputError: As reading does, after all blocks.
    """
    if not wait:
        yield from ((block, None) for block in blocks)
        return
    waiting: deque[Block] = deque()
    damage: DamagedInputError | None = None
    try:
        for block in blocks:
            waiting.append(block)
            while sum(len(later.data) for later in islice(waiting, 1, None)) >= HASHED_BYTES:
                yield waiting.popleft(), _first_bytes(waiting)
    except DamagedInputError as error:
        damage = error
    while waiting:
        yield waiting.popleft(), _first_bytes(waiting)
    if damage:
        raise damage


def _first_bytes(blocks: Iterable[Block]) -> bytes:
    return b"".join(block.data[:HASHED_BYTES] for block in blocks)[:HASHED_BYTES]


def _pieces(block: Block, plan: _Plan | None) -> Iterator[tuple[Block, bool]]:
    """Cut a block where a stretch begins or ends that was counted before; tell which pieces are new."""
    stretches = plan.known if plan else []
    stop = plan.stop if plan else block.end_offset
    for begin, end, _ in stretches:
        if begin >= block.end_offset or end <= block.offset:
            continue
        if begin > block.offset:
            index = block.index_of(begin)
            yield block.part(0, index, block.first_line), True
            block = block.after(begin)
        if end >= block.end_offset:
            yield block, False
            return
        yield block.part(0, block.index_of(end), block.first_line), False
        block = block.after(end)
    if stop < block.end_offset:
        block = block.part(0, block.index_of(max(stop, block.offset)), block.first_line)
    if block.data:
        yield block, True
