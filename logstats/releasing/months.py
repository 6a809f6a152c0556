"""Months: which local days one has, and which of them are missing or open."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from logstats.errors import InputMissingError, LogstatsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["bounds_of", "gaps_of", "named", "refuse_incomplete"]


def bounds_of(month: str) -> tuple[date, date]:
    """Give the first and the last day of a month."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])


def gaps_of(month: str, days: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Give the days that are missing, and those that are open, each with its site."""
    first, last = bounds_of(month)
    whole = [first.replace(day=number).isoformat() for number in range(first.day, last.day + 1)]
    by_site: dict[str, dict[str, Mapping[str, Any]]] = {}
    for day in days:
        by_site.setdefault(day["site"], {})[day["day"]] = day
    missing, opened = [], []
    for site, known in sorted(by_site.items()):
        missing += [f"{site} {day}" for day in whole if day not in known or known[day]["forgotten"]]
        opened += [f"{site} {day}" for day in whole if day in known and not known[day]["closed"]]
    return missing, opened


def refuse_incomplete(month: str, days: Sequence[Mapping[str, Any]], roots: pl.DataFrame, *, partial: bool) -> None:
    """Refuse a month of which days are open, missing, or were closed before prefixes were kept."""
    if not any(day["closed"] for day in days):
        raise InputMissingError(f"{month}: no day of it is closed", hint="logstats status shows the days")
    kept = set(roots.select("site", pl.col("day").cast(pl.String)).iter_rows())
    closed = {(day["site"], day["day"]) for day in days if day["closed"] and not day["forgotten"] and day["hits"]}
    if old := closed - kept:
        raise LogstatsError(
            f"{month}: {len(old)} days were closed by a version that did not keep what protection needs",
            hint="logstats redo counts a day anew from its logs",
        )
    missing, opened = gaps_of(month, days)
    if (missing or opened) and not partial:
        raise LogstatsError(
            f"{month} is not complete: {len(opened)} days are open, {len(missing)} are missing",
            hint=("logstats close --all closes days; " if opened else "")
            + "--partial releases the month as it is, and marks it so",
        )


def named(
    month: str | None, year: str | None, timezone: str, now: datetime | None = None
) -> tuple[str | None, str | None]:
    """Give month and year with `last` put as the month that ended last, in local time, and its year."""
    first = (now or datetime.now(UTC)).astimezone(ZoneInfo(timezone)).date().replace(day=1)
    last = (first - timedelta(days=1)).strftime("%Y-%m")
    return last if month == "last" else month, last[:4] if year == "last" else year
