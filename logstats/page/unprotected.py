"""Unprotected: cells of a report in the shape of a release's tables, so that the same page shows them to the operator.

What is made here may tell about single people: the page says so, and asks robots not to index it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats import __version__
from logstats.page.figures import figures
from logstats.page.render import render
from logstats.page.site import frame
from logstats.page.texts import LANGUAGES, Language, language
from logstats.page.view import view
from logstats.page.write import write_file
from logstats.release.catalogue import VISITORS
from logstats.schema import DEFINITION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from logstats.config import Config

__all__ = ["report", "tables_of_cells", "write_report"]

_VIEWS: Final = {"views": "vues", "visitors": VISITORS}
_VISITS: Final = {"visits": "visites", "visitors": VISITORS}


def report(cells: Mapping[str, pl.DataFrame], config: Config, facts: Mapping[str, Any], code: str = "en") -> bytes:
    """Make the page of a report.

    Args:
        cells: Tables of schema.py.
        config: The effective configuration.
        facts: `period` with `start` and `end`, and `country_database`, as the summary has them.
        code: The language.
    """
    assert code in LANGUAGES  # noqa: S101 - the command line offers no other
    lang = language(code)
    procedures = {funnel.name: [(step.name, step.optional) for step in funnel.steps] for funnel in config.funnel}
    values = view(figures(tables_of_cells(cells, config), procedures=procedures), lang, {}, "")
    period, of_period = _period(facts["period"], lang)
    database = facts["country_database"]
    values |= frame(lang, config) | {
        "period": period,
        "of_period": of_period,
        "title": f"{lang.texts['unprotected']} – {lang.texts['title']}, {period}",
        "unprotected": True,
        "root": "",
        "logo": "",
        "dsfr": "",
        "years": [],
        "months": [],
        "files": {},
        "data": "",
        "months_csv": "",
        "other": "",
        "canonical": "",
        "partial": False,
        "missing": "",
        "latest": "",
        "k": config.protection.k,
        "definition": DEFINITION,
        "logstats": __version__,
        "attribution": database["attribution"],
        "database": f"{database['name']}, {database['built']}",
    }
    values["sections"] = [*values["sections"], "method"]
    return render("page.html", values)


def write_report(page: bytes, file: Path) -> None:
    """Write the page for its owner alone: it is not protected.

    Raises:
        CannotWriteError: The disk is full, or the system refuses.
        NoPermissionError: It may not be written.
    """
    write_file(file, page, mode=0o600)


def _period(period: Mapping[str, Any], lang: Language) -> tuple[str, str]:
    """Write the days that were read, alone and as what something is of."""
    start, end = period.get("start"), period.get("end")
    if not start or not end:
        return "–", ""
    days = [lang.date(str(start)), lang.date(str(end))]
    return " – ".join(dict.fromkeys(days)), lang.of_days(str(start), str(end))


def tables_of_cells(cells: Mapping[str, pl.DataFrame], config: Config) -> dict[str, pl.DataFrame]:
    """Give the tables of a release that the page reads, without any protection; of all sites and days together."""
    pages, visits, runs = cells["pages"], cells["visits"], cells["journeys"]
    views = pages.filter(pl.col("kind") == "page")
    files = pages.filter(pl.col("kind") == "download")
    step = pl.format("{}. {}", "step", "step_name").alias("last_step")
    days = {"day": "jour"}
    tables = {
        "pages": _tree(views, [("page", "page")], _VIEWS, skip=1),
        "telechargements": _tree(files, [("page", "fichier")], {**_VIEWS, "views": "telechargements"}, skip=1),
        "visites": _tree(cells["days"], [], _VISITS),
        "provenances": _tree(visits, [("referrer_kind", "provenance")], _VISITS),
        "cheminements": _tree(
            runs, [("step_1", "etape_1"), ("step_2", "etape_2"), ("step_3", "etape_3")], {"visits": "passages"}
        ),
        "parcours": _tree(
            cells["funnels"].with_columns(step), [("funnel", "parcours"), ("last_step", "derniere_etape")], _VISITS
        ),
        "erreurs": _tree(cells["errors"], [("page", "page"), ("status", "statut")], {"hits": "requetes"}),
        "durees": _tree(cells["timings"], [("page", "page"), ("bucket", "duree_ms")], {"hits": "vues"}),
        "trafic": _tree(cells["traffic"], [("outcome", "issue"), ("traffic", "classe")], {"hits": "requetes"}),
        "pages_par_jour": _tree(cells["days"], [*days.items()], {"page_views": "vues"}),
        "visites_par_jour": _tree(cells["days"], [*days.items()], {"visits": "visites"}),
        "pages_par_pays": _sum(views, "country", "pays"),
        "pages_par_appareil": _sum(views, "device", "appareil"),
        "fonctionnalites": _features(cells["features"], config),
    }
    return {name: frame for name, frame in tables.items() if not frame.is_empty()}


def _tree(
    cells: pl.DataFrame, levels: list[tuple[str, str]], measures: Mapping[str, str], skip: int = 0
) -> pl.DataFrame:
    """Give the rows of every level; `skip` levels are left out between the total and the first of these."""
    if cells.is_empty():
        return pl.DataFrame()
    sums = [pl.col(name).sum().alias(public) for name, public in measures.items()]
    whole = cells.select(*(pl.lit(None, dtype=pl.String).alias(public) for _, public in levels), *sums)
    frames = [whole.head(1).with_columns(niveau=pl.lit(0), feuille=pl.lit(not levels))]
    for depth in range(1, len(levels) + 1):
        path = [pl.col(name).cast(pl.String).alias(public) for name, public in levels[:depth]]
        rest = [pl.lit(None, dtype=pl.String).alias(public) for _, public in levels[depth:]]
        rows = cells.group_by(path).agg(sums).with_columns(rest)
        frames.append(rows.with_columns(niveau=pl.lit(depth + skip), feuille=pl.lit(depth == len(levels))))
    return pl.concat(frames, how="diagonal")


def _sum(cells: pl.DataFrame, column: str, public: str) -> pl.DataFrame:
    return cells.group_by(pl.col(column).cast(pl.String).alias(public)).agg(pl.col("views").sum().alias("vues"))


def _features(cells: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Give every declared feature; what it is used for is not told apart in cells."""
    names = pl.DataFrame({"feature": [feature.name for feature in config.feature]}, schema={"feature": pl.String()})
    if names.is_empty():
        return names
    used = cells.group_by("feature").agg(pl.col("views").sum())
    return names.join(used, on="feature", how="left").select(
        pl.col("feature").alias("fonctionnalite"),
        pl.col("views").fill_null(0).alias("usages"),
    )
