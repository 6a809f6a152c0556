"""JSON lines: one object a line, its keys by the aliases of json_keys.toml."""

from __future__ import annotations

from typing import Any, Final

import orjson
import polars as pl

from logstats.parse.formats import json_keys

__all__ = ["json_fields"]

_SECONDS_PER_NANOSECOND: Final = 1e-9
_REQUEST: Final = ("request", "method", "target")
_NOTHING: Final = ("", "-")


def json_fields(lines: pl.Series) -> pl.DataFrame:
    """Read the fields of JSON lines.

    What stands before the first brace is left away: containers and syslog write a prefix.

    Args:
        lines: Text, a line each.

    Returns:
        One row a line: a String column for each field, null for `-` and empty texts; `matched`: whether the
        line is an object that holds a time and a status; `asked`: whether it has a place for a request, be it
        empty. Values that are no text or number count as absent.
    """
    rows = [_fields(line) for line in lines]
    schema = dict.fromkeys(json_keys(), pl.String) | {"matched": pl.Boolean, "asked": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _fields(line: str) -> tuple[str | bool | None, ...]:
    brace = line.find("{")
    entry = _object(line[brace:]) if brace >= 0 else None
    if entry is None:
        return (*(None for _ in json_keys()), False, False)
    values = {name: _first(entry, keys) for name, keys in json_keys().items()}
    if (nanoseconds := values["nanoseconds"]) is not None:
        values["seconds"] = values["seconds"] or _seconds(nanoseconds)
    when = values["time_iso8601"] or values["time_clf"] or values["epoch_seconds"]
    asked = any(_value(entry, key) is not None for name in _REQUEST for key in json_keys()[name])
    return (*values.values(), bool(when and values["status"]), asked)


def _object(text: str) -> dict[str, Any] | None:
    try:
        entry = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None


def _first(entry: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    values = (_value(entry, key) for key in keys)
    return next((value for value in values if value is not None and value not in _NOTHING), None)


def _value(entry: dict[str, Any], key: str) -> str | None:
    """Give the text of a key; a dot goes into an object, a list counts with its first value."""
    value: Any = entry
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, list):
        value = next(iter(value), None)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)


def _seconds(nanoseconds: str) -> str | None:
    try:
        return str(float(nanoseconds) * _SECONDS_PER_NANOSECOND)
    except ValueError:
        return None
