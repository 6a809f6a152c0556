"""The lists: every file says where it is from, every pattern runs in Rust, every example is recognised."""

from __future__ import annotations

import runpy
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from logstats.lists import Pattern, domain_list, list_dates, pattern_list
from logstats.lists.match import contains, contains_any, first_match, name_matches

PATTERN_LISTS: Final = ("ai_assistants", "ai_crawlers", "monitors", "tools", "bots", "devices", "attacks")
DOMAIN_LISTS: Final = (
    "search_engines",
    "social_networks",
    "ai_chats",
    "public_bodies",
    "other_services",
    "referrer_spam",
)
REFRESH: Final = runpy.run_path(str(Path(__file__).parent.parent / "scripts" / "refresh_lists.py"))
ENTRIES: Final = [(name, entry) for name in PATTERN_LISTS for entry in pattern_list(name).entries]
TEXT: Final = pl.col("text")


def _name(value: object) -> str:
    return value.name if isinstance(value, Pattern) else str(value)


@pytest.mark.parametrize("name", (*PATTERN_LISTS, *DOMAIN_LISTS))
def test_header(name: str) -> None:
    """Every list names its date, its source and its licence."""
    known = domain_list(name) if name in DOMAIN_LISTS else pattern_list(name)
    assert known.name == name
    assert date(2025, 1, 1) < known.date
    assert known.source
    assert known.licence
    assert known.entries


def test_list_dates() -> None:
    """The date of every file of the folder is given, by name."""
    files = {file.name for file in resources.files("logstats.lists").iterdir() if file.name.endswith(".toml")}
    assert {f"{name}.toml" for name in list_dates()} == files
    assert {*PATTERN_LISTS, *DOMAIN_LISTS} <= set(list_dates())
    assert list_dates()["bots"] == pattern_list("bots").date
    assert list(list_dates()) == sorted(list_dates())


def test_unknown_list() -> None:
    """A list that is not there is an error, not an empty list."""
    with pytest.raises(FileNotFoundError):
        pattern_list("no_such_list")


def test_read_once() -> None:
    """A list is read from its file once."""
    assert pattern_list("bots") is pattern_list("bots")
    assert domain_list("ai_chats") is domain_list("ai_chats")


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=_name)
def test_pattern_compiles(name: str, entry: Pattern) -> None:
    """Every pattern and every exception is one that polars can run; none matches an empty text."""
    frame = pl.DataFrame({"text": ["", None]})
    assert frame.select(contains(TEXT, entry)).to_series().to_list() == [False, None], name


@pytest.mark.parametrize(("name", "entry"), [case for case in ENTRIES if case[0] != "bots"], ids=_name)
def test_example(name: str, entry: Pattern) -> None:
    """Every entry recognises its example before any other does; isbot gives no examples."""
    frame = pl.DataFrame({"text": [entry.example]})
    assert frame.select(first_match(TEXT, pattern_list(name).entries)).item() == entry.name


# Entries for which nothing was found that names the agent: neither its operator's page nor a third party's list.
UNCONFIRMED: Final = {
    "ai_assistants": {"Character-AI", "Grok"},
    "ai_crawlers": {"GrokBot"},
    "monitors": {
        "Azure Traffic Manager",
        "Cronitor",
        "Gomez",
        "Google load balancer",
        "Hyperping",
        "Mozilla Observatory",
        "SpeedCurve",
        "ip-label",
    },
    "tools": {".NET", "Dart", "Deno, Bun", "Insomnia", "Ktor", "PowerShell", "Rust", "Windows", "libfetch"},
}
REGISTRIES: Final = ("npmjs.", "pypi.org", "rubygems.org", "crates.io", "packagist.org", "nuget.org", "pub.dev")


@pytest.mark.parametrize("name", UNCONFIRMED)
def test_entries_say_how_they_are_known(name: str) -> None:
    """Each entry names the operator's page or who reports the agent; what nobody confirms is counted here."""
    entries = pattern_list(name).entries
    assert {entry.name for entry in entries if not entry.documented and not entry.reported} == UNCONFIRMED[name]


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=_name)
def test_documented_is_an_address(name: str, entry: Pattern) -> None:
    """What documents an entry is a page of the operator's own, not of a package registry."""
    assert not entry.documented or entry.documented.startswith(("https://", "http://")), name
    assert not any(registry in entry.documented for registry in REGISTRIES)


@pytest.mark.parametrize("name", [name for name in PATTERN_LISTS if name != "bots"])
def test_names_are_unique(name: str) -> None:
    """No two entries of a list have one name, so that a rule can be found by it."""
    names = [entry.name for entry in pattern_list(name).entries]
    assert len(names) == len(set(names))


def test_domains_are_unique() -> None:
    """A domain stands on one list only, in lower case and without a dot at either end."""
    domains = [domain for name in DOMAIN_LISTS for entry in domain_list(name).entries for domain in entry.domains]
    assert sorted({domain for domain in domains if domains.count(domain) > 1}) == []
    assert all(domain == domain.lower().strip(".") for domain in domains)


EXCEPTIONS: Final = (
    (
        "(?:^|[^g])news(?!sapphire)",
        {"news": True, "gnews": False, "newssapphire": False, "newssapphire news": True},
    ),
    (
        "(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))",
        {
            "google": True,
            "x google y": True,
            " channel/google": False,
            "google/google": False,
            "google/google/google": False,
            " channel/google/google": False,
            "googlewv": False,
            "Google Pixel 7": False,
            "googleapp google": True,
        },
    ),
    (
        r"(?<! cu)bots?(?:\b|_)",
        {"bot": True, "bots_": True, " cubot": False, " CUBOT_P20": False, " cubotbot": True},
    ),
    ("(?<!cam)scan", {"scan": True, "camscanner": False, "camscan scan": True}),
    ("(?<!lib)http", {"http": True, "libhttp": False, "libhttp http": True}),
    ("java(?!;)", {"java": True, "java/1.8": True, "java;": False, "javajava;": True}),
)


@pytest.mark.parametrize(("name", "expected"), EXCEPTIONS, ids=[name for name, _ in EXCEPTIONS])
def test_rewritten_look_around(name: str, expected: dict[str, bool]) -> None:
    """A pattern and its exception together say what isbot's look-around says."""
    entry = next(entry for entry in pattern_list("bots").entries if entry.name == name)
    found = pl.DataFrame({"text": list(expected)}).select(contains(TEXT, entry)).to_series()
    assert dict(zip(expected, found, strict=True)) == expected


def test_every_look_around_is_tested() -> None:
    """The table above has every pattern that the script rewrites, and so has the list."""
    names = {name for name, _ in EXCEPTIONS}
    assert names == set(REFRESH["REWRITTEN"])
    assert names == {entry.name for entry in pattern_list("bots").entries if entry.exception}


@pytest.mark.parametrize(
    ("pattern", "entry"),
    (
        ("crawl", {"pattern": "crawl"}),
        (r"a[\w\d-.]+b", {"pattern": r"a[\w\d\-.]+b"}),
        ("^[^ ]{50,}$", {"pattern": "^(?u:[^ ]){50,}$"}),
        ("java(?!;)", {"name": "java(?!;)", "pattern": "java", "exception": "java;"}),
    ),
)
def test_conversion(pattern: str, entry: dict[str, str]) -> None:
    """JavaScript's spelling becomes Rust's."""
    assert REFRESH["convert"](pattern) == entry


def test_unknown_look_around() -> None:
    """A new look-around stops the script instead of giving a wrong list."""
    with pytest.raises(REFRESH["UnknownLookAroundError"]):
        REFRESH["convert"]("bot(?=x)")


def test_any_of_plain_and_guarded() -> None:
    """One look-up takes plain patterns and those with an exception, and null stays null."""
    patterns = [Pattern("alpha"), Pattern("scan", exception="camscan")]
    frame = pl.DataFrame({"text": ["ALPHA", "camscan", "scan", "x", None]})
    found = frame.select(contains_any(TEXT, patterns)).to_series().to_list()
    assert found == [True, False, True, False, None]


def test_any_of_guarded_only() -> None:
    """A list may consist of patterns with an exception."""
    frame = pl.DataFrame({"text": ["camscan", "scan"]})
    patterns = [Pattern("scan", exception="camscan")]
    assert frame.select(contains_any(TEXT, patterns)).to_series().to_list() == [False, True]


def test_word_characters_are_ascii() -> None:
    """As in JavaScript, a letter with an accent is no word character and ends a word."""
    frame = pl.DataFrame({"text": ["bot", "boté", "bote"]})
    assert frame.select(contains(TEXT, Pattern(r"bot\b"))).to_series().to_list() == [True, True, False]


def test_names_for_chosen_texts_only() -> None:
    """Only chosen texts get a name, in their own rows."""
    texts = pl.Series(["b", "a", "ab", None])
    chosen = pl.Series([True, False, True, False])
    patterns = [Pattern("a", name="first"), Pattern("b", name="second")]
    assert name_matches(texts, chosen, patterns).to_list() == ["second", None, "first", None]
