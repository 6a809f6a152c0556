"""The catalogue: files of a release and their columns, with their names in French and English, as data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VISITORS", "Catalogue", "PublicTable", "catalogue"]

VISITORS: Final = "visiteurs_jours"
_MEASURES: Final = frozenset(
    ("vues", "telechargements", "envois", "visites", "passages", "requetes", VISITORS, "niveau")
)


@dataclass(frozen=True)
class PublicTable:
    """A table of a release.

    Attributes:
        name: Of its files, without suffix.
        french: Title.
        english: Title.
        columns: Names in order.
        key: The columns that name a row.
        measures: The columns that count.
        family: The family whose blocks it shows; empty for a table that is a sum of another.
        levels: Columns of the path.
    """

    name: str
    french: str
    english: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    measures: tuple[str, ...]
    family: str = ""
    levels: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Name and type of each column; counts are Int64, as data.gouv.fr reads nothing unsigned."""
        return {name: type_of(name) for name in self.columns}


@dataclass(frozen=True)
class Catalogue:
    """All tables, and the meaning of each column as (French, English)."""

    tables: Mapping[str, PublicTable]
    columns: Mapping[str, tuple[str, str]]
    sums: Mapping[str, tuple[str, str]]
    features: tuple[str, tuple[str, ...]]


def type_of(column: str) -> pl.DataType:
    """Give the type of a column."""
    if column in _MEASURES:
        return pl.Int64()
    return pl.Boolean() if column == "feuille" else pl.String()


@cache
def catalogue() -> Catalogue:
    """Read the catalogue."""
    data = tomllib.loads(resources.files("logstats.release").joinpath("catalogue.toml").read_text("utf-8"))
    tables = {}
    for name, entry in data["table"].items():
        measures = (entry["measure"], *((VISITORS,) if entry.get("visitors", True) else ()))
        levels = tuple(entry["levels"])
        key = ("mois", "site", "niveau", *levels)
        columns = ("mois", "site", "niveau", "feuille", *levels, *measures)
        tables[name] = PublicTable(name, entry["fr"], entry["en"], columns, key, measures, entry["family"], levels)
    for name, entry in data["sum"].items():
        key, measures = ("mois", "site", entry["by"]), tables[entry["of"]].measures[:1]
        tables[name] = PublicTable(name, entry["fr"], entry["en"], (*key, *measures), key, measures)
    listed = data["features"]
    key = ("mois", "site", "fonctionnalite")
    measures = tuple(tables[of].measures[0] for of in listed["of"])
    tables[listed["name"]] = PublicTable(listed["name"], listed["fr"], listed["en"], (*key, *measures), key, measures)
    return Catalogue(
        tables,
        {name: (column["fr"], column["en"]) for name, column in data["column"].items()},
        {name: (entry["of"], entry["by"]) for name, entry in data["sum"].items()},
        (listed["name"], tuple(listed["of"])),
    )
