"""Resources: what is wanted on the platform, from releases whose every byte was verified.

A release has a period: a year, the whole history (`historique`), or a month. Each of its files is a resource with the
key `table/period.suffix`, for example `pages/2026.parquet`; the schema of a table is one for all periods,
`pages/schema.json`.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from logstats import release
from logstats.errors import InputRejectedError, LogstatsError
from logstats.publish.datagouv.facts import facts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

__all__ = ["KEY", "Release", "Wanted", "in_order", "read_release", "wanted"]

KEY: Final = "logstats:key"
_TABLES: Final = ("parquet", "csv")
"""In this order beside each other."""

_TEXTS: Final = {"md": "txt"}
"""The platform takes no Markdown: it goes as the plain text that it is."""


@dataclass(frozen=True)
class Release:
    """A release that was verified.

    Attributes:
        files: Bytes by name.
        package: What datapackage.json says.
        privacy: What privacy.json says.
    """

    files: Mapping[str, bytes]
    package: Mapping[str, Any]
    privacy: Mapping[str, Any]

    @property
    def period(self) -> str:
        """`2026`, `2026-10` or `historique`."""
        return str(self.package["name"]).removeprefix("logstats-")

    @property
    def months(self) -> tuple[str, str]:
        """The first and the last month."""
        found = sorted(entry["month"] for entry in self.privacy["releases"])
        return found[0], found[-1]


@dataclass(frozen=True)
class Wanted:
    """A resource as it should be.

    Attributes:
        key: By which it is known.
        data: The file.
        title: In French.
        description: In French and English.
        kind: `main` or `documentation`, of the platform's types.
        extras: What of our own it carries, its key among it.
        schema: Key of the resource that holds its schema; empty for none.
    """

    key: str
    data: bytes
    title: str
    description: str
    kind: str
    extras: Mapping[str, str]
    schema: str = ""

    @property
    def name(self) -> str:
        """Name under which it is uploaded: as the platform would write it, so that it is known by it."""
        stem, _, suffix = self.key.lower().replace("_", "-").replace("/", "-").rpartition(".")
        return f"{stem}.{_TEXTS.get(suffix, suffix)}"

    @cached_property
    def sha1(self) -> str:
        """Digest that the platform computes, too."""
        return hashlib.sha1(self.data, usedforsecurity=False).hexdigest()


def read_release(folder: str, files: Mapping[str, bytes], least: int) -> Release:
    """Verify a release.

    Args:
        folder: Its name, for messages.
        files: Bytes by name.
        least: The configuration's k.

    Raises:
        LogstatsError: It is not good (`logstats verify` says all that is wrong), or lacks what is published of it.
        InputRejectedError: It protects with a smaller k.
    """
    if problems := release.verify(files):
        more = f" (and {len(problems) - 1} more)" if problems[1:] else ""
        raise LogstatsError(
            f"{folder}: is not published: {problems[0]}{more}", hint=f"logstats verify {folder} says all"
        )
    package, privacy = facts_of(folder, files)
    if (k := privacy["k"]) < least:
        raise InputRejectedError(
            f"{folder}: is not published: it protects {k} visitor-days, less than protection.k = {least}",
            hint="release with the k of the configuration, or name the configuration that it was released with",
        )
    return Release(files, package, privacy)


def wanted(releases: Sequence[Release], formats: Collection[str]) -> list[Wanted]:
    """Give the resources of releases: schemas first, since tables name theirs.

    Args:
        releases: Each of another period.
        formats: Of tables, `parquet` and `csv`.

    Raises:
        InputRejectedError: Two releases are of one period.
    """
    found: dict[str, Wanted] = {}
    for one in releases:
        for resource in (*_schemas(one), *_files(one, formats)):
            known = found.get(resource.key)
            if known and not resource.key.endswith("/schema.json"):
                raise InputRejectedError(f"two of the releases are of {one.period}", hint="name one for each period")
            found[resource.key] = resource
    return sorted(found.values(), key=lambda one: not one.key.endswith("/schema.json"))


def in_order(key: str) -> tuple[int, int, int, str]:
    """Give what resources are sorted by: tables, documents, schemas; history, then the newest; as in the catalogue."""
    stem, _, rest = key.partition("/")
    period, _, suffix = rest.rpartition(".")
    tables = list(release.catalogue().tables)
    kind = 2 if period == "schema" else int(stem not in tables)
    digits = period.replace("-", "").ljust(6, "0")
    age = -int(digits) if digits.isdecimal() else -(10**6)
    place = 2 * tables.index(stem) + (suffix != _TABLES[0]) if stem in tables else 2 * len(tables)
    return kind, age, place, key


@cache
def _titles() -> dict[str, dict[str, str]]:
    text = resources.files("logstats.publish.datagouv").joinpath("resources.toml").read_text("utf-8")
    return tomllib.loads(text)


def _schemas(one: Release) -> Iterator[Wanted]:
    """Give the Table Schema of each table; every period has the same."""
    titles = _titles()["schema.json"]
    for entry in one.package["resources"]:
        if entry["path"].endswith(".csv") and "schema" in entry:
            stem = entry["path"].removesuffix(".csv")
            data = (json.dumps(entry["schema"], ensure_ascii=False, indent=2) + "\n").encode()
            key = f"{stem}/schema.json"
            title = f"{titles['fr']} : {entry['title']}"
            text = f"{title}.\n\n{titles['en']}: {entry['title_en']}."
            yield Wanted(key, data, title, text, "documentation", {KEY: key, **_sha256(data)})


def _files(one: Release, formats: Collection[str]) -> Iterator[Wanted]:
    titles, schemas = _titles(), {}
    for entry in one.package["resources"]:
        if "schema" in entry:
            schemas[entry["path"]] = entry
    for path, data in one.files.items():
        stem, _, suffix = path.rpartition(".")
        table = schemas.get(path)
        if table and suffix not in formats:
            continue
        key = f"{stem}/{one.period}.{suffix}"
        names = {"fr": table["title"], "en": table["title_en"]} if table else titles.get(path, {"fr": path, "en": path})
        form = f" ({suffix.capitalize() if suffix == 'parquet' else suffix.upper()})" if table else ""
        extras = {KEY: key, **_sha256(data), "logstats:start": one.months[0], "logstats:end": one.months[1]}
        yield Wanted(
            key,
            data,
            f"{names['fr']}, {one.period}{form}",
            _text(one, path, names),
            "main" if table else "documentation",
            extras,
            f"{stem}/schema.json" if table else "",
        )


def _text(one: Release, path: str, names: Mapping[str, str]) -> str:
    first, last = one.months
    span = first if first == last else f"{first} – {last}"
    part = (" Des jours manquent : voir le rapport de confidentialité.", " Days are missing: see the privacy report.")
    french, english = part if one.package.get("partial") else ("", "")
    return (
        f"{names['fr']}. Mois : {span}. Dans le paquet de données : `{path}`.{french}\n\n"
        f"{names['en']}. Months: {span}. In the data package: `{path}`.{english}"
    )


def _sha256(data: bytes) -> dict[str, str]:
    return {"logstats:sha256": hashlib.sha256(data).hexdigest()}
