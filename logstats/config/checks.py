"""Checks of what a type cannot say: limits, names, patterns."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import polars as pl

from logstats.config.services import check_commission, check_publish
from logstats.schema import FOLDED, METHODS, NO_FEATURE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logstats.config.outputs import Indicator
    from logstats.config.reading import Place
    from logstats.config.values import Config, Feature, Funnel, Request, Step

__all__ = ["checked", "indicator_problem"]

_ID_BITS: Final = (24, 64)
_FEWEST: Final = 5
_LEAST_DOMINANCE: Final = 0.5
_MOST_DOMINANCE: Final = 0.85
_STATUSES: Final = (100, 599)
_MOST_STEPS: Final = 20
_LONGEST_NAME: Final = 100
_DAY: Final = 24 * 60


def checked(config: Config, place: Place) -> Config:
    """Check what a type cannot say."""
    try:
        ZoneInfo(config.timezone)
    except (KeyError, ValueError, OSError):
        raise place.error("timezone", f"{config.timezone!r} is no time zone", "as in Europe/Paris") from None
    low, high = _ID_BITS
    if not low <= config.privacy.id_bits <= high:
        raise place.error("privacy.id_bits", f"must be from {low} to {high}")
    if config.privacy.retention_months < 1:
        raise place.error("privacy.retention_months", "must be 1 or more")
    if config.store.forget_inputs_after_days < 1:
        raise place.error("store.forget_inputs_after_days", "must be 1 or more")
    if config.protection.k < _FEWEST:
        raise place.error("protection.k", f"must be {_FEWEST} or more", "the default is 11")
    if not _LEAST_DOMINANCE <= config.protection.dominance <= _MOST_DOMINANCE:
        raise place.error("protection.dominance", f"must be from {_LEAST_DOMINANCE} to {_MOST_DOMINANCE}")
    if not 0 <= config.input.max_rejected_share <= 1:
        raise place.error("input.max_rejected_share", "must be from 0 to 1")
    if config.pages.max_per_day < 1:
        raise place.error("pages.max_per_day", "must be 1 or more")
    if "-" in config.input.logs or "" in config.input.logs:
        raise place.error("input.logs", "must be paths of files", "for standard input, name - on the command line")
    _check_sites(config, place)
    _check_networks(config, place)
    _check_patterns(config, place)
    _check_features(config, place)
    check_commission(config.commission, place)
    check_publish(config.publish, place)
    _check_page(config, place)
    return config


def _check_sites(config: Config, place: Place) -> None:
    """Check that a site's name can name a folder, and that each host belongs to one site."""
    names = {"identity"}  # the store keeps a file of this name where sites have folders
    known: set[str] = set()
    for i, site in enumerate(config.site):
        if not (site.name[:1].isalnum() and site.name.isprintable() and "/" not in site.name):
            raise place.error(f"site[{i}].name", "must begin with a letter or digit and hold no slash")
        if site.name in names:
            raise place.error(f"site[{i}].name", f"{site.name!r} is the name of two sites, or of something else")
        if not site.hosts:
            raise place.error(f"site[{i}].hosts", "must name a host")
        for host in map(str.lower, site.hosts):
            if not host or set(host) & set("/: "):
                raise place.error(f"site[{i}].hosts", f"{host!r} is no host name", "as in www.example.org")
            if host in known:
                raise place.error(f"site[{i}].hosts", f"{host!r} is listed twice")
            known.add(host)
        names.add(site.name)


def _check_networks(config: Config, place: Place) -> None:
    for key, networks in (
        ("trusted_proxies", config.trusted_proxies),
        ("exclude.networks", config.exclude.networks),
    ):
        for network in networks:
            try:
                ip_network(network)
            except ValueError:
                raise place.error(key, f"{network!r} is no network", "as in 10.0.0.0/8 or 2001:db8::/32") from None


def _check_patterns(config: Config, place: Place) -> None:
    patterns = [("outcome.technical_paths", p) for p in config.outcome.technical_paths]
    patterns += [("protection.blocked", p) for p in config.protection.blocked]
    patterns += [("exclude.paths", p) for p in config.exclude.paths]
    patterns += [("pages.rules", rule.pattern) for rule in config.pages.rules]
    patterns += [("commission.patterns", p) for p in config.commission.patterns]
    patterns += [(f"{key}.paths", p) for key, request in _requests(config) for p in request.paths]
    # They are matched as one, which may be too much where each alone is not.
    patterns += [(f"{key}.paths", "|".join(f"(?:{p})" for p in one.paths)) for key, one in _requests(config)]
    for key, pattern in patterns:
        try:
            pl.Series([""]).str.contains(pattern)
        except pl.exceptions.ComputeError:
            hint = "patterns are Rust regular expressions: no look-around, no back-references"
            raise place.error(key, f"{pattern!r} is no pattern", hint) from None


def _requests(config: Config) -> Iterator[tuple[str, Request]]:
    """Give every feature and every step with its key."""
    for i, feature in enumerate(config.feature):
        yield f"feature[{i}]", feature
    for i, funnel in enumerate(config.funnel):
        for j, step in enumerate(funnel.steps):
            yield f"funnel[{i}].steps[{j}]", step


def _check_features(config: Config, place: Place) -> None:
    """Check that features, funnels and the steps of each have names of their own, and that requests can fit them."""
    for name in config.search.parameters:
        if not name or set(name) & set("&;=?# "):
            raise place.error("search.parameters", f"{name!r} is no name of a parameter", "as in q")
    _check_names("feature", config.feature, place)
    _check_names("funnel", config.funnel, place)
    sites = [site.name for site in config.site] or ["default"]
    places = [(f"feature[{i}].site", feature.site) for i, feature in enumerate(config.feature)]
    places += [(f"funnel[{i}].site", funnel.site) for i, funnel in enumerate(config.funnel)]
    for key, site in places:
        if site and site not in sites:
            raise place.error(key, f"{site!r} is no site", f"did you mean {_nearest(site, sites)}?")
    for key, request in _requests(config):
        _check_request(key, request, place)
    for i, funnel in enumerate(config.funnel):
        _check_funnel(f"funnel[{i}]", funnel, place)


def _check_names(key: str, things: Sequence[Feature | Funnel | Step], place: Place) -> None:
    names: set[str] = set()
    for i, thing in enumerate(things):
        if not (thing.name.strip() == thing.name != "" and thing.name.isprintable()):
            raise place.error(f"{key}[{i}].name", "must be a text without blanks at its ends or controls")
        if thing.name in {NO_FEATURE, FOLDED}:
            raise place.error(f"{key}[{i}].name", f"{thing.name!r} has a meaning of its own in a release")
        if len(thing.name) > _LONGEST_NAME:
            raise place.error(f"{key}[{i}].name", f"must not be longer than {_LONGEST_NAME} characters")
        if thing.name in names:
            raise place.error(f"{key}[{i}].name", f"{thing.name!r} is named twice")
        names.add(thing.name)


def _check_request(key: str, request: Request, place: Place) -> None:
    known, (low, high) = METHODS[:-1], _STATUSES
    if not request.paths:
        raise place.error(f"{key}.paths", "must hold a pattern", 'as in ["^/contact$"]')
    if not request.methods:
        raise place.error(f"{key}.methods", "must name a method", 'as in ["POST"]')
    for method in request.methods:
        if method not in known:
            hint = f"did you mean {_nearest(method.upper(), known)}?"
            raise place.error(f"{key}.methods", f"{method!r} is no method", hint)
    if any(not low <= status <= high for status in request.statuses):
        raise place.error(f"{key}.statuses", f"must be from {low} to {high}")


def _check_funnel(key: str, funnel: Funnel, place: Place) -> None:
    if len(funnel.steps) < 2:  # noqa: PLR2004 - one step is a feature
        raise place.error(f"{key}.steps", "must be two or more", "one step alone is a feature")
    if len(funnel.steps) > _MOST_STEPS:
        raise place.error(f"{key}.steps", f"must not be more than {_MOST_STEPS}")
    if funnel.steps[0].optional:
        raise place.error(f"{key}.steps[0].optional", "must be false: a funnel begins with its first step")
    if all(step.optional for step in funnel.steps[1:]):
        raise place.error(f"{key}.steps", "must end somewhere: a step after the first must not be optional")
    if not 0 <= funnel.minutes <= _DAY:
        raise place.error(f"{key}.minutes", f"must be from 0 to {_DAY}")
    _check_names(f"{key}.steps", funnel.steps, place)


def _check_page(config: Config, place: Place) -> None:
    """Check what of the statistics page can be known to be wrong without a release."""
    page = config.page
    digits = page.colour.removeprefix("#").lower()
    if not page.colour.startswith("#") or len(digits) != 6 or set(digits) - set("0123456789abcdef"):  # noqa: PLR2004
        raise place.error("page.colour", "must be a colour of six digits", "as in #1d4f91")
    if page.theme == "dsfr" and not page.dsfr:
        raise place.error("page.dsfr", "must name the folder with dsfr.min.css", 'theme = "neutral" needs none')
    for name in ("url", "base", "accessibility", "legal", "privacy"):
        if (address := getattr(page, name)) and not address.startswith(("https://", "http://")):
            raise place.error(f"page.{name}", "must be an address with https://")
    for i, one in enumerate(config.indicator):
        if problem := indicator_problem(one):
            raise place.error(f"indicator[{i}].{problem[0]}", problem[1])


def indicator_problem(one: Indicator) -> tuple[str, str] | None:
    """Say which key of an indicator makes no sense, and why; None if all do."""
    for name in ("name", "value", "source"):
        if not getattr(one, name).strip():
            return name, "must not be empty"
    try:
        date.fromisoformat(one.date)
    except ValueError:
        return "date", f"{one.date!r} is no day, as in 2026-10-31"
    return None


def _nearest(text: str, known: Sequence[str]) -> str:
    return next(iter(get_close_matches(text, known, n=1, cutoff=0.0)))
