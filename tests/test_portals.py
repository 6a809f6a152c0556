"""Portals are named one by one; what only looks like one is not."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from logstats.derive.portals import name_portals
from logstats.derive.referrer import classify_referrers
from logstats.lists import domain_list

YOUR_EUROPE = "youreurope.europa.eu"
CASES = {
    "https://youreurope.europa.eu/": YOUR_EUROPE,
    "https://YourEurope.europa.eu:443/citizens/work_fr.htm?x=1": YOUR_EUROPE,
    "http://someone:secret@www.youreurope.europa.eu": YOUR_EUROPE,
    "https://europa.eu/youreurope": YOUR_EUROPE,
    "https://europa.eu/youreurope/citizens/index_fr.htm": YOUR_EUROPE,
    "https://europa.eu/youreuropean": "europa.eu",
    "https://europa.eu/": "europa.eu",
    "https://ec.europa.eu/youreurope/": "europa.eu",
    "https://www.service-public.fr/particuliers/": "service-public.fr",
    "https://entreprendre.service-public.gouv.fr/": "service-public.gouv.fr",
    "https://youreurope.europa.eu@evil.example.com/": "example.com",
    "https://youreurope.europa.eu:80@evil.example.com/": "example.com",
    "https://youreurope.europa.eu.example.com/": "example.com",
    "https://example.com/https://youreurope.europa.eu/": "example.com",
    "https://example.com/?from=youreurope.europa.eu": "example.com",
    "https://not-service-public.fr/": "not-service-public.fr",
    "youreurope.europa.eu": None,
    "-": None,
}


@pytest.mark.parametrize("referrer", CASES)
def test_a_portal_keeps_a_domain_of_its_own(referrer: str) -> None:
    """The portal's domain is kept, and of everybody else the registered one; kinds stay as they are."""
    referrers = pl.Series("referrer", [referrer])
    known = classify_referrers(referrers, ()).select("referrer_kind", "referrer")
    named = name_portals(known, referrers)
    assert named["referrer"].to_list() == [CASES[referrer]]
    assert named["referrer_kind"].equals(known["referrer_kind"])


def test_an_own_portal_is_no_referrer() -> None:
    """The portal's own logs: its pages are internal."""
    referrers = pl.Series("referrer", ["https://youreurope.europa.eu/x"])
    known = classify_referrers(referrers, (YOUR_EUROPE,)).select("referrer_kind", "referrer")
    assert name_portals(known, referrers).rows() == [("internal", None)]


def test_the_list_says_where_it_is_from() -> None:
    """The list of portals has a date, a source and a licence, and names its portals and their domains once."""
    known = domain_list("portals")
    domains = [domain for portal in known.entries for domain in portal.domains]
    assert date(2026, 1, 1) < known.date
    assert known.source
    assert known.licence
    assert len(domains) == len(set(domains))
