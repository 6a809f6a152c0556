r"""The shapes of JSON lines, as layouts for the fast path.

A server writes the same keys in the same order and with the same blanks: what varies is the values. A shape is learned
from lines of the block; what lies between its values then is text, and each value has an expression. Texts and
expressions together make up the whole line, so that a line which fits is known to be JSON, with which value at which
key. A value that no column wants is checked as well: the exact path takes nothing from a line that is no JSON.

What a shape does not take goes to the exact path: escapes other than `\"`, numbers that Python would write in another
way, another type than in the line from which the shape was learned, keys that stand there twice.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from logstats.parse.exact import needs
from logstats.parse.formats import is_time, json_keys
from logstats.parse.json_lines import json_object
from logstats.parse.pieces import CLOCKS, Field, Frame, Layout, Segment, Text, escaped
from logstats.schema import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logstats.read import Lines

__all__ = ["json_layouts"]

_SAMPLE: Final = 32
_MOST_LAYOUTS: Final = 4
_MOST_BRACKETS: Final = 64
_MOST_VALUES: Final = 128
_MOST_TEXT: Final = 8_192
_STRUCTURE: Final = frozenset("{}[]:, \t\r")
_QUOTE: Final = '"'

_CHARACTER: Final = r'(?:[^"\\\x00-\x1f]|\\")'
_STRING: Final = f"{_CHARACTER}*"
_SOMETHING: Final = rf'{_CHARACTER}{_CHARACTER}+|[^"\\\x00-\x1f-]'  # not empty, not `-`
_WHOLE: Final = "0|[1-9][0-9]{0,17}"  # such a number Python writes as it stands
_DECIMAL: Final = rf"(?:{_WHOLE})(?:\.[0-9]{{1,17}})?"  # and such a one has the same Float64
_UNUSED: Final = rf"-?{_DECIMAL}|true|false|null"
_PREFIX: Final = r'[^{"\\]+'  # of a container or syslog

_NUMBERS: Final = frozenset(("epoch_seconds", "body_bytes", "seconds", "nanoseconds"))
_REQUIRED: Final = frozenset(("client", "status", "user_agent"))
_REQUEST: Final = frozenset(("request", "method", "target"))
_FIRST: Final = (
    (frozenset(("epoch_seconds",)), frozenset(("time_clf", "time_iso8601"))),
    (frozenset(("time_clf",)), frozenset(("time_iso8601",))),
    (frozenset(("method", "target")), frozenset(("request",))),
    (frozenset(("seconds",)), frozenset(("nanoseconds",))),
)
"""Fields, and those that do not count where all of the former say something."""


class _Value(NamedTuple):
    """A value of a shape.

    Attributes:
        pattern: Its expression, without quotes.
        quoted: It is a string.
        field: What it holds, if that is wanted.
        width: Of a time that may be quickly read, the number of its characters.
    """

    pattern: str
    quoted: bool = False
    field: str | None = None
    width: int = 0


class _Shape(NamedTuple):
    """What lines have in common: values, and the texts around them, one more than there are values."""

    texts: tuple[str, ...]
    values: tuple[_Value, ...]


def json_layouts(lines: Lines) -> list[Layout]:
    """Give the layouts that most lines of a block have, judged by some of them; the most frequent one first.

    A line fits one of them at most. Its fields are those of `read_fields`, and what it lacks is null there.
    """
    rows = np.unique(np.linspace(0, len(lines) - 1, min(len(lines), _SAMPLE)).astype(np.int64))
    shapes = Counter(shape for line in lines.texts(rows) if (shape := _shape(line)))
    return [_layout(shape) for shape, _ in shapes.most_common(_MOST_LAYOUTS)]


def _shape(line: str) -> _Shape | None:
    """Learn the shape of a line; None if it is no access line in JSON, or not a simple one."""
    prefix, brace, rest = line.partition("{")
    if not line.isascii() or "\\\\" in line or rest.count("{") + rest.count("[") > _MOST_BRACKETS:
        return None
    text = brace + rest.replace(r"\"", "'")  # of strings only where they begin and end is of interest
    entry = json_object(text)
    if not entry:
        return None
    texts, written, paths = [""], [], list(_paths(entry, ()))
    for token, is_value in _tokens(text):
        if is_value:
            written.append(token)
            texts.append("")
        else:
            texts[-1] += token
    between, fields = "".join(texts), _fields(paths)
    twice = between.count(_QUOTE) != 2 * _count_keys(entry)  # some key is there twice
    if twice or fields is None or len(paths) > _MOST_VALUES or len(between) > _MOST_TEXT:
        return None
    values = [_value(value, *fields.get(i, (None, False))) for i, value in enumerate(written)]
    if prefix:
        texts, values = ["", *texts], [_Value(_PREFIX), *values]
    return _Shape(tuple(texts), tuple(values))


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Take JSON without escaped quotes apart: values and what is between, and whether each is a value."""
    parts = text.split(_QUOTE)
    for i, part in enumerate(parts):
        if i % 2:
            yield f'"{part}"', not parts[i + 1].lstrip().startswith(":")
        else:
            for structure, characters in groupby(part, _STRUCTURE.__contains__):
                yield "".join(characters), not structure


def _paths(value: object, path: tuple[str, ...] | None) -> Iterator[tuple[str, ...] | None]:
    """Give the keys that lead to each value, in the order of the text; None inside lists, but for their first value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, None if path is None else (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _paths(inner, None if i or isinstance(inner, dict | list) else path)
    else:
        yield path


def _count_keys(value: Any) -> int:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return len(value) + sum(map(_count_keys, value.values()))
    return sum(map(_count_keys, value)) if isinstance(value, list) else 0


def _fields(paths: Sequence[tuple[str, ...] | None]) -> dict[int, tuple[str, bool]] | None:
    """Choose the values that count: for each its field, and whether it has to say something; None if a field lacks."""
    ranked: dict[str, list[tuple[int, int]]] = {}
    for i, path in enumerate(paths):
        if path in _wanted():
            name, rank = _wanted()[path]
            ranked.setdefault(name, []).append((rank, i))
    needed = {name for name, places in ranked.items() if len(places) > 1}
    for first, others in _FIRST:
        if first <= ranked.keys() and others & ranked.keys():
            needed |= first
            ranked = {name: places for name, places in ranked.items() if name not in others}
    if not (ranked.keys() >= _REQUIRED and ranked.keys() & _REQUEST and any(map(is_time, ranked))):
        return None
    return {min(places)[1]: (name, name in needed) for name, places in ranked.items()}


@cache
def _wanted() -> dict[tuple[str, ...] | None, tuple[str, int]]:
    """Give the field of each key, and its rank among the keys of that field."""
    names = frozenset[str]().union(*(needs(column, frozenset(json_keys()), "") for column in REQUESTS))
    ranked = ((name, rank, key) for name in names for rank, key in enumerate(json_keys()[name]))
    return {tuple(key.split(".")): (name, rank) for name, rank, key in ranked}


def _value(written: str, field: str | None, needed: bool) -> _Value:  # noqa: FBT001 - they come together
    """Give a value as it stands in one line; `needed`: it has to say something, for else another one would count."""
    if not written.startswith(_QUOTE):
        return _Value(_UNUSED if field is None else _DECIMAL if field in _NUMBERS else _WHOLE, field=field)
    inner, clock = written.strip(_QUOTE), CLOCKS.get(field or "")
    # A time with a fraction is ever new, and so is what is left of it without its clock.
    quick = clock is not None and "." not in inner and len(inner) >= clock.stop
    pattern = _SOMETHING if needed else _STRING
    return _Value(pattern, quoted=True, field=field, width=len(inner) if quick else 0)


def _layout(shape: _Shape) -> Layout:
    """Write a shape as segments: each begins with a string, or with the end of the key of another value."""
    stretches: list[list[str | _Value]] = [[]]
    for text, value in zip(shape.texts, shape.values, strict=False):
        before, quote, behind = (text, _QUOTE, "") if value.quoted else text.rpartition(_QUOTE)
        if quote:
            stretches[-1].append(before)
            stretches.append([value] if value.quoted else [quote + behind, value])
        else:
            stretches[-1] += [text, value]
    stretches[-1].append(shape.texts[-1])
    return tuple(map(_segment, stretches))


def _segment(stretch: Sequence[str | _Value]) -> Segment:
    behind = "".join(part for part in stretch if isinstance(part, str))
    segment = Segment(behind.count(_QUOTE) + sum(2 for part in stretch if isinstance(part, _Value) and part.quoted))
    for part in stretch:
        if isinstance(part, str):
            segment.add(Text(part), escaped(part), wanted=False)
            continue
        quote = Text(_QUOTE if part.quoted else "")
        segment.add(quote, quote.text, wanted=False)
        segment.add(Field(part.field, "own", absent=("", "-")), part.pattern, wanted=part.field is not None)
        segment.add(quote, quote.text, wanted=False)
        if part.width:
            segment.frame = Frame(str(part.field), _QUOTE, _QUOTE + behind, part.width)
    return segment
