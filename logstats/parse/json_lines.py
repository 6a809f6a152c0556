"""JSON lines: one object a line, its keys by the aliases of json_keys.toml."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import orjson
import polars as pl

from logstats.parse.formats import json_keys

__all__ = ["json_fields", "json_object"]

_SECONDS_PER_NANOSECOND: Final = 1e-9
_REQUEST: Final = ("request", "method", "target")
_TIMES: Final = ("time_iso8601", "time_clf", "epoch_seconds")
_NOTHING: Final = ("", "-")


def json_fields(lines: pl.Series) -> pl.DataFrame:
    """Read the fields of JSON lines.

    What stands before the first brace is left away: containers and syslog write a prefix.

    Args:
        lines: Text, a line each.

    Returns:
        One row a line: a String column for each field, null for `-` and empty texts; `matched`: whether the
        line is an object that holds a time and a status; `asked`: whether it has a place for a request, be it
        empty. Values that are no text or number count as absent; nanoseconds have become seconds.
    """
    by_shape: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for row, line in enumerate(lines):
        entry = json_object(line[line.find("{") :]) if "{" in line else None
        if entry:
            by_shape.setdefault(tuple(entry), []).append((row, entry))
    empty = pl.DataFrame(schema={"row": pl.Int64, **dict.fromkeys(json_keys(), pl.String), "asked": pl.Boolean})
    shapes = [_of_shape(frozenset(keys), entries) for keys, entries in by_shape.items()]
    found = pl.concat([empty, *shapes], how="diagonal")
    rows = pl.DataFrame({"row": pl.int_range(lines.len(), eager=True)})
    matched = pl.any_horizontal(pl.col(name).is_not_null() for name in _TIMES) & pl.col("status").is_not_null()
    return rows.join(found, on="row", how="left", maintain_order="left").select(
        *(name for name in json_keys() if name != "nanoseconds"),
        matched.alias("matched"),
        pl.col("asked").fill_null(value=False),
    )


def _of_shape(keys: frozenset[str], entries: list[tuple[int, dict[str, Any]]]) -> pl.DataFrame:
    """Read objects that have the same outermost keys, a column at a time: the lines of a log have few shapes.

    Args:
        keys: The outermost keys.
        entries: Objects, each with its row.

    Returns:
        `row`, a String column for each field that may be there, and `asked`.
    """
    wanted = keys & {path[0] for paths in _paths().values() for path in paths}
    outer = {key: [entry[key] for _, entry in entries] for key in wanted}
    columns = {"row": pl.Series([row for row, _ in entries], dtype=pl.Int64)}
    asked = pl.repeat(value=False, n=len(entries), dtype=pl.Boolean, eager=True)
    for name, paths in _paths().items():
        there = [_column(outer[path[0]], path[1:]) for path in paths if path[0] in wanted]
        if found := [texts for texts in there if texts is not None]:
            values = pl.DataFrame([texts.alias(str(i)) for i, texts in enumerate(found)])
            if name in _REQUEST:
                asked |= values.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
            filled = (pl.when(~pl.col(column).is_in(_NOTHING)).then(column) for column in values.columns)
            columns[name] = values.select(pl.coalesce(filled)).to_series()
    frame = pl.DataFrame({**columns, "asked": asked})
    if "nanoseconds" not in columns:
        return frame
    seconds = pl.col("nanoseconds").cast(pl.Float64, strict=False) * _SECONDS_PER_NANOSECOND
    known = "seconds" if "seconds" in columns else pl.lit(None, dtype=pl.String)
    return frame.with_columns(pl.coalesce(known, seconds.cast(pl.String)).alias("seconds"))


def _column(values: list[Any], path: tuple[str, ...]) -> pl.Series | None:
    """Give what stands at a path inside each value as text, null where nothing does; None where nothing ever does."""
    for part in path:
        if dict not in set(map(type, values)):
            return None
        values = [value.get(part) if isinstance(value, dict) else None for value in values]
    if set(map(type, values)) != {str}:
        values = [value if isinstance(value, str) else _text(value) for value in values]
    return pl.Series(values, dtype=pl.String)


def _text(value: object) -> str | None:
    """Give a value as text; a list counts with its first one."""
    if isinstance(value, list):
        value = next(iter(value), None)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


@cache
def _paths() -> dict[str, list[tuple[str, ...]]]:
    """Give the keys of json_keys.toml, each as the steps to its value."""
    return {name: [tuple(key.split(".")) for key in keys] for name, keys in json_keys().items()}


def json_object(text: str) -> dict[str, Any] | None:
    """Read a text as JSON; None if it is none, or no object."""
    try:
        entry = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None
