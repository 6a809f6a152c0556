"""The fast path: lines are cut at their quotes, and each distinct segment is read once, by the exact expressions.

It takes lines of which it is certain that the exact path reads them in the same way, and leaves all others to that:
lines with two backslashes together, a NUL, a character beyond ASCII or blanks at the end, lines that are too long, that
have more or fewer quotes than the format, of which a segment does not fit, or that say something implausible. Why the
segments decide about the whole line is said in `pieces.segments`; a property test holds both paths side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

from logstats.distinct import Memo
from logstats.parse.clf import clf_times
from logstats.parse.exact import as_requests, extract, needs
from logstats.parse.plausible import implausible
from logstats.schema import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from logstats.parse.formats import Format
    from logstats.parse.pieces import Layout, Segment
    from logstats.read import Lines

__all__ = ["Memory", "read_fast"]

_MAX_LINE_BYTES: Final = 65_536
_QUOTE: Final = ord('"')
_NEWLINE: Final = ord("\n")
_BACKSLASH: Final = ord("\\")
_ASCII: Final = 0x7F
_MOST: Final = 250_000
_RARE: Final = 20_000
_FITS: Final = "fits"
_FIELD: Final = "field "
_BLANKS: Final = np.frombuffer(b"\r\t ", dtype=np.uint8)


@dataclass
class Memory:
    """What the segments of one input said; in memory only, and bounded. Of segment i a memo remembers each text."""

    _memos: dict[int, Memo] = field(default_factory=dict, repr=False)

    def of(self, segment: int) -> Memo:
        """Give the memo of a segment by its position."""
        return self._memos.setdefault(segment, Memo(_MOST))


def read_fast(
    lines: Lines,
    line_format: Format,
    *,
    timezone: str,
    latest: datetime,
    opt_out_cookie: str = "",
    memory: Memory | None = None,
) -> pl.DataFrame:
    """Read those lines of a block that are quickly read.

    Args:
        lines: The lines of a block.
        line_format: The format that most of them have.
        timezone: Zone of times without an offset.
        latest: Times after it are from the future.
        opt_out_cookie: Name of the cookie by which a person objects to being counted.
        memory: What segments said in the blocks before, read with the same format, timezone and cookie.

    Returns:
        REQUESTS, in the order of the lines, `line` being the position in the block; texts are coded (Categorical).
        Lines that are not in it are for the exact path.
    """
    if not line_format.layout or not len(lines):
        return pl.DataFrame(schema=REQUESTS)
    layout, memory = line_format.layout, memory or Memory()
    plan = _plan(line_format, opt_out_cookie)
    rows, places = _places(lines, layout)
    texts = pl.Series(lines.cut(places))
    typed = partial(as_requests, timezone=timezone, opt_out_cookie=opt_out_cookie)
    columns: dict[str, pl.Series] = {}
    apart: dict[str, pl.Series] = {}
    fits = pl.repeat(value=True, n=len(rows), dtype=pl.Boolean, eager=True)
    for i, (segment, names) in enumerate(zip(layout, plan.names, strict=True)):
        text = texts.gather_every(len(layout) + 1, i)
        if segment.text is not None:
            fits &= text == segment.text
        elif segment.frame and names == ("time",):
            instants, whole = clf_times(lines.content, places[i : -1 : len(layout) + 1], segment.frame)
            columns["time"] = pl.Series(instants).cast(REQUESTS["time"])
            fits &= pl.Series(whole) & ~_implausible(columns["time"].to_frame("time"), latest)
        else:
            # Times are ever new, and which are from the future changes with the clock.
            memo = Memo() if "time" in names else memory.of(i)
            read = partial(_read, segment=segment, names=names, plan=plan, typed=typed, latest=latest)
            said = memo.look_up(text, read)
            fits &= said[_FITS]
            columns |= {name: said[name] for name in names}
            apart |= {name: said[_FIELD + name].cast(pl.String) for name in plan.sources if _FIELD + name in said}
    numbered = pl.DataFrame({"line": pl.Series(rows, dtype=pl.UInt32)} | apart)
    columns |= typed(numbered, columns=plan.others).to_dict()
    requests = pl.DataFrame({name: columns[name] for name in REQUESTS})
    return requests if fits.all() else requests.filter(fits)


class _Plan(NamedTuple):
    """Where the columns of REQUESTS come from.

    Attributes:
        names: The columns that each segment gives.
        others: Those that are made of fields of several segments, or of none.
        sources: The fields that they are made of.
    """

    names: tuple[tuple[str, ...], ...]
    others: tuple[str, ...]
    sources: frozenset[str]


@cache
def _plan(line_format: Format, opt_out_cookie: str) -> _Plan:
    wanted = {name: needs(name, line_format.fields, opt_out_cookie) for name in REQUESTS}
    fields = [frozenset(str(group.name) for group in segment.groups) for segment in line_format.layout]
    names = tuple(tuple(name for name, of in wanted.items() if of and of <= given) for given in fields)
    others = tuple(name for name in REQUESTS if not any(name in given for given in names))
    return _Plan(names, others, frozenset[str]().union(*(wanted[name] for name in others)))


def _read(
    texts: pl.Series,
    *,
    segment: Segment,
    names: Sequence[str],
    plan: _Plan,
    typed: Callable[..., pl.DataFrame],
    latest: datetime,
) -> pl.DataFrame:
    """Read texts of a segment: whether it fits, columns of REQUESTS, and its fields, of which others may be made."""
    said = extract(texts, segment.expression, segment.groups)
    requests = typed(said, columns=names)
    fits = said["matched"] & ~_implausible(requests, latest)
    fields = {_FIELD + name: said[name] for name in said.columns if name in plan.sources}
    return pl.DataFrame({_FITS: fits} | requests.to_dict() | fields)


def _places(lines: Lines, layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose the lines that may be quickly read, and find where each of their segments begins.

    Returns:
        Their positions; and for each of them the begin of each segment and the line's end, one after the other, and at
        last the end of the block. What lies between the end of a line and the start of the next is not looked at.
    """
    content = np.frombuffer(lines.content, dtype=np.uint8)
    quick, escaped = _plain(lines, content)
    quotes = lines.positions(_QUOTE)
    quotes = np.delete(quotes, np.searchsorted(quotes, escaped))
    per_line, count = np.diff(np.searchsorted(quotes, lines.starts)), sum(segment.quotes for segment in layout)
    quick &= per_line == count
    rows = np.flatnonzero(quick)
    of_line = np.empty((len(rows), len(layout) + 1), dtype=np.int64)
    of_line[:, 0], of_line[:, -1] = lines.starts[rows], lines.starts[1:][rows] - 1
    quotes_of_line, passed = quotes[np.repeat(quick, per_line)].reshape(-1, count), 0
    for i, segment in enumerate(layout):
        if segment.quotes:
            of_line[:, i] = quotes_of_line[:, passed]
        passed += segment.quotes
    for i, segment in enumerate(layout):
        if segment.width:  # it ends where the next one begins
            of_line[:, i] = of_line[:, i + 1] - segment.width
            if (short := of_line[:, i] < of_line[:, i - 1]).any():
                rows, of_line = rows[~short], of_line[~short]
    return rows, np.append(of_line.ravel(), len(content))


def _plain(lines: Lines, content: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell which lines are whole, not too long, without blanks at the end, double backslash, NUL and non-ASCII.

    Returns:
        Whether each line is so; and the quotes that a backslash escapes.
    """
    ends = lines.starts[1:] - 1
    plain: NDArray[np.bool_] = (np.diff(lines.starts) <= _MAX_LINE_BYTES) & (content[ends] == _NEWLINE)
    plain &= ~np.isin(content[ends - 1], _BLANKS)
    backslashes = _find(lines, b"\\")
    following = content.take(backslashes + 1, mode="clip")
    wrong = [backslashes[(following == _BACKSLASH) | (following == _NEWLINE)], _find(lines, b"\0")]
    if not lines.content.isascii():  # a segment of fixed width must not begin in the middle of a character
        wrong.append(np.flatnonzero(content > _ASCII))
    plain[np.searchsorted(lines.starts, np.concatenate(wrong), side="right") - 1] = False
    return plain, backslashes[following == _QUOTE] + 1


def _find(lines: Lines, byte: bytes) -> NDArray[np.int64]:
    """Find a byte that is rare, or not so rare."""
    found: list[int] = []
    at = lines.content.find(byte)
    while at >= 0:
        if len(found) == _RARE:
            return lines.positions(ord(byte))
        found.append(at)
        at = lines.content.find(byte, at + 1)
    return np.array(found, dtype=np.int64)


def _implausible(typed: pl.DataFrame, latest: datetime) -> pl.Series:
    """Tell of which values some rule says that they are implausible; one answer where no rule looks at them."""
    against = [condition for column, _, condition in implausible(latest) if column in typed.columns]
    return typed.select(pl.any_horizontal(pl.lit(value=False), *against)).to_series()
