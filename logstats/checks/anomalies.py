"""Anomalies: figures that a careful reader would ask about. They come from closed days and from the account of lines.

The rule for months is that of COUNTER (release 5.1, section 7): over three times the mean of the twelve months before
and over 100, or under 1 % of a mean of at least 20. A mean of fewer than three months says nothing and is left out.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from logstats.checks.result import Result
from logstats.store.reader import read_cells

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstats.config import Config

__all__ = ["check", "missing_days", "odd_months"]

_YEAR: Final = 12
_FEWEST_MONTHS: Final = 3
_TIMES: Final = 3
_LEAST: Final = 100
_SHARE: Final = 0.01
_LEAST_MEAN: Final = 20
_MEASURES: Final = ("page_views", "downloads", "visits")
_LOOK_BACK: Final = timedelta(days=31)
_SHOWN: Final = 5
_DELAY: Final = timedelta(days=5)  # a day is closed three days after it began, by a timer that runs


def check(folder: Path, state: dict[str, Any], config: Config, now: datetime) -> Iterator[Result]:
    """Judge the figures of a store.

    Args:
        folder: Of the store.
        state: What `state_of` says of it.
        config: The effective configuration.
        now: The clock.
    """
    today = now.astimezone(ZoneInfo(config.timezone)).date()
    days = read_cells(folder, "days", untouched=True).collect()
    yield from _months(days)
    yield from _gaps(state, today)
    yield _rejects(state, config.input.max_rejected_share)


def odd_months(days: pl.DataFrame) -> list[tuple[str, str, str, int, float]]:
    """Find the figures of the latest two months that are far from the mean of the twelve months before.

    Args:
        days: The table `days` of schema.py.

    Returns:
        Site, month as in 2026-10, measure, its figure, and the mean.
    """
    found = []
    for (site,), of_site in days.sort("day").group_by(["site"], maintain_order=True):
        months = of_site.group_by(pl.col("day").dt.truncate("1mo").alias("month")).agg(pl.col(_MEASURES).sum())
        last = of_site["day"].max()
        assert isinstance(last, date)  # noqa: S101 - a group has a row
        spanned = pl.date_range(months["month"].min(), months["month"].max(), "1mo", eager=True)  # type: ignore[arg-type]
        months = pl.DataFrame({"month": spanned}).join(months, on="month", how="left").sort("month").fill_null(0)
        for at in range(max(months.height - 2, 0), months.height):
            before = months.slice(max(at - _YEAR, 0), min(at, _YEAR))
            month = months["month"][at]
            complete = (last + timedelta(days=1)).replace(day=1) > month
            if before.height < _FEWEST_MONTHS:
                continue
            for measure in _MEASURES:
                mean, figure = float(before[measure].sum()) / before.height, int(months[measure][at])
                high = figure > _TIMES * mean and figure > _LEAST
                low = complete and mean >= _LEAST_MEAN and figure < _SHARE * mean
                if high or low:
                    found.append((str(site), f"{month:%Y-%m}", measure, figure, mean))
    return found


def missing_days(days: list[dict[str, Any]], today: date) -> dict[str, list[date]]:
    """Find, for each site, the days of the last month without a line: between its first day and the last closed one.

    A site that has fallen silent is found as well, as long as another one has lines; and when none has, from the fifth
    day on.

    Args:
        days: Of a store, as `state_of` gives them.
        today: The local day.
    """
    found: dict[str, list[date]] = {}
    known: dict[str, set[date]] = {}
    for day in days:
        known.setdefault(day["site"], set()).add(date.fromisoformat(day["day"]))
    closed = [date.fromisoformat(day["day"]) for day in days if day["closed"]]
    if not closed:
        return {}
    end = max([*closed, today - _DELAY])
    for site, there in sorted(known.items()):
        first = max(min(there), today - _LOOK_BACK)
        every = (first + timedelta(days=i) for i in range((end - first).days + 1))
        if gone := [day for day in every if day not in there]:
            found[site] = gone
    return found


def _months(days: pl.DataFrame) -> Iterator[Result]:
    odd = odd_months(days)
    for site, month, measure, figure, mean in odd[:_SHOWN]:
        text = f"{site}: {figure:,} {measure.replace('_', ' ')} in {month}, against a mean of {mean:,.0f}"
        hint = "look for a robot or an event (logstats report), or for logs that are missing, before you release it"
        yield Result("months", "warning", text, hint)
    if not odd:
        yield Result("months", "ok", f"no month is far from the mean of those before ({days['day'].n_unique():,} days)")


def _gaps(state: dict[str, Any], today: date) -> Iterator[Result]:
    gone = missing_days(state["days"], today)
    for site, missing in gone.items():
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        text = f"{site}: no line on {', '.join(map(str, missing[:_SHOWN]))}{more}"
        yield Result("missing days", "warning", text, "find their logs and ingest them, or say so beside the figures")
    if not gone:
        yield Result("missing days", "ok", "none in the last month")


def _rejects(state: dict[str, Any], most: float) -> Result:
    lines, rejected = state["last_week"]["lines"], state["last_week"]["rejected"]
    share = rejected / lines if lines else 0.0
    text = f"{share:.2%} of {lines:,} lines of the last seven days' runs"
    if share > most:
        hint = "has the log format changed? `logstats report FILE` names the reasons"
        return Result("rejected lines", "warning", f"{text}, more than {most:.0%} (input.max_rejected_share)", hint)
    return Result("rejected lines", "ok", text)
