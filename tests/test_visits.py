"""What `logstats.visits` makes of page views: visits, steps, and downloads fetched in pieces."""

from __future__ import annotations

import csv
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from logstats import pipeline, visits
from logstats.schema import END, START
from logstats.visits import journeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstats.derive import Knowledge

    Make = Callable[[list[dict[str, Any]]], pl.DataFrame]

CASES = Path(__file__).parent / "cases" / "visits.csv"
PARIS = ZoneInfo("Europe/Paris")
FLAGS: dict[str, dict[str, Any]] = {
    "download": {"outcome": "download"},
    "piece": {"outcome": "download", "status": 206, "partial": True},
    "asset": {"outcome": "asset", "page": None},
    "error": {"outcome": "error", "page": None, "status": 404},
    "bot": {"traffic": "bot"},
    "tool": {"traffic": "tool"},
    "suspected": {"traffic": "suspected"},
}


def view(text: str) -> dict[str, Any]:
    """Read `/page:flag@22T10:00:00`, a view of October 2025 in Paris time; an offset may follow."""
    what, _, when = text.rpartition("@")
    page, *flags = what.split(":")
    stamp = datetime.fromisoformat(f"2025-10-{when}")
    row: dict[str, Any] = {"page": page, "time": stamp if stamp.tzinfo else stamp.replace(tzinfo=PARIS)}
    for flag in flags:
        name, given, value = flag.partition("=")
        row |= {name: int(value) if name == "visitor" else value} if given else FLAGS[name]
    return row


def visits_text(summary: pl.DataFrame) -> list[str]:
    """Write each visit as the truth table does."""
    return sorted(
        f"{row['entry_page']} → {row['exit_page']} {row['views']} view{'s' * (row['views'] != 1)}"
        f" {row['seconds']} s{' bounce' * row['bounces']}"
        for row in summary.iter_rows(named=True)
    )


def steps_text(moves: pl.DataFrame) -> list[str]:
    """Write each step as the truth table does."""
    return sorted(f"{row['step_1']}→{row['step_2']}" for row in moves.iter_rows(named=True))


def runs_of(views: pl.DataFrame) -> pl.DataFrame:
    """Give the runs of steps, as closing does."""
    return journeys.runs(journeys.moves(views))


def split(text: str, separator: str) -> list[str]:
    """Take a cell of the truth table apart; an empty one holds nothing."""
    return sorted(text.split(separator)) if text else []


def counted_views(hits: pl.DataFrame) -> pl.DataFrame:
    """Sessionise and leave out later pieces, as closing does."""
    views = visits.sessionise(hits)
    return views.filter(visits.first_pieces(views))


with CASES.open(encoding="utf-8", newline="") as _file:
    TRUTH = list(csv.DictReader(_file))


@pytest.mark.parametrize("case", TRUTH, ids=[case["description"] for case in TRUTH])
def test_visits_and_steps_are_those_of_the_truth_table(case: dict[str, str], make_hits: Make) -> None:
    """Each row of cases/visits.csv gives the visits and the steps that stand beside it."""
    views = counted_views(make_hits([view(text) for text in case["views"].split()]))
    assert visits_text(visits.summarise(views)) == split(case["visits"], "; ")
    assert steps_text(runs_of(views)) == split(case["transitions"], " ")


@pytest.mark.parametrize("case", TRUTH, ids=[case["description"] for case in TRUTH])
def test_any_order_of_the_hits_gives_the_same(case: dict[str, str], make_hits: Make) -> None:
    """Each row of cases/visits.csv gives the same whatever the order of its hits."""
    rows = [view(text) for text in case["views"].split()]
    results = set()
    for order in permutations(rows):
        views = counted_views(make_hits(list(order)))
        results.add((str(visits_text(visits.summarise(views))), str(steps_text(runs_of(views)))))
    assert len(results) == 1


def test_the_gap_is_the_one_of_the_definition() -> None:
    """Definition pageview/1 says 30 minutes."""
    assert visits.GAP.total_seconds() == 1_800


def test_a_visit_has_the_origin_of_its_first_view(make_hits: Make) -> None:
    """Country, device and referrer of a visit are those of its first view, not of later ones."""
    first = {"country": "DE", "device": "Tablet", "referrer_kind": "search", "referrer": "google.com"}
    rows = [view("/a@22T10:00:00") | first, view("/b@22T10:01:00") | {"referrer_kind": "internal"}]
    [visit] = visits.summarise(counted_views(make_hits(rows[::-1]))).iter_rows(named=True)
    assert {name: visit[name] for name in first} == first


def test_visits_have_different_numbers_and_days_are_kept(make_hits: Make) -> None:
    """`visit` tells visits apart, over days, sites and visitors; views of one visit share it."""
    texts = ["/a@22T10:00:00", "/b@22T10:01:00", "/a@23T10:00:00", "/a:visitor=2@23T10:00:00", "/a:site=x@23T10:00:00"]
    views = visits.sessionise(make_hits([view(text) for text in texts]))
    assert views.height == 5
    assert views["visit"].n_unique() == 4
    assert views.group_by("visit").agg(pl.col("day").n_unique())["day"].to_list() == [1] * 4


def test_no_hits_make_no_visits(make_hits: Make) -> None:
    """Frames without a row go through every function."""
    views = counted_views(make_hits([]))
    assert views.height == visits.summarise(views).height == runs_of(views).height == 0


def test_every_visit_starts_once_and_ends_once(make_hits: Make) -> None:
    """There are as many steps from (start) and to (end) as there are visits."""
    texts = [f"/{'abc'[i % 3]}:visitor={i % 4}@22T{8 + i // 2:02}:{i % 60:02}:00" for i in range(24)]
    views = counted_views(make_hits([view(text) for text in texts]))
    moves = runs_of(views)
    assert moves.filter(pl.col("step_1") == START).height == views["visit"].n_unique()
    assert moves.filter(pl.col("step_2") == END).height == views["visit"].n_unique()


def test_the_same_second_is_ordered_by_all_that_a_hit_says(make_hits: Make) -> None:
    """Two views of one instant and page that differ in their referrer give one entry, whatever their order."""
    rows = [
        view("/a@22T10:00:00") | {"referrer_kind": "search", "referrer": "google.com"},
        view("/a@22T10:00:00") | {"referrer_kind": "direct"},
        view("/a@22T10:00:00") | {"referrer_kind": "search", "referrer": "bing.com"},
    ]
    found = {
        visits.summarise(counted_views(make_hits(list(order)))).select("referrer_kind", "referrer").row(0)
        for order in permutations(rows)
    }
    assert len(found) == 1


def test_later_pieces_are_technical_and_stay_hits(make_hits: Make, knowledge: Knowledge) -> None:
    """Closing counts a later piece of a download as technical: no hit is lost, no download counted twice."""
    texts = ["/a.pdf:piece@22T10:00:00", "/a.pdf:piece@22T10:00:01", "/a.pdf:piece:bot@22T10:00:02"]
    cells = pipeline.closing(make_hits([view(text) for text in texts]), knowledge.config)
    traffic = cells["traffic"].select("outcome", "traffic", "status", "hits").rows()
    assert sorted(traffic) == [
        ("download", "bot", 206, 1),
        ("download", "human", 206, 1),
        ("technical", "human", 206, 1),
    ]
    assert cells["days"].select("page_views", "downloads", "visits", "visitors").row(0) == (0, 1, 1, 1)
