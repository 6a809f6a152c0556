"""What `logstats.console` lets out: text that cannot act on a terminal, and JSON that is one object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats import console as console_module
from logstats import summary
from logstats.console import Console, escape
from logstats.schema import OUTCOMES, TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from logstats.derive import Knowledge

WORST = "a\x1b[31mb\x07\x9b2J\x7f\u202egnp.\u2066\n\r\x85\u2028"


def acts_on_a_terminal(text: str) -> set[str]:
    """Return the characters of a text that a terminal may obey, newlines aside."""
    return {
        character
        for character in text
        if (ord(character) < 0x20 and character != "\n")
        or 0x7F <= ord(character) <= 0x9F
        or character in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    }


@pytest.fixture(scope="module")
def figures(samples: Path, counted: Callable[..., Any], knowledge: Knowledge) -> dict[str, Any]:
    """Return the figures of a sample that has pages, downloads, referrers, rejects and gaps."""
    found = counted([samples / "combined.log.gz"])
    return summary.summarise(found, knowledge.config, knowledge.countries.info)


@pytest.fixture
def in_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that gives the terminal a width."""
    return lambda columns: monkeypatch.setenv("COLUMNS", str(columns))


@pytest.mark.parametrize(
    ("text", "shown"),
    (
        ("/démarches/日本", "/démarches/日本"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("\x9b31m", r"\x9b31m"),
        ("tab\tand\nnewline\r", r"tab\x09and\x0anewline\x0d"),
        ("del\x7f", r"del\x7f"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\udcff", r"\udcff"),
        ("\u2028", r"\u2028"),
    ),
)
def test_escape_shows_what_could_act(text: str, shown: str) -> None:
    """Letters of any language stay; controls, direction marks and lone surrogates become visible."""
    assert escape(text) == shown


@given(st.text())
def test_nothing_that_was_escaped_acts(text: str) -> None:
    """Whatever the text, no byte of it can act on a terminal, and it can be written as UTF-8."""
    escaped = escape(text)
    assert acts_on_a_terminal(escaped) == set()
    assert "\n" not in escaped
    escaped.encode()


@pytest.mark.parametrize("name", ("message", "error"))
def test_messages_are_escaped_and_go_to_standard_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Talk beside the result goes to standard error, one line a message, with nothing that acts."""
    getattr(Console(), name)(WORST)
    out, err = capsys.readouterr()
    assert out == ""
    assert acts_on_a_terminal(err) == set()
    assert err.count("\n") == 1


def test_pairs_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Values of `explain` come from the line: nothing of them acts."""
    Console().pairs([("path", WORST), ("verdict", "x")])
    out = capsys.readouterr().out
    assert acts_on_a_terminal(out) == set()
    assert out.count("\n") == 2


def test_hints_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """A hint may name a file, and a file may have any name."""
    Console().error("message", hint=WORST)
    assert acts_on_a_terminal(capsys.readouterr().err) == set()


def hostile(value: Any) -> Any:
    """Make every name in the figures hostile; times, states and the keys stay."""
    if isinstance(value, dict):
        kept = {"start", "end", "timezone", "state", "reason", "built", "country"}
        return {key: item if key in kept else hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return WORST + value if isinstance(value, str) else value


def test_the_summary_of_hostile_names_is_harmless(figures: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Pages, referrers, formats, inputs, notes and outlines of rejects: none of them acts on a terminal."""
    worst = {name: hostile(figures[name]) for name in ("inputs", "top", "notes", "rejected_examples")}
    worst["formats"] = {WORST + name: lines for name, lines in figures["formats"].items()}
    Console().summary(figures | worst)
    assert acts_on_a_terminal(capsys.readouterr().out) == set()


def test_json_of_hostile_names_is_harmless(figures: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """JSON goes to terminals, too: control and direction characters are written as escapes, and read back whole."""
    Console(as_json=True).object({"page": WORST, **figures})
    out = capsys.readouterr().out
    assert acts_on_a_terminal(out) == set()
    assert json.loads(out)["page"] == WORST


def test_json_is_one_object(figures: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints one object and nothing else; letters of any language are readable."""
    Console(as_json=True).object({"page": "/démarches", **figures})
    out, err = capsys.readouterr()
    assert json.loads(out)["page"] == "/démarches"
    assert "/démarches" in out
    assert err == ""


@pytest.mark.parametrize("columns", (1, 10, 20, 40, 60, 80, 200))
def test_a_terminal_of_any_width_gets_every_table(
    columns: int,
    figures: dict[str, Any],
    in_terminal: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However narrow the terminal, every figure is there."""
    in_terminal(columns)
    Console().summary(figures)
    out = capsys.readouterr().out
    assert "10,000 lines = 9,999 hits + 1 rejected + 0 opted out + 0 late" in out
    for title in ("Pages", "Countries", "Devices", "Where visits come from", "From page to page"):
        assert f"\n{title}\n" in out


@pytest.mark.parametrize("columns", (60, 80, 100))
def test_rankings_fit_the_terminal(
    columns: int,
    figures: dict[str, Any],
    in_terminal: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A long page is cut with an ellipsis rather than broken over two lines."""
    in_terminal(columns)
    long = [{"page": "/" + "x" * 300, "views": 7, "visitors": 1}]
    Console().summary(figures | {"top": figures["top"] | {"pages": long}})
    [row] = [line for line in capsys.readouterr().out.splitlines() if "/xxx" in line]
    assert len(row) <= columns
    assert row.endswith("…")


def test_the_text_shows_the_figures_of_the_json(figures: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Both outputs read one dictionary: the headline of the text is that of the object."""
    Console().summary(figures)
    out = capsys.readouterr().out
    for name, words in (("page_views", "page views"), ("downloads", "downloads"), ("visits", "visits")):
        assert f"{figures[name]:>12,}  {words}" in out
    assert f"{figures['visitor_days']:>12,}  visitor-days" in out


def test_the_text_never_speaks_of_unique_visitors(figures: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing ties two days together: a sum over days is called visitor-days."""
    Console().summary(figures)
    out = capsys.readouterr().out
    assert "visitor-days" in out
    assert "unique" not in out.lower()


def test_every_outcome_and_class_has_words() -> None:
    """A new outcome or traffic class cannot be forgotten in the text."""
    assert set(console_module._WORDS) == {*OUTCOMES, *TRAFFIC}


def test_quiet_leaves_only_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """--quiet drops messages and keeps errors."""
    quiet = Console(quiet=True)
    quiet.message("is empty")
    quiet.error("is broken")
    assert capsys.readouterr().err == "logstats: is broken\n"


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe or a timer's log there is no progress bar."""
    progress = Console().progress([])
    progress.close()
    assert capsys.readouterr() == ("", "")
