"""What always holds, one test for each sentence of the design that can be measured today."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstats import parse, pipeline, runs, tables
from logstats.codes import together
from logstats.config import Site
from logstats.read import open_source
from logstats.schema import (
    DEVICES,
    HITS,
    INTERNAL,
    LEVELS,
    OUTCOMES,
    REFERRER_KINDS,
    REJECT_REASONS,
    REQUESTS,
    TABLES,
    TRAFFIC,
)
from logstats.store import ThrowawayStore

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from logstats.derive import Knowledge
    from logstats.tally import Tally

    Count = Callable[..., runs.Report]

CSV_FORMAT: Final = (
    '%v,%p,%h,%l,%u,%t,%I,%O,%S,%B,%{ms}T,%D,%^FB,%>s,"%H","%m","%U","%q","%{Referer}i","%{User-Agent}i",'
    '"%{VARNAME}C",%L'
)
SAMPLES: Final = {  # lines that stand in the samples' README
    "apache_csv.log": 300,
    "caddy.jsonl": 306,
    "combined.log.gz": 10_000,
    "common.log": 500,
    "haproxy.log": 290,
    "nginx_combined.log": 586,
    "nginx_json.jsonl": 313,
    "nginx_main.log": 500,
    "public_service.log.xz": 4_942,
    "traefik.jsonl": 342,
    "vhost_combined.log": 400,
}
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
GOOGLEBOT: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, 1),
    "bzip2": lambda data: bz2.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
    "zstd": lambda data: pa.compress(data, codec="zstd", asbytes=True) if data else data,
}
PERSONAL: Final = (
    "client",
    "forwarded_for",
    "user_agent",
    "address",
    "network",
    "visitor",
    "visit",
    "cookie",
    "target",
)


def combined(
    client: str = "192.0.2.7",
    when: str = "22/Oct/2025:10:00:00 +0200",
    target: str = "/demarches",
    status: int = 200,
    agent: str = FIREFOX,
    referrer: str = "-",
) -> str:
    """Write a line of the combined format."""
    return f'{client} - - [{when}] "GET {target} HTTP/1.1" {status} 512 "{referrer}" "{agent}"'


def write(folder: Path, name: str, lines: list[str], compression: str = "plain") -> Path:
    """Write lines to a file."""
    path = folder / name
    path.write_bytes(COMPRESS[compression]("".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")))
    return path


def sums_up(tally: Tally, cells: Mapping[str, pl.DataFrame]) -> None:
    """Assert the accounting identity of the definition, down to the cells."""
    traffic = cells["traffic"]
    assert tally.lines == tally.hits + tally.rejected + tally.opted_out + tally.late
    assert tally.hits == traffic["hits"].sum()
    assert set(traffic["outcome"]) <= set(OUTCOMES)
    assert set(traffic["traffic"]) <= set(TRAFFIC)
    assert set(tally.rejects) <= set(REJECT_REASONS)
    headline = traffic.filter(pl.col("traffic") == "human").group_by("outcome").agg(pl.col("hits").sum())
    people = dict(headline.iter_rows())
    assert cells["days"]["page_views"].sum() == people.get("page_view", 0)
    assert cells["days"]["downloads"].sum() == people.get("download", 0)
    assert cells["pages"]["views"].sum() == people.get("page_view", 0) + people.get("download", 0)
    assert cells["visits"]["views"].sum() == cells["pages"]["views"].sum()
    assert cells["visits"]["visits"].sum() == cells["days"]["visits"].sum()


def rules_for(name: str, knowledge: Knowledge) -> Knowledge:
    """Give the rules for a sample; one of them needs its format string."""
    return (
        replace(knowledge, config=knowledge.config.with_format(CSV_FORMAT)) if name == "apache_csv.log" else knowledge
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_every_line_of_a_sample_ends_up_somewhere(
    name: str, samples: Path, counted: Count, knowledge: Knowledge
) -> None:
    """Lines = hits + rejected + opted_out + late, for every sample; and no line is missing."""
    found = counted([samples / name], rules=rules_for(name, knowledge))
    assert found.tally.lines == SAMPLES[name]
    assert [(result.lines, result.state) for result in found.inputs] == [(SAMPLES[name], "complete")]
    sums_up(found.tally, found.cells)


def test_every_line_of_all_inputs_ends_up_somewhere(samples: Path, counted: Count, tmp_path: Path) -> None:
    """The identity holds in total and for each input, also with damaged, refused, mixed and empty ones."""
    good = [combined(when=f"22/Oct/2025:10:00:{i:02} +0200") for i in range(20)]
    two_members = gzip.compress("".join(line + "\n" for line in good).encode()) + gzip.compress(b"x" * 9_000)[:-9]
    (tmp_path / "damaged.gz").write_bytes(two_members)
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "empty").touch()
    mixed = [
        *good,
        "Error line 1",
        "",
        good[0][:60],
        '{"no": "access line"}',
        combined(when="31/Feb/2025:10:00:00 +0200"),
    ]
    files = [
        samples / "combined.log.gz",
        tmp_path / "damaged.gz",
        tmp_path / "binary",
        write(tmp_path, "mixed", mixed),
        tmp_path / "empty",
        samples / "caddy.jsonl",
    ]
    found = counted(files)
    states = [(result.state, result.lines) for result in found.inputs]
    assert states == [
        ("complete", 10_000),
        ("damaged", 20),
        ("refused", 0),
        ("complete", 25),
        ("empty", 0),
        ("complete", 306),
    ]
    sums_up(found.tally, found.cells)
    alone = [counted([file]) for file in files]
    for report in alone:
        sums_up(report.tally, report.cells)
    for figure in ("lines", "hits", "rejected", "opted_out", "late"):
        assert getattr(found.tally, figure) == sum(getattr(report.tally, figure) for report in alone)


def test_nothing_is_dropped_without_a_name(counted: Count, tmp_path: Path) -> None:
    """Each reason of schema.py is given to the lines it is for, and to no others."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    whole = {"time_iso8601": "2025-10-22T10:00:00+02:00", "remote_addr": "192.0.2.7", "status": 200}
    lines = {
        "empty": "",
        "not_text": combined(target="/a\x00b"),
        "too_long": combined(target="/" + "a" * 65_536),
        "truncated": combined()[:70],
        "unknown_format": "Error line 1",
        "bad_client": combined(client="299.85.238.289"),
        "bad_time": combined(when="28/March/2019:10:05:03 +0000"),
        "bad_request": json.dumps(whole),
        "bad_status": combined().replace(" 200 ", " - "),
        "future": combined(when=tomorrow),
    }
    assert set(lines) == set(REJECT_REASONS)
    found = counted([write(tmp_path, "log", [combined(), *lines.values()])])
    assert dict(found.tally.rejects) == dict.fromkeys(REJECT_REASONS, 1)
    assert found.tally.hits == 1


def test_what_is_not_counted_of_an_input_is_said(counted: Count, tmp_path: Path) -> None:
    """An input that is damaged or refused has a note that says so."""
    (tmp_path / "damaged").write_bytes(gzip.compress((combined() + "\n").encode() * 100)[:-4])
    (tmp_path / "refused").write_bytes(b"\x7fELF" + bytes(500))
    found = counted([tmp_path / "damaged", tmp_path / "refused"])
    assert [result.state for result in found.inputs] == ["damaged", "refused"]
    assert all(result.note for result in found.inputs)


JSON_HEAD: Final = '{"remote_addr":"192.0.2.7","status":200,"request":"GET / HTTP/1.1",'
HOSTILE: Final = {
    "more bytes than a number holds": combined().replace(" 512 ", " 99999999999999999999 "),
    "a thousand digits of bytes": combined().replace(" 512 ", f" {'9' * 1_000} "),
    "year 0": combined(when="01/Jan/0000:00:00:00 +0000"),
    "year 1, before it in UTC": combined(when="01/Jan/0001:00:10:00 +0100"),
    "year 9999": combined(when="31/Dec/9999:23:59:59 -0100"),
    "JSON year 0": JSON_HEAD + '"time_iso8601":"0000-01-01T00:00:00Z"}',
    "JSON infinite bytes": JSON_HEAD + '"time_iso8601":"2025-10-22T10:00:00Z","body_bytes_sent":"inf"}',
    "JSON bytes that are no number": JSON_HEAD + '"time_iso8601":"2025-10-22T10:00:00Z","body_bytes_sent":"nan"}',
    "JSON huge epoch": JSON_HEAD + '"ts":1e308}',
    "JSON negative epoch": JSON_HEAD + '"ts":-1e18}',
    "JSON half a surrogate": JSON_HEAD + r'"ts":1761120000,"http_referer":"\ud800"}',
    "JSON nested deeply": '{"a":' + "[" * 20_000 + "]" * 20_000 + "}",
    "bytes that are not UTF-8": combined(target="/\udce9t\udce9"),
    "a colon too many": combined(client="::1::2"),
    "quotes and backslashes": combined(target='/\\"\\"\\\\', agent='\\"'),
    "dots above the root": combined(target="/../../.././x/.."),
    "percent signs": combined(target="/%%%2%25%2525%zz%"),
    "no path": combined(target="?"),
    "a URL without path": combined(target="http://"),
    "an IPv6 URL": combined(target="http://[2001:db8::1]:80/x"),
    "a referrer that is no URL": combined(referrer="http://[/"),
    "only dots as referrer": combined(referrer="http://.../"),
    "status 999": combined(status=999),
    "status 000": combined().replace(" 200 ", " 000 "),
    "a long line of quotes": '"' * 60_000,
    "a long line of backslashes": combined(target="/" + "\\" * 60_000),
    "a long line of slashes and dots": combined(target="/." * 30_000),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_no_line_stops_a_run(what: str, counted: Count, tmp_path: Path) -> None:
    """A hostile line is a hit or a reject with a reason; the good lines beside it are counted."""
    found = counted([write(tmp_path, "log", [combined(), HOSTILE[what], combined()])])
    assert found.tally.lines == 3
    assert found.tally.hits >= 2
    sums_up(found.tally, found.cells)


NUMBERS: Final = ("0", "00", "-1", "9" * 20, "1e400", "0000", "32", "NaN", "")
PIECES: Final = (
    *'"\\\x00[] -%?{}:é\udcff\u202e',
    "\\x16",
    "\x1b[2J",
    "/..",
)


@st.composite
def mutated_lines(draw: st.DrawFn) -> list[str]:
    """Give example lines of every format, some of them changed in places."""
    lines = [line_format.example for line_format in parse.named_formats().values()]
    for _ in range(draw(st.integers(1, 40))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        start = draw(st.integers(0, len(line)))
        end = min(len(line), start + draw(st.integers(0, 6)))
        lines[at] = line[:start] + draw(st.sampled_from(NUMBERS + PIECES)) + line[end:]
    return [line.replace("\n", "") for line in lines]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=mutated_lines())
def test_no_mutated_line_crashes_a_run(lines: list[str], counted: Count, tmp_path: Path) -> None:
    """Whatever stands in the lines, there is no exception and every line ends up somewhere."""
    found = counted([write(tmp_path, "log", [combined(), *lines])])
    assert found.tally.lines == len(lines) + 1
    sums_up(found.tally, found.cells)


# --- order ----------------------------------------------------------------------------------------------------


def a_mixed_set() -> list[str]:
    """Lines of three days in five formats: visits, ties in one second, pieces of downloads, robots, broken lines."""
    lines: list[str] = []
    for day, offset in (("25", "+0200"), ("26", "+0100"), ("27", "+0100")):
        for i, page in enumerate(("/", "/demarches", "/dossier/48213", "/a.pdf", "/b.css", "/", "/aide/")):
            when = f"{day}/Oct/2025:10:{i * 7:02}:00 {offset}"
            lines += [
                combined("192.0.2.7", when, page, 206 if page == "/a.pdf" else 200),
                combined("192.0.2.7", when, "/tie"),
                combined("192.0.2.7", when, "/tie", referrer="https://www.google.com/"),
                combined("2001:db8::7", when, page, agent=IPHONE, referrer="https://www.example.org/x?y"),
                combined("198.51.100.9", when, page, agent=GOOGLEBOT),
            ]
        lines += [combined("192.0.2.7", f"{day}/Oct/2025:10:21:0{i} {offset}", "/a.pdf", 206) for i in range(4)]
        lines += [
            f'{combined("203.0.113.4", f"{day}/Oct/2025:23:59:59 {offset}", "/main")} "203.0.113.4, 198.51.100.1"',
            f"www.example.org:443 {combined('203.0.113.5', f'{day}/Oct/2025:00:00:00 {offset}', '/vhost')}",
            f'203.0.113.6 - - [{day}/Oct/2025:12:00:00 {offset}] "GET /common HTTP/1.0" 200 77',
            json.dumps(
                {
                    "time_iso8601": f"2025-10-{day}T12:00:00{offset[:3]}:00",
                    "remote_addr": "203.0.113.8",
                    "request": "GET /json HTTP/2.0",
                    "status": 200,
                    "body_bytes_sent": 9,
                    "http_user_agent": FIREFOX,
                }
            ),
        ]
    lines += [
        combined(when="26/Oct/2025:02:30:00 +0200", target="/night"),
        combined(when="26/Oct/2025:02:30:00 +0100", target="/night"),
        combined()[:80],
        "Error line 1",
        "",
    ]
    return lines


@pytest.fixture(scope="module")
def in_order(counted: Count) -> runs.Report:
    """Count the mixed set as one plain file in its own order."""
    with TemporaryDirectory() as folder:
        return counted([write(Path(folder), "log", a_mixed_set())])


@settings(max_examples=25, deadline=None)
@given(
    shuffle=st.randoms(use_true_random=False),
    compressions=st.lists(st.sampled_from(sorted(COMPRESS)), min_size=1, max_size=5),
    most_rows=st.sampled_from((10, 1_000_000)),
)
def test_order_has_no_influence_on_any_figure(
    shuffle: random.Random,
    compressions: list[str],
    most_rows: int,
    counted: Count,
    in_order: runs.Report,
) -> None:
    """Any order of the lines, any split into files, any compression, in memory or in parts: identical cells."""
    lines = a_mixed_set()
    shuffle.shuffle(lines)
    shares: list[list[str]] = [[] for _ in compressions]
    for line in lines:
        shares[shuffle.randrange(len(shares))].append(line)
    with TemporaryDirectory() as folder:
        files = [
            write(Path(folder), f"log{i}", share, compression)
            for i, (share, compression) in enumerate(zip(shares, compressions, strict=True))
        ]
        found = counted(files, most_rows=most_rows)
    # A file that holds nothing but broken lines is refused as a whole; its lines are not in the account.
    refused = [i for i, result in enumerate(found.inputs) if result.state == "refused"]
    assert sum(len(shares[i]) for i in refused) + found.tally.lines == len(lines)
    for name in TABLES:
        assert found.cells[name].equals(in_order.cells[name]), name
    assert found.tally.hits == in_order.tally.hits
    assert (found.tally.start, found.tally.end, found.tally.hours) == (
        in_order.tally.start,
        in_order.tally.end,
        in_order.tally.hours,
    )


def test_the_mixed_set_is_worth_its_name(in_order: runs.Report) -> None:
    """The set of the test above has days, formats, devices, robots and pieces that do not count twice."""
    assert set(in_order.tally.formats) == {"combined", "main", "vhost_combined", "common", "json"}
    assert in_order.cells["days"]["day"].to_list() == [date(2025, 10, day) for day in (22, 25, 26, 27)][-3:]
    assert in_order.tally.rejects == Counter({"truncated": 1, "unknown_format": 1, "empty": 1})
    traffic = in_order.cells["traffic"].filter((pl.col("status") == 206) & (pl.col("traffic") == "human"))
    assert traffic.group_by("outcome").agg(pl.col("hits").sum()).sort("outcome").rows() == [
        ("download", 3),
        ("technical", 12),
    ]


# --- columns --------------------------------------------------------------------------------------------------


def test_counts_are_signed_64_bit_numbers(in_order: runs.Report, tmp_path: Path) -> None:
    """All counts are Int64, because data.gouv.fr's reader refuses unsigned ones; in the files too."""
    tables.write(in_order.cells, tmp_path, {})
    for name, table in TABLES.items():
        for measure in table.measures:
            assert table.schema[measure] == pl.Int64
        if name in INTERNAL:
            continue
        written = pl.read_parquet(tmp_path / f"{name}.parquet")
        for measure in table.measures:
            assert in_order.cells[name].schema[measure] == pl.Int64
            assert written.schema[measure] == pl.Int64


def test_cells_hold_no_id_no_address_and_no_user_agent() -> None:
    """Closed days hold no ids: no table has a column for one, nor for whatever tells who asked."""
    for table in TABLES.values():
        assert not {column.name for column in table.columns} & set(PERSONAL), table.name


def test_open_days_hold_no_address_and_no_user_agent() -> None:
    """Of all that tells who asked, a hit has the day's visitor id and nothing else."""
    assert set(HITS) & set(PERSONAL) == {"visitor"}


def test_a_column_that_the_vocabulary_does_not_name_exists_nowhere(
    samples: Path, counted: Count, knowledge: Knowledge
) -> None:
    """What leaves a stage has the columns and types of schema.py, in its order: requests, hits, cells."""
    lines = pl.Series("line", [line_format.example for line_format in parse.named_formats().values()])
    read = parse.parse(
        lines, list(parse.named_formats().values()), timezone="Europe/Paris", latest=datetime(2100, 1, 1, tzinfo=UTC)
    )
    assert list(read.requests.schema.items()) == list(REQUESTS.items())
    assert read.rejects.columns == ["line", "reason"]
    with ThrowawayStore() as store:
        pipeline.intake_whole(open_source(str(samples / "caddy.jsonl")), runs.Run(knowledge, store))
        store.commit()
        hits = store.hits(*store.open_days()[0]).schema  # texts may be coded
        plain = {name: pl.String() if isinstance(dtype, pl.Categorical) else dtype for name, dtype in hits.items()}
        assert list(plain.items()) == list(HITS.items())
    cells = counted([samples / "caddy.jsonl"]).cells
    assert list(cells) == list(TABLES)
    for name, table in TABLES.items():
        assert list(cells[name].schema.items()) == list(table.schema.items())


def test_every_table_is_described_in_both_languages() -> None:
    """Each column of each table has an English and a French meaning."""
    for table in TABLES.values():
        assert table.english
        assert table.french
        assert all(column.english and column.french for column in table.columns)


def test_dimensions_hold_only_the_values_of_the_vocabulary(in_order: runs.Report) -> None:
    """Devices, kinds and countries are those of the design, and none is null."""
    pages, visits = in_order.cells["pages"], in_order.cells["visits"]
    assert set(pages["device"]) <= set(DEVICES)
    assert set(pages["kind"]) <= {"page", "download"}
    assert set(visits["referrer_kind"]) <= set(REFERRER_KINDS)
    assert pages["country"].str.contains("^[A-Z]{2}$").all()
    for name, frame in in_order.cells.items():
        nullable = {"referrer", "step_3", *LEVELS}  # of a visit that came directly; after the end; below a prefix
        nulls = {column for column in frame.columns if frame[column].null_count()}
        assert nulls <= nullable, name


# --- who and when ---------------------------------------------------------------------------------------------


def hits_of(path: Path, knowledge: Knowledge, store: ThrowawayStore) -> pl.DataFrame:
    """Give the hits that a file leaves in a store."""
    pipeline.intake_whole(open_source(str(path)), runs.Run(knowledge, store))
    return together([store.hits(*day) for day in store.open_days()])


def test_after_derive_no_column_holds_an_address_or_a_user_agent(tmp_path: Path, knowledge: Knowledge) -> None:
    """Derive is the last place in which an address or a user agent exists, whatever column it stood in."""
    line = combined("203.0.113.77", target="/a?ip=203.0.113.77", referrer="http://jm:pw@example.org/?q=203.0.113.77")
    with ThrowawayStore() as store:
        hits = hits_of(write(tmp_path, "log", [f'{line} "203.0.113.77"']), knowledge, store)
    text = " ".join(str(value) for value in hits.row(0))
    for planted in ("203.0", FIREFOX, "Firefox", "jm", "pw", "q="):
        assert planted not in text


def test_nothing_ties_two_days_together(tmp_path: Path, knowledge: Knowledge) -> None:
    """The same person has one id all day and another one on the next day."""
    lines = [combined(when=f"{day}/Oct/2025:{hour}:00:00 +0200") for day in (21, 22) for hour in ("08", "20")]
    with ThrowawayStore() as store:
        ids = hits_of(write(tmp_path, "log", lines), knowledge, store)["visitor"].to_list()
    assert ids[0] == ids[1]
    assert ids[2] == ids[3]
    assert ids[0] != ids[2]


def test_two_stores_give_different_ids(tmp_path: Path, knowledge: Knowledge) -> None:
    """Keys are random: whoever has the log cannot compute the ids of another run."""
    path = write(tmp_path, "log", [combined()])
    ids = set()
    for _ in range(2):
        with ThrowawayStore() as store:
            ids.add(hits_of(path, knowledge, store)["visitor"].item())
    assert len(ids) == 2


def test_an_identifier_over_several_sites_is_excluded(tmp_path: Path, knowledge: Knowledge) -> None:
    """On two sites the same person has two ids, with sites configured and without."""
    lines = [f"{host}:443 {combined()}" for host in ("www.one.example", "www.two.example")]
    path = write(tmp_path, "log", lines)
    sites = (Site("one", ("www.one.example",)), Site("two", ("www.two.example",)))
    configured = replace(knowledge, config=replace(knowledge.config, site=sites))
    for rules, names in ((configured, ["one", "two"]), (knowledge, ["default", "default"])):
        with ThrowawayStore() as store:
            hits = hits_of(path, rules, store)
        assert hits["site"].to_list() == names
        assert hits["visitor"].n_unique() == 2


def test_files_of_one_run_share_the_ids_of_a_day(tmp_path: Path, knowledge: Knowledge) -> None:
    """A day has one key: the same person in two files is one visitor."""
    with ThrowawayStore() as store:
        hits_of(write(tmp_path, "one", [combined()]), knowledge, store)
        hits = hits_of(write(tmp_path, "two", [combined()]), knowledge, store)
    assert hits.height == 2
    assert hits["visitor"].n_unique() == 1


def test_visits_are_cut_at_local_midnight(counted: Count, tmp_path: Path) -> None:
    """A view before and one after midnight are two visits of two days, and two visitor-days."""
    lines = [combined(when="22/Oct/2025:23:59:59 +0200"), combined(when="23/Oct/2025:00:00:00 +0200")]
    days = counted([write(tmp_path, "log", lines)]).cells["days"]
    assert days.select("day", "visits", "visitors").rows() == [
        (date(2025, 10, 22), 1, 1),
        (date(2025, 10, 23), 1, 1),
    ]


def test_the_day_is_that_of_the_configured_zone(counted: Count, tmp_path: Path) -> None:
    """The log's own offset decides the instant; the day is the one in Paris, wherever the server and we are."""
    lines = [combined(when=when) for when in ("21/Oct/2025:22:30:00 +0000", "22/Oct/2025:07:00:00 +0900")]
    days = counted([write(tmp_path, "log", lines)]).cells["days"]
    assert days.select("day", "page_views").rows() == [(date(2025, 10, 22), 2)]


def test_the_day_of_the_october_change_has_25_hours(counted: Count, tmp_path: Path) -> None:
    """Both hours from two to three are hours of their own, within one day, whose key is one."""
    stamps = [f"26/Oct/2025:{hour:02}:15:00 {'+0200' if hour < 3 else '+0100'}" for hour in range(24)]
    stamps.insert(3, "26/Oct/2025:02:15:00 +0100")
    found = counted([write(tmp_path, "log", [combined(when=when) for when in stamps])])
    assert len(found.tally.hours) == 25
    assert set(found.tally.hours.values()) == {1}
    assert found.cells["days"].rows() == [(date(2025, 10, 26), "default", 25, 0, 25, 1)]


def test_the_day_of_the_march_change_has_23_hours(counted: Count, tmp_path: Path) -> None:
    """The hour that the clock skips is neither missing nor a gap."""
    stamps = [f"30/Mar/2025:{h:02}:15:00 {'+0100' if h < 2 else '+0200'}" for h in range(24) if h != 2]
    found = counted([write(tmp_path, "log", [combined(when=when) for when in stamps])])
    hours = sorted(found.tally.hours)
    assert len(hours) == 23
    assert hours[-1] - hours[0] == timedelta(hours=22)


def test_opted_out_lines_change_no_cell(counted: Count, tmp_path: Path) -> None:
    """Who objects is counted as opted_out and nowhere else."""
    usual = {
        "time_iso8601": "2025-10-22T10:00:00+02:00",
        "remote_addr": "192.0.2.7",
        "request": "GET /a HTTP/1.1",
        "status": 200,
        "http_user_agent": FIREFOX,
    }
    objections = [{"http_sec_gpc": "1"}, {"http_dnt": "1"}]
    plain = counted([write(tmp_path, "plain", [json.dumps(usual)])])
    both = counted([write(tmp_path, "both", [json.dumps(usual | more) for more in ({}, *objections)])])
    assert (plain.tally.opted_out, both.tally.opted_out) == (0, 2)
    assert both.tally.holds()
    assert all(both.cells[name].equals(plain.cells[name]) for name in TABLES)
