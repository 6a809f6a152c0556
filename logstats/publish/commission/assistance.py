"""The half-yearly message on assistance services, from a table that the help desk keeps.

Columns: sourceUrl, nbRequests, categoryOfUser (citizen, business), subjectMatter, sub-subjectMatter (may be missing or
empty), situationOfUser (cross-border, national), avgResponseTime (days).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from logstats.errors import InputRejectedError
from logstats.publish.commission.listed import read_rows, read_text, separator_of
from logstats.publish.commission.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from logstats.publish.commission.period import Period

__all__ = ["read_requests"]

_TEXTS: Final = ("categoryOfUser", "subjectMatter", "sub-subjectMatter", "situationOfUser")
_NEEDED: Final = ("sourceUrl", "nbRequests", "categoryOfUser", "subjectMatter", "situationOfUser", "avgResponseTime")
_OPTIONAL: Final = "sub-subjectMatter"
_DIGITS: Final = 15  # more than anybody was asked


def read_requests(file: Path, period: Period) -> Message:
    """Make the message of a table.

    Args:
        file: CSV in UTF-8 with a header, separated by commas or semicolons; numbers may have a decimal comma where
            semicolons separate.
        period: The half-year.

    Returns:
        A message whose sources and rows are sorted; `check` says what else is wrong with it.

    Raises:
        InputMissingError: There is no such file.
        InputRejectedError: A column is missing, or something is no number; file and line are named.
    """
    text = read_text(file)
    rows = read_rows(file, text)
    _, names = next(rows, (1, []))
    if missing := [name for name in _NEEDED if name not in names]:
        raise InputRejectedError(f"{file}:1: lacks the column {missing[0]}", hint=f"columns: {', '.join(_NEEDED)}")
    if unknown := [name for name in names if name not in {*_NEEDED, _OPTIONAL}]:
        raise InputRejectedError(f"{file}:1: has a column {unknown[0]!r}, which is none of the message's")
    sources: dict[str, list[dict[str, Any]]] = {}
    for number, cells in rows:
        if not cells:  # an empty line
            continue
        place = f"{file}:{number}"
        if len(cells) != len(names):
            raise InputRejectedError(f"{place}: has another number of columns than the header")
        row = dict(zip(names, cells, strict=True))
        sources.setdefault(row["sourceUrl"].strip(), []).append(_statistic(row, place, separator_of(text)))
    for found in sources.values():
        found.sort(key=lambda one: [one.get(name, "") for name in _TEXTS])
    encoded = [{"sourceUrl": url, "statistics": found} for url, found in sorted(sources.items())]
    return Message(period, len(encoded), ",\n".join(orjson.dumps(source).decode() for source in encoded))


def _statistic(row: dict[str, str], place: str, delimiter: str) -> dict[str, Any]:
    texts = {name: row[name].strip() for name in _TEXTS if row.get(name, "").strip() or name != _OPTIONAL}
    return {
        "nbRequests": _number(row["nbRequests"], f"{place}: nbRequests", whole=True),
        **texts,
        "avgResponseTime": _number(
            row["avgResponseTime"].replace(",", ".") if delimiter == ";" else row["avgResponseTime"],
            f"{place}: avgResponseTime",
            whole=False,
        ),
    }


def _number(text: str, place: str, *, whole: bool) -> int | float:
    """Read a number without sign or exponent."""
    before, _, after = text.strip().partition(".")
    if not before.isdecimal() or not before.isascii() or (after and not (after.isdecimal() and after.isascii())):
        raise InputRejectedError(f"{place}: must be a number")
    if len(before) > _DIGITS:
        raise InputRejectedError(f"{place}: is too large")
    if whole and after:
        raise InputRejectedError(f"{place}: must be a whole number")
    return float(f"{before}.{after}") if after.strip("0") else int(before)
