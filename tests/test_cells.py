"""What `logstats.cells` counts of a day, and that nothing of a person is left in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from logstats import cells, config, pipeline, visits
from logstats.schema import OTHER_PAGE, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstats.derive import Knowledge

    Make = Callable[[list[dict[str, Any]]], pl.DataFrame]

NOON = datetime(2025, 10, 22, 12, tzinfo=UTC)


def views_of(make_hits: Make, counts: dict[str, int], **more: Any) -> pl.DataFrame:
    """Make so many views of each page, each by a visitor of its own."""
    rows = [{"page": page, "visitor": i, "time": NOON, **more} for page, n in counts.items() for i in range(n)]
    return visits.sessionise(make_hits(rows))


def pages_of(views: pl.DataFrame) -> dict[str, int]:
    """Count the views of each page."""
    return dict(views.group_by("page").len().sort("page").iter_rows())


def test_bound_pages_keeps_the_most_viewed(make_hits: Make) -> None:
    """The most viewed pages stay, the tail becomes {other}, and no view is lost."""
    views = views_of(make_hits, {"/a": 1, "/b": 4, "/c": 2, "/d": 3})
    bounded = cells.bound_pages(views, 2)
    assert pages_of(bounded) == {"/b": 4, "/d": 3, OTHER_PAGE: 3}
    assert bounded.height == views.height


def test_bound_pages_takes_equal_pages_by_name(make_hits: Make) -> None:
    """Of pages viewed equally often the first by name stays, whatever the order of the views."""
    views = views_of(make_hits, {"/d": 2, "/b": 2, "/c": 2, "/a": 2})
    for ordered in (views, views.reverse()):
        assert pages_of(cells.bound_pages(ordered, 2)) == {"/a": 2, "/b": 2, OTHER_PAGE: 4}


def test_bound_pages_leaves_few_pages_alone(make_hits: Make) -> None:
    """As many pages as are allowed stay as they are."""
    views = views_of(make_hits, {"/a": 1, "/b": 1})
    assert cells.bound_pages(views, 2).equals(views)


def test_bound_pages_keeps_the_order_of_the_views(make_hits: Make) -> None:
    """Steps are taken from the bounded views, so their order and all but the page must stay."""
    views = views_of(make_hits, {"/a": 3, "/b": 2, "/c": 1})
    bounded = cells.bound_pages(views, 1)
    assert bounded.columns == views.columns
    assert bounded.drop("page").equals(views.drop("page"))


def test_bound_pages_counts_by_day_and_site(make_hits: Make) -> None:
    """Each site has its own bound: a busy site does not push out the pages of a quiet one."""
    busy = views_of(make_hits, {"/a": 5, "/b": 4}, site="busy")
    quiet = views_of(make_hits, {"/c": 1}, site="quiet")
    assert pages_of(cells.bound_pages(pl.concat([busy, quiet]), 1)) == {"/a": 5, "/c": 1, OTHER_PAGE: 4}


def test_bound_pages_takes_no_views(make_hits: Make) -> None:
    """A day without a view has no page to bound."""
    assert cells.bound_pages(views_of(make_hits, {}), 1).is_empty()


def test_closing_bounds_every_table(make_hits: Make, knowledge: Knowledge) -> None:
    """No table names more pages than are allowed, and the headline does not move."""
    rows = [{"page": f"/{i}", "visitor": i % 7, "time": NOON.replace(minute=i)} for i in range(50)]
    rows += [row | {"outcome": "error", "status": 404} for row in rows]
    rows = [row | {"milliseconds": 5, "searched": True} for row in rows]
    bound = replace(knowledge.config, pages=replace(knowledge.config.pages, max_per_day=3))
    free, bounded = (pipeline.closing(make_hits(rows), rules) for rules in (knowledge.config, bound))
    named = [("pages", "page"), ("visits", "entry_page"), ("visits", "exit_page"), ("transitions", "to_page")]
    named += [("journeys", "step_1"), ("journeys", "step_2"), ("errors", "page"), ("searches", "page")]
    for table, column in [*named, ("timings", "page")]:
        pages = set(bounded[table][column]) - {OTHER_PAGE, "(start)", "(end)"}
        assert pages <= {"/0", "/1", "/10"}
    assert bounded["days"].equals(free["days"])
    assert bounded["pages"]["views"].sum() == 50


def test_a_day_without_people_is_a_row_of_zeros(make_hits: Make, knowledge: Knowledge) -> None:
    """A day with robots only is a day of the log: zeros, not a gap."""
    found = pipeline.closing(make_hits([{"time": NOON, "traffic": "bot"}]), knowledge.config)
    assert found["days"].rows() == [(date(2025, 10, 22), "default", 0, 0, 0, 0)]
    assert found["traffic"]["hits"].to_list() == [1]
    assert found["pages"].is_empty()
    assert found["visits"].is_empty()
    assert found["transitions"].is_empty()


def test_a_day_without_hits_has_empty_tables(make_hits: Make, knowledge: Knowledge) -> None:
    """Nothing gives every table, with its columns and without a row."""
    found = pipeline.closing(make_hits([]), knowledge.config)
    assert {name: frame.schema for name, frame in found.items()} == {
        name: pl.Schema(table.schema) for name, table in TABLES.items()
    }
    assert all(frame.is_empty() for frame in found.values())


def test_empty_cells_have_every_declared_column() -> None:
    """The tables of a run without a hit are those of schema.py."""
    empty = cells.empty_cells()
    assert list(empty) == list(TABLES)
    assert all(dict(frame.schema) == TABLES[name].schema for name, frame in empty.items())


def test_merge_puts_days_together(make_hits: Make, knowledge: Knowledge) -> None:
    """Merged tables hold the rows of each day and nothing else."""
    days = [pipeline.closing(make_hits([{"time": NOON.replace(day=day)}]), knowledge.config) for day in (21, 22, 23)]
    merged = cells.merge(days)
    assert merged["days"]["day"].to_list() == [date(2025, 10, day) for day in (21, 22, 23)]
    assert {name: frame.height for name, frame in merged.items()} == {
        name: sum(day[name].height for day in days) for name in TABLES
    }


def test_merge_of_nothing_is_every_table_empty() -> None:
    """No day at all still gives each table."""
    merged = cells.merge([])
    assert {name: dict(frame.schema) for name, frame in merged.items()} == {
        name: table.schema for name, table in TABLES.items()
    }


@pytest.mark.parametrize("table", list(TABLES))
def test_tables_are_sorted_and_each_cell_stands_once(table: str, make_hits: Make, knowledge: Knowledge) -> None:
    """Rows are sorted by their dimensions, and no combination of them comes twice."""
    rows: list[dict[str, Any]] = [
        {"page": f"/{i % 3}", "visitor": i % 5, "time": NOON.replace(minute=i), "device": ("PC", "Tablet")[i % 2]}
        for i in range(40)
    ]
    robot: dict[str, Any] = {"visitor": 9, "time": NOON, "outcome": "technical", "page": None, "robots_txt": True}
    failed: dict[str, Any] = {"time": NOON, "outcome": "error", "status": 404, "page": "/gone"}
    slow: dict[str, Any] = {"time": NOON, "page": "/0", "milliseconds": 1_234, "searched": True}
    rows += [robot, failed, slow]
    steps = tuple(config.Step(page, (f"^{page}$",)) for page in ("/0", "/1", "/3"))
    service = replace(
        knowledge.config,
        feature=(config.Feature("zero", ("^/0$",)), config.Feature("never", ("^/never$",))),
        funnel=(config.Funnel("all", steps),),
    )
    dimensions = list(TABLES[table].dimensions)
    frame = pipeline.closing(make_hits(rows), service)[table]
    assert frame.height > 0
    assert frame.select(dimensions).is_unique().all()
    assert frame.equals(frame.sort(dimensions, nulls_last=True))


def test_one_visitor_with_many_views_counts_once(make_hits: Make, knowledge: Knowledge) -> None:
    """Visitors are distinct ids, not views: one reloading person is one visitor."""
    rows = [{"page": "/a", "time": NOON.replace(second=i)} for i in range(30)]
    found = pipeline.closing(make_hits(rows), knowledge.config)
    assert found["pages"].select("views", "visitors").rows() == [(30, 1)]
    assert found["days"].select("page_views", "visits", "visitors").rows() == [(30, 1, 1)]


def test_a_transition_counts_a_visit_once(make_hits: Make, knowledge: Knowledge) -> None:
    """Going to and fro counts each step once a visit, as the definition says."""
    rows = [{"page": "/ab"[i % 2 + 1], "time": NOON.replace(second=i)} for i in range(6)]
    found = pipeline.closing(make_hits(rows), knowledge.config)["transitions"]
    steps = {row[:2]: row[2:] for row in found.select("from_page", "to_page", "visits", "visitors").iter_rows()}
    assert steps == {("(start)", "a"): (1, 1), ("a", "b"): (1, 1), ("b", "a"): (1, 1), ("b", "(end)"): (1, 1)}


def test_the_month_of_the_commission_is_in_utc(make_hits: Make, knowledge: Knowledge) -> None:
    """A view at half past midnight in Paris belongs to the new day, but to the old month in UTC."""
    late = datetime(2025, 10, 31, 23, 30, tzinfo=UTC)
    found = pipeline.closing(make_hits([{"time": late}]), knowledge.config)["pages"]
    assert found.select("day", "utc_month").row(0) == (date(2025, 11, 1), date(2025, 10, 1))
