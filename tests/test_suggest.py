"""Suggested features are a configuration that can be used as it is, and hold all pages of the log."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats import config, suggest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Program = Callable[..., subprocess.CompletedProcess[str]]

SAMPLES = ("combined.log.gz", "nginx_main.log", "public_service.log.xz", "vhost_combined.log", "caddy.jsonl")


def table(pages: dict[str, int]) -> pl.DataFrame:
    """Return pages with so many views."""
    return pl.DataFrame(list(pages.items()), schema={"page": pl.String, "views": pl.Int64}, orient="row")


def names(pages: dict[str, int]) -> list[str]:
    """Return the names that are suggested for pages with so many views."""
    return [suggestion.name for suggestion in suggest.suggest(table(pages))]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_suggested_can_be_pasted(name: str, samples: Path, logstats: Program, tmp_path: Path) -> None:
    """The output is a valid configuration, each feature is used, and next to nothing is left without one."""
    file = tmp_path / "features.toml"
    done = logstats("features", "suggest", "-q", samples / name)
    assert done.returncode == 0, done.stderr
    file.write_text(done.stdout, "utf-8")
    features = config.load(file, {}).feature
    assert 0 < len(features) <= 50
    found = json.loads(logstats("report", "--json", "-q", "--config", file, samples / name).stdout)
    uses = {row["feature"]: row["views"] for row in found["features"]}
    assert set(uses) == {feature.name for feature in features}
    assert all(uses.values())
    assert 0.95 * (found["page_views"] + found["downloads"]) <= sum(uses.values())


def test_the_object_says_the_same(samples: Path, logstats: Program) -> None:
    """`--json` gives names, patterns, views and the number of pages."""
    text = logstats("features", "suggest", "-q", samples / "public_service.log.xz").stdout
    found = json.loads(logstats("features", "suggest", "--json", "-q", samples / "public_service.log.xz").stdout)
    features = tomllib.loads(text)["feature"]
    assert [(one["name"], [one["pattern"]]) for one in found["features"]] == [
        (one["name"], one["paths"]) for one in features
    ]
    assert {"home", "demarches/passeport", "dossier/{id}/pieces"} <= {one["name"] for one in found["features"]}


def test_a_log_without_people_suggests_nothing(logstats: Program) -> None:
    """Nothing on standard output that could be taken for a list, and a message that says why."""
    line = '192.0.2.7 - - [22/Oct/2025:10:00:00 +0200] "GET / HTTP/1.1" 200 5 "-" "Googlebot/2.1"\n'
    done = logstats("features", "suggest", "-", stdin=line)
    assert (done.returncode, done.stdout.strip()) == (0, "")
    assert "nothing to suggest" in done.stderr


def test_a_branch_is_parted_where_two_parts_are_notable() -> None:
    """Two procedures are two features, and what is left of their branch is one after them."""
    pages = {"/p/a": 50, "/p/a/form": 20, "/p/b": 30, **{f"/p/{i}": 1 for i in range(9)}, "/contact": 9}
    assert names(pages) == ["p/a", "p/b", "p", "contact"]


def test_a_branch_of_one_is_named_in_full() -> None:
    """A folder that is no page and holds one thing is that thing."""
    assert names({"/dossier/{id}/pieces": 9, "/": 1}) == ["home", "dossier/{id}/pieces"]


def test_hosts_and_the_tail_are_no_features() -> None:
    """The host in front of a page is not its name; {other} may be anything."""
    assert names({"www.example.org/a": 5, "{other}": 50, "www.example.org{other}": 9}) == ["a"]
    assert names({}) == []


@given(st.dictionaries(st.text().map(lambda text: "/" + text), st.integers(1, 100), max_size=20))
def test_whatever_the_pages_the_output_is_a_configuration(pages: dict[str, int]) -> None:
    """Quotes, controls, direction marks and patterns in pages: read back, each suggestion fits the page it is for."""
    frame = table(pages)
    found = suggest.suggest(frame)
    text = suggest.toml(found)
    assert all(character.isprintable() or character == "\n" for character in text)
    read: list[dict[str, Any]] = tomllib.loads(text).get("feature", [])
    assert [(one["name"], one["paths"]) for one in read] == [(one.name, [one.pattern]) for one in found]
    assert all(frame["page"].str.contains(one.pattern).any() for one in found)
