r"""The pieces that a line format is made of, and the regular expression that reads them.

A format is a row of literals and fields, whatever server it comes from. Each field has a kind that says how
its text looks; together with where it stands (inside quotes or not, and before which character) that gives
its expression. All expressions are anchored and run in polars, whose engine is linear in the line's length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, NamedTuple

__all__ = [
    "CLOCKS",
    "Field",
    "Frame",
    "Kind",
    "Layout",
    "Piece",
    "Segment",
    "Text",
    "anchored",
    "escaped",
    "prefix_of",
    "segments",
]

CLOCKS: Final = {"time_clf": slice(12, 20), "time_iso8601": slice(11, 19)}
"""Fields that hold a whole time, and where in it the time of day stands, as `08:00:00`."""

Kind = Literal["token", "text", "list", "client", "host", "number", "path", "query", "own"]


@dataclass(frozen=True)
class Text:
    """Characters that stand in every line as they are."""

    text: str


@dataclass(frozen=True)
class Field:
    """A column of the line.

    Attributes:
        name: What it holds, in the vocabulary of `extract.py`; None for what is not used.
        kind: How its text looks when it stands outside quotes.
        rank: Of several columns with one name the lowest rank that is not `-` wins.
        pattern: Its own expression, for kind `own`.
        optional: The server writes `-` when a condition of the format is not met.
        absent: Texts that stand for nothing.
    """

    name: str | None
    kind: Kind = "token"
    rank: int = 0
    pattern: str = ""
    optional: bool = False
    absent: tuple[str, ...] = ("-",)


Piece = Text | Field


class Frame(NamedTuple):
    """What a segment is in which nothing varies but a time.

    Attributes:
        field: Name of the field that the time is: one of CLOCKS.
        before: What stands before the time.
        behind: What stands behind it.
        width: Number of characters of the time.
    """

    field: str
    before: str
    behind: str
    width: int


@dataclass
class Segment:
    """A part of a line: between two quotes, or of that the time at its end.

    Attributes:
        quotes: How many quotes are in it; if there are any, the first one begins it, except where the line begins.
        groups: The field of each group of its expression.
        width: Number of its characters; 0 where that is not known.
        frame: Of a segment that is a time and nothing else that varies.
        text: All that it is, unless there is a field in it.
    """

    quotes: int = 0
    groups: list[Field] = field(default_factory=list)
    width: int = 0
    frame: Frame | None = None
    text: str | None = ""
    _parts: list[str] = field(default_factory=list)

    @property
    def expression(self) -> str:
        """Its regular expression, anchored."""
        return "^" + "".join(self._parts) + "$"

    def add(self, piece: Piece, pattern: str, *, wanted: bool) -> None:
        """Add a piece; that of a field that is wanted is a group."""
        self._parts.append(f"({pattern})" if wanted else f"(?:{pattern})")
        if isinstance(piece, Field):
            self.text = None
            self.groups += [piece] if wanted else []
        elif self.text is not None:
            self.text += piece.text


Layout = tuple[Segment, ...]
"""A line as segments, which follow each other without a gap."""

_NO_BLANKS: Final = frozenset(("token", "client", "host", "number"))
_CLF_WIDTH: Final = len("22/Nov/2026:08:00:00 +0100")
_META: Final = frozenset(r"\.+*?()|[]{}^$#&-~")
_CLIENT: Final = r"[0-9A-Za-z_.:%\[\]\-]+"  # also `unix:`; no alternatives: one pass is twice as fast
_HOST: Final = r"\[[0-9A-Fa-f:.]+\]|[^ :\",\[\]]+"


def anchored(pieces: tuple[Piece, ...], captured: frozenset[str]) -> tuple[str, tuple[Field, ...]]:
    """Write the expression of whole lines; blanks at the right end have been removed before.

    Args:
        pieces: The format.
        captured: Names of the fields that are wanted; the others are matched and forgotten.

    Returns:
        The expression, and the field of each of its groups in order.
    """
    groups: list[Field] = []
    parts: list[str] = []
    for piece, pattern in zip(pieces, _patterns(pieces), strict=True):
        wanted = isinstance(piece, Field) and piece.name in captured
        if wanted and isinstance(piece, Field):
            groups.append(piece)
        parts.append(f"({pattern})" if wanted else f"(?:{pattern})")
    return "^" + "".join(parts) + "$", tuple(groups)


def prefix_of(pieces: tuple[Piece, ...], time_fields: frozenset[str]) -> str | None:
    """Write the expression of lines that break off after their time: truncated lines.

    Returns:
        The expression, or None when the format has no time to hold on to.
    """
    at = [i for i, piece in enumerate(pieces) if isinstance(piece, Field) and piece.name in time_fields]
    if not at:
        return None
    patterns = _patterns(pieces)
    head = "".join(f"(?:{pattern})" for pattern in patterns[: at[-1] + 1])
    tail = ""
    for piece, pattern in reversed(list(zip(pieces, patterns, strict=True))[at[-1] + 1 :]):
        steps = [_escape(character) for character in piece.text] if isinstance(piece, Text) else [pattern]
        for step in reversed(steps):
            tail = f"(?:(?:{step}){tail})?"
    return f"^{head}{tail}\\\\?$"


def segments(pieces: tuple[Piece, ...], captured: frozenset[str]) -> Layout:
    r"""Cut a format at its quotes, for lines without two backslashes together that have as many quotes as the format.

    A quote behind a backslash is not counted: within quotes both are passed together, and elsewhere they belong to a
    field, since the format has no quote right behind one. Each other quote is then one that the format writes, since an
    expression of the whole line has to pass as many; so the line fits the format if and only if each segment fits its
    own expression, with the same groups. A stretch that ends with a time and has only fields without blanks before it
    is cut once more: every time has the same width, and there are as many blanks before it as the format writes. Where
    a quote begins nothing but text, no cut is needed: that text stays with what is before it.

    Args:
        pieces: The format.
        captured: Names of the fields that are wanted.

    Returns:
        The segments in order; empty if the format has no quotes, or one right behind a field, or a backslash.
    """
    if any(isinstance(piece, Text) and "\\" in piece.text for piece in pieces) or _quote_behind_field(pieces):
        return ()
    stretches: list[list[tuple[Piece, str]]] = [[]]
    for piece, pattern in zip(pieces, _patterns(pieces), strict=True):
        first, *others = piece.text.split('"') if isinstance(piece, Text) else (None,)
        stretches[-1].append((piece, pattern) if first is None else (Text(first), escaped(first)))
        stretches += [[(Text(text), escaped(text))] for text in ('"' + other for other in others)]
    if len(stretches) == 1:
        return ()
    return tuple(segment for stretch in _with_text_behind(stretches) for segment in _cut(stretch, captured))


def _with_text_behind(stretches: list[list[tuple[Piece, str]]]) -> list[list[tuple[Piece, str]]]:
    """Put stretches of nothing but text to the one before, unless that is cut at a time."""
    joined = stretches[:1]
    for stretch in stretches[1:]:
        only_text = all(isinstance(piece, Text) for piece, _ in stretch)
        if only_text and _time_at_end([piece for piece, _ in joined[-1]]) is None:
            joined[-1] = joined[-1] + stretch
        else:
            joined.append(stretch)
    return joined


def _cut(stretch: list[tuple[Piece, str]], captured: frozenset[str]) -> Layout:
    """Make segments of a stretch: of one that ends with a time, what is before the time and what begins with it."""
    quotes = sum(piece.text.count('"') for piece, _ in stretch if isinstance(piece, Text))
    head, tail = Segment(quotes), Segment()
    at = _time_at_end([piece for piece, _ in stretch])
    for i, (piece, pattern) in enumerate(stretch):
        segment = tail if at is not None and i >= at else head
        segment.add(piece, pattern, wanted=isinstance(piece, Field) and piece.name in captured)
    if at is None:
        return (head,)
    bracketed = stretch[at][1].startswith("\\[")
    behind = "".join(piece.text for piece, _ in stretch[at:] if isinstance(piece, Text))
    before, behind = ("[", "]" + behind) if bracketed else ("", behind)
    tail.frame = Frame("time_clf", before, behind, _CLF_WIDTH)
    tail.width = len(before) + _CLF_WIDTH + len(behind)
    return head, tail


def _quote_behind_field(pieces: tuple[Piece, ...]) -> bool:
    """Tell whether a quote begins right behind a field."""
    quoted = False
    for piece, following in pairwise((*pieces, Text(""))):
        if isinstance(piece, Text):
            quoted ^= piece.text.count('"') % 2 == 1
        elif not quoted and isinstance(following, Text) and following.text.startswith('"'):
            return True
    return False


def _time_at_end(pieces: list[Piece]) -> int | None:
    """Give the place of a time behind which there is only text, and before which no field may hold a blank."""
    fields = [(i, piece) for i, piece in enumerate(pieces) if isinstance(piece, Field)]
    if not fields or fields[-1][1].name != "time_clf":
        return None
    return fields[-1][0] if all(piece.kind in _NO_BLANKS for _, piece in fields[:-1]) else None


def _patterns(pieces: tuple[Piece, ...]) -> list[str]:
    """Give the expression of each piece where it stands."""
    patterns, quoted = [], False
    for i, piece in enumerate(pieces):
        if isinstance(piece, Text):
            quoted ^= piece.text.count('"') % 2 == 1
            patterns.append(escaped(piece.text))
        else:
            patterns.append(_field_pattern(piece, quoted=quoted, stop=_stop(pieces, i)))
    return patterns


def _stop(pieces: tuple[Piece, ...], i: int) -> str:
    """Give the character that ends field `i`, or an empty string at the end of the line."""
    following = pieces[i + 1] if i + 1 < len(pieces) else Text("")
    if isinstance(following, Text):
        return following.text[:1]
    return "?" if following.kind == "query" else ""


def _field_pattern(field: Field, *, quoted: bool, stop: str) -> str:
    if field.kind == "own":
        pattern = field.pattern
    elif field.kind == "query":
        pattern = rf"(?:\?{_quoted('')})?" if quoted else r"(?:\?[^ ]*)?"
    elif quoted:
        pattern = _quoted(stop)
    elif field.kind == "host":
        pattern = _HOST if stop == ":" else f"(?:{_HOST})(?::[0-9]+)?"
    else:
        pattern = _bare(field.kind, stop)
    return f"-|{pattern}" if field.optional else pattern


def _quoted(stop: str) -> str:
    """Text between quotes, in which a backslash escapes; up to `stop` if that comes before the quote."""
    other = "" if stop in ('"', "") else _escape(stop)
    return rf'(?:[^"\\{other}]|\\.)*'


def _bare(kind: Kind, stop: str) -> str:
    other = "" if stop in (" ", "") else _escape(stop)
    if kind == "client":
        return _CLIENT
    if kind == "number":
        return r"[0-9]+(?:\.[0-9]+)?|-"
    if kind == "list":  # nginx joins the values of several upstreams by `, ` and ` : `
        return rf"[^ {other}]*(?:(?:,| :) [^ {other}]+)*"
    if kind == "text":  # may hold blanks: up to the last stop that still lets the rest of the line fit
        return rf"[^{other}]*" if other else ".*"
    return rf"[^ {other}]*" if other else r"[^ ]+"


def _escape(text: str) -> str:
    return "\\" + text if text in _META else text


def escaped(text: str) -> str:
    """Write the expression of a text."""
    return "".join(map(_escape, text))
