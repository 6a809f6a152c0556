"""strftime(3) formats: the expression of what they print, and the instant it means.

Only what a computer writes in the C locale is read; names of months and days are English.
"""

from __future__ import annotations

from typing import Final

__all__ = ["chrono_format", "has_date", "has_zone", "strftime_pattern"]

_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_FULL_MONTHS: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_TWO: Final = "[0-9]{2}"
_BLANK_TWO: Final = "[ 0-9][0-9]"

_DIRECTIVES: Final[dict[str, str]] = {
    "a": "Mon|Tue|Wed|Thu|Fri|Sat|Sun",
    "A": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
    "b": _MONTHS,
    "B": _FULL_MONTHS,
    "C": _TWO,
    "d": _TWO,
    "D": f"{_TWO}/{_TWO}/{_TWO}",
    "e": _BLANK_TWO,
    "F": f"[0-9]{{4}}-{_TWO}-{_TWO}",
    "G": "[0-9]{4}",
    "h": _MONTHS,
    "H": _TWO,
    "I": _TWO,
    "j": "[0-9]{3}",
    "k": _BLANK_TWO,
    "l": _BLANK_TWO,
    "m": _TWO,
    "M": _TWO,
    "n": "\\n",
    "p": "AM|PM",
    "P": "am|pm",
    "R": f"{_TWO}:{_TWO}",
    "s": "[0-9]+",
    "S": _TWO,
    "t": "\\t",
    "T": f"{_TWO}:{_TWO}:{_TWO}",
    "u": "[1-7]",
    "U": _TWO,
    "V": _TWO,
    "w": "[0-6]",
    "y": _TWO,
    "Y": "[0-9]{4}",
    "z": "[+-][0-9]{4}",
    "Z": "GMT|UTC",
    "%": "%",
}
_REGEX_META: Final = frozenset(r"\.+*?()|[]{}^$#&-~")


def strftime_pattern(text: str) -> str:
    """Give the expression that matches what the format prints.

    Raises:
        ValueError: A directive is malformed or not supported.
    """
    parts: list[str] = []
    for literal, directive in _directives(text):
        parts.append("".join("\\" + c if c in _REGEX_META else c for c in literal))
        if directive:
            parts.append(f"(?:{_DIRECTIVES[directive]})")
    return "".join(parts)


def chrono_format(text: str) -> str:
    """Translate the format for polars: zone names become offsets (the text must be translated too)."""
    return text.replace("%Z", "%z")


def has_date(text: str) -> bool:
    """Tell whether what is printed holds a whole date."""
    used = {directive for _, directive in _directives(text)}
    day = {"d", "e"} & used and {"m", "b", "B", "h"} & used and {"Y", "y"} & used
    return bool(day or {"F", "D"} & used)


def has_zone(text: str) -> bool:
    """Tell whether what is printed holds an offset or the name of UTC."""
    return bool({"z", "Z"} & {directive for _, directive in _directives(text)})


def _directives(text: str) -> list[tuple[str, str]]:
    """Split into pairs of literal text and the directive after it (empty at the end)."""
    first, *rest = text.replace("%%", "\0").split("%")
    pairs = [(first.replace("\0", "%"), "")]
    for part in rest:
        directive = part[:1]
        if directive not in _DIRECTIVES or directive == "%":
            raise ValueError(f"holds %{directive or ' at its end'}, which no time format knows")
        literal, _ = pairs[-1]
        pairs[-1] = (literal, directive)
        pairs.append((part[1:].replace("\0", "%"), ""))
    return pairs
