"""`ingest`, `close`, `status`, `redo` and `forget` as their users call them; tests/reliability holds the proofs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats import pipeline, read_cells, runs
from logstats.derive.country import CountryTable
from logstats.errors import InputMissingError
from logstats.read import open_source
from logstats.schema import TABLES
from logstats.store import DurableStore
from logstats.summary import about_countries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from logstats.derive import Knowledge

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def line(second: int, page: str = "/", *, day: int = 20, host: int = 1) -> str:
    """Give a line of a person who opens a page."""
    when = f"{day}/Nov/2026:12:{second // 60:02}:{second % 60:02} +0000"
    return f'192.0.2.{host} - - [{when}] "GET {page} HTTP/1.1" 200 5 "-" "{FIREFOX}"\n'


def figures(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Read the summary line of a run."""
    return dict(pair.split("=", 1) for pair in result.stdout.split())


def page_views(store: Path) -> int:
    """Give the page views of all closed days of a store."""
    return int(read_cells(store, "days").collect()["page_views"].sum())


def test_every_run_says_that_the_country_database_is_old(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """Ingest and redo warn as report does, beside the result; a database of sixty days is not old."""
    info = CountryTable.load().info
    days = {days: about_countries(replace(info, built=NOON.date() - timedelta(days)), NOON) for days in (60, 61)}
    assert [len(notes) for notes in days.values()] == [0, 1]
    log, store = tmp_path / "access.log", tmp_path / "store"
    log.write_text(line(0))
    expected = [note["text"] for note in about_countries(info)]
    first = logstats("ingest", "--store", store, "--close", "--json", log)
    assert [note["text"] for note in json.loads(first.stdout)["notes"]] == expected
    for said in (first, logstats("redo", "--store", store, "--day", "2026-11-20", log)):
        assert [text for text in said.stderr.splitlines() if "country database" in text] == expected
    assert not logstats("ingest", "--store", store, "-q", log).stderr


def test_the_summary_line_is_for_grep(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """A run ends with one line of key=value, in which the account of lines closes."""
    log, store = tmp_path / "access.log", tmp_path / "store"
    log.write_text(line(0) + line(1, "/a") + "free text\n" + line(2, "/b") * 40)
    found = figures(logstats("ingest", "--store", str(store), str(log)))
    assert found["lines"] == "43"
    assert int(found["lines"]) == sum(int(found[name]) for name in ("hits", "rejected", "opted_out", "late"))
    assert found["page_views"] == "42"
    assert (found["days_open"], found["days_closed"], found["skipped"]) == ("1", "0", "0")


def test_a_second_run_counts_what_is_new(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """What was counted is skipped, what was added is counted, what is torn waits."""
    log, store = tmp_path / "access.log", tmp_path / "store"
    log.write_text(line(0) + line(1, "/a") + line(2, "/b")[:40])
    assert figures(logstats("ingest", "--store", str(store), str(log)))["lines"] == "2"
    log.write_text(line(0) + line(1, "/a") + line(2, "/b") + line(3, "/c"))
    found = figures(logstats("ingest", "--store", str(store), "--close", str(log)))
    assert (found["lines"], found["skipped"], found["days_closed"]) == ("2", "2", "1")
    assert page_views(store) == 4


def test_lines_of_a_closed_day_are_late(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """They are counted as late, and change no cell."""
    early, late, store = tmp_path / "early", tmp_path / "late", tmp_path / "store"
    early.write_text(line(0))
    late.write_text(line(5, "/late") + line(0, day=21))
    logstats("ingest", "--store", str(store), "--close", str(early))
    found = figures(logstats("ingest", "--store", str(store), str(late)))
    assert (found["lines"], found["hits"], found["late"]) == ("2", "1", "1")
    assert page_views(store) == 1


def test_an_end_that_may_be_lost_is_named(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """When another file takes a name, and the one that had it is not given, its end may be missing: a warning."""
    log, rotated, store = tmp_path / "access.log", tmp_path / "access.log.1", tmp_path / "store"
    log.write_text(line(0))
    logstats("ingest", "--store", str(store), str(log))
    log.rename(rotated)
    rotated.write_text(line(0) + line(1, "/unread"))
    log.write_text(line(2, "/new"))
    alone = logstats("ingest", "--store", str(store), str(log))
    assert "another file had this name before" in alone.stderr
    both = logstats("ingest", "--store", str(store), str(rotated), str(log))
    assert both.stderr.splitlines() == [note["text"] for note in about_countries(CountryTable.load().info)]
    assert figures(both)["lines"] == "1"


def test_json_is_one_object_with_the_contract_s_keys(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """`ingest --json` has the keys that DESIGN.md names."""
    log = tmp_path / "access.log"
    log.write_text(line(0))
    found = json.loads(logstats("ingest", "--json", "--store", str(tmp_path / "store"), str(log)).stdout)
    assert found["lines"] == {"total": 1, "hits": 1, "rejected": 0, "opted_out": 0, "late": 0, "skipped": 0}
    assert found["format"] == {"name": "combined", "share": 1.0}
    assert found["hits"]["outcome"]["page_view"] == found["page_views"] == found["hits"]["traffic"]["human"] == 1
    assert found["inputs"][0]["state"] == "complete"


def test_days_close_when_their_grace_is_over(tmp_path: Path, knowledge: Knowledge) -> None:
    """48 hours after a day's end, and not a second before."""
    log = tmp_path / "access.log"
    log.write_text(line(0))
    end = datetime(2026, 11, 21, tzinfo=UTC) - timedelta(hours=1)  # midnight in Paris
    with DurableStore(tmp_path / "store") as store:
        run = runs.Run(knowledge, store, now=NOON)
        runs.ingest([open_source(str(log))], "default", run, store.begin("ingest"))
        store._ledger.execute("UPDATE days SET first_seen = ?", (NOON.isoformat(),))
        for moment, due in ((end + timedelta(hours=48, seconds=-1), 0), (end + timedelta(hours=48), 1)):
            assert len(store.due_days("Europe/Paris", moment)) == due


def test_old_cells_are_forgotten_when_days_close(tmp_path: Path, knowledge: Knowledge) -> None:
    """Retention: 25 months after a day was closed nothing of it is left, and its lines do not come back."""
    log = tmp_path / "access.log"
    log.write_text(line(0))
    with DurableStore(tmp_path / "store") as store:
        runs.ingest([open_source(str(log))], "default", runs.Run(knowledge, store), store.begin("ingest"))
        runs.close_days(runs.Run(knowledge, store), every=True, reason="test")
        for years, left in ((2, 1), (3, 0)):
            later = runs.Run(knowledge, store, now=datetime.now(UTC) + timedelta(days=365 * years))
            runs.close_days(later, every=False, reason="test")
            assert store.cells("days").collect().height == left
        assert store.closed
    assert not list((tmp_path / "store" / "cells").glob("*/*"))


def test_inputs_are_forgotten_long_after_they_were_seen(tmp_path: Path, knowledge: Knowledge) -> None:
    """400 days without the file; each run that is given it, even one that refuses it, begins them anew."""
    kept, gone, copy = tmp_path / "kept", tmp_path / "gone", tmp_path / "copy"
    kept.write_text("".join(line(second) for second in range(9)))
    copy.write_text("".join(line(second) for second in range(5)))
    gone.write_text("".join(line(second, day=21) for second in range(9)))
    with DurableStore(tmp_path / "store") as store:
        run = runs.Run(knowledge, store)
        runs.ingest([open_source(str(log)) for log in (kept, gone)], "default", run, store.begin("ingest"))
        now = datetime.now(UTC)
        long_ago = (now - timedelta(days=300)).isoformat(timespec="seconds")
        store._ledger.execute("UPDATE inputs SET seen = ?", (long_ago,))
        found = runs.ingest([open_source(str(copy))], "default", run, store.begin("ingest"))
        assert found.inputs[0].state == "refused"
        for days, names in ((99, ["kept", "gone"]), (101, ["kept"]), (399, ["kept"]), (401, [])):
            later = runs.Run(knowledge, store, now=now + timedelta(days=days))
            runs.close_days(later, every=False, reason="test")
            assert [record.name for record in store.known_inputs("default")] == [str(tmp_path / name) for name in names]


def test_redo_puts_a_day_in_place_of_another(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """A day is counted anew from its logs; other days stay; a second redo changes nothing."""
    wrong, right, store = tmp_path / "wrong", tmp_path / "right", tmp_path / "store"
    wrong.write_text(line(0) + line(0, day=21))
    right.write_text(line(0) + line(1, "/a") + line(2, "/b") + line(0, "/other", day=21))
    logstats("ingest", "--store", str(store), "--close", str(wrong))
    for _ in range(2):
        found = figures(logstats("redo", "--store", str(store), "--day", "2026-11-20", str(right), str(right)))
        assert found["page_views"] == "3"
        assert read_cells(store, "days").collect()["page_views"].to_list() == [3, 1]
    assert not (store / "scratch").exists()


def test_redo_without_a_line_of_the_day_changes_nothing(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """Nothing is replaced by nothing: the run fails and says so."""
    log, store = tmp_path / "log", tmp_path / "store"
    log.write_text(line(0))
    logstats("ingest", "--store", str(store), "--close", str(log))
    result = logstats("redo", "--store", str(store), "--day", "2026-11-19", str(log))
    assert result.returncode == 1
    assert "nothing was replaced" in result.stderr
    assert page_views(store) == 1


def test_forget_days_and_sites(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """What is forgotten is in no file; what is not stays."""
    log, store = tmp_path / "log", tmp_path / "store"
    log.write_text(line(0) + line(0, day=21))
    logstats("ingest", "--store", str(store), "--close", str(log))
    assert figures(logstats("forget", "--store", str(store), "--before", "2026-11-21"))["days_forgotten"] == "1"
    assert page_views(store) == 1
    assert figures(logstats("forget", "--store", str(store), "--site", "default"))["days_forgotten"] == "1"
    assert page_views(store) == 0
    assert not list((store / "cells").glob("*/*"))


def test_forget_wants_to_know_what(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """Without a site or a date nothing is forgotten."""
    assert logstats("forget", "--store", str(tmp_path)).returncode == 2


def test_status_says_what_a_store_holds(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """Days, inputs, keys, late lines and missing days, for people and as JSON."""
    log, store = tmp_path / "access.log", tmp_path / "store"
    log.write_text(line(0) + line(0, day=22))
    logstats("ingest", "--store", str(store), str(log))
    state = json.loads(logstats("status", "--json", "--store", str(store)).stdout)
    assert [day["day"] for day in state["days"]] == ["2026-11-20", "2026-11-22"]
    assert state["missing_days"] == ["2026-11-21"]
    assert len(state["keys"]["alive"]) == 2
    assert state["inputs"][0]["lines"] == 2
    assert "2 open" in logstats("status", "--store", str(store)).stdout


@pytest.mark.parametrize("command", ("close", "status", "redo --day 2026-11-20 x", "forget --site x"))
def test_no_store(command: str, tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """A folder without a store is missing input, and is not made into one."""
    name, *options = command.split()
    (tmp_path / "x").write_text(line(0))
    options = [str(tmp_path / "x") if option == "x" and name == "redo" else option for option in options]
    result = logstats(name, "--store", str(tmp_path / "nothing"), *options)
    assert result.returncode == 66
    assert not (tmp_path / "nothing").exists()


def test_read_cells_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    """There is no table of that name, or no store."""
    with pytest.raises(InputMissingError):
        read_cells(tmp_path, "pages")
    with pytest.raises(InputMissingError):
        read_cells(tmp_path, "secrets")


def test_every_table_can_be_read(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """Each table has the columns and types of the vocabulary, also without a row."""
    log, store = tmp_path / "access.log", tmp_path / "store"
    log.write_text(line(0))
    logstats("ingest", "--store", str(store), "--close", str(log))
    for name, table in TABLES.items():
        assert dict(read_cells(store, name).collect_schema()) == table.schema


def test_follow_counts_a_pipe_while_it_goes_on(tmp_path: Path) -> None:
    """Lines of a pipe that stays open are in the store a few seconds later."""
    store = tmp_path / "store"
    command = [sys.executable, "-m", "logstats", "ingest", "--follow", "--store", str(store), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin
        process.stdin.write((line(0) + line(1, "/a")).encode())
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list(store.glob("open/*/*.parquet")):
            time.sleep(0.2)
        assert pl.read_parquet(list(store.glob("open/*/*.parquet"))).height == 2
        process.stdin.write(line(2, "/b").encode())
        process.stdin.close()
        assert process.wait(60) == 0
    assert sum(pl.read_parquet(path).height for path in store.glob("open/*/*.parquet")) == 3


def test_follow_looks_at_files_again(tmp_path: Path) -> None:
    """Lines that are added to a file are counted; a stopped program has lost nothing."""
    store, log = tmp_path / "store", tmp_path / "access.log"
    log.write_text(line(0))
    command = [sys.executable, "-m", "logstats", "ingest", "--follow", "--store", str(store), str(log)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for number in (1, 2):
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and len(list(store.glob("open/*/*.parquet"))) < number:
                time.sleep(0.2)
            assert len(list(store.glob("open/*/*.parquet"))) == number
            with log.open("a") as file:
                file.write(line(number, f"/{number}"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.integers(0, 7_200),
            st.sampled_from(["/", "/a", "/b", "/c", None]),
            st.sampled_from(["page_view", "download", "asset", "error"]),
            st.booleans(),
        ),
        max_size=60,
    ),
    st.integers(2, 5),
)
def test_a_day_in_parts_of_visitors_gives_the_same_cells(
    make_hits: Callable[..., pl.DataFrame],
    knowledge: Knowledge,
    rows: list[tuple[int, int, str | None, str, bool]],
    parts: int,
) -> None:
    """A day that is too large for memory is counted in parts, and the cells are those of the whole."""
    hits = make_hits(
        [
            {
                "visitor": visitor % 7 - 3,
                "time": NOON + timedelta(seconds=second),
                "page": (page or "/") if outcome in {"page_view", "download"} else None,
                "outcome": outcome,
                "robots_txt": robots and visitor % 5 == 0,
            }
            for visitor, second, page, outcome, robots in rows
        ]
    )
    config = knowledge.config

    def some(part: int, columns: Sequence[str]) -> pl.DataFrame:
        return hits.filter(pl.col("visitor").reinterpret(signed=False) % parts == part).select(columns)

    whole, added = pipeline.closing(hits, config), pipeline.closing_by_visitors(some, parts, config)
    for name, table in whole.items():
        assert added[name].equals(table), name


def test_junk_at_the_end_of_a_known_log_is_counted(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """An input that was read before is an access log, whatever its new lines are: they are rejects, once."""
    log, store = tmp_path / "access.log", tmp_path / "store"
    log.write_text("".join(line(i) for i in range(40)))
    logstats("ingest", "--store", str(store), str(log))
    with log.open("a") as file:
        file.write("no line of a log\n")
    found = figures(logstats("ingest", "--store", str(store), str(log)))
    assert (found["lines"], found["rejected"], found["skipped"]) == ("1", "1", "40")
    assert figures(logstats("ingest", "--store", str(store), str(log)))["lines"] == "0"


def test_a_run_is_noted_with_what_it_knew(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """`status` says of the last run how many lines were new and how many were known."""
    log, store = tmp_path / "access.log", tmp_path / "store"
    log.write_text(line(0))
    for _ in range(2):
        logstats("ingest", "--store", str(store), str(log))
    last = json.loads(logstats("status", "--json", "--store", str(store)).stdout)["last_run"]
    assert (last["lines"], last["skipped"]) == (0, 1)
    assert last["ended"]
