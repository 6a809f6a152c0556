"""`status --prometheus` and `status --json`: what the store says, as Prometheus's own parser reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from logstats import metrics, summary
from logstats.store.reader import state_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def store(logstats: Program, samples: Path, tmp_path: Path) -> Path:
    """Return a store of fourteen closed days and one run."""
    done = logstats("ingest", "--close", "--store", tmp_path / "store", samples / "public_service.log.xz")
    assert done.returncode == 0, done.stderr
    return tmp_path / "store"


def values(text: str) -> dict[tuple[str, str], float]:
    """Return each value by its name and its labels."""
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_are_those_of_the_json(logstats: Program, store: Path, samples: Path) -> None:
    """Every figure is what --json says; a second run shows in the counters, and skipped lines are no new ones."""
    state = json.loads(logstats("status", "--store", store, "--json").stdout)
    assert (state["days_open"], state["days_closed"], state["days_since_close"]) == (0, 14, 0)
    assert state["totals"]["hits"] == state["last_week"]["hits"] == state["last_run"]["hits"] == 4_942
    text = logstats("status", "--store", store, "--prometheus").stdout
    found = values(text)
    assert found["logstats_lines_total", "hits"] == 4_942
    assert found["logstats_last_run_lines", "hits"] == 4_942
    assert found["logstats_dates", "default,closed"] == 14
    assert found["logstats_dates", "default,open"] == found["logstats_keys", ""] == 0
    assert found["logstats_store_size_bytes", ""] == state["bytes"]
    started = datetime.fromisoformat(state["last_run"]["started"]).timestamp()
    assert found["logstats_last_run_timestamp_seconds", ""] == started
    assert found["logstats_last_close_timestamp_seconds", ""] >= started
    assert 0 <= found["logstats_last_close_age_seconds", ""] < 600
    logstats("ingest", "--store", store, samples / "public_service.log.xz")
    again = values(logstats("status", "--store", store, "--prometheus").stdout)
    assert again["logstats_runs_total", ""] == 2
    assert again["logstats_lines_total", "hits"] == 4_942
    assert again["logstats_skipped_lines_total", ""] == 4_942
    assert again["logstats_last_run_lines", "hits"] == 0


def test_each_metric_has_help_type_and_a_name_with_its_unit(logstats: Program, store: Path) -> None:
    """As Prometheus asks for; promtool agrees where it is installed."""
    text = logstats("status", "--store", store, "--prometheus").stdout
    families = list(text_string_to_metric_families(text))
    for family in families:
        assert family.name.startswith("logstats_")
        assert family.documentation.endswith(".")
        assert family.type in {"counter", "gauge"}
        counted = [sample.name.endswith("_total") for sample in family.samples]
        assert all(counted) if family.type == "counter" else not any(counted)
    assert len({family.name for family in families}) == len(families) > 12
    if promtool := shutil.which("promtool"):
        judged = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_an_empty_and_an_open_store(logstats: Program, tmp_path: Path) -> None:
    """What is not known is left out, rather than zero."""
    log = tmp_path / "log"
    log.write_text('192.0.2.1 - - [22/Nov/2025:08:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "x"\nno line\n', "utf-8")
    assert logstats("ingest", "--store", tmp_path / "store", log).returncode == 65
    found = values(logstats("status", "--store", tmp_path / "store", "--prometheus").stdout)
    assert found["logstats_lines_total", "rejected"] == 1
    assert found["logstats_oldest_open_day_timestamp_seconds", ""] == datetime(2025, 11, 22, tzinfo=UTC).timestamp()
    assert found["logstats_keys", ""] == 1
    assert ("logstats_last_close_timestamp_seconds", "") not in found
    assert logstats("status", "--store", tmp_path / "store", "--prometheus", "--json").returncode == 2
    assert logstats("status", "--store", tmp_path / "none", "--prometheus").returncode == 66


@pytest.mark.parametrize("site", ('a"b\\c', "a\nb", "a\x1b[31mb", "é — ünï"))
def test_hostile_labels(site: str, store: Path) -> None:
    """A label holds what a site is called, but for what could act on a terminal."""
    state: dict[str, Any] = summary.of_store(state_of(store), "Europe/Paris")
    for day in state["days"]:
        day["site"] = site
    text = "\n".join(metrics.exposition(state, date(2026, 6, 1)))
    assert values(text + "\n")["logstats_dates", f"{site.replace(chr(27), '')},closed"] == 14
    assert "\x1b" not in text
