"""The file of a month: the UTC month, every view accounted for, valid, equal to the cells, and the same again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from logstats import config, geodata, pipeline, read_cells, runs
from logstats.derive import Knowledge
from logstats.errors import BusyError, ConfigurationError, InputMissingError, InputRejectedError, LogstatsError
from logstats.publish.commission import count, plan
from logstats.publish.commission.build import Built, build
from logstats.publish.commission.check import check
from logstats.publish.commission.message import rows_of
from logstats.publish.commission.period import Period, half_year, last_month, month
from logstats.read import open_source
from logstats.store import DurableStore
from tests.commission.conftest import days_of, fill, some_rows
from tests.release.conftest import day_of_hits, hits_of_logs, rules_of
from tests.release.conftest import fill as simulate

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Program = Callable[..., subprocess.CompletedProcess[str]]

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
OCTOBER = month("2026-10")
FIRST, AFTER = date(2026, 10, 1), date(2026, 11, 1)


def made(store: Path, settings: config.Config, period: Period = OCTOBER, **options: Any) -> Built:
    """Build a month."""
    chosen: dict[str, Any] = {"now": NOW, "partial": False}
    return build(store, period, settings, "acceptance", **(chosen | options))


def table(built: Built) -> list[tuple[Any, ...]]:
    """Give the rows of all messages of a month, read from their bytes."""
    read = pl.concat([rows_of(json.loads(message.encoded)) for message in built.messages])
    key = ("url", "country", "device")
    return read.group_by(key).agg(pl.col("number").sum()).sort(key).rows()


def of_commission(settings: config.Config, **values: Any) -> config.Config:
    """Give the settings with other values in [commission]."""
    return replace(settings, commission=replace(settings.commission, **values))


def ingested(store: Path, log: Path, settings: config.Config, *, close: bool = True) -> Path:
    """Count a log into a store through the real pipeline."""
    with DurableStore(store) as opened:
        knowledge = Knowledge(settings, geodata.open_table(None, geodata.cache_directory()))
        run = runs.Run(knowledge, opened)
        runs.ingest([open_source(str(log))], "default", run, opened.begin("ingest"))
        if close:
            runs.close_days(run, every=True, reason="test")
    return store


def line(moment: str, page: str = "/a", host: int = 1) -> str:
    """Give a line of a person who opens a page."""
    when = f"{datetime.fromisoformat(moment):%d/%b/%Y:%H:%M:%S %z}"
    return f'192.0.2.{host} - - [{when}] "GET {page} HTTP/1.1" 200 5 "-" "{AGENT}"\n'


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    (
        (
            "2026-01",
            ("2026-01-01T01:00+01:00", "2026-01-31T23:30+01:00", "2026-02-01T00:30+01:00"),
            ("2025-12-31T23:30+01:00", "2026-01-01T00:30+01:00", "2026-02-01T01:00+01:00"),
        ),
        (
            "2026-03",
            ("2026-03-01T01:00+01:00", "2026-03-31T23:30+02:00", "2026-04-01T00:30+02:00", "2026-04-01T01:59+02:00"),
            ("2026-02-28T23:30+01:00", "2026-03-01T00:30+01:00", "2026-04-01T02:00+02:00"),
        ),
        (
            "2026-07",
            ("2026-07-01T02:00+02:00", "2026-07-31T23:30+02:00", "2026-08-01T00:30+02:00", "2026-08-01T01:59+02:00"),
            ("2026-06-30T23:30+02:00", "2026-07-01T00:30+02:00", "2026-08-01T02:00+02:00"),
        ),
        (
            "2026-10",
            ("2026-10-01T02:00+02:00", "2026-10-31T23:30+01:00", "2026-11-01T00:30+01:00"),
            ("2026-09-30T23:30+02:00", "2026-10-01T00:30+02:00", "2026-11-01T01:00+01:00"),
        ),
    ),
)
def test_hits_around_both_ends_fall_into_the_right_utc_month(
    name: str, inside: tuple[str, ...], outside: tuple[str, ...], settings: config.Config, tmp_path: Path
) -> None:
    """Lines at 23:30 and 00:30 local, and on both sides of midnight UTC, in winter and summer time."""
    log = tmp_path / "access.log"
    log.write_text("".join(line(moment, host=i) for i, moment in enumerate((*inside, *outside), 1)))
    store = ingested(tmp_path / "store", log, settings)
    built = made(store, of_commission(settings, unknown_country="XX"), month(name), partial=True)
    assert int(built.rows["number"].sum()) == len(inside)
    assert built.counted.total == len(inside)


def test_sums_equal_the_cells_for_each_url_country_and_device(store: Path, settings: config.Config) -> None:
    """Counted another way: each number is the sum of its page's cells; GR is EL, and ZZ is not there."""
    for period in (month("2026-09"), OCTOBER):
        built = made(store, settings, period)
        assert {tuple(row[:3]): row[3] for row in table(built)} == by_hand(store, period)
        assert check(built.messages[0].encoded, settings.commission)[1] == []


def by_hand(store: Path, period: Period) -> dict[tuple[str, str, str], int]:
    """Add up the cells of a month, one by one: views by URL, country and device; a template is no URL."""
    cells = read_cells(store, "pages").filter(kind="page", utc_month=period.start.date()).collect()
    found: dict[tuple[str, str, str], int] = {}
    for row in cells.iter_rows(named=True):
        if row["country"] != "ZZ" and "{" not in row["page"]:
            key = (f"https://www.example.org{row['page']}", row["country"].replace("GR", "EL"), row["device"])
            found[key] = found.get(key, 0) + row["views"]
    return found


@pytest.fixture(scope="module")
def three_months(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge, samples: Path) -> Path:
    """Return a store of September to November: simulated people of fifteen countries; over October, all sample logs."""
    store = tmp_path_factory.mktemp("months") / "store"
    real = hits_of_logs(sorted(path for path in samples.iterdir() if path.suffix != ".md"), knowledge, "2026-10")
    rules = rules_of(knowledge)
    for name in ("2026-09", "2026-10", "2026-11"):
        simulate(store, rules, name, visitors=80, real=real)
    with DurableStore(store) as opened:  # in Paris, November ends an hour into December
        day = date(2026, 12, 1)
        opened.close("demarches", day, pipeline.closing(day_of_hits(day, 80, 1), rules), "test")
    return store


@pytest.mark.parametrize("name", ("2026-09", "2026-10", "2026-11"))
def test_real_and_simulated_months_are_valid_and_equal_to_the_cells(
    name: str, three_months: Path, settings: config.Config
) -> None:
    """Each number of three months is the sum of its cells; all views of the month are accounted for."""
    period = month(name)
    site = config.Site("demarches", ("www.example.org",))
    rules = replace(of_commission(settings, pages="", base_url="https://www.example.org"), site=(site,))
    built = made(three_months, rules, period, now=datetime(2026, 12, 15, tzinfo=UTC))
    found = {tuple(row[:3]): row[3] for row in table(built)}
    assert found == by_hand(three_months, period)
    assert len(found) > 500
    assert {country for _, country, _ in found} >= {"FR", "BE", "DE", "MA"}
    for message in built.messages:
        assert check(message.encoded, settings.commission)[1] == []
    if name == "2026-10":  # the sample of a public service lies over it
        assert "/dossier/{id}/pieces" in built.wanted.not_countable


def test_bytes_are_the_same_again_but_for_id_and_date(store: Path, settings: config.Config) -> None:
    """Built at another moment, only the line with the date of transfer differs."""
    [first] = made(store, settings).messages
    [again] = made(store, settings, now=NOW + timedelta(days=1)).messages
    pairs = zip(first.encoded.splitlines(), again.encoded.splitlines(), strict=True)
    assert [a.split(b":")[0] for a, b in pairs if a != b] == [b'"transferDate"']
    assert first.figures == again.figures


def test_registered_urls_are_sent_unchanged_and_once(store: Path, settings: config.Config, tmp_path: Path) -> None:
    """Another scheme, a slash or www make no other page; queries, templates and twins are left out and named."""
    listed = [
        "http://WWW.Example.org:80/a/",
        "https://www.example.org/b?lang=en",
        "https://example.org/b",
        "https://www.example.org/b/",
        "https://www.example.org/dossier/12345",
        "https://www.example.org/never#part",
    ]
    file = tmp_path / "list.csv"
    file.write_text("name;url\n" + "".join(f"x;{url}\n" for url in listed))
    built = made(store, of_commission(settings, pages=str(file), pages_field="url"))
    sources = {s["sourceUrl"]: s["statistics"] for s in json.loads(built.messages[0].encoded)["sources"]}
    assert list(sources) == [listed[0], listed[2], listed[5]]
    assert sources[listed[5]] == []
    number = sum(day + 2 for day in range(1, 32))
    assert sources[listed[2]] == [{"nbVisits": number, "originatingCountry": "BE", "deviceType": "Tablet"}]
    reasons = built.wanted.not_countable
    assert list(reasons) == sorted({listed[1], listed[3], listed[4]})
    assert "query" in reasons[listed[1]]
    assert "same page as https://example.org/b" in reasons[listed[3]]
    assert "pages.rules" in reasons[listed[4]]


def test_urls_that_no_log_tells_apart_are_not_guessed(store: Path, settings: config.Config, tmp_path: Path) -> None:
    """Where a slash makes another page, or the log names no host, those that are meant to differ are left out."""
    file = tmp_path / "list.txt"
    file.write_text("https://www.example.org/a\nhttps://www.example.org/a/\nhttps://www.example.org/b\n")
    built = made(store, of_commission(settings, pages=str(file), same_page=("www",)))
    assert built.wanted.urls == ["https://www.example.org/b"]
    assert set(built.wanted.not_countable.values()) == {"cannot be told apart in the log from another URL of the list"}
    hosts = tmp_path / "list.json"
    hosts.write_text(json.dumps({"links": [{"url": f"https://{h}.example.org/a"} for h in ("one", "two")]}))
    assert made(store, of_commission(settings, pages=str(hosts), pages_field="links[*].url")).wanted.urls == []


def test_no_view_is_counted_for_two_urls(
    make_store: Callable[..., Path], settings: config.Config, tmp_path: Path
) -> None:
    """Of hosts that a log without hosts cannot tell apart, or that are numbers, none is guessed; every view is once."""
    store = make_store([{"day": date(2026, 10, 5), "page": "/a", "views": 10}], FIRST, AFTER)
    file = tmp_path / "list.txt"
    for host, reason in (("d\u00e9marches.example.org", "the log names no host"), ("192.0.2.7", "is a number")):
        file.write_text(f"https://{host}/a\nhttps://www.example.org/a\n")
        built = made(store, of_commission(settings, pages=str(file)))
        sent = int(built.rows["number"].sum())
        assert (sent + built.counted.unlisted, built.counted.total) == (10, 10)
        assert reason in built.wanted.not_countable[f"https://{host}/a"]
    assert table(built) == [("https://www.example.org/a", "FR", "PC", 10)]
    file.write_text("https://www.www.example.org/a\nhttps://example.org/a\n")
    store = make_store([{"day": date(2026, 10, 5), "page": "www.example.org/a", "views": 10}], FIRST, AFTER, "www")
    assert made(store, of_commission(settings, pages=str(file))).wanted.urls == []


def test_a_host_with_accents_is_found_as_logs_have_it(
    make_store: Callable[..., Path], settings: config.Config, tmp_path: Path
) -> None:
    """Browsers send the ASCII form of a name; the URL is sent as it is registered."""
    file = tmp_path / "list.txt"
    file.write_text("https://d\u00e9marches.example.org/a\n")
    row = {"day": date(2026, 10, 5), "page": "xn--dmarches-b1a.example.org/a", "views": 10}
    built = made(make_store([row], FIRST, AFTER), of_commission(settings, pages=str(file)))
    assert table(built) == [("https://d\u00e9marches.example.org/a", "FR", "PC", 10)]


@pytest.mark.parametrize("wrong", ("twice", "another country", "unlisted"))
def test_numbers_that_are_not_those_of_the_cells_are_never_written(
    wrong: str, store: Path, settings: config.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake in the counting itself is found by the proof, which adds up the cells another way."""
    right = count.count

    def mistaken(*arguments: Any) -> count.Counted:
        found = right(*arguments)
        if wrong == "twice":  # with an account that agrees
            spare = found.total - 2 * int(found.by_day["number"].sum())
            return replace(found, by_day=pl.concat([found.by_day, found.by_day]), unlisted=spare)
        if wrong == "another country":
            shifted = pl.col("country").cast(pl.String).replace("FR", "BE").cast(found.by_day.schema["country"])
            return replace(found, by_day=found.by_day.with_columns(shifted))
        return replace(found, unlisted=found.unlisted + 1)

    monkeypatch.setattr(count, "count", mistaken)
    with pytest.raises(LogstatsError, match="do not add up"):
        made(store, settings)


@pytest.mark.parametrize(
    ("url", "logged", "number"),
    (
        ("https://www.example.org/été", ("/%C3%A9t%C3%A9",), 1),
        ("https://www.example.org/%C3%A9t%C3%A9", ("/%C3%A9t%C3%A9", "/%c3%a9t%c3%a9"), 2),
        ("https://www.example.org/aide/contact", ("/aide/x", "/aide/contact"), None),
        ("https://www.example.org/aide", ("/aide",), 1),
        ("https://www.example.org/dossier/42", ("/dossier/42", "/dossier/43"), 1),
        ("https://www.example.org/dossier/43", ("/dossier/42", "/dossier/43"), None),
    ),
)
def test_a_url_has_the_views_of_its_path_alone(
    url: str, logged: tuple[str, ...], number: int | None, settings: config.Config, tmp_path: Path
) -> None:
    """However it is spelled; where a rule or a template counts it with others, it is left out (None), not guessed."""
    rules = (config.PageRule("^/aide/", "/aide"), config.PageRule("^/dossier/42$", "/dossier/42"))
    ruled = replace(settings, pages=replace(settings.pages, rules=rules))
    log, urls = tmp_path / "x.log", tmp_path / "u.txt"
    log.write_text("".join(line(f"2026-10-05T12:0{i}+02:00", page) for i, page in enumerate(logged)))
    urls.write_text(url + "\n")
    built = made(
        ingested(tmp_path / "new", log, ruled),
        of_commission(ruled, unknown_country="XX", pages=str(urls)),
        partial=True,
    )
    if number is None:
        assert built.wanted.not_countable[url].startswith("its path is counted together with others")
    else:
        assert (table(built), built.wanted.not_countable) == ([(url, "XX", "PC", number)], {})


def test_www_is_the_site_that_is_configured(settings: config.Config, tmp_path: Path) -> None:
    """With same_page www, a site whose host has `www.` is that of a URL without it, and the other way round."""
    for own, registered in (("www.example.org", "example.org"), ("example.org", "www.example.org")):
        store = fill(tmp_path / own, [{"day": FIRST, "site": "one", "views": 3}], days_of(FIRST, AFTER), "one")
        urls = tmp_path / "u.txt"
        urls.write_text(f"https://{registered}/a\n")
        alone = replace(of_commission(settings, pages=str(urls), same_page=()), site=(config.Site("one", (own,)),))
        joined = replace(alone, commission=replace(alone.commission, same_page=("www",)))
        assert table(made(store, joined)) == [(f"https://{registered}/a", "FR", "PC", 3)]
        assert "none of the configured sites" in str(made(store, alone).wanted.not_countable)


def test_hosts_in_the_log_are_hosts_in_the_url(make_store: Callable[..., Path], settings: config.Config) -> None:
    """Where the log names hosts, each URL gets the views of its own host, with www or without if that is no matter."""
    hosts = ("www.example.org", "example.org", "other.org")
    rows = [{"day": date(2026, 10, 5), "page": f"{host}/a", "views": n} for n, host in enumerate(hosts, 1)]
    store = make_store(rows, FIRST, AFTER)
    assert table(made(store, settings)) == [("https://www.example.org/a", "FR", "PC", 3)]
    exact = of_commission(settings, same_page=("slash",))
    assert table(made(store, exact)) == [("https://www.example.org/a", "FR", "PC", 1)]
    every = of_commission(settings, pages="", patterns=("/a$",))
    assert {row[0] for row in table(made(store, every))} == {f"https://{host}/a" for host in hosts}


def test_pages_without_a_host_need_a_front(store: Path, settings: config.Config) -> None:
    """Without a list and without hosts, the configuration must say what stands in front."""
    with pytest.raises(ConfigurationError, match="base_url"):
        made(store, of_commission(settings, pages=""))


def two_sites(tmp_path: Path, settings: config.Config, *hosts: str, **values: Any) -> tuple[Path, config.Config]:
    """Give a store of two sites with views of /contact, 3 and 4, and settings without a list."""
    sites = tuple(config.Site(name, (host,)) for name, host in zip(("one", "two"), hosts, strict=True))
    for site, views in (("one", 3), ("two", 4)):
        row = {"day": date(2026, 10, 5), "site": site, "page": "/contact", "views": views}
        fill(tmp_path / "sites", [row], days_of(FIRST, AFTER), site)
    return tmp_path / "sites", replace(of_commission(settings, pages="", **values), site=sites)


def test_pages_of_several_sites_are_never_added_up(settings: config.Config, tmp_path: Path) -> None:
    """Each site has its own host in front; base_url serves the one that has none, and is refused for two of them."""
    front = "https://one.example.org"
    store, rules = two_sites(tmp_path, settings, "one.example.org", "two.example.org", base_url=front)
    numbers = {row[0]: row[3] for row in table(made(store, rules))}
    assert numbers == {f"{front}/contact": 3, "https://two.example.org/contact": 4}
    starred = replace(rules, site=(config.Site("one", ("*.example.org",)), rules.site[1]))
    assert {row[0]: row[3] for row in table(made(store, starred))} == numbers
    neither = replace(rules, site=(starred.site[0], config.Site("two", ("*.example.com",))))
    with pytest.raises(ConfigurationError, match="base_url: cannot stand in front of the pages of several sites"):
        made(store, neither)


def test_what_is_counted_is_configured(
    make_store: Callable[..., Path], settings: config.Config, tmp_path: Path
) -> None:
    """Page views by default; visitor-days; or visits, for their first page, in the month of the local day."""
    store = make_store([{"day": date(2026, 10, 5), "views": 7, "visitors": 2}], FIRST, AFTER)
    for measure, expected in (("page_views", 7), ("visitors", 2)):
        assert table(made(store, of_commission(settings, measure=measure)))[0][3] == expected
    log = tmp_path / "log"
    log.write_text("".join(line(f"2026-10-05T12:0{i}+02:00", page) for i, page in enumerate(("/a", "/b", "/a"))))
    visits = of_commission(settings, measure="visits", unknown_country="XX")
    built = made(ingested(tmp_path / "visits", log, settings), visits, partial=True)
    assert table(built) == [("https://www.example.org/a", "XX", "PC", 1)]


def test_countries_have_the_names_that_are_configured(make_store: Callable[..., Path], settings: config.Config) -> None:
    """RE goes as FR and is added to it; one that is sent as nothing, and one that is no country, are left out."""
    codes = ("FR", "RE", "GB", "CH", "XK", "ZZ")
    store = make_store(
        [{"day": date(2026, 10, 5), "country": code, "views": n} for n, code in enumerate(codes, 1)], FIRST, AFTER
    )
    names = (config.CountryName("RE", "FR"), config.CountryName("CH", ""))
    built = made(store, of_commission(settings, countries=names))
    assert [row[1:] for row in table(built)] == [("FR", "PC", 3), ("GB", "PC", 3)]
    assert built.counted.left_out == 4 + 5 + 6
    sent = made(store, of_commission(settings, unknown_country="XX"))
    assert ("XX", "PC", 11) in [row[1:] for row in table(sent)]


def test_an_incomplete_month_is_refused(
    make_store: Callable[..., Path], settings: config.Config, tmp_path: Path
) -> None:
    """A gap, an open day, the first local day of the next month: 65, unless --partial; one that is not over, always."""
    rows = [{"day": date(2026, 10, 5)}]
    with pytest.raises(InputRejectedError, match="2026-11-01"):
        made(make_store(rows, FIRST, date(2026, 10, 31), "short"), settings)
    with pytest.raises(InputRejectedError, match="2026-10-01"):
        made(make_store(rows, date(2026, 10, 2), AFTER, "gap"), settings)
    log = tmp_path / "log"
    log.write_text(line("2026-11-01T12:00+01:00"))
    opened = ingested(make_store(rows, FIRST, date(2026, 10, 31), "open"), log, settings, close=False)
    with pytest.raises(InputRejectedError, match="not closed yet"):
        made(opened, settings)
    assert table(made(opened, settings, partial=True)) == [("https://www.example.org/a", "FR", "PC", 1)]
    with pytest.raises(InputRejectedError, match="not over"):
        made(opened, settings, month("2026-11"), partial=True)


def test_a_month_without_one_of_the_sites_is_not_complete(settings: config.Config, tmp_path: Path) -> None:
    """Without a list every configured site must have each day; with one, those of its URLs."""
    store, rules = two_sites(tmp_path, settings, "one.example.org", "two.example.org")
    assert made(store, rules).completeness.complete
    third = replace(rules, site=(*rules.site, config.Site("three", ("three.example.org",))))
    with pytest.raises(InputRejectedError, match="32 days without a line, or deleted \\(2026-10-01 three"):
        made(store, third)
    file = tmp_path / "list.txt"
    file.write_text("https://two.example.org/contact\n")
    assert made(store, of_commission(third, pages=str(file))).completeness.complete


def test_west_of_utc_the_last_local_day_is_enough(make_store: Callable[..., Path], settings: config.Config) -> None:
    """A zone behind UTC needs the day before the month and not the one after it."""
    west = replace(settings, timezone="America/Cayenne")
    store = make_store([{"day": date(2026, 10, 5)}], date(2026, 9, 30), date(2026, 10, 31))
    assert made(store, west).completeness.complete


def test_parts_of_a_month_add_up_and_meet(store: Path, settings: config.Config) -> None:
    """However small the messages, their periods follow each other to the second, and their sums are the month's."""
    [whole] = made(store, settings).messages
    for most in (3_000, 2_400, 2_200):
        built = made(store, of_commission(settings, max_bytes=most))
        periods = [message.period for message in built.messages]
        assert len(periods) > 1
        assert table(built) == rows_of(json.loads(whole.encoded)).rows()
        assert (periods[0].start, periods[-1].end) == (OCTOBER.start, OCTOBER.end)
        assert all(b.start - a.end == timedelta(seconds=1) for a, b in pairwise(periods))
        assert all(len(message.encoded) <= most for message in built.messages)
    with pytest.raises(InputRejectedError, match="single day"):
        made(store, of_commission(settings, max_bytes=1_000))


def test_what_was_sent_decides_how_a_month_is_cut(settings: config.Config) -> None:
    """Periods with an id stay as they are; what lies between becomes one of its own; another time zone is refused."""
    zone = ZoneInfo(settings.timezone)
    halves = OCTOBER.halves(settings.timezone)
    assert halves is not None
    assert plan.pieces(OCTOBER, [], zone) == [OCTOBER]
    assert all(plan.pieces(OCTOBER, [half], zone) == list(halves) for half in halves)
    with pytest.raises(ConfigurationError, match="time zone"):
        plan.pieces(OCTOBER, halves, ZoneInfo("Asia/Tokyo"))


def test_periods() -> None:
    """The last second belongs to a month; the month before January is December; half-years are six months."""
    assert month("2026-02").texts == ("2026-02-01T00:00:00.00Z", "2026-02-28T23:59:59.00Z")
    assert last_month(datetime(2026, 1, 15, tzinfo=UTC)) == month("2025-12")
    assert half_year("2026-H2").texts == ("2026-07-01T00:00:00.00Z", "2026-12-31T23:59:59.00Z")
    for wrong in ("2026", "2026-13", "x"):
        with pytest.raises(ConfigurationError):
            month(wrong)
    with pytest.raises(ConfigurationError):
        half_year("2026-H3")


def test_a_wrong_list_is_named_with_its_line(store: Path, settings: config.Config, tmp_path: Path) -> None:
    """File and line, or JSON path, and an exit code; a list that is not there is 66."""
    for name, text, place in (
        ("a.txt", "https://www.example.org/a\nnot a url\n", "a.txt:2"),
        ("a.csv", "id,url\n1,https://www.example.org/a\n2,ftp://x\n", "a.csv:3"),
        ("a.json", '["https://www.example.org/a", 3]', r"a.json:\$\[1\]"),
        ("b.json", "{", "b.json:1"),
    ):
        file = tmp_path / name
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=place):
            made(store, of_commission(settings, pages=str(file), pages_field="url" if name == "a.csv" else ""))
    with pytest.raises(InputMissingError):
        made(store, of_commission(settings, pages=str(tmp_path / "none.txt")))


def test_a_day_that_is_closed_meanwhile_is_another_try(store: Path, settings: config.Config) -> None:
    """A file of cells that was replaced in the same moment ends with 75, not with a failure."""
    for path in (store / "cells" / "pages").iterdir():
        path.unlink()
    with pytest.raises(BusyError):
        made(store, settings)


def test_the_command_writes_file_and_twins_and_a_summary(
    store: Path, settings: config.Config, tmp_path: Path, logstats: Program
) -> None:
    """JSON, CSV and Parquet hold the same numbers; the summary names what was not viewed; --json is one object."""
    out = tmp_path / "october.json"
    command = ("commission", "--store", store, "--month", "2026-10", "--pages", settings.commission.pages, "--out", out)
    done = logstats(*command, "--format", "csv", "--format", "parquet", "--diff")
    assert done.returncode == 0, done.stderr
    assert "https://www.example.org/d" in done.stdout
    message = rows_of(json.loads(out.read_bytes()))
    for twin in (pl.read_csv(out.with_suffix(".csv")), pl.read_parquet(out.with_suffix(".parquet"))):
        assert twin.select("url", "country", "device", "nbVisits").rows() == message.rows()
    found = json.loads(logstats(*command, "--json", "--diff").stdout)
    account = found["account"]
    assert account["month"] == account["sent"] + account["unknown_country"] + account["other_pages"]
    assert found["views"] == int(message["number"].sum()) == found["comparison"]["after"]
    assert logstats("commission", "--check", out).returncode == 0


def test_a_first_month_is_compared_in_one_line(
    make_store: Callable[..., Path], settings: config.Config, logstats: Program
) -> None:
    """Where there was no view before, all would be new: it says why, and no more."""
    store = make_store(some_rows(days_of(date(2026, 9, 1), date(2026, 9, 30))), date(2026, 8, 31), date(2026, 10, 1))
    command = ("commission", "--store", store, "--month", "2026-09", "--pages", settings.commission.pages, "--diff")
    compared = logstats(*command).stdout.partition("\nCompared\n")[2]
    assert compared.splitlines() == ["  there was no view before: it is the first month, or the other one is not here"]


def test_a_page_of_unknown_countries_only_is_not_called_unviewed(
    tmp_path: Path, samples: Path, logstats: Program
) -> None:
    """The sample's addresses are of no country: its home page was viewed all the same; a page of no log was not."""
    store, pages = tmp_path / "store", tmp_path / "pages.txt"
    pages.write_text("https://www.example.org/\nhttps://www.example.org/nowhere\n", encoding="utf-8")
    assert logstats("ingest", "--store", store, "--close", samples / "public_service.log.xz").returncode == 0
    setting = tmp_path / "logstats.toml"
    setting.write_text('[commission]\nbase_url = "https://www.example.org"\n', encoding="utf-8")
    command = ("commission", "--store", store, "--month", "2026-10", "--partial", "--pages", pages, "--config", setting)
    found = json.loads(logstats(*command, "--json").stdout)
    assert found["viewed_from_unknown_countries_only"] == ["https://www.example.org/"]
    assert found["not_viewed"] == ["https://www.example.org/nowhere"]
    refused = logstats(*command[:5], "--pages", pages, "--config", setting)
    assert "18 days without a line, or deleted (2026-10-01" in refused.stderr


def test_mistakes_end_in_one_line_with_their_code(store: Path, tmp_path: Path, logstats: Program) -> None:
    """No store, no month, no key: the documented exit codes, and no traceback."""
    urls = tmp_path / "urls.txt"
    urls.write_text("https://www.example.org/a\n")
    october = ("--store", store, "--month", "2026-10", "--pages", urls)
    for code, *arguments in (
        (66, "--store", tmp_path / "none", "--month", "2026-10"),
        (78, "--month", "2026-10", "--pages", urls),
        (78, "--store", store, "--month", "october"),
        (78, *october, "--send"),
        (66, *october, "--send", "--api-key-file", tmp_path / "none"),
        (65, "--store", store, "--month", "2026-08", "--pages", urls),
        (66, "--check", tmp_path / "none.json"),
        (74, *october, "--out", tmp_path / "none" / "x.json"),
    ):
        done = logstats("commission", *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        assert done.stderr.startswith("logstats: ")
