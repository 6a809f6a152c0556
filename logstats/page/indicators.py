"""Indicators: what no log knows, as the configuration or a CSV declares it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from logstats.config import Indicator, indicator_problem
from logstats.errors import ConfigurationError, InputMissingError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_csv"]

_NEEDED: Final = ("name", "value", "date", "source")
_KNOWN: Final = ("name", "name_en", "value", "unit", "unit_en", "date", "method", "method_en", "source")


def read_csv(file: Path) -> list[Indicator]:
    """Read indicators from a CSV: UTF-8, a header with the names of the keys of `[[indicator]]`, comma or semicolon.

    Raises:
        InputMissingError: There is no such file.
        ConfigurationError: A column is missing or unknown, or a value makes no sense; the message names the line.
    """
    try:
        text = file.read_text("utf-8-sig")
    except OSError:
        raise InputMissingError(f"{file}: cannot be read", hint="page.indicators names it") from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not UTF-8 text", file=str(file), key="page.indicators") from None
    header = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(), delimiter=";" if header.count(";") > header.count(",") else ",")
    names = rows.fieldnames or []
    if wrong := [name for name in names if name not in _KNOWN] or [name for name in _NEEDED if name not in names]:
        reason = f"column {wrong[0]!r} is {'unknown' if wrong[0] in names else 'missing'}"
        raise ConfigurationError(reason, file=str(file), line=1, hint=f"columns: {', '.join(_KNOWN)}")
    found = []
    for row in rows:
        if None in row or None in row.values():
            raise ConfigurationError("has more or fewer values than the header", file=str(file), line=rows.line_num)
        one = Indicator(**{name: value.strip() for name, value in row.items()})
        if problem := indicator_problem(one):
            raise ConfigurationError(": ".join(problem), file=str(file), line=rows.line_num)
        found.append(one)
    return found
