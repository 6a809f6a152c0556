"""Freezing: what was published of a month stays; a correction counts the same blocks anew, or is refused.

Otherwise OTHER {C 10, D 30}, and then D shown alone beside OTHER without D, would make C the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.protect.rules import COLUMNS
from logstats.schema import FOLDED, LEVELS

if TYPE_CHECKING:
    from logstats.protect.rules import Rules

__all__ = ["blocking", "recount"]

_DAYS: Final = ("views", "visitors", "max_views")
_COUNTS: Final = ("views", "low", "high", "max_views")


def recount(frozen: pl.DataFrame, prefixes: pl.DataFrame) -> pl.DataFrame:
    """Count the blocks of a published partition anew.

    Args:
        frozen: COLUMNS, as they were published.
        prefixes: As `protect` takes it, of the corrected month.

    Returns:
        COLUMNS with the same paths, and OTHER below a node where there is something new and was none. Which numbers
        of visitors stand does not change.
    """
    shown = frozen.filter(~pl.col("folded"))
    months = prefixes.group_by("level", *LEVELS).agg(
        pl.col("views").sum(), pl.col("visitors").sum(), pl.col("max_views").max()
    )
    counted = shown.select("level", *LEVELS, stands=pl.col("visitors").is_not_null()).join(
        months, on=["level", *LEVELS], how="left", nulls_equal=True
    )
    counted = counted.with_columns(pl.col(_DAYS).fill_null(0)).with_columns(
        pl.col("visitors").alias("low"), pl.col("visitors").alias("high"), folded=pl.lit(value=False)
    )
    others = _others(counted, frozen)
    rows = pl.concat([counted, others.select(counted.columns)]).with_columns(
        pl.when("stands").then("visitors").alias("visitors")
    )
    return rows.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).sort(LEVELS)


def parents_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Give each row the number of the row above it in the tree: the longest path that is a beginning of its own.

    Args:
        rows: LEVELS, `level` and `folded`.

    Returns:
        The rows with `row` and `parent`; the root has no parent.
    """
    rows = rows.with_row_index("row")
    found = pl.lit(None, dtype=pl.UInt32)
    joined = rows
    nodes = rows.filter(~pl.col("folded"))
    for depth in range(len(LEVELS)):
        path, name = LEVELS[:depth], f"above_{depth}"
        at = nodes.filter(pl.col("level") == depth).select(*path, pl.col("row").alias(name))
        joined = joined.join(at, on=path, how="left") if path else joined.join(at, how="cross")
        found = pl.when((pl.col("level") > depth) & pl.col(name).is_not_null()).then(pl.col(name)).otherwise(found)
    return joined.with_columns(found.alias("parent")).select(*rows.columns, "parent").sort("row")


def _others(counted: pl.DataFrame, frozen: pl.DataFrame) -> pl.DataFrame:
    """Give OTHER below each node that is split: what its shown children leave of it."""
    placed = parents_of(counted)
    nodes = placed.select(pl.col("row").alias("parent"), *(pl.col(name).alias(f"whole_{name}") for name in _COUNTS))
    below = (
        placed.filter(pl.col("parent").is_not_null())
        .group_by("parent")
        .agg(pl.col("views").sum().alias("shown"), pl.col("low").sum().alias("shown_low"))
    )
    paths = placed.select(pl.col("row").alias("parent"), "level", *LEVELS)
    left = below.join(nodes, on="parent").join(paths, on="parent")
    depth = pl.col("level")
    named = left.with_columns(
        *(
            pl.when(depth == number).then(pl.lit(FOLDED)).otherwise(pl.col(name)).alias(name)
            for number, name in enumerate(LEVELS)
        ),
        (pl.col("whole_views") - pl.col("shown")).alias("views"),
        (pl.col("whole_low") - pl.col("shown_low")).clip(0).alias("low"),
        pl.col("whole_high").alias("high"),
        pl.col("whole_max_views").alias("max_views"),
        folded=pl.lit(value=True),
        level=depth + 1,
    )
    old = frozen.filter("folded").select("level", *LEVELS, stands=pl.col("visitors").is_not_null(), known=True)
    named = named.join(old, on=["level", *LEVELS], how="left", nulls_equal=True)
    kept = named.filter((pl.col("views") > 0) | pl.col("known").fill_null(value=False))
    return kept.with_columns(
        pl.col("stands").fill_null(value=False),
        pl.col("low").alias("visitors"),
        # Where children share no visitor, what they leave of the node is exact.
        pl.when("stands").then("low").otherwise("high").alias("high"),
    )


def blocking(old: pl.DataFrame, new: pl.DataFrame, rules: Rules) -> int:
    """Count the blocks that forbid a correction.

    A block may stay as it was, or change by at least k visitor-days of whom none made more than the dominance limit
    of the change; and it must pass afterwards. Of OTHER only bounds are known; the safe side counts.

    Args:
        old: COLUMNS, as published before.
        new: COLUMNS, as `recount` gives them.
        rules: What a block, and so a difference, must be like.
    """
    both = old.join(new, on=LEVELS, how="full", nulls_equal=True, suffix="_new").with_columns(
        pl.col(name).fill_null(0) for count in _COUNTS for name in (count, f"{count}_new")
    )
    change = (pl.col("views_new") - pl.col("views")).abs()
    visitors = pl.max_horizontal(pl.col("low_new") - pl.col("high"), pl.col("low") - pl.col("high_new"))
    most = pl.max_horizontal("max_views", "max_views_new")
    folded = pl.coalesce("folded", "folded_new")
    same = (change == 0) & ((pl.col("low") == pl.col("low_new")) | (folded & (visitors <= 0)))
    passes = (pl.col("low_new") >= rules.k) & (pl.col("max_views_new") <= rules.dominance * pl.col("views_new"))
    good = same | ((visitors >= rules.k) & (most <= rules.dominance * change) & passes)
    return both.filter(~good).height
