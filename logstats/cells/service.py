"""Cells of the service: use of its features, and how far visits come in its funnels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logstats.schema import DEVICES, TABLES, UNKNOWN_COUNTRY

if TYPE_CHECKING:
    from logstats.cells.day import Day

__all__ = ["count_features", "count_funnels"]


def count_features(day: Day) -> dict[str, pl.DataFrame]:
    """Count the table features.

    Every declared feature has a cell of unknown country and device, even when it holds zero: declared and not used is
    something else than not declared.
    """
    dimensions = TABLES["features"].dimensions
    used = day.uses.group_by(dimensions).agg(pl.len().alias("views"), pl.col("visitor").n_unique().alias("visitors"))
    used = used.with_columns(pl.col("country", "device").cast(pl.String), pl.col("views", "visitors").cast(pl.Int64))
    unknown = {"country": UNKNOWN_COUNTRY, "device": DEVICES[-1]}
    zeros = day.declared.with_columns(pl.lit(value).alias(name) for name, value in unknown.items()).with_columns(
        views=pl.lit(0, dtype=pl.Int64), visitors=pl.lit(0, dtype=pl.Int64)
    )
    together = pl.concat([used.select(zeros.columns), zeros])
    return {"features": together.group_by(dimensions).agg(pl.col("views", "visitors").sum())}


def count_funnels(day: Day) -> dict[str, pl.DataFrame]:
    """Count the tables funnels (by the last step reached), funnel_times (by each step reached) and funnel_exits."""
    counted = (pl.len().alias("visits"), pl.col("visitor").n_unique().alias("visitors"))
    whose = day.visits.select("visit", "day", "site", "visitor", "device")
    reached = day.reached.join(whose, on="visit", how="left")
    left = day.left.join(whose, on="visit", how="left")
    return {
        "funnels": reached.filter("last").group_by(TABLES["funnels"].dimensions).agg(counted),
        "funnel_times": reached.group_by(TABLES["funnel_times"].dimensions).agg(counted),
        "funnel_exits": left.group_by(TABLES["funnel_exits"].dimensions).agg(counted),
    }
