"""Paths become pages in which nothing can point at a person."""

from __future__ import annotations

import csv
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logstats import config
from logstats.config import PageRule, Pages
from logstats.derive.pages import Identifier, identifiers, split_targets, template_paths
from logstats.schema import OTHER_PAGE

PAGES: Final = config.load(environment={}).pages
CASES: Final = [
    pytest.param(case["target"], case["page"], id=case["description"])
    for case in csv.DictReader((Path(__file__).parent / "cases" / "pages.csv").read_text("utf-8").splitlines())
]


def page(target: str, pages: Pages = PAGES) -> str:
    """Return the page of a target."""
    template: str = template_paths(split_targets(pl.Series([target]))["path"], pages)[0]
    return template


class TestPages:
    """The page of a target."""

    @pytest.mark.parametrize(("target", "expected"), CASES)
    def test_truth_table(self, target: str, expected: str) -> None:
        """A target is the page that the table says."""
        assert page(target) == expected

    @pytest.mark.parametrize("identifier", identifiers(), ids=lambda identifier: identifier.name)
    def test_example_of_an_identifier(self, identifier: Identifier) -> None:
        """Each detector finds its own example, alone and between other segments."""
        assert page(f"/{identifier.example}") == f"/{identifier.page}"
        assert page(f"/dossier/{identifier.example}/pieces") == f"/dossier/{identifier.page}/pieces"

    @pytest.mark.parametrize(("target", "expected"), CASES)
    def test_a_page_is_its_own_page(self, target: str, expected: str) -> None:
        """What has become a page once does not change when it is read again."""
        assert page(page(target)) == expected

    def test_a_very_long_path_is_other(self) -> None:
        """A path of unusual length is no page of its own."""
        assert page("/x" * 151) == OTHER_PAGE
        assert page("/x" * 150) == "/x" * 150

    def test_a_very_long_segment_is_a_token(self) -> None:
        """A segment of unusual length is no name."""
        assert page("/a/" + "x" * 121 + "/b") == "/a/{token}/b"
        assert page("/a/" + "x" * 120 + "/b") == "/a/" + "x" * 120 + "/b"

    def test_host_of_a_whole_url(self) -> None:
        """The host of a URL is kept apart, in lower case and without user and port; a path has none."""
        targets = pl.Series(["HTTP://u:p@WWW.Example.org:8080/x", "/http://www.example.org/", "*", ""])
        assert split_targets(targets)["target_host"].to_list() == ["www.example.org", None, None, None]

    def test_many_at_once(self) -> None:
        """Pages come in the order of their targets."""
        paths = pl.Series(["/a/7", "/b/../c", "/d%40e"])
        assert template_paths(paths, PAGES).to_list() == ["/a/{id}", "/c", "/{email}"]


class TestRules:
    """Pages of the site's own."""

    RULES: Final = replace(
        PAGES,
        rules=(
            PageRule("^/dossier/[^/]+/pieces", "/dossier/{id}/pieces"),
            PageRule("^/dossier", "/dossier"),
            PageRule(r"^/cerfa_[0-9]+\*[0-9]+\.pdf$", "/cerfa.pdf"),
        ),
    )

    @pytest.mark.parametrize(
        ("target", "expected"),
        (
            ("/dossier/jeanne-martin/pieces/2", "/dossier/{id}/pieces"),
            ("/dossier/jeanne-martin", "/dossier"),
            ("/dossier/index.html", "/dossier"),
            ("/%64ossier/7/pieces?x=1", "/dossier/{id}/pieces"),
            ("/cerfa_15646*01.pdf", "/cerfa.pdf"),
            ("/dossier/" + "x" * 400, "/dossier"),
            ("/suivi/48213", "/suivi/{id}"),
        ),
        ids=(
            "the first rule that fits",
            "a later rule",
            "a folder and its index file",
            "rules see the path as it is meant",
            "a rule comes before the detectors",
            "a rule comes before the bound on length",
            "without a rule that fits the detectors decide",
        ),
    )
    def test_rules_come_first(self, target: str, expected: str) -> None:
        """The site's rules decide before anything is detected, in their order."""
        assert page(target, self.RULES) == expected

    def test_index_files_of_the_site(self) -> None:
        """The configured names, and only they, are index files; a dot in them is a dot."""
        pages = replace(PAGES, index_files=("accueil.html",))
        assert page("/a/accueil.html", pages) == "/a"
        assert page("/a/accueil-html", pages) == "/a/accueil-html"
        assert page("/a/index.html", pages) == "/a/index.html"
        assert page("/a/index.html", replace(PAGES, index_files=())) == "/a/index.html"


WORDS: Final = st.sampled_from(("dossier", "suivi", "piece-jointe", "mon_compte", "demande", "fr", "v2", "Formulaire"))
DIGITS: Final = "0123456789"
SEPARATORS: Final = st.sampled_from(("", " ", ".", "-", "_", "+"))


@st.composite
def grouped(draw: st.DrawFn, groups: tuple[str, ...]) -> str:
    """Draw digits in groups: of a pattern each 9 is any digit, with one separator between the groups."""
    texts = ["".join(draw(st.sampled_from(DIGITS)) if c == "9" else c for c in group) for group in groups]
    return draw(SEPARATORS).join(texts)


def encoded(value: object) -> str:
    """Return a JSON value in the base64 of web tokens."""
    return urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


NUMBERS: Final = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda uuid: str(uuid).upper()),
    grouped(("06", "99", "99", "99", "99")),
    grouped(("+33", "7", "99", "99", "99", "99")),
    grouped(("0033", "1", "99", "99", "99", "99")),
    grouped(("1", "99", "07", "99", "999", "999", "99")),
    grouped(("2", "99", "12", "2A", "999", "999")),
    grouped(("1", "99", "01", "2b", "999", "999", "99")),
    st.text(DIGITS, min_size=5, max_size=24),
    st.text("0123456789abcdef", min_size=16, max_size=64),
    st.text("0123456789ABCDEF", min_size=16, max_size=64),
)
"""Identifiers of digits and letters up to F."""

EMAILS: Final = st.builds(
    "{}@{}.{}".format,
    st.text("abcdefghijklmnopqrstuvwxyzABC0123456789.+_-", min_size=1, max_size=20),
    st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12),
    st.sampled_from(("fr", "org", "gouv.fr")),
)
TOKENS: Final = st.builds(
    "{}.{}.{}".format,
    st.sampled_from(("HS256", "RS256", "EdDSA", "none")).map(lambda name: encoded({"alg": name, "typ": "JWT"})),
    st.integers(10**8, 10**9).map(lambda number: encoded({"sub": str(number)})),
    st.binary(min_size=32, max_size=64).map(lambda raw: urlsafe_b64encode(raw).decode().rstrip("=")),
)


@st.composite
def planted(draw: st.DrawFn, values: st.SearchStrategy[str]) -> tuple[str, str]:
    """Draw an identifier, and a path that holds it: in a segment of its own or in a word, encoded or not."""
    value = draw(values)
    text = value
    for _ in range(draw(st.integers(0, 3))):
        plain = "" if draw(st.booleans()) else "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        case = draw(st.sampled_from(("02X", "02x")))
        text = "".join(c if c in plain else f"%{ord(c):{case}}" for c in text)
    text = text.replace(" ", "%20")
    before, after = draw(st.sampled_from((("", ""), ("suivi_", ""), ("suivi-", ".html"), ("n", ".pdf"), ("", "-pj"))))
    segments = [*draw(st.lists(WORDS, max_size=3)), f"{before}{text}{after}", *draw(st.lists(WORDS, max_size=2))]
    return value, "/" + "/".join(segments)


def bare(text: str) -> str:
    """Return the letters and digits of a text in lower case, every encoding undone."""
    while (decoded := unquote(text)) != text:
        text = decoded
    return "".join(c for c in text.lower() if c.isalnum())


class TestNothingSurvives:
    """Identifiers planted in paths are not in pages (P7)."""

    @given(planted(NUMBERS))
    @settings(max_examples=400, deadline=None)
    def test_numbers(self, case: tuple[str, str]) -> None:
        """No five characters in a row of a UUID, telephone number, NIR, number or digest are in the page."""
        value, path = case
        secret, kept = bare(value), bare(page(path))
        assert not [part for i in range(len(secret) - 4) if (part := secret[i : i + 5]) in kept]

    @given(planted(EMAILS))
    @settings(max_examples=200, deadline=None)
    def test_emails(self, case: tuple[str, str]) -> None:
        """Of an e-mail address nothing is left, and what stands in the same segment goes with it."""
        _, path = case
        assert page(path).count("{email}") == 1
        assert "@" not in unquote(unquote(unquote(page(path))))

    @given(planted(TOKENS))
    @settings(max_examples=200, deadline=None)
    def test_tokens(self, case: tuple[str, str]) -> None:
        """None of the three parts of a JSON web token is in the page."""
        value, path = case
        kept = bare(page(path))
        assert not [part for part in value.split(".") if bare(part)[:8] in kept]
        assert "{token}" in page(path)

    @given(st.text(max_size=80))
    @settings(max_examples=200, deadline=None)
    def test_any_text(self, text: str) -> None:
        """Whatever is sent as a target, there is a page, of bounded length and without a query."""
        found = page(f"/{text}")
        assert found == OTHER_PAGE or found.startswith("/")
        assert len(found.encode()) <= 400
        assert "?" not in found
