"""Pieces of text for a terminal: names that cannot act on it, bars, shares, durations, and lines that fit."""

from __future__ import annotations

from typing import Final

__all__ = ["BAR", "BIDIRECTIONAL", "bar", "broken", "clipped", "duration", "escape", "percent", "ranked"]

BAR: Final = 20
"""Width of a bar, in characters."""

BIDIRECTIONAL: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")
_CONTROLS: Final = frozenset((*range(0x20), *range(0x7F, 0xA0)))
_COUNT: Final = 14  # characters of a count and the blanks around it
_LEAST_NAME: Final = 24
_SURROGATES: Final = range(0xD800, 0xE000)


def escape(text: str) -> str:
    r"""Make every character that could act on a terminal visible instead.

    >>> escape("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if code in _CONTROLS:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if character in BIDIRECTIONAL or code in _SURROGATES else character


def percent(part: int, whole: int) -> str:
    """Give a share; more exactly where it would round to none or all."""
    share = 100 * part / max(whole, 1)
    return f"{share:.2f} %" if 0 < share < 1 or 99 < share < 100 else f"{share:.0f} %"  # noqa: PLR2004 - per cent


def duration(seconds: float) -> str:
    """Give a duration to the second.

    >>> duration(3_725)
    '1 h 02 min'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def bar(share: float) -> str:
    """Draw a share of one; the smallest one is seen."""
    return "█" * max(round(share * BAR), 0) if share * BAR >= 1 else "▏" * (share > 0)


def clipped(text: str, width: int) -> str:
    """Cut a text that is too long for a line."""
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"


def ranked(name: str, count: int, most: int, width: int) -> str:
    """Give a line of a ranking: count, bar and name; on a narrow terminal the name has the room of the bar."""
    if width - BAR - _COUNT - 4 < _LEAST_NAME:
        return f"  {count:>10,}  {clipped(escape(name), width - _COUNT)}"
    return f"  {count:>10,}  {bar(count / most):<{BAR}}  {clipped(escape(name), width - BAR - _COUNT - 4)}"


def broken(text: str, width: int) -> list[str]:
    """Break a text that is too long for a line where a word ends. Not textwrap: that is Python's `re`.

    >>> broken("  one two three", 10)
    ['  one two', '    three']
    """
    if len(text) <= width:
        return [text]
    margin = " " * (len(text) - len(text.lstrip(" ")))
    lines, line = [], margin
    for word in text.split():
        if line.strip() and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = margin + "  "
        line += word if not line.strip() else f" {word}"
    return [*lines, line]
