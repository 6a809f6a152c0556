"""Country codes as the Commission wants them: ISO 3166-1 alpha-2, and EL for Greece."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from logstats.config import Commission

__all__ = ["assigned", "renamed", "sent_codes", "sent_country"]

_GREECE: Final = ("GR", "EL")
_NEVER: Final = frozenset(("GR", "UK", "ZZ", ""))
"""What the schema refuses, whatever the configuration says."""


@cache
def assigned() -> frozenset[str]:
    """Give the codes that ISO 3166-1 assigns."""
    text = resources.files(__package__ or "").joinpath("countries.toml").read_text("utf-8")
    return frozenset(tomllib.loads(text)["codes"].split())


def renamed(commission: Commission) -> dict[str, str]:
    """Give each assigned or configured code and what is sent for it; an empty text leaves it out."""
    own = {country.code: country.sent for country in commission.countries}
    return {code: code for code in assigned()} | dict([_GREECE]) | own


def sent_codes(commission: Commission) -> frozenset[str]:
    """Give the codes that may stand in a message."""
    return frozenset({*renamed(commission).values(), commission.unknown_country} - _NEVER)


def sent_country(commission: Commission) -> pl.Expr:
    """Give the code that is sent for the column `country`; null for a country that is left out."""
    names = renamed(commission)
    sent = pl.col("country").replace_strict(
        list(names), list(names.values()), default=commission.unknown_country, return_dtype=pl.String
    )
    return pl.when(sent != "").then(sent)
