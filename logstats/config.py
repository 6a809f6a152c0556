"""The configuration: a tree of frozen dataclasses, read once.

defaults.toml is complete and is always read first; a user's file changes what it names. What it names must
exist there, must have its type, and must make sense; else a ConfigurationError says file, line, key and why.
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from datetime import date
from difflib import get_close_matches
from importlib import resources
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import polars as pl

from logstats.errors import ConfigurationError
from logstats.schema import FOLDED, METHODS, NO_FEATURE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "Commission",
    "Config",
    "CountryName",
    "Exclude",
    "Feature",
    "Funnel",
    "Geo",
    "Indicator",
    "Input",
    "Outcome",
    "Page",
    "PageRule",
    "Pages",
    "Privacy",
    "Protection",
    "Release",
    "Request",
    "Search",
    "Site",
    "Step",
    "Store",
    "Suspected",
    "indicator_problem",
    "load",
]

_ID_BITS: Final = (24, 64)
_FEWEST: Final = 5
_LEAST_DOMINANCE: Final = 0.5
_MOST_DOMINANCE: Final = 0.85
_STATUSES: Final = (100, 599)
_MOST_STEPS: Final = 20
_LONGEST_NAME: Final = 100
_DAY: Final = 24 * 60
_THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost")
_COMMISSION_LIMITS: Final = {"max_bytes": (1_000, 10_000_000), "timeout_seconds": (1, 600), "attempts": (1, 10)}


@dataclass(frozen=True)
class Site:
    """A site: its name in the tables, and the host names it answers to (`*.` stands for any label)."""

    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Input:
    """What is read."""

    max_rejected_share: float


@dataclass(frozen=True)
class Privacy:
    """How a visitor becomes an id, and who objects to being counted."""

    truncation: Literal["cnil", "precise"]
    id_bits: int
    honour_opt_out: bool
    opt_out_cookie: str
    retention_months: int


@dataclass(frozen=True)
class Store:
    """What a store keeps beside its days."""

    forget_inputs_after_days: int


@dataclass(frozen=True)
class Protection:
    """What a block of a release must be like; `blocked` are patterns of pages and features that are never shown."""

    k: int
    dominance: float
    blocked: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """What a release says of itself; licences are named as data.gouv.fr names them."""

    title: str
    publisher: str
    contact: str
    licence: Literal["lov2", "odc-odbl"]


@dataclass(frozen=True)
class Geo:
    """Where countries come from."""

    database: str
    kosovo: bool


@dataclass(frozen=True)
class Exclude:
    """Requests that are none of the service's use."""

    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageRule:
    """A page of the site's own: paths that match the pattern count as it."""

    pattern: str
    page: str


@dataclass(frozen=True)
class Pages:
    """How paths become pages."""

    max_per_day: int
    index_files: tuple[str, ...]
    rules: tuple[PageRule, ...]


@dataclass(frozen=True)
class Outcome:
    """What a request is, by its path."""

    page_extensions: tuple[str, ...]
    download_extensions: tuple[str, ...]
    asset_extensions: tuple[str, ...]
    technical_paths: tuple[str, ...]


@dataclass(frozen=True)
class Suspected:
    """What no person reaches within a day, if not one asset is fetched (visits/behaviour.py)."""

    page_views_per_minute: int
    pages_per_hour: int
    errors: int
    error_share: float


@dataclass(frozen=True)
class Search:
    """The site's own search: names of the query parameter that holds what is sought."""

    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """Requests that have a name: a feature, or a step of a funnel (visits/patterns.py says which requests fit).

    Attributes:
        name: As it stands in the tables.
        paths: Patterns for the page, as the table `pages` shows it, without its host.
        methods: Of METHODS of schema.py.
        statuses: Of HTTP; none means success.
    """

    name: str
    paths: tuple[str, ...]
    methods: tuple[str, ...] = ("GET",)
    statuses: tuple[int, ...] = ()


@dataclass(frozen=True)
class Feature(Request):
    """A feature of the service, of one site or of all."""

    site: str = ""


@dataclass(frozen=True)
class Step(Request):
    """A step of a funnel; an optional one may be left out."""

    optional: bool = False


@dataclass(frozen=True)
class Funnel:
    """A procedure: steps in order; `minutes` from the first one on, 0 for as long as a visit lasts."""

    name: str
    steps: tuple[Step, ...]
    minutes: int = 0
    site: str = ""


@dataclass(frozen=True)
class CountryName:
    """A country that is sent under another code; under none, it is left out."""

    code: str
    sent: str


@dataclass(frozen=True)
class Commission:
    """The Commission's monthly file: what is counted for which URLs, and where it goes."""

    measure: Literal["page_views", "visits", "visitors"]
    pages: str
    pages_field: str
    patterns: tuple[str, ...]
    base_url: str
    same_page: tuple[Literal["scheme", "slash", "www"], ...]
    countries: tuple[CountryName, ...]
    unknown_country: str
    acceptance_url: str
    production_url: str
    unique_id_path: str
    information_path: str
    assistance_path: str
    max_bytes: int
    timeout_seconds: int
    attempts: int


@dataclass(frozen=True)
class Page:
    """The statistics page: what it says of the service, and how it looks (logstats/page)."""

    site: str
    name: str
    about: str
    about_en: str
    url: str
    colour: str
    logo: str
    theme: Literal["neutral", "dsfr"]
    dsfr: str
    base: str
    accessibility: str
    legal: str
    privacy: str
    indicators: str


@dataclass(frozen=True)
class Indicator:
    """A figure that no log knows, declared by the service; without English names it is shown in French.

    Attributes:
        value: As it is to be shown, a number first.
        date: As in 2026-10-31.
        method: How it was found.
        source: Who says so.
    """

    name: str
    value: str
    date: str
    source: str
    unit: str = ""
    method: str = ""
    name_en: str = ""
    unit_en: str = ""
    method_en: str = ""


@dataclass(frozen=True)
class Config:
    """The effective configuration."""

    timezone: str
    format: str
    trusted_proxies: tuple[str, ...]
    site: tuple[Site, ...]
    input: Input
    privacy: Privacy
    store: Store
    protection: Protection
    release: Release
    geo: Geo
    exclude: Exclude
    pages: Pages
    outcome: Outcome
    suspected: Suspected
    search: Search
    feature: tuple[Feature, ...]
    funnel: tuple[Funnel, ...]
    commission: Commission
    page: Page
    indicator: tuple[Indicator, ...]
    file: Path | None = field(default=None, compare=False)

    def with_format(self, text: str | None) -> Config:
        """Give the same configuration with the format of an option, if there is one."""
        return replace(self, format=text) if text else self


def load(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read the configuration.

    Args:
        file: As the option names it; None looks in the usual places.
        environment: Variables to look at; None for those of the process.

    Raises:
        ConfigurationError: The file cannot be read, or holds what is not understood.
    """
    effective = tomllib.loads(resources.files("logstats").joinpath("defaults.toml").read_text("utf-8"))
    path = file or _usual_place(os.environ if environment is None else environment)
    if path is None:
        return _checked(_built(Config, effective, _Place("defaults.toml", ""), ""), _Place("defaults.toml", ""))
    place = _Place(str(path), _read(path))
    own = _parsed(place)
    _overlay(effective, own, place, "")
    config: Config = _built(Config, effective, place, "")
    return _checked(replace(config, file=path), place)


@dataclass(frozen=True)
class _Place:
    """A file and its text, to say where a value stands."""

    file: str
    text: str

    def error(self, key: str, reason: str, hint: str = "") -> ConfigurationError:
        return ConfigurationError(reason, file=self.file, line=self._line(key), key=key, hint=hint)

    def _line(self, key: str) -> int:
        """Find the line that sets the key, or else begins the table that lacks it. 0 if there is neither."""
        lines: dict[str, int] = {}
        tables: Counter[str] = Counter()
        table = ""
        for number, line in enumerate(map(str.strip, self.text.splitlines()), start=1):
            if line.startswith("["):
                table = line.lstrip("[").split("]")[0].strip()
                lines.setdefault(table, number)
            if line.startswith("[["):
                name, table = table, f"{table}[{tables[table]}]"
                tables[name] += 1
                lines.setdefault(table, number)
            left = line.split("=")[0].strip().strip("\"'")
            lines.setdefault(f"{table}.{left}".lstrip("."), number)
        while key and key not in lines:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return lines.get(key, 0)


def _usual_place(environment: Mapping[str, str]) -> Path | None:
    if named := environment.get("LOGSTATS_CONFIG"):
        return Path(named)
    own = Path(environment.get("XDG_CONFIG_HOME", ""))
    home = own if own.is_absolute() else Path(environment.get("HOME") or "/") / ".config"
    places = (home / "logstats" / "logstats.toml", Path("/etc/logstats/logstats.toml"))
    return next((place for place in places if place.is_absolute() and place.is_file()), None)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not UTF-8 text", file=str(path)) from None


def _parsed(place: _Place) -> dict[str, Any]:
    try:
        return tomllib.loads(place.text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"is not TOML: {error}", file=place.file) from None


def _overlay(base: dict[str, Any], own: dict[str, Any], place: _Place, prefix: str) -> None:
    """Put the user's values over the defaults, table by table."""
    for key, value in own.items():
        if key not in base:
            raise _unknown(place, prefix + key, base)
        if isinstance(base[key], dict) and isinstance(value, dict):
            _overlay(base[key], value, place, f"{prefix}{key}.")
        else:
            base[key] = value


def _unknown(place: _Place, key: str, known: Mapping[str, Any]) -> ConfigurationError:
    close = get_close_matches(key.rpartition(".")[2], known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
    return place.error(key, "is no key of the configuration", hint)


def _built(kind: Any, value: Any, place: _Place, key: str) -> Any:  # noqa: ANN401 - made by type at run time
    """Make a value of the given type, or say which key is wrong."""
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise place.error(key, "must be a table")
        return _table(kind, value, place, key)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise place.error(key, "must be a list")
        element = get_args(kind)[0]
        return tuple(_built(element, item, place, f"{key}[{i}]") for i, item in enumerate(value))
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise place.error(key, "must be " + " or ".join(f'"{choice}"' for choice in get_args(kind)))
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        names = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        raise place.error(key, f"must be {names[kind]}")
    return value


def _table(kind: Any, value: dict[str, Any], place: _Place, key: str) -> Any:  # noqa: ANN401 - as above
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind) if not (kind is Config and f.name == "file")]
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in names:
            raise _unknown(place, prefix + name, dict.fromkeys(names))
    optional = {f.name for f in fields(kind) if f.default is not MISSING}
    for name in names:
        if name not in value and name not in optional:
            raise place.error(prefix + name, "is missing")
    return kind(**{name: _built(hints[name], value[name], place, prefix + name) for name in names if name in value})


def _checked(config: Config, place: _Place) -> Config:
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
    _check_sites(config, place)
    _check_networks(config, place)
    _check_patterns(config, place)
    _check_features(config, place)
    _check_commission(config.commission, place)
    _check_page(config, place)
    return config


def _check_sites(config: Config, place: _Place) -> None:
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


def _check_networks(config: Config, place: _Place) -> None:
    for key, networks in (
        ("trusted_proxies", config.trusted_proxies),
        ("exclude.networks", config.exclude.networks),
    ):
        for network in networks:
            try:
                ip_network(network)
            except ValueError:
                raise place.error(key, f"{network!r} is no network", "as in 10.0.0.0/8 or 2001:db8::/32") from None


def _check_patterns(config: Config, place: _Place) -> None:
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


def _check_features(config: Config, place: _Place) -> None:
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


def _check_names(key: str, things: Sequence[Feature | Funnel | Step], place: _Place) -> None:
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


def _check_request(key: str, request: Request, place: _Place) -> None:
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


def _check_funnel(key: str, funnel: Funnel, place: _Place) -> None:
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


def _check_commission(commission: Commission, place: _Place) -> None:
    for name in ("acceptance_url", "production_url", "base_url"):
        parts = urlsplit(getattr(commission, name))
        # The key of the service goes there: in clear text to this machine only.
        secure = parts.scheme == "https" or parts.hostname in _THIS_MACHINE or name == "base_url"
        if name == "base_url" and not commission.base_url:
            continue
        if not (secure and parts.scheme in {"http", "https"} and parts.hostname) or parts.query or parts.username:
            raise place.error(f"commission.{name}", "must be an address with https://, without query or user")
    for name in ("unique_id_path", "information_path", "assistance_path"):
        if not getattr(commission, name).startswith("/"):
            raise place.error(f"commission.{name}", "must begin with a slash")
    for code in (commission.unknown_country, *(s for c in commission.countries for s in (c.code, c.sent))):
        if code and not (len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()):  # noqa: PLR2004
            raise place.error("commission.countries", f"{code!r} is no country code", "two capital letters, as in EL")
    for name, (low, high) in _COMMISSION_LIMITS.items():
        if not low <= getattr(commission, name) <= high:
            raise place.error(f"commission.{name}", f"must be from {low:,} to {high:,}")


def _check_page(config: Config, place: _Place) -> None:
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
