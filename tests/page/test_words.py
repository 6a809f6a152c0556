"""What a page says around its figures: names of what has none, the language of a text, where a link leads."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from logstats import folders
from logstats.page.reading import Month, months_of, read
from logstats.page.site import site
from logstats.schema import OTHER_PAGE
from logstats.text import BIDIRECTIONAL

from .conftest import page_rules
from .reader import Tables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def last(releases: list[Path]) -> Month:
    """Return the last month."""
    return months_of(read([("", folders.read(releases[-1]))]), "demarches")[0]


def test_pages_beyond_the_limit_have_a_name(last: Month) -> None:
    """What is counted as `{other}` stands under a name in words, wherever pages are listed, and never as it is."""
    tables = {
        name: frame.with_columns(
            pl.col(column).replace("/", OTHER_PAGE) for column in frame.columns if frame[column].dtype == pl.String()
        )
        for name, frame in last.tables.items()
    }
    made = site([replace(last, tables=tables)], page_rules(), (), {})
    for name, caption, words in (
        ("index.html", "Pages vues, dix premières pages", "Autres pages, moins vues"),
        ("en/index.html", "Page views, first ten pages", "Other pages, less viewed"),
    ):
        text = made[name].decode()
        assert OTHER_PAGE not in text
        assert words in {row[0] for row in Tables(text).tables[caption]}


def test_a_french_text_on_an_english_page_is_marked(last: Month) -> None:
    """What the service says of itself in French alone has its language; where there is English, there is no mark."""
    usual = page_rules()
    french = replace(usual, page=replace(usual.page, about="En français seulement.", about_en=""))
    made = site([last], french, (), {})
    assert b'<p class="lead" lang="fr">En fran' in made["en/index.html"]
    assert b'<p class="lead">En fran' in made["index.html"]
    assert b'<p class="lead">' in site([last], usual, (), {})["en/index.html"]


@pytest.mark.parametrize(
    ("contact", "link"),
    (
        ("stats@example.fr", "mailto:stats@example.fr"),
        ("https://social.example/@ville", "https://social.example/@ville"),
        ("mailto:stats@example.fr", "mailto:stats@example.fr"),
        ("the town hall", ""),
        ("javascript:alert(1)", ""),
    ),
)
def test_a_contact_is_an_address_of_its_kind(last: Month, contact: str, link: str) -> None:
    """An e-mail address becomes a mail link, a web address stays one, anything else is no link."""
    usual = page_rules()
    made = site([last], replace(usual, release=replace(usual.release, contact=contact)), (), {})
    found = [part.split('"')[0] for part in made["index.html"].decode().split('href="') if '">Contact</a>' in part[:80]]
    assert found == ([link] if link else [])


def test_each_flow_says_which_end_it_is_of(last: Month) -> None:
    """A sentence says that one chart is of the beginnings and one of the ends; with one chart alone it is absent."""
    for name, says in (
        ("index.html", "Le premier graphique montre comment les visites commencent"),
        ("en/index.html", "The first chart shows how visits begin"),
    ):
        assert says in site([last], page_rules(), (), {})[name].decode()
        steps = last.tables["cheminements"].filter(pl.col("etape_1").is_null() | (pl.col("etape_1") == "(start)"))
        begins = replace(last, tables={**last.tables, "cheminements": steps})
        assert says not in site([begins], page_rules(), (), {})[name].decode()


def test_hostile_names_in_feeds_are_text(last: Month) -> None:
    """A feed stays one that can be parsed, and a title is what was configured, with controls made visible."""
    name = "</title><script>x</script>&amp; \u202egnp.exe \x00\x1b[31m ]]> \"'"
    usual = page_rules()
    made = site([last], replace(usual, page=replace(usual.page, name=name)), (), {})
    for folder in ("", "en/"):
        feed = json.loads(made[f"{folder}feed.json"])
        title = ET.fromstring(made[f"{folder}feed.xml"]).findtext("channel/title") or ""  # noqa: S314 - our own
        assert feed["title"] == title
        assert "</title><script>x</script>&amp; " in title
        assert not set(title) & (BIDIRECTIONAL | set("\x00\x1b"))
        assert made[f"{folder}feed.xml"].count(b"<item>") == 1
