"""Journeys, features and funnels against logs whose every cell was worked out by hand, and what always holds of them.

The logs are tables of tests/cases/journeys: rows of kind `line` are the log, all others are the cells that it must
give, no more and no less. The features and the funnel stand in service.toml beside them.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logstats import cells, config, pipeline, read_cells, runs
from logstats.read import open_source
from logstats.schema import END, INTERNAL, START, TABLES
from logstats.store import ThrowawayStore

if TYPE_CHECKING:
    import random
    import subprocess
    from collections.abc import Callable, Mapping

    from logstats.derive import Knowledge
    from logstats.store.keys import MemoryKeys

    Count = Callable[..., runs.Report]
    Program = Callable[..., subprocess.CompletedProcess[str]]
    Cells = Mapping[str, pl.DataFrame]

FOLDER: Final = Path(__file__).parent / "cases" / "journeys"
CASES: Final = sorted(FOLDER.glob("*.csv"))
ADDRESSES: Final = {"home": "192.0.2.7", "office": "198.51.100.7", "cafe": "203.0.113.7"}
AGENTS: Final = {
    "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "iphone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "googlebot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
}
# How a cell of each table is written in the column `what`; the country is unknown and the visitor came directly.
WRITTEN: Final = {
    "visits": "{entry_page} … {exit_page} | {device}",
    "transitions": "{from_page} → {to_page}",
    "journeys": "{step_1} → {step_2} → {step_3}",
    "funnels": "{funnel} | {step} {step_name} | {device}",
    "funnel_times": "{funnel} | {step} {step_name} | {device} | {bucket}",
    "funnel_exits": "{funnel} | {step} {step_name} → {to_page}",
    "features": "{feature} | {device}",
    "errors": "{page} | {status} | {referrer_kind}",
}
SAMPLES: Final = (
    *("caddy.jsonl", "combined.log.gz", "common.log", "haproxy.log", "nginx_combined.log", "nginx_json.jsonl"),
    *("nginx_main.log", "public_service.log.xz", "traefik.jsonl", "vhost_combined.log"),
)
every_case = pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])


@cache
def rows_of(case: Path) -> list[dict[str, str]]:
    """Read a truth log."""
    with case.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def line_of(row: dict[str, str]) -> str:
    """Write a row of kind `line` as the server would have."""
    where, browser = row["who"].split("-")
    when = datetime.fromisoformat(row["time"]).strftime("%d/%b/%Y:%H:%M:%S +0100")
    return f'{ADDRESSES[where]} - - [{when}] "{row["what"]} HTTP/1.1" {row["status"]} 512 "-" "{AGENTS[browser]}"'


def lines_of(case: Path) -> list[str]:
    """Give the log of a case, in the order of its rows."""
    return [line_of(row) for row in rows_of(case) if row["kind"] == "line"]


def expected(case: Path, table: str) -> set[tuple[str, ...]]:
    """Give the cells that stand in the case: the day, the cell, and each of its measures."""
    measures = TABLES[table].measures
    rows = [row for row in rows_of(case) if row["kind"] == table]
    found = {(row["time"], row["what"], *(row[name] for name in measures)) for row in rows}
    assert len(found) == len(rows), "a cell stands twice"
    return found


def written(frame: pl.DataFrame, table: str) -> set[tuple[str, ...]]:
    """Write the cells of a table as the cases do."""
    return {
        (
            str(row["day"]),
            WRITTEN[table].format(**row).removesuffix(" → None"),
            *(str(row[name]) for name in TABLES[table].measures),
        )
        for row in frame.iter_rows(named=True)
    }


@pytest.fixture(scope="module")
def service(knowledge: Knowledge) -> Knowledge:
    """Give the rules of the service whose logs these are."""
    return replace(knowledge, config=config.load(FOLDER / "service.toml", {}))


@pytest.fixture(scope="module")
def count(counted: Count, service: Knowledge) -> Callable[[list[str]], Cells]:
    """Return a function that counts lines by the rules of the service."""

    def count_lines(lines: list[str]) -> Cells:
        with TemporaryDirectory() as folder:
            log = Path(folder, "log")
            log.write_text("".join(line + "\n" for line in lines), "utf-8")
            return counted([log], rules=service).cells

    return count_lines


def in_parts(lines: list[str], rules: Knowledge, parts: int, keys: MemoryKeys) -> Cells:
    """Count lines with the days closed in parts of their visitors."""
    with TemporaryDirectory() as folder, ThrowawayStore(keys) as store:
        log = Path(folder, "log")
        log.write_text("".join(line + "\n" for line in lines), "utf-8")
        pipeline.intake_whole(open_source(str(log)), runs.Run(rules, store))
        counted = []
        for site, day in store.open_days():
            with store.shares(site, day, parts) as shares:
                counted.append(pipeline.closing_by_visitors(shares, parts, rules.config))
        return cells.merge(counted)


# --- the truth logs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", WRITTEN)
@every_case
def test_a_log_gives_the_cells_that_were_worked_out_by_hand(
    case: Path, table: str, count: Callable[[list[str]], Cells]
) -> None:
    """Each cell of each table is that of the case, and there is no other."""
    assert written(count(lines_of(case))[table], table) == expected(case, table)


def test_the_truth_logs_are_what_was_asked_for() -> None:
    """At least twelve logs of 5 to 40 lines, each row with the kind of a line or of a table."""
    assert len(CASES) >= 12
    for case in CASES:
        assert 5 <= len(lines_of(case)) <= 40, case.stem
        assert {row["kind"] for row in rows_of(case)} <= {"line", *WRITTEN}
        assert any(row["description"] for row in rows_of(case))


# --- order and parts --------------------------------------------------------------------------------------------


def everybody() -> list[str]:
    """Give the lines of all truth logs; those of equal times come from the same three places, and so meet."""
    return [line for case in CASES for line in lines_of(case)]


@pytest.fixture(scope="module")
def in_order(count: Callable[[list[str]], Cells]) -> Cells:
    """Count the lines of all truth logs in their own order."""
    return count(everybody())


@settings(max_examples=25)
@given(shuffle=st.randoms(use_true_random=False))
def test_any_permutation_of_the_lines_gives_identical_cells(
    shuffle: random.Random, count: Callable[[list[str]], Cells], in_order: Cells
) -> None:
    """Lines in any order give the same cells, those of one second, one visitor and one step included."""
    lines = everybody()
    shuffle.shuffle(lines)
    found = count(lines)
    assert [name for name in TABLES if not found[name].equals(in_order[name])] == []


@every_case
def test_any_permutation_of_a_truth_log_gives_identical_cells(case: Path, count: Callable[[list[str]], Cells]) -> None:
    """Backwards, and the second half first: the cells of the case."""
    lines = lines_of(case)
    for order in (lines[::-1], lines[len(lines) // 2 :] + lines[: len(lines) // 2]):
        found = count(order)
        for table in WRITTEN:
            assert written(found[table], table) == expected(case, table)


@pytest.mark.parametrize("parts", (2, 3, 7))
@pytest.mark.parametrize("most", (10_000, 2))
def test_closing_in_parts_of_the_visitors_gives_the_same_cells(
    parts: int, most: int, service: Knowledge, same_keys: type[MemoryKeys]
) -> None:
    """A day that is counted in parts of its visitors has the same cells, also when its pages are bounded."""
    pages = replace(service.config.pages, max_per_day=most)
    rules = replace(service, config=replace(service.config, pages=pages))
    whole, found = (in_parts(everybody(), rules, number, same_keys()) for number in (1, parts))
    assert [name for name in TABLES if not found[name].equals(whole[name])] == []


def test_a_store_keeps_the_same_cells(logstats: Program, in_order: Cells, tmp_path: Path) -> None:
    """What a store closes is what a report counts: visitors' keys differ, figures do not."""
    log, store = tmp_path / "log", tmp_path / "store"
    log.write_text("".join(line + "\n" for line in everybody()), "utf-8")
    done = logstats("ingest", "--store", store, "--close", "--config", FOLDER / "service.toml", log)
    assert done.returncode == 0, done.stderr
    for name, table in TABLES.items():
        if name in INTERNAL:  # a report does without
            continue
        assert read_cells(store, name).collect().sort(table.dimensions, nulls_last=True).equals(in_order[name]), name


# --- identities -------------------------------------------------------------------------------------------------


def check_identities(found: Cells) -> None:
    """Assert what always holds between the tables, for each day and site."""
    by_day = ["day", "site"]

    def sums(table: str, measure: str, *which: pl.Expr) -> dict[tuple[object, ...], int]:
        frame = found[table].filter(*which).group_by(by_day).agg(pl.col(measure).sum())
        return {row[:2]: row[2] for row in frame.iter_rows() if row[2]}

    visits = sums("visits", "visits")
    assert visits == sums("transitions", "visits", pl.col("from_page") == START)
    assert visits == sums("transitions", "visits", pl.col("to_page") == END)
    assert visits == sums("journeys", "visits", pl.col("step_1") == START)
    assert visits == sums("ease", "visits") == sums("lengths", "visits") == sums("days", "visits")
    views, moves, reloads = (sums("ease", name) for name in ("views", "moves", "reloads"))
    assert views == sums("visits", "views") == sums("pages", "views")
    assert views == {day: visits[day] + moves.get(day, 0) + reloads.get(day, 0) for day in views}
    inner = sums("transitions", "visits", pl.col("from_page") != START, pl.col("to_page") != END)
    assert all(inner.get(day, 0) <= moves.get(day, 0) for day in views)


@pytest.mark.parametrize("name", SAMPLES)
def test_visits_are_entries_are_exits_on_every_sample(name: str, samples: Path, counted: Count) -> None:
    """Visits = entries = exits; views = visits + steps from page to page + reloads, for each day and site."""
    check_identities(counted([samples / name]).cells)


@every_case
def test_visits_are_entries_are_exits_on_every_truth_log(case: Path, count: Callable[[list[str]], Cells]) -> None:
    """The same sums hold on the truth logs."""
    check_identities(count(lines_of(case)))


def test_a_funnel_by_last_step_adds_up_to_those_who_began(in_order: Cells) -> None:
    """Each visit of a funnel has one last step: the sum is who reached step 1, and exits are who did not end."""
    last, times, left = (in_order[name] for name in ("funnels", "funnel_times", "funnel_exits"))
    assert last["visits"].sum() == times.filter(pl.col("step") == 1)["visits"].sum()
    assert left["visits"].sum() == last.filter(pl.col("step") < 5)["visits"].sum()
    for step in (3, 4, 5):  # the required ones
        reached = times.filter(pl.col("step") == step)["visits"].sum()
        assert reached == last.filter(pl.col("step") >= step)["visits"].sum()
