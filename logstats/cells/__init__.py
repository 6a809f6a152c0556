"""Cells: what is counted of a day before it is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.cells.day import Day
from logstats.cells.journeys import count_journeys
from logstats.cells.paths import Paths
from logstats.cells.prefixes import count_prefixes
from logstats.cells.quality import count_quality
from logstats.cells.service import count_features, count_funnels
from logstats.codes import in_order
from logstats.ordering import add_up, sort_rows
from logstats.schema import OTHER_PAGE, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Day", "add", "aggregate", "bound_pages", "count_pages", "declared", "empty_cells", "merge"]

_MOST_WAITING: Final = 250_000  # rows of a table, unless it has more by now
_KINDS: Final = {"page_view": "page", "download": "download"}
_KIND: Final = pl.Enum(sorted(_KINDS.values()))


def count_pages(views: pl.DataFrame) -> pl.DataFrame:
    """Count the views of each page: `day`, `site`, `page`, `views`. Adds up over views of different visitors."""
    return views.group_by("day", "site", "page").agg(pl.len().cast(pl.Int64).alias("views"))


def bound_pages(views: pl.DataFrame, most: int, counts: pl.DataFrame | None = None) -> pl.DataFrame:
    """Keep the most viewed pages of each day and site; the others become `{other}`.

    Args:
        views: Human page views and downloads.
        most: Distinct pages of a site and day that are kept; of equal ones, the first by name.
        counts: `count_pages` of whole days, if `views` are only those of some visitors.

    Returns:
        The views with bounded pages.
    """
    pages = count_pages(views) if counts is None else counts
    if pages.group_by("day", "site").len().select((pl.col("len") <= most).all()).item():
        return views
    ranked = pages.sort("day", "site", "views", "page", descending=[False, False, True, False])
    kept = ranked.group_by("day", "site", maintain_order=True).head(most).with_columns(kept=pl.lit(value=True))
    marked = views.join(kept.drop("views"), on=["day", "site", "page"], how="left", maintain_order="left")
    page = pl.when(pl.col("kept")).then("page").otherwise(pl.lit(OTHER_PAGE, dtype=views.schema["page"]))
    return marked.with_columns(page.alias("page")).drop("kept")


def aggregate(day: Day, *, kept: bool) -> dict[str, pl.DataFrame]:
    """Count a day.

    Args:
        day: What it is counted from.
        kept: Whether its cells are kept, so that they may be released; else the table prefixes stays empty.

    Returns:
        TABLES of schema.py by name, as `declared` makes them complete.
    """
    counted = {
        **_count_people(day),
        **count_journeys(day),
        **count_features(day),
        **count_funnels(day),
        **count_quality(day),
        **(count_prefixes(day) if kept else {"prefixes": empty_cells()["prefixes"]}),
    }
    return {name: _typed(name, counted[name]) for name in TABLES}


def _count_people(day: Day) -> dict[str, pl.DataFrame]:
    """Count the tables days, traffic, suspected, pages and visits."""
    visitors = pl.col("visitor").n_unique().alias("visitors")
    is_page = pl.col("outcome") == "page_view"
    dated = day.views.with_columns(
        pl.col("time").dt.date().dt.month_start().alias("utc_month"),
        pl.col("outcome").replace_strict(_KINDS, return_dtype=_KIND).alias("kind"),
    )
    headline = day.views.group_by("day", "site").agg(
        is_page.sum().alias("page_views"), (~is_page).sum().alias("downloads"), visitors
    )
    visit_counts = day.visits.group_by("day", "site").agg(pl.len().alias("visits"))
    days = day.days.join(headline, on=["day", "site"], how="left")
    return {
        "days": days.join(visit_counts, on=["day", "site"], how="left").with_columns(
            pl.col("page_views", "downloads", "visits", "visitors").fill_null(0)
        ),
        "traffic": day.hits.group_by(TABLES["traffic"].dimensions).agg(pl.len().alias("hits"), pl.col("bytes").sum()),
        "suspected": day.suspects.group_by(TABLES["suspected"].dimensions).agg(visitors, pl.col("hits").sum()),
        "pages": Paths(dated, TABLES["pages"].dimensions, ["visitor"])
        .count("visitor")
        .rename({"rows": "views", "distinct": "visitors"}),
        "visits": day.visits.group_by(TABLES["visits"].dimensions).agg(
            pl.len().alias("visits"), visitors, pl.col("views", "bounces", "seconds").sum()
        ),
    }


def merge(cells: Iterable[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Put the cells of several days together; days are disjoint, so nothing has to be added."""
    by_table: dict[str, list[pl.DataFrame]] = {name: [frame] for name, frame in empty_cells().items()}
    for day in cells:
        for name, frame in day.items():
            by_table[name].append(frame)
    return {name: pl.concat(frames) for name, frames in by_table.items()}


def add(cells: Iterable[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Add up the cells of the same days that were counted of different visitors, their texts coded alike."""
    by_table: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
    for of_some in cells:
        for name, frames in by_table.items():
            frames.append(of_some[name])
            if sum(frame.height for frame in frames[1:]) > max(frames[0].height, _MOST_WAITING):
                frames[:] = [_sum(name, frames)]
    return {name: _sum(name, frames) for name, frames in by_table.items()}


def _sum(name: str, frames: list[pl.DataFrame]) -> pl.DataFrame:
    # Of what one visitor has at most, the largest counts.
    how = {measure: "max" if measure == "max_views" else "sum" for measure in TABLES[name].measures}
    return add_up(pl.concat(frames, rechunk=True), TABLES[name].dimensions, how)


def empty_cells() -> dict[str, pl.DataFrame]:
    """Give every table without a row."""
    return {name: pl.DataFrame(schema=table.schema) for name, table in TABLES.items()}


def declared(cells: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Sort tables by their dimensions, and give them the types that schema.py declares; what was given is emptied."""
    return {
        name: sort_rows(cells.pop(name), TABLES[name].dimensions).cast(pl.Schema(TABLES[name].schema))
        for name in list(cells)
    }


def _typed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Give a table the columns and types that schema.py declares; texts whose codes have their order stay coded."""
    schema, kept = TABLES[name].schema, frame.schema
    coded = {name for name, dtype in kept.items() if isinstance(dtype, pl.Enum) and in_order(dtype)}
    coded |= {name for name, dtype in kept.items() if isinstance(dtype, pl.Categorical)}
    return frame.select(pl.col(column) if column in coded else pl.col(column).cast(schema[column]) for column in schema)
