"""What a page says of its month is of this month and of this site, whatever else its release holds."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from logstats import config, folders, page
from logstats.page.reading import months_of, read
from logstats.page.site import site
from tests.release.conftest import day_of_hits, days_of

from .conftest import page_rules
from .generate import release_hits, rules
from .reader import Tables, rows_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

SITES = (config.Site("demarches", ("d.example.org",)), config.Site("aide demarches", ("a.example.org",)))


@pytest.fixture(scope="module")
def two_sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the release of a month of two sites, one of which has a log of the last days alone."""
    hits = [day_of_hits(day, 60, 7, pages=20) for day in days_of("2026-10")]
    hits += [frame.with_columns(site=pl.lit("aide demarches")) for frame in hits[20:]]
    return release_hits(tmp_path_factory.mktemp("sites"), hits, replace(rules(), site=SITES), partial=True)


def test_a_gap_of_another_site_is_not_this_ones(two_sites: Path, tmp_path: Path) -> None:
    """The site with all its days is complete; the other one says how many days it lacks."""
    page.build([two_sites], tmp_path / "whole", page_rules(), "demarches")
    page.build([two_sites], tmp_path / "part", page_rules(), "aide demarches")
    for name in ("index.html", "en/index.html"):
        assert "ncomplet" not in text_of(tmp_path / "whole" / name)
        days = Tables((tmp_path / "whole" / name).read_text()).tables
        assert not [row for rows in days.values() for row in rows if "–" in row]
    assert "Mois incomplet" in text_of(tmp_path / "part" / "index.html")
    assert " 20 jours manquent ou ne sont pas clos. " in text_of(tmp_path / "part" / "index.html")
    assert " 20 days are missing or not closed. " in text_of(tmp_path / "part" / "en/index.html")


def test_a_few_missing_days_are_named(tmp_path: Path) -> None:
    """Up to five days are said one by one."""
    hits = [day_of_hits(day, 60, 7, pages=20) for day in days_of("2026-10")[2:]]
    page.build([release_hits(tmp_path, hits, rules(), partial=True)], tmp_path / "out", page_rules())
    assert "Jours manquants ou non clos : 1er octobre 2026, 2 octobre 2026." in text_of(tmp_path / "out" / "index.html")


def test_a_month_that_is_not_there_keeps_its_place(releases: list[Path], tmp_path: Path) -> None:
    """Between April and October stand five months without a figure; nothing is said of a year before."""
    page.build([releases[-7], releases[-1]], tmp_path, page_rules())
    for name, caption, year, absent in (
        ("index.html", "Pages vues par mois", "année précédente", "« – » : mois non publié."),
        ("en/index.html", "Page views by month", "year before", "“–”: month not released."),
    ):
        rows = Tables((tmp_path / name).read_text()).tables[caption][1:]
        assert len(rows) == 7
        assert [row[1] for row in rows[1:-1]] == ["–"] * 5
        assert "–" not in {rows[0][1], rows[-1][1]}
        text = (tmp_path / name).read_text()
        chart = text.split('id="history-v-t"')[1].split("</svg>")[0]
        assert chart.count('<rect class="') == 2
        assert chart.count(' y="14.88rem"') == 7  # the name of each month
        assert absent in text_of(tmp_path / name)
        assert year not in text_of(tmp_path / name)


def test_a_whole_year_has_the_month_of_the_year_before(built: Path) -> None:
    """With thirteen months the first is that of the year before, which is said; no month is absent."""
    for name, caption, year in (
        ("index.html", "Pages vues par mois", "Treize mois : le même mois de l’année précédente est à gauche."),
        ("en/index.html", "Page views by month", "Thirteen months: the same month of the year before is on the left."),
    ):
        rows = Tables((built / name).read_text()).tables[caption][1:]
        assert (len(rows), rows[0][0][-4:], rows[-1][0].split()[1]) == (13, "2026", "2025")
        assert year in text_of(built / name)
        assert "–" not in {row[1] for row in rows}


def test_the_months_can_be_downloaded(built: Path, releases: list[Path]) -> None:
    """data/mois.csv, which the charts of months lead to, has the totals of each release."""
    with (built / "data" / "mois.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["mois"] for row in rows] == [folder.name for folder in releases]
    for row, folder in zip(rows, releases, strict=True):
        measures = [("pages", "vues"), ("visites", "visites"), ("visites", "visiteurs_jours"), ("envois", "envois")]
        for name, measure in measures:
            there = rows_of(folder, name) if (folder / f"{name}.csv").is_file() else [{"niveau": "0", measure: "s"}]
            totals = [one[measure] for one in there if one["niveau"] == "0"]
            assert [row[measure]] == totals
        assert row["jours_sans_journal"] == ("0" if folder == releases[-1] else str(len(days_of(folder.name)) - 2))
    for name, link in (("index.html", "data/mois.csv"), ("en/2026-03.html", "../data/mois.csv")):
        assert (built / name).read_text().count(f'<a href="{link}" download>') == 2


def test_what_may_not_be_shown_is_an_s_among_the_months(releases: list[Path]) -> None:
    """A month without a table has `s` in its place; a site's name cannot act in a spreadsheet."""
    (month,) = months_of(read([("", folders.read(releases[-1]))]), "demarches")
    tables = {name: frame for name, frame in month.tables.items() if name != "envois"}
    text = site([replace(month, site="=1+1", tables=tables)], page_rules(), (), {})["data/mois.csv"].decode()
    first, row = (line.split(",") for line in text.splitlines())
    assert dict(zip(first, row, strict=True))["envois"] == "s"
    assert dict(zip(first, row, strict=True))["site"] == "'=1+1"
