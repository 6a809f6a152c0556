"""The configuration: a tree of frozen dataclasses, read once.

    values     what can be configured
    outputs    the same, of what is sent or shown
    reading    TOML over the defaults, each value of its type
    checks     what a type cannot say
    services   the same, for what is sent to others

defaults.toml is complete and is always read first; a user's file changes what it names. What it names must
exist there, must have its type, and must make sense; else a ConfigurationError says file, line, key and why.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from logstats.config.checks import checked, indicator_problem
from logstats.config.outputs import Commission, CountryName, Indicator, Page, Platform, Publish
from logstats.config.reading import Place, built, overlay, parsed, read
from logstats.config.values import (
    Config,
    Exclude,
    Feature,
    Funnel,
    Geo,
    Input,
    Outcome,
    PageRule,
    Pages,
    Privacy,
    Protection,
    Release,
    Request,
    Search,
    Site,
    Step,
    Store,
    Suspected,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    "Platform",
    "Privacy",
    "Protection",
    "Publish",
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
        return checked(built(Config, effective, Place("defaults.toml", ""), ""), Place("defaults.toml", ""))
    place = Place(str(path), read(path))
    own = parsed(place)
    overlay(effective, own, place, "")
    config: Config = built(Config, effective, place, "")
    return checked(replace(config, file=path), place)


def _usual_place(environment: Mapping[str, str]) -> Path | None:
    if named := environment.get("LOGSTATS_CONFIG"):
        return Path(named)
    own = Path(environment.get("XDG_CONFIG_HOME", ""))
    home = own if own.is_absolute() else Path(environment.get("HOME") or "/") / ".config"
    places = (home / "logstats" / "logstats.toml", Path("/etc/logstats/logstats.toml"))
    return next((place for place in places if place.is_absolute() and place.is_file()), None)
