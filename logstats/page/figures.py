"""Figures: what a page shows of a month, as plain data; sums of released rows, and nothing else."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.page.funnels import NO_PROCEDURES, funnels
from logstats.release.catalogue import VISITORS
from logstats.schema import END, FOLDED, START, UNKNOWN_COUNTRY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from logstats.page.funnels import Funnel, Procedures

    Tables = Mapping[str, pl.DataFrame]
    Counted = list[tuple[str, int]]

__all__ = ["SPEEDS", "Countries", "Day", "Feature", "Figures", "figures", "union"]

_TOP: Final = 10
_LINKS: Final = 12
SPEEDS: Final = (0, 100, 250, 500, 1_000, 2_500)
"""Lower edges of the classes of response times, in milliseconds; each is an edge of histogram.py."""
USES: Final = ("vues", "telechargements", "envois", "usages")
"""How features may be used; a report does not tell the kinds apart."""
MEASURES: Final = {
    "vues": ("pages", "vues"),
    "visites": ("visites", "visites"),
    VISITORS: ("visites", VISITORS),
    "telechargements": ("telechargements", "telechargements"),
    "envois": ("envois", "envois"),
}


@dataclass(frozen=True)
class Day:
    """A day: page views and visits; None is not shown, or, where the day was not `logged`, not known."""

    day: str
    views: int | None
    visits: int | None
    logged: bool


@dataclass(frozen=True)
class Countries:
    """Page views by country: members of the Union, others, and what has no country; each largest first."""

    union: Counted = field(default_factory=list)
    others: Counted = field(default_factory=list)
    rest: Counted = field(default_factory=list)


@dataclass(frozen=True)
class Feature:
    """A declared feature: counts by USES; one that is not shown is None."""

    name: str
    counts: Mapping[str, int | None]

    @property
    def uses(self) -> int:
        """All that is shown of it."""
        return sum(count or 0 for count in self.counts.values())


@dataclass(frozen=True)
class Figures:
    """What there is to show of a period; empty where a release has nothing.

    Attributes:
        headline: By measure; None if absent.
        days: One by one, without a gap; all days of a month, also those that are not shown.
        begin: From the first page of a visit to the next page, or to its end.
        end: From the page before it to the last page of a visit.
        traffic: Requests by class of visitor.
    """

    headline: dict[str, int | None]
    days: list[Day]
    countries: Countries
    devices: Counted
    features: list[Feature]
    pages: Counted
    files: Counted
    begin: list[tuple[str, str, int]]
    end: list[tuple[str, str, int]]
    funnels: list[Funnel]
    origins: Counted
    statuses: Counted
    broken: Counted
    speeds: list[tuple[int, int]]
    traffic: Counted


@cache
def union() -> frozenset[str]:
    """Give the members of the European Union."""
    return frozenset(tomllib.loads(resources.files("logstats.page").joinpath("countries.toml").read_text())["union"])


def headline(tables: Tables) -> dict[str, int | None]:
    """Give the totals of a month: rows of level 0."""
    return {name: _root(tables, *place) for name, place in MEASURES.items()}


def figures(
    tables: Tables, month: str = "", without_log: Collection[str] = (), procedures: Procedures = NO_PROCEDURES
) -> Figures:
    """Give all figures of a month of one site.

    Args:
        tables: Of a release; of one month and site each.
        month: As in 2026-10; empty for figures that nothing was withheld from, of whatever days there are.
        without_log: Days of the month that were missing or open when it was released.
        procedures: Steps of the declared funnels, as far as they are known.
    """
    return Figures(
        headline=headline(tables),
        days=_days(tables, month, without_log),
        countries=_countries(tables),
        devices=_sums(tables, "pages_par_appareil", "appareil", "vues"),
        features=_features(tables),
        pages=_level(tables, "pages", "page", "vues", 2),
        files=_level(tables, "telechargements", "fichier", "telechargements", 2),
        begin=_flow(tables, pl.col("etape_1") == START, "etape_2", "etape_3"),
        end=_flow(tables, (pl.col("etape_3") == END) & (pl.col("etape_1") != START), "etape_1", "etape_2"),
        funnels=funnels(tables, procedures),
        origins=_level(tables, "provenances", "provenance", "visites", 1),
        statuses=_sums(tables, "erreurs", "statut", "requetes", leaves=True),
        broken=_level(tables, "erreurs", "page", "requetes", 1),
        speeds=_speeds(tables),
        traffic=_sums(tables, "trafic", "classe", "requetes", leaves=True),
    )


def _root(tables: Tables, table: str, measure: str) -> int | None:
    if table not in tables:
        return None
    return next(iter(tables[table].filter(pl.col("niveau") == 0)[measure]), None)


def _days(tables: Tables, month: str, without_log: Collection[str]) -> list[Day]:
    """Give each day; without a month, a day that has no figure was not logged, as nothing is withheld."""
    shown: dict[str, dict[str, int]] = {}
    for table, measure in (("pages_par_jour", "vues"), ("visites_par_jour", "visites")):
        if table in tables:
            rows = tables[table].filter((pl.col("niveau") == 1) & (pl.col("jour") != FOLDED))
            for day, count in rows.select("jour", measure).iter_rows():
                shown.setdefault(day, {})[measure] = count
    if not shown:
        return []
    first = pl.Series([f"{month}-01" if month else min(shown)]).str.to_date()
    last = first.dt.month_end() if month else pl.Series([max(shown)]).str.to_date()
    days = pl.date_range(first.item(), last.item(), eager=True).cast(pl.String)
    logged = {day for day in days if day in shown or (month and day not in without_log)}
    return [Day(day, shown.get(day, {}).get("vues"), shown.get(day, {}).get("visites"), day in logged) for day in days]


def _countries(tables: Tables) -> Countries:
    found = Countries()
    for code, count in _sums(tables, "pages_par_pays", "pays", "vues"):
        group = found.union if code in union() else found.others
        (found.rest if code in {UNKNOWN_COUNTRY, FOLDED} else group).append((code, count))
    return found


def _features(tables: Tables) -> list[Feature]:
    if "fonctionnalites" not in tables:
        return []
    frame = tables["fonctionnalites"]
    counts = [name for name in USES if name in frame.columns]
    rows = frame.select("fonctionnalite", *counts).iter_rows()
    found = (Feature(row[0], dict(zip(counts, row[1:], strict=True))) for row in rows)
    return sorted(found, key=lambda feature: (-feature.uses, feature.name))


def _flow(tables: Tables, which: pl.Expr, left: str, right: str) -> list[tuple[str, str, int]]:
    """Give the largest steps from one page to another; OTHER is left to the table of the release."""
    if "cheminements" not in tables:
        return []
    rows = tables["cheminements"].filter((pl.col("niveau") == 3) & which)  # noqa: PLR2004 - whole runs
    named = rows.filter((pl.col(left) != FOLDED) & (pl.col(right) != FOLDED))
    sums = named.group_by(left, right).agg(pl.col("passages").sum())
    return list(sums.sort("passages", left, right, descending=[True, False, False]).head(_LINKS).iter_rows())


def _speeds(tables: Tables) -> list[tuple[int, int]]:
    """Add up the response times that are shown, by class."""
    if "durees" not in tables:
        return []
    times = tables["durees"].filter("feuille").with_columns(pl.col("duree_ms").cast(pl.Int64, strict=False))
    known = times.filter(pl.col("duree_ms").is_not_null()).select("duree_ms", "vues")
    if known.is_empty():
        return []
    counts = dict.fromkeys(SPEEDS, 0)
    for edge, views in known.iter_rows():
        counts[max(limit for limit in SPEEDS if limit <= edge)] += views
    return list(counts.items())


def _level(tables: Tables, table: str, column: str, measure: str, level: int, most: int = _TOP) -> Counted:
    """Give the largest named rows of a level; a name under several parents is added up."""
    if table not in tables:
        return []
    rows = tables[table].filter((pl.col("niveau") == level) & pl.col(column).is_not_null())
    return _ranked(rows.filter(pl.col(column) != FOLDED), column, measure)[:most]


def _sums(tables: Tables, table: str, column: str, measure: str, *, leaves: bool = False) -> Counted:
    """Add a table up by one column; OTHER comes last."""
    if table not in tables:
        return []
    rows = tables[table].filter("feuille") if leaves else tables[table]
    ranked = _ranked(rows.with_columns(pl.col(column).fill_null(FOLDED)), column, measure)
    return sorted(ranked, key=lambda row: row[0] == FOLDED)


def _ranked(rows: pl.DataFrame, column: str, measure: str) -> Counted:
    sums = rows.group_by(column).agg(pl.col(measure).sum())
    return list(sums.sort(measure, column, descending=[True, False]).iter_rows())
