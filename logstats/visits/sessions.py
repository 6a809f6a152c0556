"""Sessions: the page views and downloads of one visitor, cut where more than 30 minutes pass between two.

Event time decides, never the order of lines; what happened in the same instant is ordered by its content, so that
any permutation of lines and files gives the same visits. Days are closed one by one, so visits end at midnight.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from logstats.ordering import sort_rows

__all__ = ["GAP", "first_pieces", "sessionise", "summarise"]

GAP: Final = timedelta(minutes=30)
"""Exactly so much is still one visit (definition pageview/1)."""

_PERSON: Final = ("day", "site", "visitor")
_ORDER: Final = (
    *_PERSON,
    "time",
    "page",
    "outcome",
    "partial",
    "status",
    "referrer_kind",
    "referrer",
    "country",
    "device",
    "bytes",
)
_COUNTED: Final = ("page_view", "download")


def sessionise(hits: pl.DataFrame) -> pl.DataFrame:
    """Cut what people viewed into visits.

    Args:
        hits: HITS of whole days.

    Returns:
        The human page views and downloads, in order, with `visit`: a number that is the same for the views of
        one visit and differs between visits.
    """
    people = (pl.col("traffic") == "human") & pl.col("outcome").is_in(_COUNTED)
    views = sort_rows(hits.filter(people), _ORDER)
    same_person = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _PERSON)
    continues = same_person & (pl.col("time") - pl.col("time").shift(1) <= GAP)
    return views.with_columns((~continues.fill_null(value=False)).cum_sum().cast(pl.UInt32).alias("visit"))


def first_pieces(views: pl.DataFrame) -> pl.Series:
    """Tell which views count: of a download fetched in pieces, the first of a visit.

    Args:
        views: As `sessionise` gives them.

    Returns:
        Boolean, false for a later piece (status 206) of a file that the visit already has.
    """
    download = pl.col("outcome") == "download"
    earlier = pl.struct("visit", "page", "outcome").is_first_distinct()
    return views.select(~(download & pl.col("partial") & ~earlier)).to_series()


def summarise(views: pl.DataFrame) -> pl.DataFrame:
    """Give one row for each visit.

    Args:
        views: Counted views, ordered, with `visit`.

    Returns:
        `day`, `site`, `visitor`, `visit`; `country`, `device`, `entry_page`, `referrer_kind` and `referrer` of
        the first view, `exit_page` of the last; `views` (page views and downloads), `bounces` (1 for a visit
        of one page view and nothing else) and `seconds` from the first view to the last.
    """
    one_page = (pl.len() == 1) & (pl.col("outcome").first() == "page_view")
    return views.group_by(*_PERSON, "visit", maintain_order=True).agg(
        pl.col("country", "device", "referrer_kind", "referrer").first(),
        pl.col("page").first().alias("entry_page"),
        pl.col("page").last().alias("exit_page"),
        pl.len().cast(pl.Int64).alias("views"),
        one_page.cast(pl.Int64).alias("bounces"),
        (pl.col("time").last() - pl.col("time").first()).dt.total_seconds().alias("seconds"),
    )
