"""The figures of the service, as JSON has them and as the terminal shows them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from logstats import config, console, sections, summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from logstats.derive import Knowledge

SERVICE = """
[[feature]]
name = "Pieces"
paths = ['^/dossier/[^/]+/pieces$']
methods = ["POST"]

[[feature]]
name = "Never"
paths = ['^/never$']

[[funnel]]
name = "Passport"
minutes = 120
steps = [
  { name = "Read", paths = ['^/demarches/passeport$'] },
  { name = "Help", paths = ['^/aide'], optional = true },
  { name = "Fill in", paths = ['^/demarches/passeport/formulaire$'] },
  { name = "Send", paths = ['^/demarches/passeport/formulaire$'], methods = ["POST"] },
  { name = "Done", paths = ['^/dossier/[^/]+/confirmation$'] },
]

[[funnel]]
name = "Nobody"
steps = [{ name = "1", paths = ['^/never$'] }, { name = "2", paths = ['^/never/2$'] }]
"""


@pytest.fixture(scope="module")
def figures(
    samples: Path, counted: Callable[..., Any], knowledge: Knowledge, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return the figures of the simulated service."""
    file = tmp_path_factory.mktemp("service") / "logstats.toml"
    file.write_text(SERVICE, "utf-8")
    rules = replace(knowledge, config=config.load(file, {}))
    found = counted([samples / "public_service.log.xz", samples / "nginx_json.jsonl"], rules=rules)
    return summary.summarise(found, rules.config, rules.countries.info)


def test_every_declared_feature_is_there(figures: dict[str, Any]) -> None:
    """Zero included; and a note says which nobody used."""
    assert {row["feature"]: bool(row["views"]) for row in figures["features"]} == {"Pieces": True, "Never": False}
    [note] = [note["text"] for note in figures["notes"] if note["code"] == "unused"]
    assert "Never, Nobody" in note


def test_a_funnel_adds_up(figures: dict[str, Any]) -> None:
    """Last steps add up to those who began; each required step has those of it and of all later ones."""
    passport, nobody = figures["funnels"]
    steps = passport["steps"]
    assert passport["visits"] == steps[0]["visits"] == sum(step["last"] for step in steps) > 0
    assert passport["completed"] == steps[-1]["visits"] > 0
    for step in steps:
        if not step["optional"]:
            assert step["visits"] == sum(later["last"] for later in steps if later["step"] >= step["step"])
    assert sum(row["visits"] for row in passport["devices"]) == passport["visits"]
    assert sum(row["completed"] for row in passport["devices"]) == passport["completed"]
    assert nobody["visits"] == nobody["completed"] == 0
    assert [step["median_seconds"] for step in nobody["steps"]] == [None, None]


def test_medians_grow_with_the_steps_of_those_who_came_through(figures: dict[str, Any]) -> None:
    """Times are those since the first step, so that a later step takes longer."""
    medians = [step["median_seconds"] for step in figures["funnels"][0]["steps"][2:]]
    assert medians == sorted(medians)
    assert medians[0] > 0


def test_journeys_agree_with_the_headline(figures: dict[str, Any]) -> None:
    """Views = visits + moves + reloads, down to the object that is printed."""
    journeys, views = figures["journeys"], figures["page_views"] + figures["downloads"]
    assert views == figures["visits"] + journeys["moves"] + journeys["reloads"]
    for name in ("views_per_visit", "seconds_per_visit"):
        assert sum(bucket["visits"] for bucket in journeys[name]) == figures["visits"]
    single = journeys["views_per_visit"][0]
    assert single["from"] == 1
    assert journeys["bounces"] <= single["visits"]


def test_portals_are_named_also_with_zero(figures: dict[str, Any]) -> None:
    """The Commission's portal and the French one have a figure of their own."""
    found = {portal["portal"]: portal["visits"] for portal in figures["findability"]["portals"]}
    assert set(found) == {"Your Europe", "Service Public"}
    assert found["Service Public"] > 0


def test_what_is_sought_is_nowhere(figures: dict[str, Any]) -> None:
    """The use of the search is counted; the names that the sample's searches hold are not there."""
    assert figures["findability"]["visits_with_search"] > 0
    assert figures["findability"]["search_pages"][0]["page"] == "/recherche"
    assert "dupont" not in str(figures).lower()
    assert "enfant" not in str(figures).lower()


def test_slow_pages_have_enough_views(figures: dict[str, Any]) -> None:
    """A percentile of two views is none: such pages are left out, slowest first among the others."""
    slow = figures["quality"]["slow_pages"]
    assert figures["quality"]["timed_views"] > 0
    assert figures["quality"]["median_ms"] <= figures["quality"]["p95_ms"]
    assert all(row["hits"] >= 10 and row["median_ms"] <= row["p95_ms"] for row in slow)
    assert [row["p95_ms"] for row in slow] == sorted((row["p95_ms"] for row in slow), reverse=True)


def shown(figures: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the terminal shows."""
    console.Console().summary(figures)
    return capsys.readouterr().out


def test_the_terminal_draws_the_funnel(figures: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """A bar for each step, who went no further and where, the devices, and the zeros of a funnel nobody began."""
    out = shown(figures, capsys)
    passport = figures["funnels"][0]
    assert "\nFunnel: Passport\n" in out
    assert f"{passport['visits']:,} visits began, {passport['completed']:,} came to the end" in out
    assert re.search(r"\n  1 Read +█{20} ", out)
    assert re.search(r"\n  2 Help \(optional\) +", out)
    assert f"└ {passport['steps'][0]['last']:,} went no further: " in out
    assert "of those who began" in out
    assert "\nFunnel: Nobody\n  0 visits began, 0 came to the end" in out


@pytest.mark.parametrize(
    "title",
    (
        "Visits begin at",
        "Visits end at",
        "Three steps in a row",
        "How long visits are",
        "Use of the features",
        "How people find what they look for",
        "What went wrong, what was slow",
    ),
)
def test_the_terminal_has_every_section(
    title: str, figures: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Journeys, features, findability and quality have a section each."""
    assert f"\n{title}\n" in shown(figures, capsys)


@pytest.mark.parametrize("width", (1, 20, 60, 110))
def test_sections_fit_every_terminal(width: int, figures: dict[str, Any]) -> None:
    """However narrow the terminal, nothing fails; from 60 columns on a ranking fits."""
    for section in sections.service(figures, width):
        assert section.lines
        assert all("\n" not in line for line in section.lines)
        if width >= 60 and section.title.startswith(("Visits", "Three")):
            assert max(map(len, section.lines)) <= width


def hostile(value: Any) -> Any:
    """Put what acts on a terminal into every name."""
    if isinstance(value, dict):
        return {key: hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return f"\x1b[2J\u202e\n{value}" if isinstance(value, str) else value


def test_names_in_sections_act_on_no_terminal(figures: dict[str, Any]) -> None:
    """Pages, features, funnels and referrers are escaped."""
    names = ("journeys", "features", "funnels", "findability", "quality")
    worst = figures | {name: hostile(figures[name]) for name in names}
    for section in sections.service(worst, 100):
        for text in (section.title, *section.lines):
            assert not {character for character in text if character in "\x1b\u202e\n"}


def test_nothing_of_the_service_is_said_of_a_log_without_people(
    counted: Callable[..., Any], knowledge: Knowledge, tmp_path: Path
) -> None:
    """A log of robots has no journeys to show, and no section is empty."""
    log = tmp_path / "log"
    log.write_text(
        '192.0.2.7 - - [22/Oct/2025:10:00:00 +0200] "GET / HTTP/1.1" 200 5 "-" "Googlebot/2.1"\n' * 3, "utf-8"
    )
    figures = summary.summarise(counted([log]), knowledge.config, knowledge.countries.info)
    assert list(sections.service(figures, 100)) == []
    assert figures["features"] == figures["funnels"] == []
