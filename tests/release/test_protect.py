"""What `logstats.protect` promises, on random cubes in which visitors lie in several leaves."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logstats.protect import Rules, blocking, protect, recount
from logstats.schema import FOLDED, LEVELS

from .cubes import FIRST, HIERARCHY, K, prefixes_of

RULES = Rules(K, 0.85)


def cube(seed: int, visitors: int, pages: int) -> pl.DataFrame:
    """Make visitor-days with several views each, on several pages; a country is not always the same."""
    random = np.random.default_rng(seed)
    views = random.geometric(0.4, visitors) * random.choice((1, 1, 1, 30), visitors)
    who = np.repeat(np.arange(visitors), views)
    n = len(who)
    page = np.minimum(random.zipf(1.4, n) - 1, pages - 1)
    home = random.choice(4, visitors, p=(0.7, 0.2, 0.07, 0.03))
    country = np.where(random.random(n) < 0.05, random.integers(0, 4, n), home[who])
    return pl.DataFrame(
        {
            "visitor": who,
            "day": [FIRST.replace(day=1 + int(v) % 3) for v in who],
            "level_1": [f"F{p % 3}" for p in page],
            "level_2": [f"/p{p}" for p in page],
            "level_3": [f"C{c}" for c in country],
            "level_4": [f"D{v % 3}" for v in who],
            "views": pl.repeat(1, n, dtype=pl.Int64, eager=True),
        }
    )


CUBES = st.builds(cube, st.integers(0, 10_000), st.integers(0, 400), st.integers(1, 30))


def paths_of(rows: pl.DataFrame) -> list[tuple[str, ...]]:
    """Give the paths of blocks."""
    return [tuple(value for value in row if value is not None) for row in rows.select(LEVELS).iter_rows()]


def members(people: pl.DataFrame, path: tuple[str, ...], paths: list[tuple[str, ...]]) -> pl.DataFrame:
    """Give the views that lie in a block; those of OTHER are what its siblings leave."""
    above = path[:-1] if path and path[-1] == FOLDED else path
    inside = people
    for name, value in zip(LEVELS, above, strict=False):
        inside = inside.filter(pl.col(name) == value)
    if above != path:
        for other in paths:
            if FOLDED not in other and len(other) > len(above) and other[: len(above)] == above:
                same = [pl.col(name) == value for name, value in zip(LEVELS, other, strict=False)]
                inside = inside.filter(~pl.all_horizontal(*same))
    return inside


@settings(max_examples=40)
@given(people=CUBES)
def test_every_published_block_passes(people: pl.DataFrame) -> None:
    """In truth, every block holds k visitor-days, none of whom has more than the limit; and the bounds are bounds."""
    rows = protect(prefixes_of(people), HIERARCHY, RULES).rows
    paths = paths_of(rows)
    for path, row in zip(paths, rows.iter_rows(named=True), strict=True):
        inside = members(people, path, paths)
        of_visitor = inside.group_by("visitor").len()["len"]
        assert inside.height == row["views"]
        assert of_visitor.len() >= K
        assert (of_visitor.max() or 0) <= 0.85 * row["views"]
        assert row["low"] <= of_visitor.len() <= row["high"]
        assert (of_visitor.max() or 0) <= row["max_views"]
        assert row["visitors"] in {None, of_visitor.len()}


@settings(max_examples=40)
@given(people=CUBES)
def test_parents_are_the_sums_of_their_children(people: pl.DataFrame) -> None:
    """Blocks below a node partition it, and no OTHER is split."""
    rows = protect(prefixes_of(people), HIERARCHY, RULES).rows
    views = dict(zip(paths_of(rows), rows["views"], strict=True))
    for path, whole in views.items():
        below = [p for p in views if len(p) > len(path) and p[: len(path)] == path]
        children = [p for p in below if not any(p[: len(q)] == q for q in below if len(q) < len(p))]
        assert not below or sum(views[child] for child in children) == whole
        assert FOLDED not in path[:-1]


@settings(max_examples=40)
@given(people=CUBES)
def test_no_difference_of_visitors_is_small(people: pl.DataFrame) -> None:
    """A node's visitors less those of a block below it are none, or k; so are unions of siblings against the rest."""
    rows = protect(prefixes_of(people), HIERARCHY, RULES).rows
    shown = [(p, v) for p, v in zip(paths_of(rows), rows["visitors"], strict=True) if v is not None]
    for (path, whole), (below, part) in combinations(sorted(shown), 2):
        if below[: len(path)] == path:
            assert whole - part == 0 or whole - part >= K


@settings(max_examples=20)
@given(people=CUBES, seed=st.integers(0, 100))
def test_the_order_of_the_input_does_not_matter(people: pl.DataFrame, seed: int) -> None:
    """Permuted rows give equal rows in equal order."""
    prefixes = prefixes_of(people)
    shuffled = prefixes.sample(fraction=1, shuffle=True, seed=seed)
    assert protect(shuffled, HIERARCHY, RULES).rows.equals(protect(prefixes, HIERARCHY, RULES).rows)


@settings(max_examples=20)
@given(people=CUBES)
def test_counted_anew_without_a_change_nothing_changes(people: pl.DataFrame) -> None:
    """The frozen partition of the same cells has the same public figures, and blocks nothing."""
    prefixes = prefixes_of(people)
    rows = protect(prefixes, HIERARCHY, RULES).rows
    again = recount(rows, prefixes)
    public = ("level", *LEVELS, "views", "visitors")
    assert again.select(public).equals(rows.select(public))
    assert blocking(rows, again, RULES) == 0


def planted(counts: dict[str, int], views: dict[str, int] | None = None) -> pl.DataFrame:
    """Make pages with so many visitors each, one view each, or the views given for the first of them."""
    rows: list[dict[str, Any]] = []
    for page, n in counts.items():
        for _ in range(n):
            many = (views or {}).get(page, 1) if not any(row["level_2"] == page for row in rows) else 1
            rows += [
                {"visitor": len(rows), "day": FIRST, "level_1": "F", "level_2": page, "level_3": "FR", "level_4": "PC"}
                | {"views": many}
            ]
    return prefixes_of(pl.DataFrame(rows))


def pages_of(prefixes: pl.DataFrame, rules: Rules = RULES) -> dict[str, int]:
    """Give what is published of the pages."""
    rows = protect(prefixes, HIERARCHY, rules).rows.filter(pl.col("level") == 2)
    return dict(rows.select("level_2", "views").iter_rows())


@pytest.mark.parametrize("few", (3, 0))
def test_few_and_none_look_the_same_beside_other(few: int) -> None:
    """A page with three visitors and one with none are both not there."""
    counts = {"/a": 100, "/b": 6, "/c": 9 - few, "/d": few}
    assert pages_of(planted(counts)) == {"/a": 100, FOLDED: 15}


def test_one_zealous_visitor_is_no_block() -> None:
    """Twelve visitors, one of them with nine tenths of the views, are folded; the smallest page joins them."""
    assert pages_of(planted({"/a": 100, "/b": 12, "/c": 30}, {"/b": 500})) == {}
    assert pages_of(planted({"/a": 100, "/b": 12, "/c": 30}, {"/b": 30})) == {"/a": 100, "/b": 41, "/c": 30}


def test_other_is_topped_up_by_the_smallest() -> None:
    """Where the small ones are fewer than k together, the smallest shown page joins them."""
    assert pages_of(planted({"/a": 100, "/b": 20, "/c": 15, "/d": 3})) == {"/a": 100, "/b": 20, FOLDED: 18}


def test_a_single_child_is_shown() -> None:
    """A child that is all of its parent is shown and split further."""
    assert pages_of(planted({"/a": 11})) == {"/a": 11}
    assert pages_of(planted({"/a": 10})) == {}


def test_a_blocked_page_is_only_a_part_of_other() -> None:
    """Whatever its figures."""
    assert pages_of(planted({"/a": 100, "/sante": 50}), Rules(K, 0.85, ("^/sante",))) == {"/a": 100, FOLDED: 50}


def test_sybils_lower_the_threshold_by_as_many() -> None:
    """Limit, documented: of a published block, s made-up visitors leave k - s others, not fewer."""
    assert pages_of(planted({"/a": 100, "/b": 8 + 3})) == {"/a": 100, "/b": 11}
    assert pages_of(planted({"/a": 100, "/b": 7 + 3})) == {}


def test_a_rare_feature_hides_no_page() -> None:
    """Where no feature can be shown, pages are the first level: each with its feature, the rest as OTHER."""
    rare = prefixes_of(
        pl.DataFrame(
            [
                {"day": FIRST, "level_1": f, "level_2": p, "level_3": "FR", "level_4": "PC", "views": 1}
                for f, p, n in (("(none)", "/a", 100), ("(none)", "/b", 9), ("F", "/f", 5))
                for _ in range(n)
            ]
        )
    )
    rows = protect(rare, HIERARCHY, RULES).rows
    assert paths_of(rows.filter(pl.col("level_3").is_null())) == [(), (FOLDED,), ("(none)", "/a")]
