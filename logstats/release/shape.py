"""Shape: protected blocks as the tables that the public sees.

Any table that is not a family's own is a sum of published leaves; nothing here looks at cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.release.catalogue import VISITORS, catalogue
from logstats.schema import FOLDED, LEVELS, NO_FEATURE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from logstats.release.catalogue import PublicTable

    Blocks = Mapping[tuple[str, str, str], pl.DataFrame]
    """By month, site and family: LEVELS, `level`, `views`, `visitors`."""

__all__ = ["SUPPRESSED", "leaves", "safe_text", "shape"]

SUPPRESSED: Final = "s"
"""In CSV, what is not shown because it would tell about fewer than k visitor-days."""

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "'")


def safe_text(column: str) -> pl.Expr:
    """Put an apostrophe before a text that a spreadsheet would take for a formula, or a reader for a missing value.

    A text that begins with an apostrophe gets one more, so that no two texts become one.
    """
    text = pl.col(column)
    risky = pl.any_horizontal(*(text.str.starts_with(sign) for sign in _RISKY), text == SUPPRESSED, text == "")
    return pl.when(risky).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(column)


def shape(blocks: Blocks, features: Iterable[tuple[str, str, str]]) -> dict[str, pl.DataFrame]:
    """Give every table of a release.

    Args:
        blocks: What was published, of any months.
        features: Month, site and name of each declared feature.

    Returns:
        Tables of the catalogue by name, sorted by their keys; texts are safe in a spreadsheet.
    """
    known = catalogue()
    by_family = {table.family: table for table in known.tables.values() if table.family}
    parts: dict[str, list[pl.DataFrame]] = {table.name: [] for table in by_family.values()}
    for (month, site, family), rows in blocks.items():
        parts[by_family[family].name].append(_public(by_family[family], rows, month, site))
    made = {name: _together(known.tables[name], frames) for name, frames in parts.items()}
    for name, (source, column) in known.sums.items():
        made[name] = _sum(known.tables[name], made[source], column)
    name, sources = known.features
    made[name] = _listed(known.tables[name], [(made[of], known.tables[of].measures[0]) for of in sources], features)
    texts = {
        name: [c for c, dtype in table.schema.items() if dtype == pl.String()] for name, table in known.tables.items()
    }
    safe = {name: frame.with_columns(map(safe_text, texts[name])) for name, frame in made.items()}
    return {name: safe[name].sort(table.key, nulls_last=False) for name, table in known.tables.items()}


def leaves(rows: pl.DataFrame, path: Sequence[str]) -> pl.Series:
    """Tell which rows have no row below them: no other path begins with theirs."""
    inner = pl.lit(value=False)
    marked = rows.with_row_index("row")
    for depth in range(len(path)):
        above = [marked[name] for name in path[:depth]]
        deeper = marked.filter(pl.col(path[depth]).is_not_null())
        here = pl.all_horizontal(pl.lit(value=True), *(pl.col(name).is_null() for name in path[depth:]))
        names = [series.name for series in above]
        keys = deeper.select(*names).unique() if names else deeper.head(1)
        found = marked.filter(here)
        found = found.join(keys, on=names, how="semi") if names else (found if keys.height else found.clear())
        inner |= pl.col("row").is_in(found["row"].implode())
    return marked.select((~inner).alias("feuille")).to_series()


def _public(table: PublicTable, rows: pl.DataFrame, month: str, site: str) -> pl.DataFrame:
    path = LEVELS[: len(table.levels)]
    named = rows.with_columns(leaves(rows, path)).select(
        pl.lit(month).alias("mois"),
        pl.lit(site).alias("site"),
        pl.col("level").alias("niveau"),
        "feuille",
        *(pl.col(level).alias(name) for level, name in zip(path, table.levels, strict=True)),
        pl.col("views").alias(table.measures[0]),
        *((pl.col("visitors").alias(VISITORS),) if VISITORS in table.measures else ()),
    )
    return named.cast(pl.Schema(table.schema))


def _together(table: PublicTable, frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=table.schema), *frames])


def _sum(table: PublicTable, source: pl.DataFrame, column: str) -> pl.DataFrame:
    """Add up published leaves by one of their columns; what has no value there is OTHER."""
    leaf = source.filter("feuille").with_columns(pl.col(column).fill_null(FOLDED))
    return leaf.group_by(table.key).agg(pl.col(table.measures).sum()).select(table.columns)


def _listed(
    table: PublicTable, sources: list[tuple[pl.DataFrame, str]], features: Iterable[tuple[str, str, str]]
) -> pl.DataFrame:
    """List every declared feature; what is not shown of it is null: few or none look the same."""
    key = list(table.key)
    listed = pl.DataFrame(list(features), schema=dict.fromkeys(key, pl.String()), orient="row").unique()
    for source, measure in sources:
        shown = source.filter((pl.col("niveau") == 1) & ~pl.col("fonctionnalite").is_in([FOLDED, NO_FEATURE]))
        listed = listed.join(shown.select(*key, measure), on=key, how="left")
    return listed.select(table.columns)
