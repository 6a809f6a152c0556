"""Months that come out of the release of a year are what they were on their own: date, threshold, version."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from logstats import folders, geodata, page, pipeline, releasing
from logstats.page.reading import months_of, read
from logstats.page.site import site
from logstats.store import DurableStore
from tests.release.conftest import day_of_hits, days_of

from .conftest import page_rules
from .generate import rules
from .reader import text_of

if TYPE_CHECKING:
    from pathlib import Path

MONTHS = {"2026-08": (5, 11), "2026-09": (6, 11), "2026-10": (7, 15)}
"""Each with the day of the next month on which it was released, and the threshold that held then."""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the releases of three months, and that of their year."""
    folder = tmp_path_factory.mktemp("year")
    geo = geodata.open_table(None, geodata.cache_directory()).info
    with DurableStore(folder / "store") as store:
        for month, (day, k) in MONTHS.items():
            usual = rules()
            effective = replace(usual, protection=replace(usual.protection, k=k))
            for one in days_of(month)[:2]:
                store.close("demarches", one, pipeline.closing(day_of_hits(one, 150, 7, pages=20), effective), "test")
            now = datetime(2026, int(month[5:]) + 1, day, 8, tzinfo=UTC)
            files = releasing.release_month(store, month, effective, geo, partial=True, now=now)
            folders.write(files, folder / month)
        folders.write(releasing.release_months(store, "2026"), folder / "2026")
    return folder


def feed_dates(out: Path) -> list[tuple[str, str]]:
    """Read which version of which month was published when, from both feeds."""
    found = [(i["id"], i["date_published"]) for i in json.loads((out / "feed.json").read_text())["items"]]
    channel = ET.fromstring((out / "feed.xml").read_bytes())  # noqa: S314 - our own
    dates = [item.findtext("pubDate") for item in channel.iter("item")]
    assert dates == [f"{datetime.fromisoformat(at):%a, %d %b %Y %H:%M:%S} +0000" for _, at in found]
    return found


def test_a_month_of_a_year_has_its_own_date_and_rules(year: Path, tmp_path: Path) -> None:
    """The page of each month, and the feeds, are the same from the year as from the months, but for the data below."""
    page.build([year / "2026"], tmp_path / "year", page_rules())
    page.build([year / month for month in MONTHS], tmp_path / "months", page_rules())
    assert feed_dates(tmp_path / "year") == feed_dates(tmp_path / "months")
    for month, (day, k) in MONTHS.items():
        text = text_of(tmp_path / "year" / f"en/{month}.html")
        name = {"2026-08": "September", "2026-09": "October", "2026-10": "November"}[month]
        assert f"Version 1, published on {day} {name} 2026." in text
        assert f"fewer than {k} visitor-days" in text
        assert releasing.verify(folders.read(year / month)) == []
    assert releasing.verify(folders.read(year / "2026")) == []


def test_what_an_early_release_does_not_say_is_not_made_up(year: Path) -> None:
    """Without a date of its own, a month of a year has none on its page and in the feeds; one on its own has."""
    early = [
        replace(
            one,
            privacy={**one.privacy, "releases": [{"month": e["month"], "version": 1} for e in one.privacy["releases"]]},
        )
        for one in read([(name, folders.read(year / name)) for name in ("2026", "2026-10")])
    ]
    made = site(months_of(early, "demarches"), page_rules(), (), {})
    items = {item["url"][-12:-5]: item for item in json.loads(made["feed.json"])["items"]}
    assert "date_published" not in items["2026-08"]
    assert items["2026-10"]["date_published"] == "2026-11-07T08:00:00+00:00"
    assert made["feed.xml"].count(b"<pubDate>") == 1
    assert b"<p>Version 1.</p>" in made["en/2026-08.html"]
    assert b"Version 1, published on 7 November" in made["en/2026-10.html"]


def test_a_feed_says_no_figure_that_is_not_there(year: Path) -> None:
    """A release without the table of visits has no visits in its entry, and no `s`."""
    (month,) = months_of(read([("", folders.read(year / "2026-10"))]), "demarches")
    for gone, says in (("visites", "page views. Open data, version 1."), ("pages", "visits. Open data, version 1.")):
        tables = {name: frame for name, frame in month.tables.items() if name != gone}
        made = site([replace(month, tables=tables)], page_rules(), (), {})
        text = json.loads(made["en/feed.json"])["items"][0]["content_text"]
        number, _, rest = text.partition(" ")
        assert number.replace(",", "").isdecimal()
        assert rest == says
