"""What a hit says beside its page: method, time, whether something was sought; never what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from logstats import pipeline, runs
from logstats.config import Search
from logstats.derive.marks import is_search
from logstats.read import open_source
from logstats.schema import METHODS
from logstats.store import ThrowawayStore

if TYPE_CHECKING:
    from pathlib import Path

    from logstats.derive import Knowledge

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
FORMAT = '%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D'


@pytest.mark.parametrize(
    ("target", "searched"),
    (
        ("/recherche?q=permis", True),
        ("/recherche?page=2&q=permis", True),
        ("/recherche?page=2;q=permis", True),
        ("/recherche?q=", True),
        ("https://www.example.org/recherche?q=permis", True),
        ("/recherche?mots.cles=permis", True),
        ("/recherche?motsxcles=permis", False),
        ("/recherche?qq=permis", False),
        ("/recherche?xq=permis", False),
        ("/recherche?q", False),
        ("/q=permis", False),
        ("/recherche#?q=permis", False),
        ("/recherche?x#&q=permis", False),
        ("/recherche?x=?q=1", False),
        ("", False),
    ),
)
def test_a_search_has_a_parameter_of_that_name(target: str, *, searched: bool) -> None:
    """The name counts as a whole, in the query, with an equals sign; characters of patterns mean themselves."""
    found = is_search(pl.Series("target", [target]), Search(("q", "mots.cles")))
    assert found.to_list() == [searched]


def test_without_parameters_nothing_is_a_search() -> None:
    """A site without a search of its own has none."""
    assert is_search(pl.Series("target", ["/recherche?q=x", "/?=x"]), Search(())).to_list() == [False, False]


def hits_of(lines: list[str], knowledge: Knowledge, folder: Path) -> pl.DataFrame:
    """Give the hits of some lines of one day."""
    log = folder / "log"
    log.write_text("".join(line + "\n" for line in lines), "utf-8")
    rules = replace(knowledge, config=knowledge.config.with_format(FORMAT))
    with ThrowawayStore() as store:
        pipeline.intake_whole(open_source(str(log)), runs.Run(rules, store))
        return store.hits(*store.open_days()[0])


def line(request: str, status: int = 200, agent: str = FIREFOX, microseconds: Any = 1_500) -> str:
    """Write a line with a request time."""
    return f'192.0.2.7 - - [22/Oct/2025:10:00:00 +0200] "{request} HTTP/1.1" {status} 5 "-" "{agent}" {microseconds}'


@pytest.mark.parametrize(
    ("request_line", "status", "agent", "page"),
    (
        ("GET /dossier/48213", 200, FIREFOX, "/dossier/{id}"),
        ("GET /dossier/48213", 404, FIREFOX, "/dossier/{id}"),
        ("GET /dossier/48213", 302, FIREFOX, "/dossier/{id}"),
        ("POST /dossier/48213?code=x", 303, FIREFOX, "/dossier/{id}"),
        ("POST /api/dossier", 200, FIREFOX, "/api/dossier"),
        ("GET /jeanne.martin@example.org", 404, FIREFOX, "/{email}"),
        ("GET /logo.png", 404, FIREFOX, None),  # a missing image is no page
        ("GET /favicon.ico", 404, FIREFOX, None),
        ("GET /logo.png", 200, FIREFOX, None),
        ("GET /api/dossier", 200, FIREFOX, None),
        ("GET /dossier/48213", 200, GOOGLEBOT, "/dossier/{id}"),  # as before: views of robots have a page
        ("GET /dossier/48213", 404, GOOGLEBOT, None),
        ("POST /dossier/48213", 303, GOOGLEBOT, None),
        ("GET /../../etc/passwd", 404, FIREFOX, None),  # an attack, so no person
    ),
)
def test_whose_page_is_kept(
    request_line: str, status: int, agent: str, page: str | None, knowledge: Knowledge, tmp_path: Path
) -> None:
    """Views have a page; of what is none, people's forms, redirects and errors have one, as a template."""
    [hit] = hits_of([line(request_line, status, agent)], knowledge, tmp_path).iter_rows(named=True)
    assert hit["page"] == page


@pytest.mark.parametrize(("method", "kept"), [(m, m) for m in METHODS[:-1]] + [("PROPFIND", "other"), ("get", "other")])
def test_methods_are_those_of_the_vocabulary(method: str, kept: str, knowledge: Knowledge, tmp_path: Path) -> None:
    """What a client makes up as a method is `other`."""
    assert hits_of([line(f"{method} /a")], knowledge, tmp_path)["method"].to_list() == [kept]


@pytest.mark.parametrize(
    ("microseconds", "kept"),
    ((0, 0), (1_499, 1), (1_501, 2), (2_000_000, 2_000), (999_999_999_999, 86_400_000), ("-", None)),
)
def test_the_time_is_kept_in_milliseconds(
    microseconds: Any, kept: int | None, knowledge: Knowledge, tmp_path: Path
) -> None:
    """Whole milliseconds, at most a day; a time that is not logged is unknown."""
    assert hits_of([line("GET /a", microseconds=microseconds)], knowledge, tmp_path)["milliseconds"].to_list() == [kept]


def test_what_was_sought_is_not_kept(knowledge: Knowledge, tmp_path: Path) -> None:
    """Of a search, that it was one; not a letter of what was sought."""
    hits = hits_of([line("GET /recherche?q=zqxj+martin"), line("GET /recherche")], knowledge, tmp_path)
    assert sorted(hits["searched"].to_list()) == [False, True]
    assert set(hits["page"]) == {"/recherche"}
    assert "zqxj" not in str(hits.to_dict(as_series=False))
