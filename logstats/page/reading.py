"""Reading: releases as months; each was verified first, and of two versions of a month the later one counts."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from logstats.errors import LogstatsError
from logstats.page.plausible import implausible
from logstats.release import catalogue, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Month", "Published", "read", "sites_of"]

Tables = dict[str, pl.DataFrame]
"""By name, as the catalogue has them; texts as they were before they were made safe for spreadsheets."""


@dataclass(frozen=True)
class Published:
    """A release that is good.

    Attributes:
        period: As in 2026-10, 2026 or historique.
        files: Bytes by name.
        package: datapackage.json.
        privacy: privacy.json.
        tables: All tables of the release.
    """

    period: str
    files: Mapping[str, bytes]
    package: Mapping[str, Any]
    privacy: Mapping[str, Any]
    tables: Tables

    @property
    def versions(self) -> dict[str, int]:
        """Version of each month in it."""
        return {entry["month"]: entry["version"] for entry in self.privacy["releases"]}

    @property
    def folder(self) -> str:
        """Name of a folder that no other version has: a further month, or version of one, makes the number larger."""
        return f"{self.period}.v{sum(self.versions.values())}"


@dataclass(frozen=True)
class Month:
    """A month of a site, and the release that it is from.

    Attributes:
        name: As in 2026-10.
        site: As the tables name it.
        version: From 1.
        release: Where it is from.
        tables: What it holds; a table may be absent.
    """

    name: str
    site: str
    version: int
    release: Published
    tables: Tables

    @property
    def published(self) -> str:
        """When, in UTC; empty where it is not known: a year of an early version says when its last month was."""
        usual = self.release.package["created"] if self.release.period == self.name else ""
        return str(self._said.get("at", usual))

    def said(self, name: str) -> Any:  # noqa: ANN401 - as JSON has it
        """Give `k`, `definition`, `logstats` or `country_database` of this month, else of the release it is from."""
        return self._said.get(name, self.release.privacy.get(name, ""))

    @property
    def _said(self) -> Mapping[str, Any]:
        return next(entry for entry in self.release.privacy["releases"] if entry["month"] == self.name)

    @property
    def without_log(self) -> list[str]:
        """Days of the month that were missing or open when it was released, on this site."""
        gaps = [*self.release.privacy.get("missing_days", ()), *self.release.privacy.get("open_days", ())]
        days = {site_and_day.rpartition(" ")[::2] for site_and_day in gaps}
        return sorted(day for site, day in days if site == self.site and day.startswith(f"{self.name}-"))

    @property
    def procedures(self) -> dict[str, list[tuple[str, bool]]]:
        """Steps of its funnels, and whether each may be left out; what was frozen by an early version has none."""
        return {
            entry["funnel"]: [(step["name"], step["optional"]) for step in entry["steps"]]
            for entry in self.release.privacy.get("funnels", ())
            if (entry["month"], entry["site"]) == (self.name, self.site)
        }


def read(folders: Iterable[tuple[str, Mapping[str, bytes]]]) -> list[Published]:
    """Verify and read releases.

    Args:
        folders: Name of each, to say where something is wrong, and its files.

    Raises:
        LogstatsError: One is not good; nothing of any is shown then.
    """
    with ThreadPoolExecutor(2) as workers:
        return list(workers.map(lambda folder: _read(*folder), folders))


def _read(name: str, files: Mapping[str, bytes]) -> Published:
    problems = verify(files)
    if not problems:
        package, privacy = (json.loads(files[mark]) for mark in ("datapackage.json", "privacy.json"))
        problems = implausible(package, privacy)
    if problems:
        raise LogstatsError(
            f"{name}: {problems[0]}" + (f" (and {len(problems) - 1} more)" if problems[1:] else ""),
            hint="logstats verify says all; only what logstats release wrote, unchanged, is shown",
        )
    tables = {
        table: _as_logged(pl.read_parquet(io.BytesIO(files[f"{table}.parquet"])))
        for table in catalogue().tables
        if f"{table}.parquet" in files
    }
    found = Published(str(package["name"]).removeprefix("logstats-"), files, package, privacy, tables)
    if strange := {m for frame in tables.values() for m in frame["mois"].unique()} - found.versions.keys():
        raise LogstatsError(f"{name}: holds {len(strange)} months that privacy.json does not name")
    return found


def _as_logged(frame: pl.DataFrame) -> pl.DataFrame:
    """Take the apostrophe away that keeps a text from acting in a spreadsheet; our own texts never begin with one."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String()]
    return frame.with_columns(pl.col(name).str.strip_prefix("'") for name in texts)


def sites_of(releases: Iterable[Published]) -> list[str]:
    """Name the sites in releases."""
    frames = (frame for release in releases for frame in release.tables.values())
    return sorted({site for frame in frames for site in frame["site"].unique()})


def months_of(releases: Iterable[Published], site: str) -> list[Month]:
    """Give every month, oldest first, from the release with its latest version; a month's own release before a year's.

    Raises:
        LogstatsError: Two releases hold one version of a month, and differ.
    """
    best: dict[str, tuple[tuple[int, bool], Published]] = {}
    seen: dict[tuple[str, int], tuple[Published, Tables]] = {}
    for release in releases:
        for name, version in release.versions.items():
            tables = _of(release.tables, name, site)
            other = seen.setdefault((name, version), (release, tables))
            if other[0] is not release and not _same(other[1], tables):
                raise LogstatsError(f"{name}: two releases hold version {version} of it, and differ")
            rank = (version, release.period == name)
            if name not in best or rank > best[name][0]:
                best[name] = (rank, release)
    return [
        Month(name, site, rank[0], release, _of(release.tables, name, site))
        for name, (rank, release) in sorted(best.items())
    ]


def _of(tables: Tables, month: str, site: str) -> Tables:
    mine = {name: frame.filter((pl.col("mois") == month) & (pl.col("site") == site)) for name, frame in tables.items()}
    return {name: frame for name, frame in mine.items() if not frame.is_empty()}


def _same(one: Tables, other: Tables) -> bool:
    return one.keys() == other.keys() and all(frame.equals(other[name]) for name, frame in one.items())
