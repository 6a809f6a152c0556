"""Periods: UTC from the first to the last second, as the Commission writes them, and the local days in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from logstats.errors import ConfigurationError

__all__ = ["Period", "half_year", "last_month", "month", "text_of"]

_SECOND: Final = timedelta(seconds=1)
_MONTHS: Final = 12
_HALVES: Final = {"H1": (1, 7), "H2": (7, 1)}


@dataclass(frozen=True, order=True)
class Period:
    """A span of time in UTC; both ends, to the second, belong to it."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: str, end: str) -> Self:
        """Read the two texts of a message, to the second.

        Raises:
            ValueError: One of them is no date.
        """
        ends = (datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0) for text in (start, end))
        return cls(*ends)

    @property
    def texts(self) -> tuple[str, str]:
        """Both ends as a message has them."""
        return text_of(self.start), text_of(self.end)

    def days(self, timezone: str) -> tuple[date, date]:
        """Give the first and the last local day that has a second of it."""
        zone = ZoneInfo(timezone)
        return self.start.astimezone(zone).date(), self.end.astimezone(zone).date()

    def halves(self, timezone: str) -> tuple[Period, Period] | None:
        """Split it at the local midnight in its middle, where the cells can be told apart; None for a single day."""
        first, last = self.days(timezone)
        if first == last:
            return None
        middle = first + (last - first + timedelta(days=1)) // 2
        cut = datetime.combine(middle, time(), ZoneInfo(timezone)).astimezone(UTC)
        return Period(self.start, cut - _SECOND), Period(cut, self.end)

    def overlaps(self, other: Period) -> bool:
        """Tell whether a second belongs to both."""
        return self.start <= other.end and other.start <= self.end

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%M:%SZ}/{self.end:%Y-%m-%dT%H:%M:%SZ}"


def text_of(moment: datetime) -> str:
    """Give a moment as the Commission's examples write it.

    >>> text_of(datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    '2026-10-31T23:59:59.00Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.00Z"


def month(text: str) -> Period:
    """Give the UTC month `2026-10`.

    Raises:
        ConfigurationError: It is no month.
    """
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no month", key="--month", hint="as in 2026-10, or: last") from None
    return _until(first, _months_later(first, 1))


def last_month(now: datetime) -> Period:
    """Give the UTC month before the one of a moment."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return _until(_months_later(first, -1), first)


def half_year(text: str) -> Period:
    """Give the half-year `2026-H1`.

    Raises:
        ConfigurationError: It is no half-year.
    """
    year, _, half = text.partition("-")
    if half not in _HALVES or not (year.isdecimal() and len(year) == len("2026") and int(year)):
        raise ConfigurationError(f"{text!r} is no half-year", key="--half-year", hint="as in 2026-H1")
    first = datetime(int(year), _HALVES[half][0], 1, tzinfo=UTC)
    return _until(first, _months_later(first, 6))


def _until(first: datetime, after: datetime) -> Period:
    return Period(first, after - _SECOND)


def _months_later(first: datetime, months: int) -> datetime:
    """Give the first of a month so many months later.

    Raises:
        ConfigurationError: The calendar ends before.
    """
    index = first.year * _MONTHS + first.month - 1 + months
    year, before = divmod(index, _MONTHS)
    if not MINYEAR <= year <= MAXYEAR:
        raise ConfigurationError("lies beyond the calendar", key="--month", hint="as in 2026-10")
    return first.replace(year=year, month=before + 1)
