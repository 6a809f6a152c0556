"""Portals: referrers that are named more exactly than by their registered domain.

`youreurope.europa.eu` and `europa.eu/youreurope` are the Your Europe portal; `europa.eu` alone may be anybody there.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import polars as pl

from logstats.lists import domain_list

__all__ = ["name_portals"]

_REGEX_META: Final = frozenset(r"\.+*?()|[]{}^$#&-~")
_BEFORE: Final = r"^(?i:https?)://(?:[^/?#\\\s]*@)?"
_HOST: Final = _BEFORE + r"(?:[0-9A-Za-z_-]+\.)*(?i:{host})\.?(?::[0-9]*)?(?:[/?#]|$)"
_FOLDER: Final = _BEFORE + r"(?:www\.)?(?i:{host})\.?(?::[0-9]*)?(?i:/{path})(?:[/?#]|$)"


def name_portals(known: pl.DataFrame, referrers: pl.Series) -> pl.DataFrame:
    """Name portals by a domain of their own instead of the registered one.

    Args:
        known: `referrer_kind` and `referrer` of each referrer; one without a registered domain stays without.
        referrers: As logged.

    Returns:
        The same columns.
    """
    url = pl.col("url")
    portal = [pl.when(url.str.contains(pattern)).then(pl.lit(domain)) for domain, pattern in _patterns()]
    domain = pl.when(pl.col("referrer").is_not_null()).then(pl.coalesce(*portal, "referrer"))
    return known.with_columns(referrers.alias("url")).select("referrer_kind", domain.alias("referrer"))


@cache
def _patterns() -> tuple[tuple[str, str], ...]:
    """Give the domains of all portals with the patterns of their URLs; a folder has its portal's first domain."""
    found = []
    for portal in domain_list("portals").entries:
        found += [(domain, _HOST.format(host=_literal(domain))) for domain in portal.domains]
        host, _, path = portal.folder.partition("/")
        if host:
            found.append((portal.domains[0], _FOLDER.format(host=_literal(host), path=_literal(path))))
    return tuple(found)


def _literal(text: str) -> str:
    return "".join("\\" + c if c in _REGEX_META else c for c in text)
