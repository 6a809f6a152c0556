"""What a request is: the rules of definition pageview/1, in their order."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from logstats import config
from logstats.derive.outcome import OUTCOME_OF, classify_paths, outcome_rules
from logstats.schema import OUTCOMES

CASES: Final = list(csv.DictReader((Path(__file__).parent / "cases" / "outcomes.csv").read_text("utf-8").splitlines()))
OUTCOME: Final = config.load(environment={}).outcome
EXCLUDED: Final = ("^/admin",)


def requests(cases: list[dict[str, str]]) -> pl.DataFrame:
    """Return the frame that the rules look at: an empty column of a case is null."""
    table = pl.DataFrame(cases).with_columns(
        pl.when(pl.col(name) != "").then(name).alias(name) for name in ("method", "content_type", "purpose", "range")
    )
    circumstance = pl.col("circumstance")
    return pl.concat(
        [
            table.select("method", pl.col("status").cast(pl.UInt16), "content_type", "purpose", "range"),
            classify_paths(table["path"], OUTCOME, EXCLUDED),
            table.select(
                (circumstance == "excluded host").alias("host_excluded"),
                (circumstance == "excluded network").alias("network_excluded"),
                (circumstance == "foreign host").alias("foreign_host"),
            ),
        ],
        how="horizontal",
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["description"])
def test_truth_table(case: dict[str, str]) -> None:
    """A request gets the rule and the outcome that the table says."""
    rule = outcome_rules(requests([case]))[0]
    assert (rule, OUTCOME_OF[rule]) == (case["rule"], case["outcome"])


def test_all_at_once() -> None:
    """Requests do not depend on their neighbours, and rules come in the order of the requests."""
    assert outcome_rules(requests(CASES)).to_list() == [case["rule"] for case in CASES]


def test_every_rule_occurs() -> None:
    """The table has a case for each rule, so none is without a test."""
    assert {case["rule"] for case in CASES} == set(OUTCOME_OF)


def test_every_outcome_has_a_rule() -> None:
    """The outcomes of the rules are those of the vocabulary."""
    assert set(OUTCOME_OF.values()) == set(OUTCOMES)


@pytest.mark.parametrize(
    ("path", "expected"),
    (
        ("/", "page"),
        ("", "page"),
        ("/demarches", "page"),
        ("/demarches.HTML", "page"),
        ("/a.b/c", "page"),
        ("/carte.pdf", "download"),
        ("/carte.PDF", "download"),
        ("/archive.tar.gz", "download"),
        ("/style.css", "asset"),
        ("/app.js.map", "asset"),
        ("/robots.txt", "technical"),
        ("/sub/robots.txt", "technical"),
        ("/xmlrpc.php", "technical"),
        ("/status", "technical"),
        ("/statuts", "page"),
        ("/carte.xyz", "unknown"),
        ("/1.0", "page"),
    ),
)
def test_class_of_a_path(path: str, expected: str) -> None:
    """A path is technical, an asset, a download, a page or unknown, by its name alone."""
    assert classify_paths(pl.Series([path]), OUTCOME, ())["path_class"][0] == expected


def test_excluded_paths_are_patterns() -> None:
    """A path that fits one of the configured patterns is excluded; without patterns none is."""
    paths = pl.Series(["/admin/x", "/x/admin", "/demo"])
    assert classify_paths(paths, OUTCOME, ("^/admin", "^/demo$"))["path_excluded"].to_list() == [True, False, True]
    assert classify_paths(paths, OUTCOME, ())["path_excluded"].to_list() == [False, False, False]
