"""Prefixes: what disclosure control needs of a day, and could never count again once the day is closed.

For every prefix of a released hierarchy (day; day, feature; day, feature, page; …): `views`, distinct `visitors`, and
`max_views`, the most that one visitor has of them. Each view has exactly one path, so children add up to their parent.
A path may end early (a journey of two steps): then it has no node below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.cells.paths import Paths
from logstats.histogram import buckets
from logstats.schema import FAMILIES, LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstats.cells.day import Day

__all__ = ["count_prefixes"]

_CODES: Final = pl.Categorical(pl.Categories("logstats.levels"))
_FAMILY: Final = pl.Enum(sorted(FAMILIES))
_ROOT: Final = ("day", "site")
_COUNTED: Final = ("page_view", "download")


def count_prefixes(day: Day) -> dict[str, pl.DataFrame]:
    """Count the table prefixes."""
    return {"prefixes": pl.concat(_prefixes(family, rows) for family, rows in _rows(day).items())}


def _rows(day: Day) -> Mapping[str, pl.DataFrame]:
    """Give what each family counts: a row has a day, a site, a visitor and one path."""
    is_page = pl.col("outcome") == "page_view"
    whose = day.visits.select("visit", "day", "site", "visitor")
    step = pl.format("{}. {}", "step", "step_name").alias("last_step")
    return {
        "pages": day.views.filter(is_page),
        "downloads": day.views.filter(~is_page),
        "sent": day.uses.filter(~pl.col("outcome").is_in(_COUNTED)),
        "visits": day.visits,
        "referrers": day.visits,
        "journeys": day.runs,
        "funnels": day.reached.filter("last").join(whose, on="visit", how="left").with_columns(step),
        "errors": day.errors,
        "timings": day.timed.with_columns(buckets(day.timed["milliseconds"])),
        "traffic": day.hits,
    }


def _prefixes(family: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Count every prefix of what a family counts."""
    levels = FAMILIES[family]
    named = dict(zip(levels, LEVELS, strict=False))
    paths = Paths(rows, (*_ROOT, *levels), ["visitor"], dict.fromkeys(("site", *levels), _CODES))
    return paths.count_prefixes("visitor", len(_ROOT)).select(
        *_ROOT,
        pl.lit(family, dtype=_FAMILY).alias("family"),
        (pl.col("depth") - len(_ROOT)).alias("level"),
        *(pl.col(name).alias(level) for name, level in named.items()),
        *(pl.lit(None, dtype=_CODES).alias(level) for level in LEVELS[len(levels) :]),
        pl.col("rows").alias("views"),
        pl.col("distinct").alias("visitors"),
        pl.col("most").alias("max_views"),
    )
