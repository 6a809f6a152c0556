"""Hosts belong to sites, and within a site a visitor is one visitor."""

from __future__ import annotations

from typing import Final

import polars as pl
import pytest

from logstats.config import Site
from logstats.derive.sites import DEFAULT_SITE, assign_sites, is_own_host, own_hosts

ONE_HOST: Final = Site("demarches", ("www.demarches.example.fr",))
TWO_HOSTS: Final = Site("portail", ("portail.example.fr", "www.portail.example.fr"))
ANY_HOST: Final = Site("communes", ("*.communes.example.fr",))
OTHER: Final = "(other)"

# configured sites, host, then site, realm, host in front of pages, foreign
CASES: Final = {
    "no site is configured: the host stands in front": (
        (),
        "www.example.org",
        (DEFAULT_SITE, "www.example.org", "www.example.org", False),
    ),
    "no site is configured, no host is logged": ((), "", (DEFAULT_SITE, "", "", False)),
    "no site is configured, the host is no host name": ((), "../../etc <x>", (DEFAULT_SITE, "", "", False)),
    "one site of one host": ((ONE_HOST,), "www.demarches.example.fr", ("demarches", "demarches", "", False)),
    "one site, no host is logged": ((ONE_HOST,), "", ("demarches", "demarches", "", False)),
    "one site, another host": ((ONE_HOST,), "www.example.org", (OTHER, OTHER, "", True)),
    "a host that only ends like it": ((ONE_HOST,), "evil-www.demarches.example.fr", (OTHER, OTHER, "", True)),
    "one site of two hosts": ((TWO_HOSTS,), "portail.example.fr", ("portail", "portail", "portail.example.fr", False)),
    "one site of two hosts, the other": (
        (TWO_HOSTS,),
        "www.portail.example.fr",
        ("portail", "portail", "www.portail.example.fr", False),
    ),
    "any label": ((ANY_HOST,), "lyon.communes.example.fr", ("communes", "communes", "lyon.communes.example.fr", False)),
    "several labels": (
        (ANY_HOST,),
        "www.lyon.communes.example.fr",
        ("communes", "communes", "www.lyon.communes.example.fr", False),
    ),
    "any label, but there must be one": (
        (ANY_HOST,),
        "communes.example.fr",
        (OTHER, OTHER, "communes.example.fr", True),
    ),
    "a dot belongs to the star": (
        (ANY_HOST,),
        "mescommunes.example.fr",
        (OTHER, OTHER, "mescommunes.example.fr", True),
    ),
    "two sites, the first": ((ONE_HOST, TWO_HOSTS), "www.demarches.example.fr", ("demarches", "demarches", "", False)),
    "two sites, the second": (
        (ONE_HOST, TWO_HOSTS),
        "portail.example.fr",
        ("portail", "portail", "portail.example.fr", False),
    ),
    "two sites, no host is logged": ((ONE_HOST, TWO_HOSTS), "", (OTHER, OTHER, "", True)),
    "two sites, another host": ((ONE_HOST, TWO_HOSTS), "www.example.org", (OTHER, OTHER, "", True)),
}


@pytest.mark.parametrize("name", CASES)
def test_site_of_a_host(name: str) -> None:
    """A host belongs to the site that names it; a log without hosts can only be of the one site there is."""
    sites, host, expected = CASES[name]
    assert assign_sites(pl.Series([host]), sites).row(0) == expected


def test_many_at_once() -> None:
    """Sites come in the order of their hosts."""
    hosts = pl.Series(["portail.example.fr", "x.example.org", "www.demarches.example.fr"])
    assert assign_sites(hosts, (ONE_HOST, TWO_HOSTS))["site"].to_list() == ["portail", OTHER, "demarches"]


def test_names_are_compared_without_case() -> None:
    """A configured host may be written in upper case; the logged one comes in lower case."""
    shouting = Site("x", ("WWW.Example.ORG", "*.Communes.Example.FR"))
    hosts = pl.DataFrame({"host": ["www.example.org", "lyon.communes.example.fr", "example.org"]})
    assert hosts.select(is_own_host(pl.col("host"), shouting.hosts)).to_series().to_list() == [True, True, False]
    assert own_hosts((shouting,)) == ("www.example.org", "*.communes.example.fr")


def test_an_exact_host_comes_before_a_star() -> None:
    """A site that names a host has it, wherever another site has a star that covers it."""
    exact = Site("lyon", ("lyon.communes.example.fr",))
    for sites in ((exact, ANY_HOST), (ANY_HOST, exact)):
        assert assign_sites(pl.Series(["lyon.communes.example.fr"]), sites)["site"][0] == "lyon"


@pytest.mark.parametrize(
    "host",
    ("a" * 300, "x y", "<script>", "a/b", "?", "192.0.2.1:80\n", "héhé.example", "-x.example.org"),
)
def test_hostile_hosts_stand_nowhere(host: str) -> None:
    """What a client sent as Host and is no host name is in front of no page."""
    site, realm, prefix, _ = assign_sites(pl.Series([host]), ()).row(0)
    assert (site, realm, prefix) == (DEFAULT_SITE, "", "")
