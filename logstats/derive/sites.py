"""Sites: which of the configured sites a request was for, and which page prefix its host gives.

Without configured sites all lines are one site. Then, and where a site answers to several hosts, the host stands
in front of its pages. Without configured sites nothing ties two hosts together: a visitor's id is made per host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.config import Site

__all__ = ["DEFAULT_SITE", "assign_sites", "has_one_host", "is_own_host", "own_hosts"]

DEFAULT_SITE: Final = "default"
_FOREIGN_SITE: Final = "(other)"
# The last label is no number: whoever asks for an address by its number chooses what would stand in the page.
_HOST_NAME: Final = r"^(?:[0-9a-z_][0-9a-z_\-]{0,62}\.)*[a-z_][0-9a-z_\-]{0,62}$"


def own_hosts(sites: Sequence[Site]) -> tuple[str, ...]:
    """Give every host name that the configuration calls our own."""
    return tuple(host.lower() for site in sites for host in site.hosts)


def assign_sites(hosts: pl.Series, sites: Sequence[Site]) -> pl.DataFrame:
    """Assign a site to each host.

    Args:
        hosts: Distinct virtual hosts as logged, in lower case; empty where the log names none.
        sites: The configured sites.

    Returns:
        `site`; `realm`, within which a visitor is one visitor: the site, or the host where no site is
        configured; `host_prefix`, what stands in front of a path (empty for a site of one host); `host_foreign`,
        whether the host is none of the configured ones.
    """
    host = pl.col("host")
    usable = pl.when(host.str.contains(_HOST_NAME)).then(host).otherwise(pl.lit(""))
    if not sites:
        site, prefix, foreign = pl.lit(DEFAULT_SITE), usable, pl.lit(value=False)
    elif len(sites) == 1:
        # A log that names no host can only be of the one site there is.
        site = pl.when(is_own_host(host, sites[0].hosts) | (host == "")).then(pl.lit(sites[0].name))
        prefix = pl.lit("") if has_one_host(sites[0]) else usable
        foreign = site.is_null()
    else:
        site, prefix = pl.lit(None, dtype=pl.String), pl.lit("")
        for name, one in _vaguest_first(sites):
            mine = is_own_host(host, [name])
            site = pl.when(mine).then(pl.lit(one.name)).otherwise(site)
            prefix = pl.when(mine & pl.lit(not has_one_host(one))).then(usable).otherwise(prefix)
        foreign = site.is_null()
    return pl.DataFrame({"host": hosts}).select(
        site.fill_null(_FOREIGN_SITE).alias("site"),
        (site.fill_null(_FOREIGN_SITE) if sites else usable).alias("realm"),
        prefix.alias("host_prefix"),
        foreign.alias("host_foreign"),
    )


def is_own_host(host: pl.Expr, own: Sequence[str]) -> pl.Expr:
    """Tell whether a host is one of ours; `*.example.org` stands for every host below example.org."""
    exact = [name.lower() for name in own if not name.startswith("*.")]
    found = host.is_in(exact)
    for name in own:
        if name.startswith("*."):
            found |= host.str.ends_with(name[1:].lower())
    return found


def _vaguest_first(sites: Sequence[Site]) -> list[tuple[str, Site]]:
    """Give each host name with its site, stars and short names first: the last one that fits is the most exact."""
    names = [(name, site) for site in sites for name in site.hosts]
    return sorted(names, key=lambda pair: (not pair[0].startswith("*."), len(pair[0])))


def has_one_host(site: Site) -> bool:
    """Tell whether a site has a single host, which then does not stand in front of its pages."""
    return len(site.hosts) == 1 and not site.hosts[0].startswith("*.")
