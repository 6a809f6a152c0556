"""The attacker solves all that is published as linear programs, and finds nothing; with less care, he finds people.

Each visitor-day lies in one leaf, so that visitors add up and the attack is exact. The same attack is tried on mutants
of the method, where it must succeed: so it is worth something.
"""

from __future__ import annotations

import os

import numpy as np
import polars as pl
import pytest

from logstats.protect import Rules, blocking, protect, recount
from logstats.protect.fold import Other
from logstats.schema import FOLDED, LEVELS

from .cubes import HIERARCHY, Attacker, K, prefixes_of, visitor_days

pytest.importorskip("scipy")

RULES = Rules(K, 0.85)
SEEDS = (1, 2, 3)
SAMPLE = 120
SLOW = bool(os.environ.get("LOGSTATS_SLOW"))


def published(people: pl.DataFrame) -> pl.DataFrame:
    """Protect, and give the blocks with the number that everybody sees."""
    return counted(protect(prefixes_of(people), HIERARCHY, RULES).rows)


def counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Each visitor-day has one view here, so the views say how many there are."""
    return rows.with_columns(pl.col("views").alias("count"))


def by_day(people: pl.DataFrame) -> pl.DataFrame:
    """Protect the days of the whole, as a one-dimensional breakdown."""
    roots = prefixes_of(people, 0)
    days = roots.with_columns(pl.col("day").cast(pl.String).alias("level_1"), level=pl.lit(1, dtype=pl.Int64))
    return counted(protect(pl.concat([roots, days]), ("day",), RULES).rows)


def margin(people: pl.DataFrame, column: str) -> pl.DataFrame:
    """Protect an exact breakdown of the whole by a dimension that the tree has, too: refused by the releases."""
    named = people.with_columns(pl.col(column).alias("level_1"))
    return counted(protect(prefixes_of(named, 1), ("country",), RULES).rows)


def threshold_only(people: pl.DataFrame, *, other: bool) -> pl.DataFrame:
    """Publish each node of k or more; with `other`, the rest of each node, too, however small."""
    months = prefixes_of(people).group_by("level", *LEVELS).agg(pl.col("visitors").sum().alias("count"))
    shown = months.filter(pl.col("count") >= K).select(*LEVELS, "count")
    if not other:
        return shown
    rests = []
    for depth in range(4):
        path = LEVELS[:depth]
        small = months.filter((pl.col("level") == depth + 1) & (pl.col("count") < K))
        rest = small.group_by(path).agg(pl.col("count").sum()) if path else small.select(pl.col("count").sum())
        absent = [pl.lit(None, dtype=pl.String).alias(name) for name in LEVELS[depth + 1 :]]
        folded = rest.with_columns(pl.lit(FOLDED).alias(LEVELS[depth]), *absent)
        known = shown.filter(pl.all_horizontal(pl.lit(value=True), *(pl.col(n).is_not_null() for n in path)))
        folded = folded.join(known.select(path).unique(), on=path, how="semi") if path else folded
        rests.append(folded.filter(pl.col("count") > 0).select(*LEVELS, "count"))
    return pl.concat([shown, *rests])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_attacker_finds_nothing_in_a_release(seed: int) -> None:
    """Over the tree and the days together: nothing below k is exact, and no interval is narrower than k."""
    people = visitor_days(seed, 3_000)
    attacker = Attacker.of(people)
    attacker.learn(published(people))
    attacker.learn(by_day(people), ("day",))
    assert len(attacker.equations) > 60
    assert attacker.findings(people, sample=SAMPLE, seed=seed) == []


@pytest.mark.parametrize("other", (False, True), ids=["threshold only", "no top-up of OTHER"])
def test_the_attacker_finds_people_behind_a_threshold(other: bool) -> None:  # noqa: FBT001 - parametrised
    """Mutants: small cells are only left out, or put together without looking whether they are enough."""
    found = 0
    for seed in SEEDS:
        people = visitor_days(seed, 3_000)
        attacker = Attacker.of(people)
        attacker.learn(threshold_only(people, other=other))
        found += len(attacker.findings(people, sample=SAMPLE, seed=seed))
    assert found > 0


def test_the_attacker_finds_people_behind_a_threshold_on_hits() -> None:
    """Mutant: with views instead of visitors, three people with many views are a block of their own."""
    people = visitor_days(1, 3_000)
    few = people.filter(pl.col("level_2") == "/p0").head(3).with_columns(level_2=pl.lit("/p1"), level_3=pl.lit("C9"))
    people = pl.concat([people, few])
    busy = people.with_columns(views=pl.when(pl.col("level_3") == "C9").then(20).otherwise(1).cast(pl.Int64))
    fooled = prefixes_of(busy).with_columns(pl.col("views").alias("visitors"), max_views=pl.lit(1, dtype=pl.Int64))
    rows = protect(fooled, HIERARCHY, RULES).rows.filter(~pl.col("folded"))
    truth = prefixes_of(people).group_by(LEVELS).agg(pl.col("visitors").sum().alias("count"))
    attacker = Attacker.of(people)
    attacker.learn(rows.select(LEVELS).join(truth, on=LEVELS, nulls_equal=True))
    right = Attacker.of(people)
    safe = protect(prefixes_of(busy), HIERARCHY, RULES).rows.filter(~pl.col("folded"))
    right.learn(safe.select(LEVELS).join(truth, on=LEVELS, nulls_equal=True))
    assert right.findings(people, sample=SAMPLE, seed=1) == []
    assert attacker.findings(people, sample=1_000, seed=1) != []


def test_the_attacker_finds_people_behind_a_second_tabulation() -> None:
    """Mutant: features counted apart from pages. F holds P1 (95) and P2 (5): the difference is P2."""
    people = visitor_days(2, 3_000, days=1)
    rows = [("F9", "/p90", "C0", 95), ("F9", "/p91", "C0", 5)]
    planted = pl.concat(
        [
            people.head(n).with_columns(level_1=pl.lit(f), level_2=pl.lit(p), level_3=pl.lit(c), level_4=pl.lit("D0"))
            for f, p, c, n in rows
        ]
    )
    people = pl.concat([people, planted])
    one_tree = Attacker.of(people)
    one_tree.learn(published(people))
    assert one_tree.findings(people, sample=SAMPLE, seed=2) == []
    apart = people.select("day", *LEVELS[1:], "views").rename(
        {"level_2": "level_1", "level_3": "level_2", "level_4": "level_3"}
    )
    pages = protect(prefixes_of(apart.with_columns(level_4=pl.lit("x")), 3), HIERARCHY[1:], RULES).rows
    features = protect(prefixes_of(people, 1), ("country",), RULES).rows
    mutant = Attacker.of(people)
    mutant.learn(counted(pages), LEVELS[1:])
    mutant.learn(counted(features))
    assert mutant.findings(people, sample=1_000, seed=2) != []


def test_the_attacker_finds_people_behind_an_exact_margin() -> None:
    """Why breakdowns by country and device are sums of leaves: an exact one, beside the tree, tells about people.

    Of C9 are 60 on a page that shows it, and 3 on a page that does not: the exact total of C9 gives the 3 away.
    """
    people = visitor_days(1, 3_000, days=1)
    template = people.head(63).with_columns(level_3=pl.lit("C9"), level_4=pl.lit("D0"), level_1=pl.lit("F0"))
    page = pl.Series(["/p0"] * 60 + ["/p2"] * 3)
    people = pl.concat([people, template.with_columns(level_2=page)])
    attacker = Attacker.of(people)
    attacker.learn(published(people))
    assert attacker.findings(people, sample=SAMPLE, seed=1) == []
    attacker.learn(margin(people, "level_3"), ("level_3",))
    assert attacker.findings(people, sample=1_000, seed=1) != []


@pytest.mark.parametrize("seed", SEEDS)
def test_the_attacker_finds_nothing_in_two_versions(seed: int) -> None:
    """Late corrections of 1 to 3k visitor-days: they are refused, or the difference tells nothing."""
    people = visitor_days(seed, 3_000, days=1)
    old = protect(prefixes_of(people), HIERARCHY, RULES).rows
    tried = refused = 0
    for late in (1, 5, 11, 20, 33):
        more = correction(people, late)
        new = recount(old, prefixes_of(pl.concat([people, more])))
        tried += 1
        if blocking(old, new, RULES):
            refused += 1
            continue
        attacker = Attacker.of(people, parts=2)
        attacker.learn(counted(old))
        attacker.learn(counted(new), version=(0, 1))
        assert attacker.findings(people, sample=40, seed=seed) == []
        assert attacker.findings(more, sample=40, seed=seed, part=1) == []
    assert 2 <= refused < tried


@pytest.mark.parametrize("seed", range(8 if SLOW else 3))
def test_the_attacker_finds_nothing_in_any_correction(seed: int) -> None:
    """Late and taken back visitor-days on leaves by chance, and pages renamed: refused, or nothing follows from both.

    What changed between the versions is a leaf's new number less its old one. Whoever knows both tables bounds each
    such change; those by 1 to k - 1 must not be told apart from none, nor narrowed to fewer than k.
    """
    chance = np.random.default_rng(seed)
    people = visitor_days(seed, 3_000, days=1)
    old = protect(prefixes_of(people), HIERARCHY, RULES).rows
    accepted, refused, told = 0, 0, 0
    for _ in range(100 if SLOW else 30):
        later = changed(people, chance)
        new = recount(old, prefixes_of(later))
        attacker = Attacker.of(pl.concat([people, later]), parts=2)
        attacker.learn(counted(old))
        attacker.learn(counted(new), version=(1,))
        found = attacker.changes(people, later, sample=30, seed=seed)
        found += attacker.findings(later, sample=30, seed=seed, part=1)
        if blocking(old, new, RULES):
            refused += 1
            told += len(found)
            continue
        accepted += 1
        assert found == []
    assert accepted
    assert told > refused > 0  # what is refused would have told: the attack is worth something


def changed(people: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """Give the visitor-days of a corrected month: more or fewer on some leaves, or a page that has another name."""
    if chance.random() < 0.2:
        return renamed(people, *chance.choice(sorted(people["level_2"].unique()), 2, replace=False))
    later = people
    for _ in range(int(chance.integers(1, 4))):
        leaf = people[int(chance.integers(people.height))].select(LEVELS)  # a large one more often than a small one
        inside = later.join(leaf, on=LEVELS, how="semi")
        some = inside.head(int(chance.integers(1, 4 * K)))
        taken = pl.concat([later.join(leaf, on=LEVELS, how="anti"), inside.slice(some.height)])
        later = pl.concat([later, some]) if chance.random() < 0.7 else taken
    return later


def renamed(people: pl.DataFrame, page: str, name: str) -> pl.DataFrame:
    """Give a page the name, and the feature, of another one."""
    feature = people.filter(pl.col("level_2") == name)["level_1"][0]
    moved = pl.col("level_2") == page
    return people.with_columns(
        level_1=pl.when(moved).then(pl.lit(feature)).otherwise("level_1"),
        level_2=pl.when(moved).then(pl.lit(name)).otherwise("level_2"),
    )


def correction(people: pl.DataFrame, late: int) -> pl.DataFrame:
    """Give so many late visitor-days on the most viewed leaf."""
    top = people.group_by(LEVELS).len().sort("len", *LEVELS, descending=[True, *[False] * 4]).head(1)
    return people.join(top.select(LEVELS), on=LEVELS, how="semi").head(late)


def test_the_attacker_finds_people_between_two_releases_without_a_ledger() -> None:
    """Mutant: the corrected month is protected anew; hidden becomes shown, and the difference tells about few."""
    found = 0
    for seed in SEEDS:
        people = visitor_days(seed, 3_000, days=1)
        more = correction(people, 5)
        attacker = Attacker.of(people, parts=2)
        attacker.learn(published(people))
        attacker.learn(published(pl.concat([people, more])), version=(0, 1))
        found += len(attacker.findings(more, sample=40, seed=seed, part=1))
    assert found > 0


def test_one_person_on_many_rare_pages_does_not_look_like_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """One visitor views 11 pages once: OTHER of these holds one person. Counted by sum, it would seem to hold 11."""
    crowd = visitor_days(1, 400, pages=1, countries=1, devices=1, days=1).with_row_index("visitor")
    one = crowd.head(11).with_columns(
        visitor=pl.lit(9_999, dtype=pl.UInt32), level_2=pl.Series([f"/rare{i}" for i in range(11)])
    )
    prefixes, rules = prefixes_of(pl.concat([crowd, one])), Rules(K, 1.0)  # the visitors alone decide here
    rows = protect(prefixes, HIERARCHY, rules).rows
    assert rows.filter(pl.col("level_2").is_not_null()).is_empty()
    monkeypatch.setattr(Other, "low", property(lambda self: self.high, lambda _self, _value: None), raising=False)
    mutant = protect(prefixes, HIERARCHY, rules).rows
    assert mutant.filter(pl.col("folded") & (pl.col("level_2") == FOLDED))["views"].to_list() == [11]
