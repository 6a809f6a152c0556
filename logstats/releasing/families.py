"""Families: from the cells of a month to the blocks that may be published, family by family of each site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.protect import Rules, protect
from logstats.schema import FAMILIES, LEVELS

if TYPE_CHECKING:
    from collections.abc import Collection

    from logstats.config import Config

__all__ = ["Blocks", "families_of", "protect_families", "rules_of"]

_DAYS: Final = ("pages", "downloads", "visits")
_PARTS: Final = ("pages", "downloads", "journeys", "funnels", "timings")  # their visitors are some of those of visits
_VIEWED: Final = {"pages": "page_view", "downloads": "download"}  # the outcome that a family is the people's part of

Blocks = dict[tuple[str, str], pl.DataFrame]
"""By site and family."""


def rules_of(config: Config) -> Rules:
    """Give what a block must be like, from the configuration."""
    return Rules(config.protection.k, config.protection.dominance, config.protection.blocked)


def protect_families(cells: pl.LazyFrame, roots: pl.DataFrame, rules: Rules) -> tuple[Blocks, int]:
    """Protect every family of every site; give the blocks, and how many values are in OTHER."""
    made: Blocks = {}
    merged = 0
    for site in sorted(roots["site"].unique()):
        families = families_of(cells.filter(pl.col("site") == site))
        seen = {name: _visitors(families[name]) for name in FAMILIES}
        both = seen["pages"] + seen["downloads"] - seen["visits"]
        for family, prefixes in families.items():
            found = protect(
                prefixes,
                FAMILIES.get(family, ("day",)),
                rules,
                within=seen["visits"] if family in _PARTS and seen["visits"] >= rules.k else None,
                secret=family == "downloads" and 0 < both < rules.k,
            )
            rows = _without_whole(found.rows) if family not in FAMILIES or family == "referrers" else found.rows
            if family == "traffic" and not _shows_people(rows, {name for of, name in made if of == site}):
                rows = rows.clear()
            if not rows.is_empty():
                made[site, family] = rows
                merged += found.merged
    return made, merged


def families_of(cells: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """Give the prefixes of each family of a site, those by day included."""
    by_family = {name: cells.filter(pl.col("family") == name) for name in FAMILIES}
    for name in _DAYS:
        roots = by_family[name].filter(pl.col("level") == 0)
        days = roots.with_columns(pl.col("day").cast(pl.String).alias(LEVELS[0]), level=pl.lit(1, dtype=pl.Int64))
        by_family[f"days_{name}"] = pl.concat([roots, days])
    return by_family


def _visitors(prefixes: pl.LazyFrame) -> int:
    return int(prefixes.filter(pl.col("level") == 0).select(pl.col("visitors").sum()).collect().item())


def _without_whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave a one-dimensional breakdown away when one of its blocks is the whole: crossings would become exact."""
    root = rows.filter(pl.col("level") == 0)
    blocks = rows.filter(pl.col("level") == 1)
    equal = blocks.join(root, how="cross", suffix="_whole")
    whole = equal.filter((pl.col("views") == pl.col("views_whole")) | (pl.col("low") == pl.col("low_whole")))
    return root if whole.height else rows


def _shows_people(rows: pl.DataFrame, published: Collection[str]) -> bool:
    """Tell whether `traffic` shows people by themselves wherever another family tells how much they viewed.

    If they were folded, all requests of that outcome less those of people would be the few others, to the unit.
    """
    shown = set(rows.filter((pl.col("level") == 2) & ~pl.col("folded")).select(LEVELS[:2]).iter_rows())  # noqa: PLR2004
    return all((outcome, "human") in shown for family, outcome in _VIEWED.items() if family in published)
