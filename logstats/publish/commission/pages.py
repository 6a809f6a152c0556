"""Which pages of the cells a registered URL is. A URL that cannot be told from others is named, never guessed.

The log says neither scheme nor port nor, as it is kept, query; a page is the template of a path. So a URL is found by
the page that its host and path become on the way through `derive`, and is sent exactly as it is registered.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import polars as pl

from logstats.derive.pages import split_targets, template_paths
from logstats.derive.sites import assign_sites, has_one_host
from logstats.errors import ConfigurationError
from logstats.schema import OTHER_PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.config import Config

__all__ = ["Wanted", "by_list", "by_pattern"]

_KEYS: Final = {"site": pl.String(), "page": pl.String(), "url": pl.String()}
_WWW: Final = "www."
_NOT_APART: Final = "cannot be told apart in the log from another URL of the list"
_NO_HOST: Final = "cannot be told from the same path of another host: the log names no host"
_SAFE_IN_PATH: Final = "/%:@!$&'()*+,;=-._~"


@dataclass
class Wanted:
    """The URLs that are asked for.

    Attributes:
        urls: Those that stand in the message, sorted.
        keys: `site`, `page`, `url`: the pages of the cells that count for each; a page counts for one URL.
        not_countable: URL and reason, of those that are left out.
    """

    urls: list[str] = field(default_factory=list)
    keys: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_KEYS))
    not_countable: dict[str, str] = field(default_factory=dict)


def by_list(urls: Sequence[str], known: pl.DataFrame, config: Config) -> Wanted:
    """Find the pages of registered URLs.

    Args:
        urls: As registered, each once.
        known: `site` and `page` of the cells.
        config: Sites, rules of pages, and which differences make no other page.

    Returns:
        Each URL is in `urls` or in `not_countable`.
    """
    found = _resolved(urls, config)
    without = dict(found.filter(pl.col("reason") != "").select("url", "reason").iter_rows())
    groups: dict[tuple[str, str, str], list[str]] = {}
    for site, prefix, template, url in found.filter(pl.col("reason") == "").drop("reason").iter_rows():
        name = prefix.removeprefix(_WWW) if "www" in config.commission.same_page else prefix
        groups.setdefault((site, name, template), []).append(url)
    chosen: dict[tuple[str, str, str], str] = {}
    for key, same in groups.items():
        if len({_without_differences(url, config) for url in same}) > 1:
            without |= dict.fromkeys(same, _NOT_APART)
        else:
            chosen[key] = same[0]
            without |= dict.fromkeys(same[1:], f"is the same page as {same[0]}, and counted there")
    return _with_keys(chosen, without, known, config)


def _with_keys(
    chosen: dict[tuple[str, str, str], str], without: dict[str, str], known: pl.DataFrame, config: Config
) -> Wanted:
    """Give each URL the pages that are it: with its host in front, with `www.`, or as a log without hosts has them."""
    hostless = set(known.filter(pl.col("page").str.starts_with("/")).iter_rows())
    claims: dict[tuple[str, str], list[str]] = {}
    for (site, name, template), url in chosen.items():
        names = [name, _WWW + name] if name and "www" in config.commission.same_page else [name]
        keys = [(site, prefix + template) for prefix in names]
        if (site, template) in hostless:
            keys.append((site, template))
        for key in dict.fromkeys(keys):
            claims.setdefault(key, []).append(url)
    for (_, page), urls in claims.items():
        if len(urls) > 1:
            without |= dict.fromkeys(urls, _NO_HOST if page.startswith("/") else _NOT_APART)
    rows = [(*key, urls[0]) for key, urls in claims.items() if urls[0] not in without]
    found = sorted(url for url in chosen.values() if url not in without)
    return Wanted(found, pl.DataFrame(rows, schema=_KEYS, orient="row"), dict(sorted(without.items())))


def by_pattern(known: pl.DataFrame, config: Config) -> Wanted:
    """Take every page of the cells that fits a pattern; a template of many pages has no URL and is left out.

    Raises:
        ConfigurationError: A page names no host, and nothing says what stands in front of it, or of its site alone.
    """
    patterns = config.commission.patterns
    fits = pl.any_horizontal(*(pl.col("page").str.contains(p) for p in patterns)) if patterns else pl.lit(value=True)
    template = pl.col("page").str.contains_any(["{", "}"])
    pages = known.filter(fits & ~template)
    fronts = _fronts(pages, config)
    rows = [
        (site, page, (fronts[site] if page.startswith("/") else "https://") + quote(page, safe=_SAFE_IN_PATH))
        for site, page in pages.iter_rows()
    ]
    keys = pl.DataFrame(rows, schema=_KEYS, orient="row")
    templates = known.filter(fits & template & (pl.col("page") != OTHER_PAGE))["page"].unique().sort()
    without = dict.fromkeys(templates, "stands for many pages: it has no URL")
    return Wanted(keys["url"].unique().sort().to_list(), keys, without)


def _fronts(pages: pl.DataFrame, config: Config) -> dict[str, str]:
    """Give what stands in front of the pages without a host of each site: its own host, or for one site base_url."""
    base_url = config.commission.base_url.rstrip("/")
    own = {site.name: f"https://{site.hosts[0]}" for site in config.site if not site.hosts[0].startswith("*.")}
    if base_url and len(config.site) == 1:  # it says more than the host does: the scheme, a port, a folder
        own.clear()
    sites = pages.filter(pl.col("page").str.starts_with("/"))["site"].unique().sort()
    without = [site for site in sites if site not in own]
    if without and not base_url:
        hint = "set commission.base_url, for example https://www.example.org, or name a list of URLs"
        raise ConfigurationError("is needed: the log names no host", key="commission.base_url", hint=hint)
    if len(without) > 1:
        raise ConfigurationError(
            f"cannot stand in front of the pages of several sites: {', '.join(without)}",
            key="commission.base_url",
            hint="name the host of each site in [[site]], or a list of URLs",
        )
    return own | dict.fromkeys(without, base_url)


def _resolved(urls: Sequence[str], config: Config) -> pl.DataFrame:
    """Give `site`, `prefix`, `template`, `url` and `reason`, which is empty for a URL that can be counted."""
    parts = [urlsplit(url) for url in urls]
    hosts = _as_configured(pl.Series("host", [_host_of(url) for url in urls], dtype=pl.String), config)
    # As a browser asks for it: a registered address may have letters that a request has in other ones.
    targets = [quote(part.path or "/", safe=_SAFE_IN_PATH) for part in parts]
    paths = split_targets(pl.Series("target", targets, dtype=pl.String))["path"]
    without_rules = template_paths(paths, replace(config.pages, rules=()))
    frame = pl.concat(
        [
            assign_sites(hosts, config.site),
            pl.DataFrame({"url": urls, "path": paths, "query": [bool(part.query) for part in parts]}),
            template_paths(paths, config.pages).alias("template").to_frame(),
            without_rules.alias("without_rules").to_frame(),
        ],
        how="horizontal",
    )
    of_one_host = pl.col("site").is_in([site.name for site in config.site if has_one_host(site)])
    own_path = pl.col("template").str.strip_chars_end("/") == pl.col("path").str.strip_chars_end("/")
    by_rule = (pl.col("template") != pl.col("without_rules")) & ~own_path
    merged = pl.col("template").str.contains("{", literal=True) | by_rule
    reason = (
        pl.when(pl.col("query"))
        .then(pl.lit("has a query, and queries are not kept"))
        .when(pl.col("host_foreign"))
        .then(pl.lit("is of a host that is none of the configured sites"))
        .when((pl.col("host_prefix") == "") & ~of_one_host)
        .then(pl.lit("its host is a number or no name, and such hosts are not kept"))
        .when(merged)
        .then(pl.lit("its path is counted together with others; a rule in pages.rules keeps it apart"))
        .otherwise(pl.lit(""))
    )
    return frame.select("site", pl.col("host_prefix").alias("prefix"), "template", "url", reason.alias("reason"))


def _host_of(url: str) -> str:
    """Give the host as browsers send it and logs have it: in lower case, and in ASCII."""
    host = urlsplit(url).hostname or ""
    try:
        return host.encode("idna").decode()
    except UnicodeError:  # no name that could be looked up
        return host


def _without_differences(url: str, config: Config) -> str:
    """Give what of a URL makes it another page, by the configuration."""
    same, parts = config.commission.same_page, urlsplit(url)
    host = _host_of(url).removeprefix(_WWW if "www" in same else "")
    path = parts.path.rstrip("/") if "slash" in same else parts.path
    return f"{'' if 'scheme' in same else parts.scheme}//{host}{path}"


def _as_configured(hosts: pl.Series, config: Config) -> pl.Series:
    """Where `www.` makes no other page, spell a host as a site has it."""
    if "www" not in config.commission.same_page:
        return hosts
    bare = hosts.str.strip_prefix(_WWW)
    other = pl.select(pl.when(bare == hosts).then(_WWW + hosts).otherwise(bare).alias("host")).to_series()
    foreign, other_foreign = (assign_sites(spelled, config.site)["host_foreign"] for spelled in (hosts, other))
    return pl.select(pl.when(foreign & ~other_foreign).then(other).otherwise(hosts).alias("host")).to_series()
