"""Cells of a month become numbers by URL, country and device, and every view of the month is accounted for.

views of the month = sent + of unknown countries + of pages that are not asked for
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.errors import BusyError
from logstats.publish.commission.countries import sent_codes, sent_country
from logstats.schema import DEVICES, OTHER_PAGE
from logstats.store.reader import read_cells

if TYPE_CHECKING:
    from pathlib import Path

    from logstats.config import Config
    from logstats.publish.commission.pages import Wanted
    from logstats.publish.commission.period import Period

__all__ = ["ROWS", "Counted", "Month", "count", "read_month"]

ROWS: Final = {"url": pl.String(), "country": pl.String(), "device": pl.Enum(DEVICES), "number": pl.Int64()}
"""Numbers of a message: sorted by URL, country and device, none of them 0."""

_DIMENSIONS: Final = ("day", "site", "page", "country", "device")
_KEY: Final = ("url", "country", "device")


@dataclass(frozen=True)
class Month:
    """The cells of a month: `day`, `site`, `page`, `country`, `device`, `number`; and `other`, beyond the limit."""

    cells: pl.DataFrame
    other: int

    @cached_property
    def known(self) -> pl.DataFrame:
        """Every `site` and `page` of it."""
        return self.cells.select("site", "page").unique().sort("site", "page")


@dataclass(frozen=True)
class Counted:
    """What was counted for the URLs that are asked for.

    Attributes:
        by_day: ROWS with `day`, texts as Enum; the country is null where it is left out.
        total: Everything in the month.
        unlisted: Of pages that are not asked for.
    """

    by_day: pl.DataFrame
    total: int
    unlisted: int

    @property
    def left_out(self) -> int:
        """What is of unknown countries."""
        return int(self.by_day.filter(pl.col("country").is_null())["number"].sum())

    def rows(self, period: Period, timezone: str) -> pl.DataFrame:
        """Give the ROWS of a period whose inner ends are local midnights."""
        first, last = period.days(timezone)
        return (
            self.by_day.lazy()
            .filter(pl.col("day").is_between(first, last) & pl.col("country").is_not_null())
            .group_by(_KEY)
            .agg(pl.col("number").sum())
            .filter(pl.col("number") > 0)
            .sort(_KEY)
            .with_columns(pl.col("url", "country").cast(pl.String))
            .collect()
        )


def read_month(store: Path, period: Period, config: Config) -> Month:
    """Read the cells of a month.

    Args:
        store: Folder of the store.
        period: A whole UTC month.
        config: Says what is counted.

    Raises:
        InputMissingError: There is no such store.
        BusyError: Another run replaced the cells in the same moment.
    """
    first = period.start.date()
    measure = config.commission.measure
    if measure == "visits":  # they have no UTC month: a visit belongs to its local day
        of_month = pl.col("day").dt.month_start() == first
        cells = read_cells(store, "visits").filter(of_month).rename({"entry_page": "page"})
        cells = cells.group_by(*_DIMENSIONS).agg(pl.col("visits").sum().alias("number"))
    else:
        wanted = (pl.col("utc_month") == first) & (pl.col("kind") == "page")
        number = "views" if measure == "page_views" else "visitors"
        cells = read_cells(store, "pages").filter(wanted).rename({number: "number"})
    wanted_columns = cells.select(*_DIMENSIONS, "number").with_columns(pl.col("device").cast(pl.Enum(DEVICES)))
    try:
        found = wanted_columns.collect()
    except FileNotFoundError:
        raise BusyError(f"{store}: a day was closed meanwhile", hint="try again") from None
    return Month(found, int(found.filter(pl.col("page") == OTHER_PAGE)["number"].sum()))


def count(month: Month, wanted: Wanted, config: Config) -> Counted:
    """Count a month for the URLs that are asked for."""
    # Numbers in the order of the texts: a month is grouped and sorted many times while it is split.
    urls = pl.Enum(wanted.urls)
    codes = pl.Enum(sorted(sent_codes(config.commission)))
    keys = wanted.keys.with_columns(pl.col("url").cast(urls))
    by_day = (
        month.cells.lazy()
        .join(keys.lazy(), on=["site", "page"], how="inner", validate="m:1")  # a page counts for one URL
        .with_columns(sent_country(config.commission).cast(codes, strict=False).alias("country"))
        .group_by("day", *_KEY)
        .agg(pl.col("number").sum())
        .collect()
    )
    unlisted = month.cells.join(keys, on=["site", "page"], how="anti")
    return Counted(by_day, int(month.cells["number"].sum()), int(unlisted["number"].sum()))
