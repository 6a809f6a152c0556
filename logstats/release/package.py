"""The data package: Data Package v2 with a Table Schema for each file (datapackage.org, 26 June 2024)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats.release.catalogue import catalogue
from logstats.release.shape import SUPPRESSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstats.release.catalogue import PublicTable

__all__ = ["LICENCES", "package"]

_PROFILE: Final = "https://datapackage.org/profiles/2.0/datapackage.json"
_MEDIA: Final = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "md": "text/markdown",
}
LICENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "lov2": {
        "name": "etalab-2.0",
        "title": "Licence Ouverte 2.0",
        "path": "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    },
    "odc-odbl": {
        "name": "ODbL-1.0",
        "title": "Open Data Commons Open Database License 1.0",
        "path": "https://opendatacommons.org/licenses/odbl/1-0/",
    },
}
"""By the names of data.gouv.fr; `name` is that of SPDX."""


def package(files: Mapping[str, bytes], tables: Mapping[str, pl.DataFrame], about: Mapping[str, Any]) -> dict[str, Any]:
    """Describe all files of a release.

    Args:
        files: Bytes by name.
        tables: The tables by name.
        about: As `render` takes it.
    """
    named = {name: value for name, value in (("title", about["publisher"]), ("email", about["contact"])) if value}
    return {
        "$schema": _PROFILE,
        "name": f"logstats-{about['period']}",
        "title": f"{about['title']}, {about['period']}",
        "version": f"{about['version']}.0.0",
        "created": about["at"],
        "licenses": [about["licence"]],
        "contributors": [{**named, "roles": ["publisher"]}] if about["publisher"] else [],
        "sources": [{"title": about["attribution"]}],
        "partial": about["partial"],
        "resources": [_resource(name, data, tables) for name, data in sorted(files.items())],
    }


def _resource(name: str, data: bytes, tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    stem, _, suffix = name.rpartition(".")
    resource: dict[str, Any] = {
        "name": name.lower().replace(".", "-"),
        "path": name,
        "format": suffix,
        "mediatype": _MEDIA[suffix],
        "bytes": len(data),
        "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
    }
    if suffix != "parquet":
        resource["encoding"] = "utf-8"
    if stem in tables:
        table = catalogue().tables[stem]
        resource |= {
            "type": "table",
            "title": table.french,
            "title_en": table.english,
            "schema": _schema(table, tables[stem]),
        }
    return resource


def _schema(table: PublicTable, frame: pl.DataFrame) -> dict[str, Any]:
    """Give a Table Schema; what a missing value means stands with each field."""
    return {"fields": [_field(name, frame) for name in table.columns]}


def _field(name: str, frame: pl.DataFrame) -> dict[str, Any]:
    french, english = catalogue().columns[name]
    dtype = frame.schema[name]
    field: dict[str, Any] = {"name": name, "description": french, "description_en": english}
    if dtype == pl.Int64():
        missing = [{"value": SUPPRESSED, "label": "secret : moins de k visiteurs-jours, ou aucun"}]
        return {**field, "type": "integer", "missingValues": missing}
    if dtype == pl.Boolean():
        return {**field, "type": "boolean"}
    return {**field, "type": "string", "missingValues": [{"value": "", "label": "sans objet à ce niveau"}]}
