"""When a request was made: whatever the format writes, as an instant in UTC.

The offset that the log states decides. Where a format states none, the configured time zone does; of an hour
that the clock shows twice the first is taken, and an hour that it skips is no time.
"""

from __future__ import annotations

from functools import reduce
from typing import Final

import polars as pl

from logstats.parse.strftime import chrono_format, has_date, has_zone

__all__ = ["instants"]

_CLF: Final = "%d/%b/%Y:%H:%M:%S %z"
_CLF_SHAPE: Final = r"^[0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-](?:0[0-9]|1[0-4])[0-5][0-9]$"
_ISO_SHAPE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
_EPOCHS: Final = {"epoch_seconds": 1_000.0, "epoch_milliseconds": 1.0, "epoch_microseconds": 0.001}
_FRACTIONS: Final = {"fraction_milliseconds": 1.0, "fraction_microseconds": 0.001}
_LATEST: Final = 4_102_444_800_000.0  # the year 2100, in milliseconds: no log is from then
_INSTANT: Final = pl.Datetime("ms", "UTC")


def instants(fields: pl.DataFrame, timezone: str) -> pl.Series:
    """Read the instant of each line.

    Args:
        fields: Text columns of a format; those that tell the time are used.
        timezone: Zone of formats that state no offset.

    Returns:
        Datetime in milliseconds, UTC; null where the time is missing, impossible or written in another way.
    """
    candidates = [_from_epoch(pl.col(name), factor) for name, factor in _EPOCHS.items() if name in fields.columns]
    texts = [name for name in fields.columns if name.startswith("time_text:")]
    if texts:
        candidates.append(_from_texts(texts, timezone))
    if "time_clf" in fields.columns:
        candidates.append(_from_clf(pl.col("time_clf")))
    if "time_iso8601" in fields.columns:
        candidates.append(_from_iso(pl.col("time_iso8601")))
    if not candidates:
        return pl.repeat(None, fields.height, dtype=_INSTANT, eager=True)
    instant = pl.coalesce(candidates) + _fraction(fields)
    return fields.select(instant.alias("time")).to_series()


def _from_epoch(text: pl.Expr, factor: float) -> pl.Expr:
    milliseconds = text.cast(pl.Float64, strict=False) * factor
    known = pl.when(milliseconds.is_between(0, _LATEST)).then(milliseconds)
    return known.round().cast(pl.Int64).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")


def _from_clf(text: pl.Expr) -> pl.Expr:
    inner = text.str.strip_chars("[]")
    shaped = pl.when(inner.str.contains(_CLF_SHAPE)).then(inner)
    return shaped.str.to_datetime(_CLF, time_unit="ms", strict=False, exact=True)


def _from_iso(text: pl.Expr) -> pl.Expr:
    """Read ISO 8601 with an offset or Z, with or without a fraction."""
    shaped = pl.when(text.str.contains(_ISO_SHAPE)).then(text.str.replace(" ", "T", literal=True))
    offset = shaped.str.replace("Z$", "+00:00")
    return offset.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="ms", strict=False, exact=True)


def _from_texts(names: list[str], timezone: str) -> pl.Expr:
    """Read times printed by strftime formats, which may be spread over several columns."""
    formats = [name.removeprefix("time_text:") for name in names]
    whole = " ".join(formats)
    if "%s" in whole:
        column = next(name for name in names if "%s" in name)
        return _from_epoch(pl.col(column).str.extract(r"([0-9]{6,})"), 1_000.0)
    if not has_date(whole):
        return pl.lit(None, dtype=_INSTANT)
    text = pl.concat_str([pl.col(name) for name in names], separator=" ")
    if has_zone(whole):
        offset = text.str.replace("GMT|UTC", "+0000")
        return offset.str.to_datetime(chrono_format(whole), time_unit="ms", strict=False, exact=True)
    local = text.str.to_datetime(whole, time_unit="ms", strict=False, exact=True)
    return local.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")


def _fraction(fields: pl.DataFrame) -> pl.Expr:
    """Give the part of a second that stands in a column of its own."""
    parts = [
        pl.col(name).cast(pl.Float64, strict=False).fill_null(0) * factor
        for name, factor in _FRACTIONS.items()
        if name in fields.columns
    ]
    total = reduce(pl.Expr.add, parts, pl.lit(0.0))
    return pl.duration(milliseconds=total.cast(pl.Int64), time_unit="ms")
