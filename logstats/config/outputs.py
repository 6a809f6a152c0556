"""Outputs: what can be configured of what is sent or shown: Commission's file, data.gouv.fr, statistics page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
class Platform:
    """One of the platforms of data.gouv.fr: its address, and our organisation and dataset there."""

    url: str
    organisation: str
    dataset: str


@dataclass(frozen=True)
class Publish:
    """Publishing on data.gouv.fr: what the dataset says of itself, and where it is."""

    title: str
    summary: str
    service_url: str
    tags: tuple[str, ...]
    frequency: str
    timeout_seconds: int
    attempts: int
    demo: Platform
    production: Platform


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
