"""Cells of quality: searches on the site, errors, and the time that pages took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logstats.histogram import buckets
from logstats.schema import TABLES

if TYPE_CHECKING:
    from logstats.cells.day import Day

__all__ = ["count_quality"]


def count_quality(day: Day) -> dict[str, pl.DataFrame]:
    """Count the tables searches, errors and timings."""
    visitors = pl.col("visitor").n_unique().alias("visitors")
    searches = day.views.filter((pl.col("outcome") == "page_view") & pl.col("searched"))
    timed = day.timed.with_columns(buckets(day.timed["milliseconds"]))
    return {
        "searches": searches.group_by(TABLES["searches"].dimensions).agg(pl.len().alias("views"), visitors),
        "errors": day.errors.group_by(TABLES["errors"].dimensions).agg(pl.len().alias("hits"), visitors),
        "timings": timed.group_by(TABLES["timings"].dimensions).agg(pl.len().alias("hits")),
    }
