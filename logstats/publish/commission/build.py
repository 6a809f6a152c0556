"""Building: from the cells of a month to messages that are proved against the schema and against the cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from logstats.derive.sites import DEFAULT_SITE
from logstats.errors import InputMissingError, InputRejectedError
from logstats.publish.commission import count, plan
from logstats.publish.commission.complete import Completeness, completeness, known_days, must_be_complete
from logstats.publish.commission.listed import read_list
from logstats.publish.commission.message import INFORMATION, Message
from logstats.publish.commission.pages import Wanted, by_list, by_pattern
from logstats.publish.commission.prove import prove
from logstats.publish.commission.sent import Recipient, periods

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from logstats.config import Config
    from logstats.publish.commission.period import Period

__all__ = ["Built", "build", "rows_of_month"]


@dataclass(frozen=True)
class Built:
    """A month, ready to be written or sent.

    Attributes:
        period: The UTC month.
        messages: One, or one for each part of it.
        rows: ROWS of count.py, of all messages together.
        wanted: The URLs, and those that could not be counted.
        counted: The account of every view.
        other: Views of pages beyond `pages.max_per_day`.
        completeness: What of the month is missing.
    """

    period: Period
    messages: tuple[Message, ...]
    rows: pl.DataFrame
    wanted: Wanted
    counted: count.Counted
    other: int
    completeness: Completeness


def build(store: Path, period: Period, config: Config, environment: str, *, now: datetime, partial: bool) -> Built:
    """Build the messages of a month.

    Args:
        store: Folder of the store.
        period: A UTC month.
        config: What is asked for.
        environment: What was sent there decides how the month is split.
        now: The moment that stands as date of transfer.
        partial: Build also what is not complete.

    Raises:
        InputRejectedError: The month is not over, or not complete; or a day is too large for a message.
        InputMissingError: There is no such store.
        ConfigurationError: The list of URLs cannot be understood.
    """
    name = f"{period.start:%B %Y}"
    if not (store / "ledger.sqlite").exists():
        raise InputMissingError(f"{store}: is no store", hint="logstats ingest --store makes one")
    if period.end >= now:
        raise InputRejectedError(f"{name} is not over", hint="a month ends at midnight UTC")
    days = known_days(store, period, config.timezone)
    month = count.read_month(store, period, config)
    wanted = _wanted(month, config)
    found = completeness(days, period, config.timezone, _sites(wanted, config))
    if not partial:
        must_be_complete(found, name)
    counted = count.count(month, wanted, config)
    sent = periods(store, Recipient(environment, INFORMATION))
    parts = plan.pieces(period, sent, ZoneInfo(config.timezone))
    made = [(one.sent_as(one.unique_id, now), own) for one, own in plan.messages(counted, wanted.urls, parts, config)]
    rows = made[0][1] if len(made) == 1 else counted.rows(period, config.timezone)
    prove(made, rows, month, wanted, counted, config)
    messages = tuple(message for message, _ in made)
    return Built(period, messages, rows, wanted, counted, month.other, found)


def rows_of_month(store: Path, period: Period, config: Config) -> pl.DataFrame:
    """Give the ROWS of a month as far as its days are closed, to compare with."""
    month = count.read_month(store, period, config)
    return count.count(month, _wanted(month, config), config).rows(period, config.timezone)


def _sites(wanted: Wanted, config: Config) -> list[str]:
    """Give the sites that must have each day: those of the list, or without one all, also without a view."""
    asked = set(wanted.keys["site"])
    every = {site.name for site in config.site} or {DEFAULT_SITE}
    return sorted(asked or every) if config.commission.pages else sorted(asked | every)


def _wanted(month: count.Month, config: Config) -> Wanted:
    if not config.commission.pages:
        return by_pattern(month.known, config)
    file = Path(config.commission.pages)
    if config.file and not file.is_absolute():
        file = config.file.parent / file
    return by_list(read_list(file, config.commission.pages_field), month.known, config)
