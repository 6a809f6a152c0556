"""What can be configured, as frozen dataclasses; defaults.toml explains each value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from logstats.config.outputs import Commission, Indicator, Page, Publish  # noqa: TC001 - the same


@dataclass(frozen=True)
class Site:
    """A site: its name in the tables, and the host names it answers to (`*.` stands for any label)."""

    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Input:
    """What is read: access logs by path, and format strings beside the formats that have a name."""

    logs: tuple[str, ...]
    formats: tuple[str, ...]
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
    publish: Publish
    page: Page
    indicator: tuple[Indicator, ...]
    file: Path | None = field(default=None, compare=False)

    @property
    def country_database(self) -> Path | None:
        """Where countries come from; None for what is shipped. A relative path is beside the file that names it."""
        database = Path(self.geo.database) if self.geo.database else None
        return self.file.parent / database if database and self.file else database

    def with_format(self, text: str | None) -> Config:
        """Give the same configuration with the format of an option, if there is one."""
        return replace(self, format=text) if text else self
