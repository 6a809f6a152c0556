"""Derive: what a request means, and then whose it was is forgotten.

    full address ─ country ─> truncate ─> keyed hash with site and user agent ─> address and user agent are gone

Each step looks at the distinct values of a block and adds columns; `describe` lists the steps in order, and
`pseudonymise` comes last. It is the last place in which an address or a user agent exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.codes import same_text
from logstats.derive.addresses import are_inside, client_addresses, network_key, parse_addresses
from logstats.derive.device import classify_devices
from logstats.derive.marks import has_page, is_search, known_method, milliseconds
from logstats.derive.outcome import OUTCOME_COLUMNS, OUTCOME_OF, classify_paths, outcome_rules
from logstats.derive.pages import split_targets, template_paths
from logstats.derive.portals import name_portals
from logstats.derive.referrer import classify_referrers
from logstats.derive.sites import DEFAULT_SITE, assign_sites, is_own_host, own_hosts
from logstats.derive.traffic import classify_user_agents, is_hostile
from logstats.derive.visitors import Keys, visitor_ids
from logstats.distinct import Memo, by_combination, combinations, distinct
from logstats.schema import DEVICES, HITS, METHODS, OUTCOMES, REFERRER_KINDS, TRAFFIC

if TYPE_CHECKING:
    from logstats.config import Config
    from logstats.derive.country import CountryTable

__all__ = ["DEFAULT_SITE", "Keys", "Knowledge", "describe", "pseudonymise", "withdraw"]

_COUNTED: Final = ("page_view", "download")
_REFERRER_HOST: Final = r"^(?i:https?)://(?:[^/?#@]*@)?([^/?#:]*)"
_PARTIAL: Final = 206
_ROBOTS_TXT: Final = "/robots.txt"
_OUTCOMES: Final = pl.Enum(OUTCOMES)
_TRAFFIC: Final = pl.Enum(TRAFFIC)
_KINDS: Final = pl.Enum(REFERRER_KINDS)
_DEVICES: Final = pl.Enum(DEVICES)
_METHODS: Final = pl.Enum(METHODS)
_MOST_CLIENTS: Final = 250_000
_HINTS: Final = ("mobile_hint", "platform_hint", "form_factor_hint")


@dataclass(frozen=True)
class Knowledge:
    """What deriving needs to know beside the requests.

    Attributes:
        config: The rules.
        countries: Where addresses are.
        user_agents: What is known of user agents already, from the blocks before; in memory only.
        targets: The same of targets.
        referrers: The same of referrers.
        clients: The same of addresses, while one input is read.
    """

    config: Config
    countries: CountryTable
    user_agents: Memo = field(default_factory=Memo, compare=False)
    targets: Memo = field(default_factory=Memo, compare=False)
    referrers: Memo = field(default_factory=Memo, compare=False)
    clients: Memo = field(default_factory=partial(Memo, _MOST_CLIENTS), compare=False)


def withdraw(requests: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, int]:
    """Take out the requests of people who object to being counted.

    Args:
        requests: REQUESTS.
        config: Whether objections are honoured, and which cookie states one.

    Returns:
        The other requests, and how many were taken out.
    """
    if not config.privacy.honour_opt_out:
        return requests, 0
    kept = requests.filter(pl.col("opt_out").is_null() & (pl.col("cookie").fill_null("") == ""))
    return kept, requests.height - kept.height


def describe(requests: pl.DataFrame, knowledge: Knowledge, *, explain: bool = False) -> pl.DataFrame:
    """Add what each request means; the address and the user agent are still there.

    Args:
        requests: REQUESTS.
        knowledge: The rules and the country table.
        explain: Also name the rules: `traffic_rule`, `device_rule`, `hostile_rule`.

    Returns:
        REQUESTS and the columns of HITS except `visitor`; `rule`, which decided the outcome; `realm` and
        `network`, within which a visitor is one visitor.
    """
    config = knowledge.config
    frame = _with_day(requests, config.timezone)
    frame = _with_site(frame, config)
    frame = _with_origin(frame, knowledge)
    frame = _with_user_agent(frame, knowledge, explain=explain)
    frame = _with_target(frame, knowledge)
    frame = _with_referrer(frame, knowledge)
    return _with_outcome(frame)


def _with_day(frame: pl.DataFrame, timezone: str) -> pl.DataFrame:
    return frame.with_columns(pl.col("time").dt.convert_time_zone(timezone).dt.date().alias("day"))


def _with_site(frame: pl.DataFrame, config: Config) -> pl.DataFrame:
    hosts = distinct(frame["host"])
    known = assign_sites(hosts.values, config.site).with_columns(hosts.values.alias("host"))
    known = known.with_columns(is_own_host(pl.col("host"), config.exclude.hosts).alias("host_excluded"))
    return frame.with_columns(hosts.spread(known[name]).alias(name) for name in known.columns if name != "host")


def _with_origin(frame: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
    """Add country and network; which address is the client's, the trusted proxies decide."""
    config = knowledge.config
    clients = frame["client"]
    if config.trusted_proxies:
        named = frame.select(pl.col("client", "forwarded_for").cast(pl.String))
        clients = client_addresses(named["client"], named["forwarded_for"], config.trusted_proxies)
    return frame.with_columns(knowledge.clients.look_up(clients, partial(_about_clients, knowledge=knowledge)))


def _about_clients(clients: pl.Series, *, knowledge: Knowledge) -> pl.DataFrame:
    config, addresses = knowledge.config, parse_addresses(clients)
    return pl.DataFrame(
        {
            "country": knowledge.countries.lookup(addresses, keep_kosovo=config.geo.kosovo),
            "network": network_key(addresses, clients, config.privacy.truncation),
            "network_excluded": are_inside(addresses, config.exclude.networks),
        }
    )


def _with_user_agent(frame: pl.DataFrame, knowledge: Knowledge, *, explain: bool) -> pl.DataFrame:
    """Add device and traffic class; where the format has no user agent, robots cannot be told from people."""
    memo = Memo() if explain else knowledge.user_agents
    frame = frame.with_columns(memo.look_up(frame["user_agent"], partial(_about_user_agents, explain=explain)))
    if any(frame[hint].null_count() < frame.height for hint in _HINTS):
        hinted = partial(_about_hints, explain=explain)
        frame = frame.with_columns(by_combination(frame, ["user_agent", *_HINTS], hinted))
    logged = pl.col("user_agent_logged")
    return frame.with_columns(
        pl.when(logged).then("traffic").otherwise(pl.lit("human", dtype=_TRAFFIC)).alias("traffic"),
        pl.when(logged).then("traffic_rule").alias("traffic_rule"),
    )


def _about_user_agents(user_agents: pl.Series, *, explain: bool) -> pl.DataFrame:
    known = pl.concat(
        [
            classify_devices(user_agents, explain=explain),
            classify_user_agents(user_agents, explain=explain),
            is_hostile(user_agents).rename({"hostile": "agent_hostile", "hostile_rule": "agent_hostile_rule"}),
        ],
        how="horizontal",
    )
    return known.with_columns(pl.col("traffic").cast(_TRAFFIC), pl.col("device").cast(_DEVICES))


def _about_hints(hinted: pl.DataFrame, *, explain: bool) -> pl.DataFrame:
    known = classify_devices(hinted["user_agent"], explain=explain, **{hint: hinted[hint] for hint in _HINTS})
    return known.with_columns(pl.col("device").cast(_DEVICES))


def _with_target(frame: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
    """Add what the path is for, and its template."""
    about = partial(_about_targets, config=knowledge.config)
    frame = frame.with_columns(knowledge.targets.look_up(frame["target"], about))
    own = pl.col("target_host_own") | same_text(frame["target_host"], frame["host"])
    return frame.with_columns((pl.col("host_foreign") | ~own).alias("foreign_host"))


def _about_targets(targets: pl.Series, *, config: Config) -> pl.DataFrame:
    split = split_targets(targets)
    host = pl.col("target_host")
    own = host.is_null() | is_own_host(host, own_hosts(config.site)).fill_null(value=False)
    return pl.concat(
        [
            split,
            split.select(own.alias("target_host_own")),
            template_paths(split["path"], config.pages).alias("template").to_frame(),
            is_search(targets, config.search).to_frame(),
            classify_paths(split["path"], config.outcome, config.exclude.paths),
            is_hostile(targets).rename({"hostile": "target_hostile", "hostile_rule": "target_hostile_rule"}),
        ],
        how="horizontal",
    )


def _with_referrer(frame: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
    """Add the kind of referrer and its registered domain; the host of the request is our own, too."""
    about = partial(_about_referrers, own=own_hosts(knowledge.config.site))
    known = knowledge.referrers.look_up(frame["referrer"], about)
    internal = same_text(known["referrer_host"], frame["host"])
    return frame.with_columns(known).with_columns(
        pl.when(internal).then(pl.lit("internal", dtype=_KINDS)).otherwise("referrer_kind").alias("referrer_kind"),
        pl.when(~internal).then("referrer").alias("referrer"),
    )


def _about_referrers(referrers: pl.Series, *, own: tuple[str, ...]) -> pl.DataFrame:
    return pl.concat(
        [
            name_portals(
                classify_referrers(referrers, own).select("referrer_kind", "referrer"), referrers
            ).with_columns(pl.col("referrer_kind").cast(_KINDS)),
            referrers.str.extract(_REFERRER_HOST).str.to_lowercase().alias("referrer_host").to_frame(),
            is_hostile(referrers).rename({"hostile": "referrer_hostile", "hostile_rule": "referrer_hostile_rule"}),
        ],
        how="horizontal",
    )


def _with_outcome(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the outcome and the rule that decided it, the page, and mark people whose request is an attack."""
    frame = frame.with_columns(
        by_combination(frame, OUTCOME_COLUMNS, _outcomes) + by_combination(frame, ["host_prefix", "template"], _pages)
    )
    hostile = pl.any_horizontal("agent_hostile", "target_hostile", "referrer_hostile")
    suspected = (pl.col("traffic") == "human") & hostile
    return frame.with_columns(
        pl.when(suspected).then(pl.lit("suspected", dtype=_TRAFFIC)).otherwise("traffic").alias("traffic"),
        pl.when(has_page(pl.col("outcome"), hostile)).then("page").alias("page"),
    )


def _outcomes(requests: pl.DataFrame) -> pl.DataFrame:
    rules = outcome_rules(requests)
    outcome = rules.replace_strict(OUTCOME_OF, return_dtype=_OUTCOMES).alias("outcome")
    piece = (pl.col("status") == _PARTIAL) & pl.col("range").is_null() & outcome.is_in(_COUNTED)
    return pl.DataFrame([rules.alias("rule"), outcome, requests.select(piece.alias("partial")).to_series()])


def _pages(templates: pl.DataFrame) -> pl.DataFrame:
    return templates.select(
        (pl.col("host_prefix") + pl.col("template")).alias("page"),
        (pl.col("template") == _ROBOTS_TXT).alias("robots_txt"),
    )


def pseudonymise(frame: pl.DataFrame, keys: Keys, id_bits: int) -> pl.DataFrame:
    """Make hits: who asked becomes an id that is worth nothing without the day's key.

    Args:
        frame: As `describe` gives it, of open days.
        keys: Gives the key of a site and local day.
        id_bits: Width of an id.

    Returns:
        HITS, a row for each request, in order: without address, user agent or query string. They end here. Texts are
        coded (Categorical).
    """
    identities = frame.select("day", "site", "realm", "network", "user_agent")
    rows, codes = combinations(identities)
    visitors = visitor_ids(identities[rows], keys, id_bits).gather(pl.Series(codes))
    methods = by_combination(frame, ["method"], lambda known: known.select(known_method().cast(_METHODS)))
    return frame.with_columns(visitors, *methods, pl.col("bytes").fill_null(0), milliseconds()).select(
        pl.col(name) if dtype == pl.String else pl.col(name).cast(dtype) for name, dtype in HITS.items()
    )
