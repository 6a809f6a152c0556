r"""The pieces that a line format is made of, and the regular expression that reads them.

A format is a row of literals and fields, whatever server it comes from. Each field has a kind that says how
its text looks; together with where it stands (inside quotes or not, and before which character) that gives
its expression. All expressions are anchored and run in polars, whose engine is linear in the line's length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Field", "Kind", "Piece", "Text", "anchored", "prefix_of"]

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
    """

    name: str | None
    kind: Kind = "token"
    rank: int = 0
    pattern: str = ""
    optional: bool = False


Piece = Text | Field

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


def _patterns(pieces: tuple[Piece, ...]) -> list[str]:
    """Give the expression of each piece where it stands."""
    patterns, quoted = [], False
    for i, piece in enumerate(pieces):
        if isinstance(piece, Text):
            quoted ^= piece.text.count('"') % 2 == 1
            patterns.append("".join(map(_escape, piece.text)))
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
