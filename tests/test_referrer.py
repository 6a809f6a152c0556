"""Referrers: kind and registered domain; nothing else of an external referrer survives."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats.derive.referrer import KIND_OF_LIST, classify_referrers
from logstats.lists import domain_list

CASES: Final = Path(__file__).parent / "cases" / "referrers.csv"
OWN_HOSTS: Final = ("www.Example.org", "*.example.org")
KINDS: Final = {"direct", "internal", "search", "social", "ai", "public", "spam", "other"}


def _cases() -> list[dict[str, str]]:
    with CASES.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _classify(*referrers: str | None) -> list[tuple[str | None, ...]]:
    return classify_referrers(pl.Series(referrers, dtype=pl.String), OWN_HOSTS).rows()


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["description"])
def test_truth_table(case: dict[str, str]) -> None:
    """Each case of the table has the kind, the domain and the internal target written there."""
    expected = (case["referrer_kind"], case["referrer"] or None, case["internal_target"] or None)
    assert _classify(case["text"]) == [expected]


def test_whole_table_at_once() -> None:
    """Rows come back in the order in which they were given."""
    cases = _cases()
    expected = [(case["referrer_kind"], case["referrer"] or None) for case in cases]
    assert [row[:2] for row in _classify(*(case["text"] for case in cases))] == expected


def test_null_and_nothing() -> None:
    """A missing referrer is direct, and no referrers give no rows but the columns."""
    assert _classify(None) == [("direct", None, None)]
    empty = classify_referrers(pl.Series([], dtype=pl.String), OWN_HOSTS)
    assert empty.schema == dict.fromkeys(("referrer_kind", "referrer", "internal_target"), pl.String)
    assert empty.is_empty()


def test_column_of_nulls_without_type() -> None:
    """A block in which no line has a referrer is direct."""
    assert classify_referrers(pl.Series([None, None]), OWN_HOSTS)["referrer_kind"].to_list() == ["direct"] * 2


def test_without_own_hosts() -> None:
    """A site that names no host of its own has no internal referrers."""
    frame = classify_referrers(pl.Series(["https://www.example.org/a"]), ())
    assert frame.rows() == [("other", "example.org", None)]


@pytest.mark.parametrize("name", KIND_OF_LIST)
def test_every_listed_domain(name: str) -> None:
    """Every domain of every list is recognised as the kind of its list, itself and below."""
    domains = [
        domain.replace("*", "fr") for entry in domain_list(name).entries for domain in entry.domains if "." in domain
    ]
    referrers = [f"https://{prefix}{domain}/x" for domain in domains for prefix in ("", "sub.")]
    kinds = classify_referrers(pl.Series(referrers), ())["referrer_kind"].to_list()
    assert dict(zip(referrers, kinds, strict=True)) == dict.fromkeys(referrers, KIND_OF_LIST[name])


HOST: Final = st.sampled_from(["www.lemonde.fr", "impots.gouv.fr", "www.bbc.co.uk", "a.b.github.io", "198.51.100.7"])
SECRET: Final = st.text("klmnopqrstuvwxyz0123456789%&=+~!$'()*,;", min_size=8, max_size=30).map("QQ".__add__)


@given(host=HOST, user=SECRET, port=st.integers(1, 65535), path=SECRET, query=SECRET, fragment=SECRET)
def test_nothing_of_an_external_referrer_survives(
    host: str, user: str, port: int, path: str, query: str, fragment: str
) -> None:
    """P8: user info, port, path, query and fragment of an external referrer appear nowhere."""
    url = f"https://{user}:{user}@{host}:{port}/{path}?{query}#{fragment}"
    row = _classify(url)[0]
    assert row[2] is None
    assert "QQ" not in repr(row)
    assert str(row[1]) in {"lemonde.fr", "impots.gouv.fr", "bbc.co.uk", "github.io", "(address)"}


@given(st.lists(st.text(max_size=60)))
def test_any_text_has_a_kind(texts: list[str]) -> None:
    """Whatever a client sends has one of the kinds, and a domain exactly when it is external."""
    for kind, domain, target in _classify(*texts):
        assert kind in KINDS
        assert (domain is None) == (kind in {"direct", "internal"})
        assert (target is None) == (kind != "internal")


def test_hostile_length_is_linear() -> None:
    """A referrer of 64 KiB of the characters that confuse patterns is read at once."""
    hostile = [f"https://{text * (65_536 // len(text))}" for text in ("@", "a.", "a", ":", "[", "\\", '"', " ", "-.")]
    assert [row[0] for row in _classify(*hostile)][:1] == ["direct"]
