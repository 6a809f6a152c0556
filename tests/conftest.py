"""What all tests share: an odd time zone, a home without configuration, and the program itself.

The tests run in Pacific/Chatham (+12:45 or +13:45), so that no figure can lean on the zone of the machine, and
in a home of their own: its empty logstats.toml is found before any file of the user or of the system.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

os.environ["TZ"] = "Pacific/Chatham"
time.tzset()

_HOME = TemporaryDirectory(prefix="logstats-tests-")
for _name, _folder in (
    ("HOME", ""),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_CACHE_HOME", "cache"),
    ("XDG_DATA_HOME", "data"),
    ("XDG_STATE_HOME", "state"),
):
    os.environ[_name] = str(Path(_HOME.name, _folder))
for _name in ("LOGSTATS_CONFIG", "CACHE_DIRECTORY", "STATE_DIRECTORY", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
    os.environ.pop(_name, None)
Path(_HOME.name, "config", "logstats").mkdir(parents=True)
Path(_HOME.name, "config", "logstats", "logstats.toml").touch()

import polars as pl  # noqa: E402 - nothing of ours is imported before the time zone and the home are set
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from logstats import config, geodata, runs  # noqa: E402
from logstats.derive import Knowledge  # noqa: E402
from logstats.read import open_source  # noqa: E402
from logstats.schema import HITS, TABLES  # noqa: E402
from logstats.store import ThrowawayStore  # noqa: E402
from logstats.store.keys import KEY_BYTES, MemoryKeys  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

ROOT = Path(__file__).resolve().parents[1]

# A test is not slow because the machine is busy. In CI, hypothesis has a profile of its own: the same examples again.
settings.register_profile("logstats", settings.get_profile("ci" if os.environ.get("CI") else "default"), deadline=None)
settings.load_profile("logstats")


def pytest_unconfigure() -> None:
    """Remove the home of the tests."""
    _HOME.cleanup()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of published material beside the repository; without it, the test is skipped."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared folder is not at hand")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """Return the folder of sample logs."""
    return ROOT / "sample_logs"


@pytest.fixture(scope="session")
def logstats() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the program in a process of its own, without a terminal."""

    def run(
        *arguments: str | Path, stdin: bytes | str | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "logstats", *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin or b"",
            env=os.environ | (environment or {}),
            capture_output=True,
            check=False,
            timeout=60,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


class SameKeys(MemoryKeys):
    """Keys that follow from site and day, so that two runs, in whatever order, give the same ids."""

    def __call__(self, site: str, day: date) -> bytes:
        """Give the key of a site and day."""
        return f"{site} {day}".encode().ljust(KEY_BYTES, b".")[:KEY_BYTES]


@pytest.fixture(scope="session")
def same_keys() -> type[SameKeys]:
    """Return the class of keys that are always the same."""
    return SameKeys


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """Return the default configuration and the country table that comes with logstats."""
    return Knowledge(config.load(environment={}), geodata.open_table(None, geodata.cache_directory()))


@pytest.fixture(scope="session")
def counted(knowledge: Knowledge) -> Callable[..., runs.Report]:
    """Return a function that counts files within the test, with keys that are always the same."""

    def count(files: Iterable[Path], *, most_rows: int = 1_000_000, rules: Knowledge | None = None) -> runs.Report:
        with ThrowawayStore(SameKeys(), most_rows) as store:
            sources = [open_source(str(file)) for file in files]
            found = runs.report(sources, runs.Run(rules or knowledge, store))
            # They go with the store, which has their texts coded.
            found.cells = {name: frame.cast(pl.Schema(TABLES[name].schema)) for name, frame in found.cells.items()}
            return found

    return count


@pytest.fixture(scope="session")
def make_hits() -> Callable[[list[dict[str, Any]]], pl.DataFrame]:
    """Return a function that makes HITS of rows that name only what matters."""
    usual = {
        "site": "default",
        "visitor": 1,
        "outcome": "page_view",
        "traffic": "human",
        "status": 200,
        "bytes": 100,
        "page": "/",
        "country": "FR",
        "device": "PC",
        "referrer_kind": "direct",
        "referrer": None,
        "partial": False,
        "robots_txt": False,
        "method": "GET",
        "milliseconds": None,
        "searched": False,
    }

    def make(rows: list[dict[str, Any]]) -> pl.DataFrame:
        whole = [usual | row for row in rows]
        frame = pl.DataFrame(whole, schema={**HITS, "day": pl.Date()}, infer_schema_length=None)
        local_day = pl.col("time").dt.convert_time_zone("Europe/Paris").dt.date()
        return frame.with_columns(pl.col("day").fill_null(local_day)).select(HITS.keys())

    return make
