"""Prefixes: what disclosure control needs of a day, and could never count again once the day is closed.

For every prefix of a released hierarchy (day; day, feature; day, feature, page; …): `views`, distinct `visitors`, and
`max_views`, the most that one visitor has of them. Each view has exactly one path, so children add up to their parent.
A path may end early (a journey of two steps): then it has no node below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.histogram import buckets
from logstats.schema import FAMILIES, LEVELS, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from logstats.cells.day import Day

__all__ = ["count_prefixes"]

_CODES: Final = pl.Categorical(pl.Categories("logstats.levels"))
_ROOT: Final = ("day", "site")
_COUNTED: Final = ("page_view", "download")


def count_prefixes(day: Day) -> dict[str, pl.DataFrame]:
    """Count the table prefixes."""
    counted = [frame for family, rows in _rows(day).items() for frame in _prefixes(family, rows)]
    return {"prefixes": pl.concat(counted)}


def _rows(day: Day) -> Mapping[str, pl.DataFrame]:
    """Give what each family counts: a row has a day, a site, a visitor and one path."""
    is_page = pl.col("outcome") == "page_view"
    runs = day.runs.unique(("day", "site", "visitor", "visit", "step_1", "step_2", "step_3"))
    whose = day.visits.select("visit", "day", "site", "visitor")
    step = pl.format("{}. {}", "step", "step_name").alias("last_step")
    return {
        "pages": day.views.filter(is_page),
        "downloads": day.views.filter(~is_page),
        "sent": day.uses.filter(~pl.col("outcome").is_in(_COUNTED)),
        "visits": day.visits,
        "referrers": day.visits,
        "journeys": runs,
        "funnels": day.reached.filter("last").join(whose, on="visit", how="left").with_columns(step),
        "errors": day.errors,
        "timings": day.timed.with_columns(buckets(day.timed["milliseconds"])),
        "traffic": day.hits,
    }


def _prefixes(family: str, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Count every prefix, the longest first, each from the one before."""
    levels = FAMILIES[family]
    named = [pl.col(name).alias(level) for name, level in zip(levels, LEVELS, strict=False)]
    left = rows.group_by(*_ROOT, *named, "visitor").agg(pl.len().cast(pl.Int64).alias("views"))
    for depth in range(len(levels), -1, -1):
        path = LEVELS[:depth]
        if depth < len(levels):
            left = left.group_by(*_ROOT, *path, "visitor").agg(pl.col("views").sum())
        nodes = left.filter(pl.col(path[-1]).is_not_null()) if path else left
        counted = nodes.group_by(*_ROOT, *path).agg(
            pl.col("views").sum(), pl.len().cast(pl.Int64).alias("visitors"), pl.col("views").max().alias("max_views")
        )
        whole = {"family": pl.lit(family, dtype=_CODES), "level": pl.lit(depth, dtype=pl.Int64)}
        absent = {name: pl.lit(None, dtype=_CODES) for name in LEVELS[depth:]}
        # Counted by the values as they are, cast at last: there are far fewer of them then.
        texts = pl.col("site", *path).cast(pl.String).cast(_CODES)
        yield counted.with_columns(texts, **whole, **absent).select(TABLES["prefixes"].schema.keys())
