"""Where a visit came from: the kind of a referrer and its registered domain, and nothing else of it.

Only http and https URLs are referrers, and `android-app://` with an app's package. User info, port, path,
query and fragment of an external referrer end here. The registered domain is what its owner has from a
registry (ICANN section of the public suffix list): `impots.gouv.fr`, `bbc.co.uk`; but `github.io`, never
`somebody.github.io`, which may name a person.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import polars as pl
from publicsuffixlist import PublicSuffixList

from logstats.lists import domain_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ADDRESS", "LOCAL", "classify_referrers"]

ADDRESS = "(address)"
LOCAL = "(local)"

# List -> kind of the referrers on it. A host belongs to the longest domain that any list has.
KIND_OF_LIST = {
    "search_engines": "search",
    "social_networks": "social",
    "ai_chats": "ai",
    "public_bodies": "public",
    "other_services": "other",
    "referrer_spam": "spam",
}

# Scheme, user info, host, port, path with query, fragment: only host and path with query are captured.
# Letters, digits, `-` and `_` make a host, in labels of at most 63 (RFC 1035, 2.3.4); all else is no URL.
URL = (
    r"(?s)^(?i:https?)://(?:[^/?#\\\s]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_-]{1,63}(?:\.[0-9A-Za-z_-]{1,63})*)\.?(?::[0-9]*)?"
    r"(?P<target>(?:[/?][^#]*)?)(?:#.*)?$"
)
# Apps name themselves so: https://developer.android.com/reference/android/content/Intent#EXTRA_REFERRER
APP = r"(?s)^(?i:android-app)://(?P<package>[0-9A-Za-z_]+(?:\.[0-9A-Za-z_]+)+)(?:/.*)?$"
# A host whose last label is a number is an IPv4 address, however written: https://url.spec.whatwg.org/#host-parsing
ADDRESS_HOST = r"^\[|(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$"


def classify_referrers(referrers: pl.Series, own_hosts: Sequence[str]) -> pl.DataFrame:
    """Reduce referrers to a kind and a registered domain.

    Args:
        referrers: String as logged, null where the line has none. Pass distinct values: each is looked up.
        own_hosts: Hosts of the site: exact, or `*.example.org` for everything below example.org at any depth,
            without example.org itself (as `server_name` in nginx).

    Returns:
        One row for each referrer, in order, all String:
        `referrer_kind`: direct (none, `-`, no URL), internal, search, social, ai, public, spam or other;
        `referrer`: registered domain, lower case, international ones as `xn--`; `(address)` for an IP
        address, `(local)` for a name outside the public domains; null for direct and internal ones;
        `internal_target`: path and query of an internal referrer, still to be templated; else null.
    """
    parts = referrers.rename("referrer").cast(pl.String).to_frame().select(_parts(pl.col("referrer")))
    hosts = parts.select(pl.col("host").drop_nulls().unique()).select(
        "host", is_address=pl.col("host").str.contains(ADDRESS_HOST)
    )
    verdicts = pl.DataFrame(
        [(host, *_verdict(host, is_address=is_address, own_hosts=own_hosts)) for host, is_address in hosts.iter_rows()],
        schema={"host": pl.String, "referrer_kind": pl.String, "referrer": pl.String},
        orient="row",
    )
    # The site's own app is internal, too, but names no page: it counts as the start page.
    target = pl.when(pl.col("referrer_kind") == "internal").then(pl.col("target").fill_null("/"))
    return parts.join(verdicts, on="host", how="left", maintain_order="left").select(
        pl.col("referrer_kind").fill_null("direct"), "referrer", target.alias("internal_target")
    )


def _parts(referrer: pl.Expr) -> list[pl.Expr]:
    """Take `host` (lower case) and `target` out of a referrer; both null where it is none."""
    url = referrer.str.extract_groups(URL)
    # A package is a domain read backwards: com.linkedin.android comes from linkedin.com.
    package = referrer.str.extract_groups(APP).struct.field("package")
    app_host = package.str.split(".").list.reverse().list.join(".")
    target = url.struct.field("target")
    return [
        pl.coalesce(url.struct.field("host"), app_host).str.to_lowercase().alias("host"),
        pl.when(target.str.starts_with("/")).then(target).otherwise("/" + target).alias("target"),
    ]


def _verdict(host: str, *, is_address: bool, own_hosts: Sequence[str]) -> tuple[str, str | None]:
    """Give kind and registered domain of one host."""
    if _is_own(host, own_hosts):
        return "internal", None
    if is_address:
        return "other", ADDRESS
    domain = _registered_domain(host)
    return ("other", LOCAL) if domain is None else (_kind(host, domain), domain)


def _is_own(host: str, own_hosts: Sequence[str]) -> bool:
    return any(
        host.endswith(own.lower().removeprefix("*")) if own.startswith("*.") else host == own.lower()
        for own in own_hosts
    )


def _registered_domain(host: str) -> str | None:
    """Cut a host to what stands in a registry; null if its top-level domain is not public.

    A host that is a public suffix itself and serves pages, such as gov.uk, is its own registered domain.
    """
    suffixes = _public_suffixes()
    domain = suffixes.privatesuffix(host)
    if domain is None and "." in host:
        return suffixes.publicsuffix(host)
    return domain


def _kind(host: str, domain: str) -> str:
    """Look a host up in the lists, then its first registered label (`google.*`)."""
    kinds = _kind_of_domain()
    anywhere = domain.partition(".")[0] + ".*"
    return next((kinds[name] for name in (*_upwards(host), anywhere) if name in kinds), "other")


def _upwards(host: str) -> Iterator[str]:
    """Give a host and the domains above it: `a.b.c`, `b.c`, `c`."""
    while host:
        yield host
        host = host.partition(".")[2]


@cache
def _kind_of_domain() -> dict[str, str]:
    return {
        domain: kind
        for name, kind in KIND_OF_LIST.items()
        for entry in domain_list(name).entries
        for domain in entry.domains
    }


@cache
def _public_suffixes() -> PublicSuffixList:
    """Read the list that the package ships (about 50 ms); it matches by dictionary, without Python's `re`."""
    return PublicSuffixList(accept_unknown=False, only_icann=True)
