"""Journeys: the pages of a visit in order, and every run of three steps in it.

A visit is `(start)`, its pages, `(end)`. A page that is viewed again before any other is a reload and no new step. At
each place but `(end)` a run begins: this step and the two after it, fewer where the visit ends. So the first two steps
of the runs are the transitions, each once.
"""

from __future__ import annotations

import polars as pl

from logstats.schema import END, START

__all__ = ["moves", "reloads", "runs"]


def reloads(views: pl.DataFrame) -> pl.Series:
    """Tell which views are of the page that the visit just viewed.

    Args:
        views: Ordered, with `visit`.
    """
    same = (pl.col("visit") == pl.col("visit").shift(1)) & (pl.col("page") == pl.col("page").shift(1))
    return views.select(same.fill_null(value=False).alias("reload")).to_series()


def moves(views: pl.DataFrame) -> pl.DataFrame:
    """Give the views that are no reload, in order."""
    return views.filter(~reloads(views))


def runs(moved: pl.DataFrame) -> pl.DataFrame:
    """Give the runs of at most three steps, each once for a visit.

    Args:
        moved: As `moves` gives it.

    Returns:
        `day`, `site`, `visitor`, `visit`, `step_1`, `step_2`, `step_3`; the last is null where `(end)` is the second.
    """
    kept = ("day", "site", "visitor", "visit")
    page, visit = pl.col("page"), pl.col("visit")
    start, end = (pl.lit(name, dtype=moved.schema["page"]) for name in (START, END))
    first = (visit != visit.shift(1)).fill_null(value=True)
    following = pl.when(visit.shift(-1) == visit).then(page.shift(-1)).otherwise(end)
    second = pl.when(visit.shift(-2) == visit).then(page.shift(-2)).otherwise(end)
    steps = moved.select(
        *kept,
        first.alias("first"),
        page.alias("step_1"),
        following.alias("step_2"),
        pl.when(visit.shift(-1) == visit).then(second).alias("step_3"),
    )
    entries = steps.filter("first").select(
        *kept, start.alias("step_1"), pl.col("step_1").alias("step_2"), pl.col("step_2").alias("step_3")
    )
    return pl.concat([entries, steps.drop("first")]).unique()
