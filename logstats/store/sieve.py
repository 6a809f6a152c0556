"""Sifts an input: which of its lines were counted before, which are new, and of which nobody can tell.

An input is a sequence of stretches, each an input of its own. A new one begins

- where a compressed member begins at the start of a line, in a pipe (`cat access.log.*.gz | …`);
- where at the start of a line a known input begins whose anchor fits further on; that one was counted;
- behind such a known input.

What always holds:

- A line is skipped only if the beginning and the end of what it was counted in stand at the right distance around it.
- What may have been counted before, and cannot be told, is refused; it is never counted twice.
- Within one input, a known one is found once: what follows alike is new lines, however equal (but a whole member that
  is equal to another one is a copy).
- Memory is bounded: lines whose fate is open are held up to a limit; those that do not fit there have been counted
  before, or the input is refused.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from logstats.store.identity import HASHED_BYTES, InputRecord
from logstats.store.slices import emptied, whole_lines
from logstats.store.stretch import Stretch

if TYPE_CHECKING:
    from logstats.read import Block
    from logstats.store.identity import Position
    from logstats.store.known import KnownInputs

__all__ = ["COPY", "JOINED", "Refusal", "Sieve", "Sifted"]

_MOST_HELD: Final = 32 << 20  # bytes
_SMALL: Final = 4_096  # bytes; between places where the same input may begin, there are a few lines
_MOST_CLAIMS: Final = 10_000
_MOST_STRETCHES: Final = 1_000  # of one pipe; a server that compresses as it writes begins a member each minute


@dataclass(frozen=True)
class Refusal:
    """Why lines are not counted, and what to do."""

    note: str
    hint: str


COPY: Final = Refusal(
    "it begins as an input that was counted before, and ends before the place up to which that was counted;"
    " nothing of it was counted",
    "while it is being copied, try again later; an older copy need not be given",
)
JOINED: Final = Refusal(
    "it holds lines that were counted before, and begins in the middle of them or goes on in another way; what of it"
    " is new cannot be told, so nothing of that was counted",
    "pipe compressed files as they are (cat instead of zcat), or one pipe for each file; lines of another server need"
    " another --source",
)


@dataclass(frozen=True)
class Sifted:
    """Lines of one fate.

    Attributes:
        block: The lines; without data when they are not new.
        lines: How many they are.
        known: The input that they were counted in before; None for new lines.
        stretch: What new lines belong to.
        position: Of the stretch after them.
    """

    block: Block
    lines: int
    known: InputRecord | None = None
    stretch: Stretch | None = None
    position: Position | None = None


@dataclass
class _Claim:
    """A place at which a known input may begin, and where it would be due to end; until then `fits` is None."""

    place: int
    due: int
    record: InputRecord
    at_boundary: bool
    fits: bool | None = None


@dataclass
class _Held:
    """Lines whose fate is open."""

    block: Block
    lines: int
    begins: bool
    dropped: bool = False


class _RefusedError(Exception):
    """What comes from here on cannot be told."""


class Sieve:
    """Sifts one input from its front.

    Args:
        known: The inputs of its source.
        exact: Whether its boundaries are known: it is a file, or a pipe of compressed members. In a plain pipe
            anything may begin anywhere.
        members: Whether a member begins another input: in a pipe; a file is one input.
        rereadable: Whether what was dropped can be read again.

    Attributes:
        refusal: Why what follows is not counted; None while nothing is refused.
        refuses_all: Whether that is so of all of it.
        left_out: Why a member was left out.
        passed: Ids of the known inputs that were found.
        seen: Ids of those that began or ended in it, found or not.
    """

    def __init__(self, known: KnownInputs, *, exact: bool, members: bool = False, rereadable: bool = False) -> None:
        self.refusal: Refusal | None = None
        self.refuses_all = False
        self.left_out: Refusal | None = None
        self.passed: set[int] = set()
        self.seen: set[int] = set()
        self._known, self._exact, self._members, self._rereadable = known, exact, members, rereadable
        self._before = b""
        self._begins = False
        self._claims: list[_Claim] = []
        self._too_many = False
        self._held: list[_Held] = []
        self._held_bytes = 0
        self._met: list[tuple[int, InputRecord]] = []
        self._stretch: Stretch | None = None
        self._stretches = 0
        self._doubts: list[InputRecord] = []

    def feed(self, block: Block, after: bytes | None) -> list[Sifted]:
        """Take the next lines; give those whose fate is known by now, in order.

        Args:
            block: They.
            after: Up to HASHED_BYTES after them, none when they are the last; None when nobody knows.
        """
        block = whole_lines(block)
        out: list[Sifted] = []
        if self.refusal or not block.data:
            return out
        try:
            self._sift(block, after, out)
        except _RefusedError:
            self._refuse(JOINED)
        self._before = (self._before + block.data)[-HASHED_BYTES:]
        return out

    def finish(self) -> list[Sifted]:
        """Say that there is no more; give the rest."""
        out: list[Sifted] = []
        try:
            while self._claims and not self.refusal:
                self._last(out)
                self._decide(out)
        except _RefusedError:
            self._refuse(JOINED)
        if self.in_doubt():
            self.refusal, self.refuses_all = JOINED, True
        return out

    def in_doubt(self) -> bool:
        """Tell whether something was met that was counted before, although its beginning or its end was not."""
        return not self._claims and any(record.id not in self.passed for record in self._doubts)

    def refuses(self, stretch: Stretch) -> bool:
        """Tell whether that is so of a stretch whose boundaries are known."""
        return any(record.id not in self.passed for record in stretch.met)

    def _refuse(self, refusal: Refusal) -> None:
        self.refusal = self.refusal or refusal
        self._claims, self._held = [], []

    def _sift(self, block: Block, after: bytes | None, out: list[Sifted]) -> None:
        heads, ends = self._known.within(self._before, block, after or b"")
        text, base = self._before + block.data, len(self._before)
        members = set(block.members) if self._members else set()
        boundaries = members if block.offset else members | {0}
        stops = [*heads, *ends, *boundaries, len(block.data)]
        stops += [index for claim in self._claims if (index := self._due_in(claim, block)) is not None]
        heapq.heapify(stops)
        done, line = 0, block.first_line
        while stops:
            index = heapq.heappop(stops)
            if index < done:
                continue
            if index > done:
                piece = block.part(done, index, line)
                lines = piece.data.count(b"\n")
                done, line = index, line + lines
                self._meet(ends.get(index, []), block.offset_of(index))
                self._pass(_Held(piece, lines, self._begins), out)
                self._begins = False
                self._check_dues(block.offset_of(index), text[max(0, base + index - HASHED_BYTES) : base + index])
                self._decide(out)
            self._begins |= index in members
            if index in boundaries and (copy := self._short_copy(block, index, last=after == b"")):
                self._claims.append(copy)
                heapq.heappush(stops, block.index_of(copy.due))
            if index < len(block.data):
                for claim in self._new_claims(
                    heads.pop(index, []), block.offset_of(index), index in boundaries | members
                ):
                    if (due := self._due_in(claim, block)) is not None:
                        heapq.heappush(stops, due)

    def _short_copy(self, block: Block, index: int, *, last: bool) -> _Claim | None:
        """Know an older copy that has not even the bytes that are hashed: its lines are the first of an input."""
        ends = [member for member in block.members if member > index] or ([len(block.data)] if last else [])
        record = self._known.begun_with(block.data[index : ends[0]]) if ends else None
        if record is None:
            return None
        self.seen.add(record.id)
        return _Claim(block.offset_of(index), block.offset_of(ends[0]), record, at_boundary=True, fits=True)

    def _due_in(self, claim: _Claim, block: Block) -> int | None:
        """Give the index of the place in this block where a claim is decided, if that is the end of a line."""
        if claim.fits is not None or not block.offset < claim.due <= block.end_offset:
            return None
        index = block.index_of(claim.due)
        return index if 0 < index <= len(block.data) and block.data[index - 1 : index] == b"\n" else None

    def _new_claims(self, records: list[InputRecord], place: int, at_boundary: bool) -> list[_Claim]:  # noqa: FBT001
        if len(self._claims) > _MOST_CLAIMS and not at_boundary:
            self._too_many |= bool(records)
            return []
        self.seen |= {record.id for record in records}
        new = [
            _Claim(place, place + record.position.offset, record, at_boundary)
            for record in records
            if at_boundary or record.id not in self.passed
        ]
        self._claims += new
        return new

    def _meet(self, records: list[InputRecord], offset: int) -> None:
        """Note inputs whose anchor or mark stands before a place."""
        for record in records:
            fits = any(claim.record is record and claim.due == offset for claim in self._claims)
            if not fits and record.id not in self.passed and (record.joined or not self._exact):
                self._met.append((offset, record))
                self.seen.add(record.id)

    def _check_dues(self, offset: int, text: bytes) -> None:
        for claim in self._claims:
            if claim.fits is None and claim.due <= offset:
                claim.fits = claim.due == offset and self._known.ends_at(claim.record, text)

    def _pass(self, piece: _Held, out: list[Sifted]) -> None:
        if not self._claims:
            self._count(piece, out)
            return
        size = len(piece.block.data)
        if self._rereadable or (
            self._held_bytes + size > _MOST_HELD and (size > _SMALL or self._held_bytes > 2 * _MOST_HELD)
        ):
            piece.block, piece.dropped = emptied(piece.block), True
        else:
            self._held_bytes += size
        self._held.append(piece)

    def _decide(self, out: list[Sifted]) -> None:
        """Give the held lines whose fate is known: a claim is decided when all at its place are, the furthest wins."""
        while self._claims:
            place = self._claims[0].place
            here = [claim for claim in self._claims if claim.place == place]
            if any(claim.fits is None for claim in here):
                return
            fitting = [claim for claim in here if claim.fits]
            if fitting:
                self._skip(max(fitting, key=lambda claim: claim.due), out)
            else:
                self._refute(here, out)
        self._release(None, out)

    def _skip(self, claim: _Claim, out: list[Sifted]) -> None:
        """Pass over what was counted before."""
        while self._held and self._held[0].block.end_offset <= claim.due:
            piece = self._take_held()
            out.append(Sifted(emptied(piece.block), piece.lines, known=claim.record))
        self.passed.add(claim.record.id)
        self._met = [(offset, record) for offset, record in self._met if not claim.place < offset <= claim.due]
        self._claims = [other for other in self._claims if other.place >= claim.due]
        self._end_stretch()
        self._release(self._claims[0].place if self._claims else None, out)

    def _refute(self, here: list[_Claim], out: list[Sifted]) -> None:
        """No input that begins as this place does goes on as it does."""
        place = here[0].place
        self._claims = self._claims[len(here) :]
        if self._too_many:
            raise _RefusedError
        if self._exact and here[0].at_boundary:
            lasting = max((claim.due for claim in here if not claim.record.joined), default=0)
            ended = next((p.block.offset for p in self._held if p.begins and place < p.block.offset < lasting), None)
            if ended is not None:  # a member that is shorter than what was counted of it
                self._drop(ended)
        if self._held:
            first = self._held[0].block.end_offset
            self._met += [(first, claim.record) for claim in here if claim.record.joined or not self._exact]
        self._release(self._claims[0].place if self._claims else None, out)

    def _last(self, out: list[Sifted]) -> None:
        """Decide the claims of the first place, of which some would end beyond the end of the input."""
        place = self._claims[0].place
        here = [claim for claim in self._claims if claim.place == place]
        open_claims = [claim for claim in here if claim.fits is None]
        for claim in open_claims:
            claim.fits = False
        doubtful = [c for c in open_claims if (c.record.joined or not self._exact) and c.record.id not in self.passed]
        fitting = [claim for claim in here if claim.fits]
        if fitting:
            self._skip(max(fitting, key=lambda claim: claim.due), out)
            if doubtful:
                self._refuse(COPY)
            return
        too_short = here[0].at_boundary and any(c.record.position.head_length == HASHED_BYTES for c in open_claims)
        if doubtful or (too_short and not any(piece.begins for piece in self._held[1:])):
            self._refuse(COPY)

    def _drop(self, offset: int) -> None:
        """Leave out lines that cannot be told, and go on behind them."""
        while self._held and self._held[0].block.offset < offset:
            self._take_held()
        self._claims = [claim for claim in self._claims if claim.place >= offset]
        self.left_out = COPY

    def _release(self, upto: int | None, out: list[Sifted]) -> None:
        """Count the held lines before a place, or all."""
        while self._held and (upto is None or self._held[0].block.offset < upto):
            self._count(self._take_held(), out)
        if not self._claims:
            self._too_many = False

    def _take_held(self) -> _Held:
        piece = self._held.pop(0)
        self._held_bytes -= len(piece.block.data)
        return piece

    def _count(self, piece: _Held, out: list[Sifted]) -> None:
        if piece.dropped and not self._rereadable:
            raise _RefusedError
        if self._stretch is None or (piece.begins and self._stretches < _MOST_STRETCHES):
            self._end_stretch()
            self._stretch = Stretch(self._known, joined=not self._exact)
            self._stretches += 1
        elif piece.begins:
            self._stretch.joined = True
        met = [record for offset, record in self._met if offset <= piece.block.end_offset]
        self._met = [(offset, record) for offset, record in self._met if offset > piece.block.end_offset]
        self._stretch.met += met
        if not (self._exact and self._members):
            self._doubts += met
        if piece.dropped or self._rereadable:  # where it is read again, it is taken then
            out.append(Sifted(piece.block, piece.lines))
            return
        self._stretch.take(piece.block)
        out.append(Sifted(piece.block, piece.lines, stretch=self._stretch, position=self._stretch.position()))

    def _end_stretch(self) -> None:
        """A member that has come to its end is a known input from now on."""
        if self._stretch and self._exact and self._members and not self.refuses(self._stretch):
            self._known.add(InputRecord(-self._stretches, self._stretch.position(), "", self._stretch.joined))
        self._stretch = None
