"""What closing keeps for disclosure control: every prefix, exactly."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstats import config, pipeline
from logstats.schema import FAMILIES, LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logstats.derive import Knowledge

    Make = Callable[[list[dict[str, Any]]], pl.DataFrame]

NOON = datetime(2025, 10, 22, 9, tzinfo=UTC)
FEATURES = (
    config.Feature("A", ("^/[ab]$",)),
    config.Feature("Send", ("^/c$",), methods=("POST",)),
)
HIT = st.fixed_dictionaries(
    {
        "visitor": st.integers(1, 6),
        "page": st.sampled_from(("/a", "/b", "/c", "/d")),
        "country": st.sampled_from(("FR", "BE", "ZZ")),
        "device": st.sampled_from(("PC", "Tablet")),
        "kind": st.sampled_from(("page", "download", "sent", "error", "bot")),
        "minute": st.integers(0, 300),
        "milliseconds": st.sampled_from((None, 7, 900)),
    }
)
KINDS: dict[str, dict[str, Any]] = {
    "page": {},
    "download": {"outcome": "download"},
    "sent": {"outcome": "other_method", "method": "POST", "status": 303, "milliseconds": None},
    "error": {"outcome": "error", "status": 404, "milliseconds": None},
    "bot": {"traffic": "bot"},
}


def hits_of(make_hits: Make, drawn: list[dict[str, Any]]) -> pl.DataFrame:
    """Make HITS of what hypothesis drew."""
    return make_hits(
        [
            {"time": NOON + timedelta(minutes=hit["minute"])}
            | {name: value for name, value in hit.items() if name not in {"kind", "minute"}}
            | KINDS[hit["kind"]]
            for hit in drawn
        ]
    )


def with_features(knowledge: Knowledge) -> config.Config:
    """Give a configuration with features, for which nobody is suspected."""
    return replace(knowledge.config, feature=FEATURES)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(HIT, min_size=1, max_size=40))
def test_every_prefix_is_counted_exactly(make_hits: Make, knowledge: Knowledge, drawn: list[dict[str, Any]]) -> None:
    """Views, distinct visitors and the most of one visitor equal a count in plain Python, for each prefix."""
    found = pipeline.closing(hits_of(make_hits, drawn), with_features(knowledge))["prefixes"]
    per_visitor: defaultdict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
    for hit in drawn:
        if hit["kind"] == "page":
            path = ("A" if hit["page"] in {"/a", "/b"} else "(none)", hit["page"], hit["country"], hit["device"])
            for depth in range(5):
                per_visitor[path[:depth]][hit["visitor"]] += 1
    pages = found.filter(pl.col("family") == "pages")
    counted = {
        tuple(value for value in row[:4] if value is not None): row[4:]
        for row in pages.select(*LEVELS, "views", "visitors", "max_views").iter_rows()
    }
    assert counted == {
        path: (sum(visitors.values()), len(visitors), max(visitors.values())) for path, visitors in per_visitor.items()
    }


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(HIT, min_size=1, max_size=40), parts=st.integers(2, 4))
def test_parts_of_visitors_give_the_same_prefixes(
    make_hits: Make, knowledge: Knowledge, drawn: list[dict[str, Any]], parts: int
) -> None:
    """Counted in parts of its visitors, a day has the same prefixes; of max_views the largest counts."""
    hits, rules = hits_of(make_hits, drawn), with_features(knowledge)
    whole = pipeline.closing(hits, rules)["prefixes"]

    def part(i: int, columns: Sequence[str]) -> pl.DataFrame:
        return hits.filter(pl.col("visitor") % parts == i).select(columns)

    assert pipeline.closing_by_visitors(part, parts, rules)["prefixes"].equals(whole)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(HIT, min_size=1, max_size=40))
def test_children_partition_their_parent(make_hits: Make, knowledge: Knowledge, drawn: list[dict[str, Any]]) -> None:
    """In each family the views of a node are those of its children; visitors are at most as many."""
    found = pipeline.closing(hits_of(make_hits, drawn), with_features(knowledge))["prefixes"]
    for family, levels in FAMILIES.items():
        rows = found.filter(pl.col("family") == family)
        for depth in range(len(levels)):
            path = LEVELS[:depth]
            children = rows.filter(pl.col("level") == depth + 1)
            below = children.group_by("day", *path).agg(pl.col("views", "visitors").sum())
            both = below.join(rows.filter(pl.col("level") == depth), on=["day", *path], suffix="_whole")
            assert both.height == below.height
            assert (both["views"] == both["views_whole"]).all()
            assert (both["visitors"] >= both["visitors_whole"]).all()


def test_families_agree_with_the_tables(make_hits: Make, knowledge: Knowledge) -> None:
    """The root of each family is what its table counts."""
    drawn = [
        {"visitor": i % 5, "page": f"/{'abcd'[i % 4]}", "country": "FR", "device": "PC", "minute": i * 7}
        | {"kind": ("page", "download", "sent", "error", "bot")[i % 5], "milliseconds": 7}
        for i in range(40)
    ]
    found = pipeline.closing(hits_of(make_hits, drawn), with_features(knowledge))
    roots = found["prefixes"].filter(pl.col("level") == 0)
    views = dict(roots.select("family", "views").iter_rows())
    [day] = found["days"].rows(named=True)
    assert views["pages"] == day["page_views"]
    assert views["downloads"] == day["downloads"]
    assert views["visits"] == views["referrers"] == day["visits"]
    assert views["errors"] == found["errors"]["hits"].sum()
    assert views["timings"] == found["timings"]["hits"].sum()
    assert views["traffic"] == found["traffic"]["hits"].sum()
    assert views["journeys"] == found["journeys"]["visits"].sum()
    assert views["sent"] == found["features"].filter(pl.col("feature") == "Send")["views"].sum()
