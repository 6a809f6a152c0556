"""The tree: from the root down, children that may not be shown are folded into OTHER until every block passes.

Children of all nodes of a level are judged at once; only nodes with some that pass and some that do not need to be
looked at one by one (`fold`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.protect.fold import fold
from logstats.protect.rules import COLUMNS, Rules
from logstats.schema import FOLDED, LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Protected", "protect"]

_OPTIONAL: Final = "feature"
"""Where no child of this level can be shown, the node is split by the level below: a rare feature hides no page."""


@dataclass(frozen=True)
class Protected:
    """What may be published of a family, site and month.

    Attributes:
        rows: COLUMNS, sorted by path; without a row when even the whole is too small.
        merged: How many children went into OTHER, all together; never published for a single node.
    """

    rows: pl.DataFrame
    merged: int = 0


def protect(
    prefixes: pl.DataFrame | pl.LazyFrame,
    hierarchy: Sequence[str],
    rules: Rules,
    *,
    within: int | None = None,
    secret: bool = False,
) -> Protected:
    """Find the blocks of a family that may be published.

    Args:
        prefixes: Of one family and site: `day`, `level`, LEVELS, `views`, `visitors`, `max_views`, in any order. Of a
            lazy frame only two levels are in memory at a time.
        hierarchy: Names of the levels.
        rules: What a block must be like.
        within: Visitor-days of another family that is published and of which these are a part; who is not in this
            one is a group, too.
        secret: The number of visitors of the whole is not shown.

    Returns:
        The root, and below it every block; each passes.
    """
    above = _at(prefixes, 0)
    root = _months(above, 0).filter(rules.passes())
    gap = (pl.lit(within, dtype=pl.Int64) - pl.col("low")).fill_null(0)
    hidden = pl.lit(secret) | ((gap > 0) & (gap < rules.k))
    root = root.with_columns(
        pl.when(~hidden).then("visitors").alias("visitors"),
        pl.when(hidden).then(pl.lit(within, dtype=pl.Int64)).otherwise("low").alias("ceiling"),
    )
    if root.is_empty():
        return Protected(pl.DataFrame(schema=COLUMNS))
    shown, published, merged = root, [root], 0
    for depth, name in enumerate(hierarchy, start=1):
        rows = _at(prefixes, depth, shown)
        children, count = _split(rows, above, shown, name, rules)
        if name == _OPTIONAL and children.is_empty():
            continue
        above, merged = rows, merged + count
        published.append(children)
        shown = children.filter(~pl.col("folded"))
        if shown.is_empty():
            break
    blocks = pl.concat([frame.select(COLUMNS.keys()) for frame in published])
    return Protected(blocks.sort(LEVELS, nulls_last=False), merged)


def _at(prefixes: pl.DataFrame | pl.LazyFrame, depth: int, parents: pl.DataFrame | None = None) -> pl.DataFrame:
    """Give the days of the nodes of a level, of those below some parents; the others need no memory."""
    nodes = prefixes.lazy().filter(pl.col("level") == depth)
    path = LEVELS[: int(parents["level"][0])] if parents is not None else ()
    if parents is not None and path:
        nodes = nodes.join(parents.lazy().select(path), on=path, how="semi")
    return nodes.select("day", "level", *LEVELS[:depth], "views", "visitors", "max_views").collect(engine="streaming")


def _months(nodes: pl.DataFrame, depth: int) -> pl.DataFrame:
    """Add up the days of each node."""
    added = nodes.group_by(LEVELS[:depth]) if depth else nodes.group_by(pl.lit(0).alias("all"))
    counted = added.agg(
        pl.col("views").sum(), pl.col("visitors").sum(), pl.col("max_views").max().cast(pl.Int64)
    ).with_columns(
        *(pl.lit(None, dtype=pl.String).alias(name) for name in LEVELS[depth:]),
        pl.col("visitors").alias("low"),
        pl.col("visitors").alias("high"),
        level=pl.lit(depth, dtype=pl.Int64),
        folded=pl.lit(value=False),
    )
    return counted.filter(pl.col("views") > 0).select(COLUMNS.keys())


def _split(
    rows: pl.DataFrame, above: pl.DataFrame, parents: pl.DataFrame, name: str, rules: Rules
) -> tuple[pl.DataFrame, int]:
    """Split nodes by their children.

    Args:
        rows: The days of all nodes below these at the children's level, which `name` names.
        above: The days of the parents, and perhaps of others of their level.
        parents: The nodes that are split.
        name: Of the children's level.
        rules: What a block must be like.

    Returns:
        The blocks below, and how many children are folded.
    """
    if rows.is_empty() or parents.is_empty():
        return parents.clear(), 0
    depth, of_parents = int(rows["level"][0]), int(parents["level"][0])
    path, upper = LEVELS[:depth], LEVELS[:of_parents]
    parents = parents.with_row_index("parent").select("parent", *upper, *_of_parent())
    named = parents.select("parent", *upper)
    small = ~rules.passes() | rules.is_blocked(path[-1], name)
    totals = _below(_months(rows, depth).with_columns(small.alias("small")), parents, upper)
    some, every = pl.col("small").any().over("parent"), pl.col("small").all().over("parent")
    whole = totals.filter(~some)
    mixed = totals.filter(some & ~every).sort("parent", "visitors", *path)
    kept, others = fold(mixed, rows, _below(above, named, upper), path, rules)
    blocks = others.join(named, on="parent", how="inner").with_columns(
        pl.lit(FOLDED).alias(LEVELS[of_parents]),
        *(pl.lit(None, dtype=pl.String).alias(level) for level in LEVELS[of_parents + 1 :]),
        pl.when(~pl.col("parent").is_in(_secret(parents).implode())).then("visitors").alias("visitors"),
        level=pl.lit(of_parents + 1, dtype=pl.Int64),
        folded=pl.lit(value=True),
    )
    shown = _with_visitors(pl.concat([whole, kept]), others, rules)
    columns = [*COLUMNS, "ceiling"]
    blocks = blocks.with_columns(ceiling=pl.lit(None, dtype=pl.Int64))
    return pl.concat([shown.select(columns), blocks.select(columns)]), mixed.height - kept.height


def _below(nodes: pl.DataFrame, parents: pl.DataFrame, path: Sequence[str]) -> pl.DataFrame:
    """Give the nodes that lie below some parents, or are these, with what is known of them."""
    return nodes.join(parents, on=path, how="inner") if path else nodes.join(parents, how="cross")


def _secret(parents: pl.DataFrame) -> pl.Series:
    """Give the parents whose number of visitors is not shown."""
    return parents.filter("parent_secret")["parent"]


def _of_parent() -> list[pl.Expr | str]:
    """Give what children need to know of their parent."""
    return [
        pl.col("low").alias("parent_visitors"),
        pl.col("visitors").is_null().alias("parent_secret"),
        "ceiling",
    ]


def _with_visitors(shown: pl.DataFrame, others: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Take out numbers of visitors that would tell about fewer than k.

    The visitors of a node above who are none of a child's are a group, too; so are those that several children share.
    `ceiling` is the number of the nearest node above that is shown. Where the parent's is not, its children must not
    add up to it.
    """
    gap = (pl.col("ceiling") - pl.col("visitors")).fill_null(0)
    revealing = (gap > 0) & (gap < rules.k)
    has_other = pl.col("parent").is_in(others["parent"].implode())
    shared = pl.col("visitors").sum().over("parent") - pl.col("parent_visitors")
    smallest = pl.struct("visitors", *LEVELS).rank("ordinal").over("parent") == 1
    few = pl.when("parent_secret").then(shared < rules.k).otherwise((shared > 0) & (shared < rules.k))
    secret = revealing | (~has_other & few & smallest)
    return shown.with_columns(
        pl.when(~secret).then("visitors").alias("visitors"),
        pl.when(secret).then("ceiling").otherwise("low").alias("ceiling"),
    )
