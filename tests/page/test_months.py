"""What a page says of its month is of this month and of this site, whatever else its release holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from logstats import config, page
from tests.release.conftest import day_of_hits, days_of

from .conftest import page_rules
from .generate import release_hits, rules
from .reader import Tables, text_of

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
