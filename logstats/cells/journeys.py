"""Cells of journeys: transitions, runs of three steps, lengths of visits, and what they met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.cells.paths import Paths
from logstats.histogram import buckets
from logstats.schema import TABLES

if TYPE_CHECKING:
    from logstats.cells.day import Day

__all__ = ["count_journeys"]

_FINDINGS: Final = ("reloads", "with_search", "with_search_return", "with_error")


def count_journeys(day: Day) -> dict[str, pl.DataFrame]:
    """Count the tables transitions, journeys, lengths and ease.

    A run counts once for each visit, however often the visit goes through it; `ease.moves` counts every one, so that

        visits.views = visits.visits + ease.moves + ease.reloads
    """
    visitors = pl.col("visitor").n_unique().alias("visitors")
    visits = day.visits.with_columns(buckets(day.visits["seconds"]), buckets(day.visits["views"]).alias("depth"))
    # Every run of a visit but the one from (start) and the one to (end) is a move from page to page.
    moves = (pl.col("views") - pl.col("reloads") - 1).sum().alias("moves")
    named = day.runs.rename({"step_1": "from_page", "step_2": "to_page"})
    return {
        "transitions": _moves(named, TABLES["transitions"].dimensions),
        "journeys": Paths(day.runs, TABLES["journeys"].dimensions, ["visitor"])
        .count("visitor")
        .rename({"rows": "visits", "distinct": "visitors"}),
        "lengths": visits.group_by(TABLES["lengths"].dimensions).agg(pl.len().alias("visits"), visitors),
        "ease": visits.group_by(TABLES["ease"].dimensions).agg(
            pl.len().alias("visits"), visitors, pl.col("views").sum(), moves, pl.col(_FINDINGS).sum()
        ),
    }


def _moves(runs: pl.DataFrame, dimensions: tuple[str, ...]) -> pl.DataFrame:
    """Count the visits and visitors of each first move of a run."""
    paths = Paths(runs, dimensions, ["visit", "visitor"])
    visitors = paths.count("visitor")["distinct"]
    return paths.count("visit").select(*dimensions, pl.col("distinct").alias("visits"), visitors.alias("visitors"))
