"""The periods of a month: one, or as many as it takes for each message to be small enough.

What was sent once decides: under a known id the period may become shorter and never longer or another one, so that no
view is ever under two ids. A period is halved at a local midnight, where the cells can be told apart.
"""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING

from logstats.errors import ConfigurationError, InputRejectedError
from logstats.publish.commission.message import Message, size_of, sources_of
from logstats.publish.commission.period import Period

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    import polars as pl

    from logstats.config import Config
    from logstats.publish.commission.count import Counted

__all__ = ["messages", "pieces"]


def messages(
    counted: Counted, urls: Sequence[str], periods: Iterable[Period], config: Config
) -> Iterator[tuple[Message, pl.DataFrame]]:
    """Make the messages of periods, in order, each with its ROWS and at most `commission.max_bytes` long.

    Args:
        counted: The numbers of the month.
        urls: All URLs that stand in each message.
        periods: As `pieces` gives them.
        config: Time zone and size.

    Raises:
        InputRejectedError: A single day is too large.
    """
    for period in periods:
        rows = counted.rows(period, config.timezone)
        if size_of(rows, urls) <= config.commission.max_bytes:
            yield Message(period, len(urls), sources_of(rows, urls)), rows
            continue
        halves = period.halves(config.timezone)
        if halves is None:
            raise InputRejectedError(
                f"{period}: a single day has more than {config.commission.max_bytes:,} bytes",
                hint="ask for fewer pages: commission.pages",
            )
        yield from messages(counted, urls, halves, config)


def pieces(month: Period, sent: Iterable[Period], zone: ZoneInfo) -> list[Period]:
    """Give the periods that a month has by what was sent of it, and by what lies between.

    Args:
        month: The whole.
        sent: Periods that have an id.
        zone: The time zone of the cells.

    Raises:
        ConfigurationError: One of them reaches beyond the month, or is cut where cells cannot be told apart.
    """
    found: list[Period] = []
    free = month.start
    second = timedelta(seconds=1)
    for period in sorted(p for p in sent if p.overlaps(month)):
        ends = (period.start, period.end + second)
        midnights = all(e in {month.start, month.end + second} or e.astimezone(zone).time() == time() for e in ends)
        if period.start < free or period.end > month.end or not midnights:
            raise ConfigurationError(
                f"{period} was sent, which is no part of {month} in this time zone", key="timezone",
                hint="logstats commission log lists what was sent",
            )  # fmt: skip
        if period.start > free:
            found.append(Period(free, period.start - second))
        found.append(period)
        free = period.end + second
    return [*found, Period(free, month.end)] if free <= month.end else found
