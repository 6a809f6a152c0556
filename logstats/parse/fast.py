"""The fast path: lines are cut at their quotes, and each distinct segment is read once, by the exact expressions.

It takes lines of which it is certain that the exact path reads them in the same way, and leaves all others to that:
lines with two backslashes together, a NUL, a character beyond ASCII or blanks at the end, lines that are too long, that
have more or fewer quotes than the format, of which a segment does not fit, or that say something implausible. Why the
segments decide about the whole line is said in `pieces.segments`, and of JSON in `json_shapes`; property tests hold
both paths side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from logstats.codes import recoded
from logstats.distinct import Memo
from logstats.parse.exact import as_requests, extract, needs
from logstats.parse.framed import framed_times
from logstats.parse.json_shapes import json_layouts
from logstats.parse.places import find_quotes, segment_places
from logstats.parse.plausible import implausible
from logstats.schema import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from logstats.parse.formats import Format
    from logstats.parse.pieces import Layout, Segment
    from logstats.parse.places import Quoted
    from logstats.read import Lines

__all__ = ["Memory", "read_fast"]

_MOST: Final = 250_000
_MOST_LAYOUTS: Final = 4
_FITS: Final = "fits"
_FIELD: Final = "field "


@dataclass
class Memory:
    """What the segments of one input said; in memory only, and bounded: of some layouts, a memo for each segment."""

    _memos: dict[tuple[str, ...], tuple[Memo, ...]] = field(default_factory=dict, repr=False)

    def of(self, layout: Layout) -> tuple[Memo, ...]:
        """Give the memo of each segment; which layout it is, its expressions tell."""
        key = tuple(segment.expression for segment in layout)
        if key not in self._memos and len(self._memos) >= _MOST_LAYOUTS:
            self._memos = {}
        most = _MOST // (1 + len(self._memos))  # so that all together are bounded, and the first one has most
        return self._memos.setdefault(key, tuple(Memo(most) for _ in layout))


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
        REQUESTS, `line` being the position in the block; texts are coded (Categorical). Lines that are not in it are
        for the exact path.
    """
    layouts = json_layouts(lines) if line_format.syntax == "json" else [line_format.layout]
    if not any(layouts) or not len(lines):
        return pl.DataFrame(schema=REQUESTS)
    quoted, memory = find_quotes(lines), memory or Memory()
    rules = _Rules(timezone, latest, opt_out_cookie)
    read: list[pl.DataFrame] = []
    for layout in layouts:
        read.append(_read_layout(lines, quoted, layout, rules, memory.of(layout)))
        quoted.quick[read[-1]["line"].to_numpy()] = False
    first, *others = read
    alike = (one.select(recoded(one[name], dtype) for name, dtype in first.schema.items()) for one in others)
    return pl.concat([first, *alike])


class _Rules(NamedTuple):
    """How texts are read, beside by the layout; as the arguments of `read_fast`."""

    timezone: str
    latest: datetime
    opt_out_cookie: str

    def typed(self, fields: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
        """Make columns of REQUESTS."""
        return as_requests(fields, self.timezone, self.opt_out_cookie, columns)

    def implausible(self, typed: pl.DataFrame) -> pl.Series:
        """Tell of which values some rule says that they are implausible; one answer where no rule looks at them."""
        against = [condition for column, _, condition in implausible(self.latest) if column in typed.columns]
        return typed.select(pl.any_horizontal(pl.lit(value=False), *against)).to_series()


def _read_layout(lines: Lines, quoted: Quoted, layout: Layout, rules: _Rules, memos: Sequence[Memo]) -> pl.DataFrame:
    """Read the lines that have a layout, and are not yet read."""
    plan = _plan(layout, rules.opt_out_cookie)
    rows, places = segment_places(lines, quoted, layout)
    texts = pl.Series(lines.cut(places))
    columns: dict[str, pl.Series] = {}
    apart: dict[str, pl.Series] = {}
    fits = pl.repeat(value=True, n=len(rows), dtype=pl.Boolean, eager=True)
    for i, (segment, names) in enumerate(zip(layout, plan.names, strict=True)):
        text = texts.gather_every(len(layout) + 1, i)
        if segment.text is not None:
            fits &= text == segment.text
        elif segment.frame and names == ("time",):
            begins, ends = (places[at : len(places) - 1 : len(layout) + 1] for at in (i, i + 1))
            instants, whole = framed_times(lines.content, begins, ends, segment.frame)
            columns["time"] = pl.Series(instants).cast(REQUESTS["time"])
            fits &= pl.Series(whole) & ~rules.implausible(columns["time"].to_frame("time"))
        elif not segment.groups:
            fits &= text.str.contains(segment.expression)
        else:
            # Times are ever new, and which are from the future changes with the clock.
            memo = Memo() if "time" in names else memos[i]
            read = partial(_read, segment=segment, names=names, plan=plan, rules=rules)
            said = memo.look_up(text, read)
            fits &= said[_FITS]
            columns |= {name: said[name] for name in names}
            apart |= {name: said[_FIELD + name].cast(pl.String) for name in plan.sources if _FIELD + name in said}
    numbered = pl.DataFrame({"line": pl.Series(rows, dtype=pl.UInt32)} | apart)
    others = rules.typed(numbered, plan.others)
    fits &= ~rules.implausible(others)
    columns |= others.to_dict()
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


def _plan(layout: Layout, opt_out_cookie: str) -> _Plan:
    given = [frozenset(str(group.name) for group in segment.groups) for segment in layout]
    fields = frozenset[str]().union(*given)
    wanted = {name: needs(name, fields, opt_out_cookie) for name in REQUESTS}
    names = tuple(tuple(name for name, of in wanted.items() if of and of <= here) for here in given)
    others = tuple(name for name in REQUESTS if not any(name in here for here in names))
    return _Plan(names, others, frozenset[str]().union(*(wanted[name] for name in others)))


def _read(texts: pl.Series, *, segment: Segment, names: Sequence[str], plan: _Plan, rules: _Rules) -> pl.DataFrame:
    """Read texts of a segment: whether it fits, columns of REQUESTS, and its fields, of which others may be made."""
    said = extract(texts, segment.expression, segment.groups)
    requests = rules.typed(said, names)
    fits = said["matched"] & ~rules.implausible(requests)
    fields = {_FIELD + name: said[name] for name in said.columns if name in plan.sources}
    return pl.DataFrame({_FITS: fits} | requests.to_dict() | fields)
