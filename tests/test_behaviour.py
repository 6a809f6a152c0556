"""Who is suspected: visitors that act like no person, and people who look similar and are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from logstats import config
from logstats.visits.behaviour import REASONS, mark_suspected, suspects

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMITS = config.load().suspected
PERSON = 1
OTHERS = 2


def requests(number: int, *, every: float = 1.0, visitor: int = PERSON, **columns: Any) -> list[dict[str, Any]]:
    """Give so many requests of one visitor, `every` so many seconds; a page view is of a page of its own."""
    pages = {} if columns.get("outcome", "page_view") == "page_view" else {"page": None}
    return [
        {"visitor": visitor, "time": NOON + timedelta(seconds=every * i), "page": f"/{i}", **pages, **columns}
        for i in range(number)
    ]


def usual_visitors(number: int = 2) -> list[dict[str, Any]]:
    """Give visitors who fetch pages and their assets: the site has assets."""
    return [
        row
        for visitor in range(OTHERS, OTHERS + number)
        for row in requests(2, visitor=visitor) + requests(6, visitor=visitor, outcome="asset")
    ]


ROBOTS_TXT = requests(1, outcome="technical", robots_txt=True)
ASSET = requests(1, outcome="asset")

ROBOTS = {
    "asks for robots.txt alone": (ROBOTS_TXT, "robots_txt"),
    "asks for robots.txt and opens a few pages slowly": (requests(3, every=60) + ROBOTS_TXT, "robots_txt"),
    "a scanner: twenty errors and nothing else": (requests(20, outcome="error", status=404), "errors"),
    "a scanner that finds three pages": (requests(27, outcome="error", status=404) + requests(3), "errors"),
    "thirty pages in half a minute": (requests(30, every=1), "rate"),
    "three hundred different pages in an hour": (requests(300, every=11), "breadth"),
}
PEOPLE = {
    "a page short of too many in a minute": requests(29, every=1),
    "a full cache or a screen reader: many pages without an asset, slowly": requests(200, every=17),
    "one page that is opened three hundred times": requests(300, every=11, page="/dossier/{id}"),
    "many people behind one address: one asset": requests(400, every=0.1) + ASSET,
    "a robot and a person behind one address": ROBOTS_TXT + ASSET,
    "nineteen dead links": requests(19, outcome="error", status=404),
    "somebody tries a broken form again": requests(20, outcome="error", status=500) + requests(3),
}


@pytest.mark.parametrize(("rows", "reason"), ROBOTS.values(), ids=ROBOTS)
def test_robots(rows: list[dict[str, Any]], reason: str, make_hits: Callable[..., pl.DataFrame]) -> None:
    """A visitor who acts like no person is suspected, for the first reason that holds."""
    found = suspects(make_hits(rows + usual_visitors()), LIMITS)
    assert found.select("visitor", "reason", "hits").rows() == [(PERSON, reason, len(rows))]


@pytest.mark.parametrize("rows", PEOPLE.values(), ids=PEOPLE)
def test_people_who_look_similar(rows: list[dict[str, Any]], make_hits: Callable[..., pl.DataFrame]) -> None:
    """People who act unusually, and many people behind one address, are not suspected."""
    assert suspects(make_hits(rows + usual_visitors()), LIMITS).is_empty()


def test_every_reason_has_a_case() -> None:
    """Each rule is shown at work."""
    assert {reason for _, reason in ROBOTS.values()} == set(REASONS)


@pytest.mark.parametrize("rows", [rows for rows, reason in ROBOTS.values() if reason in {"rate", "breadth"}])
def test_a_site_without_assets(rows: list[dict[str, Any]], make_hits: Callable[..., pl.DataFrame]) -> None:
    """Where no visitor fetches assets from this server, their absence says nothing."""
    others = [row | {"page": "/"} for visitor in (OTHERS, OTHERS + 1) for row in requests(2, visitor=visitor)]
    assert suspects(make_hits(rows + others), LIMITS).is_empty()


def test_only_people_are_suspected(make_hits: Callable[..., pl.DataFrame]) -> None:
    """Who has said that it is a robot keeps its class."""
    hits = make_hits(requests(30, traffic="bot") + usual_visitors())
    marked, found = mark_suspected(hits, LIMITS)
    assert found.is_empty()
    assert marked.equals(hits)


def test_a_suspected_visitor_is_no_person_on_that_day_only(make_hits: Callable[..., pl.DataFrame]) -> None:
    """All hits of the visitor and day are marked, and no other; not a hit is lost or added."""
    tomorrow = [row | {"time": row["time"] + timedelta(days=1)} for row in requests(1)]
    hits = make_hits(requests(30) + tomorrow + usual_visitors())
    marked, _ = mark_suspected(hits, LIMITS)
    assert marked.drop("traffic").equals(hits.drop("traffic"))
    suspected = marked["traffic"] == "suspected"
    assert suspected.to_list() == [row < 30 for row in range(hits.height)]


def test_order_does_not_matter(make_hits: Callable[..., pl.DataFrame]) -> None:
    """Any permutation of the hits suspects the same visitors."""
    everybody = [*(rows for rows, _ in ROBOTS.values()), *PEOPLE.values()]
    rows = [row | {"visitor": 100 + i} for i, of_one in enumerate(everybody) for row in of_one]
    rows += usual_visitors(len(everybody))
    one, other = (suspects(make_hits(order), LIMITS) for order in (rows, rows[::-1]))
    assert one.height == len(ROBOTS)
    assert one.sort("visitor").equals(other.sort("visitor"))


def test_limits_are_the_configuration_s(make_hits: Callable[..., pl.DataFrame]) -> None:
    """A site may set what no person reaches."""
    strict = replace(LIMITS, page_views_per_minute=5)
    hits = make_hits(requests(5) + usual_visitors())
    assert suspects(hits, LIMITS).is_empty()
    assert suspects(hits, strict)["reason"].to_list() == ["rate"]
