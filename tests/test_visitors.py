"""A visitor is an id that is worth nothing without the key of the day (P1)."""

from __future__ import annotations

from collections import Counter
from datetime import date
from hashlib import blake2b
from typing import Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats.derive.visitors import visitor_ids

DAY: Final = date(2026, 10, 25)
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
Identity = tuple[date, str, str, str, str]
PERSON: Final[Identity] = (DAY, "demarches", "demarches", "4/16 49152", FIREFOX)


def keys(site: str, day: date) -> bytes:
    """Return a key that is the same for the same site and day, and another for any other."""
    return blake2b(f"{site} {day}".encode(), digest_size=32).digest()


def ids(*identities: Identity, id_bits: int = 32) -> list[int]:
    """Return the id of each identity."""
    columns = {"day": pl.Date, "site": pl.String, "realm": pl.String, "network": pl.String, "user_agent": pl.String}
    frame = pl.DataFrame(list(identities), schema=columns, orient="row")
    return visitor_ids(frame, keys, id_bits).to_list()


@pytest.mark.parametrize("id_bits", (24, 32, 40, 63, 64))
def test_same_person_same_id(id_bits: int) -> None:
    """On one day, for one site, one person has one id, in whatever block the lines stand."""
    other = (*PERSON[:4], "curl/8.5")
    together = ids(PERSON, other, id_bits=id_bits)
    assert ids(PERSON, id_bits=id_bits) == together[:1]
    assert ids(other, PERSON, id_bits=id_bits) == together[::-1]


@pytest.mark.parametrize(
    "other",
    (
        (date(2026, 10, 26), *PERSON[1:]),
        (DAY, "portail", "portail", *PERSON[3:]),
        (DAY, "demarches", "portail", *PERSON[3:]),
        (*PERSON[:3], "4/16 49153", FIREFOX),
        (*PERSON[:3], "6/32 49152", FIREFOX),
        (*PERSON[:4], FIREFOX + " "),
        (*PERSON[:4], ""),
    ),
    ids=("day", "site", "realm", "network", "version of the address", "user agent", "no user agent"),
)
def test_anything_else_is_another_id(other: Identity) -> None:
    """Another day, site, realm, network or user agent gives another id."""
    first, second = ids(PERSON, other)
    assert first != second


def test_another_key_is_another_id() -> None:
    """Two stores have different keys, and so the same person has different ids in them."""
    frame = pl.DataFrame([PERSON], schema=["day", "site", "realm", "network", "user_agent"], orient="row")
    one, two = (visitor_ids(frame, lambda _site, _day, key=key: key * 32, 32)[0] for key in (b"a", b"b"))
    assert one != two


def test_the_key_is_that_of_site_and_day() -> None:
    """For each identity the key of its own site and day is asked for."""
    asked: Counter[tuple[str, date]] = Counter()

    def counting(site: str, day: date) -> bytes:
        asked[site, day] += 1
        return keys(site, day)

    people = [PERSON, (*PERSON[:4], "x"), (DAY, "portail", *PERSON[2:]), (date(2026, 10, 26), *PERSON[1:])]
    frame = pl.DataFrame(people, schema=["day", "site", "realm", "network", "user_agent"], orient="row")
    visitor_ids(frame, counting, 32)
    assert set(asked) == {("demarches", DAY), ("portail", DAY), ("demarches", date(2026, 10, 26))}


@pytest.mark.parametrize(
    ("one", "other"),
    (
        (("ab", "c", "d"), ("a", "bc", "d")),
        (("a", "bc", "d"), ("a", "b", "cd")),
        (("", "ab", ""), ("ab", "", "")),
        (("a", "", "1:b"), ("a", "1:b", "")),
        (("1:a", "", ""), ("1", ":a", "")),
        (("a1:b", "c", ""), ("a", "b1:c", "")),
        (("é", "", ""), ("e", "\u0301", "")),
    ),
)
def test_fields_do_not_run_into_each_other(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Two different triples never give one input, however their texts are cut."""
    first, second = ids((DAY, "s", *one), (DAY, "s", *other), id_bits=64)
    assert first != second


TRIPLES: Final = st.tuples(*[st.text("a1:2 é", max_size=6)] * 3)


@given(st.lists(TRIPLES, min_size=2, max_size=20, unique=True))
def test_different_triples_have_different_ids(triples: list[tuple[str, str, str]]) -> None:
    """Even of texts that look like lengths, no two triples give one id of 64 bits."""
    found = ids(*((DAY, "s", *triple) for triple in triples), id_bits=64)
    assert len(set(found)) == len(triples)


@pytest.mark.parametrize("id_bits", (24, 32, 64))
def test_width(id_bits: int) -> None:
    """An id has so many bits and uses them all: some ids need the highest, some the lowest."""
    found = [number % 2**64 for number in ids(*((*PERSON[:4], str(i)) for i in range(500)), id_bits=id_bits)]
    assert max(found).bit_length() == id_bits
    assert min(found) < 2 ** (id_bits - 4)
    assert {number % 2 for number in found} == {0, 1}


def test_type() -> None:
    """Ids are signed 64-bit numbers, whatever their width; 64 bits use the sign."""
    frame = pl.DataFrame(
        [(*PERSON[:4], str(i)) for i in range(50)],
        schema=["day", "site", "realm", "network", "user_agent"],
        orient="row",
    )
    assert visitor_ids(frame, keys, 32).dtype == pl.Int64
    assert visitor_ids(frame, keys, 32).min() >= 0  # type: ignore[operator]  # a column of numbers
    assert visitor_ids(frame, keys, 64).min() < 0  # type: ignore[operator]  # the same


def test_nobody() -> None:
    """No identities give no ids."""
    assert ids() == []


def test_ids_are_spread_evenly() -> None:
    """No id comes more often than chance makes it: 5,000 visitors in 24 bits collide hardly ever."""
    found = ids(*((*PERSON[:4], str(i)) for i in range(5_000)), id_bits=24)
    assert len(set(found)) > 4_990
