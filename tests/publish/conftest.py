"""What the tests of publishing share: the platform itself, a proxy before it, and releases."""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import urllib3

from logstats import config, folders, pipeline, releasing
from logstats.console import Console
from logstats.publish.channel import Channel
from logstats.publish.datagouv.apply import Done, publish
from logstats.publish.datagouv.client import Client
from logstats.publish.datagouv.command import Options, goal_of, run
from logstats.publish.datagouv.describe import name_of
from logstats.publish.datagouv.upload import PART_BYTES
from logstats.publish.key import Key
from logstats.store import DurableStore
from tests.servers import free_port, wait_for

from .proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from logstats.derive import Knowledge

ROOT: Final = Path(__file__).resolve().parents[2]
MONTHS: Final = ("2026-09", "2026-10")
_PATIENCE: Final = 60.0
TIMEOUT: Final = 0.7
"""Seconds that an answer is waited for where one is made not to come."""


@dataclass(frozen=True)
class Udata:
    """The platform: its base address, and the key of a user who may do all."""

    base: str
    key: str
    process: subprocess.Popen[str]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the platform directly."""
        headers = {"X-API-KEY": self.key, "Content-Type": "application/json"}
        content = json.dumps(body).encode() if body is not None else None
        answer = urllib3.request(method, self.base + path, body=content, headers=headers, timeout=_PATIENCE)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.data[:300]!r}"
        return json.loads(answer.data) if answer.data else None

    def organisation(self) -> str:
        """Make an organisation; give its id."""
        made = self.ask("POST", "organizations/", {"name": f"Test {time.monotonic_ns()}", "description": "Test"})
        return str(made["id"])

    def reset(self) -> str:
        """Forget all datasets and organisations; give the id of a new organisation."""
        urllib3.request("POST", self.base.replace("/api/1/", "/tests/reset"), timeout=_PATIENCE)
        return self.organisation()

    def datasets(self, organisation: str) -> list[dict[str, Any]]:
        """Give the datasets of an organisation, whole."""
        found = self.ask("GET", f"organizations/{organisation}/datasets/?page_size=100")["data"]
        return [self.ask("GET", f"datasets/{one['id']}/") for one in found]


@pytest.fixture(scope="session")
def udata(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Udata]:
    """Return the platform, which runs as long as the tests; without its packages, they are skipped."""
    python = Path(os.environ.get("LOGSTATS_UDATA_PYTHON", ROOT / ".venv/udata/bin/python"))
    if not python.exists():
        pytest.skip(f"udata, the software of data.gouv.fr, is not installed in {python}: see scripts/setup test")
    port = free_port()
    folder = tmp_path_factory.mktemp("udata")
    said = (folder / "stderr").open("w")
    process = subprocess.Popen(
        [python, Path(__file__).with_name("udata_server.py"), str(port), str(folder)],
        stdout=subprocess.PIPE,
        stderr=said,
        text=True,
        env=os.environ | {"TZ": "UTC"},
    )
    try:
        assert process.stdout
        ready, _, _ = select.select([process.stdout], [], [], _PATIENCE)
        line = process.stdout.readline() if ready else ""
        assert line, f"udata did not start: {(folder / 'stderr').read_text()[-2_000:]}"
        facts = json.loads(line)
        wait_for(port)
        yield Udata(facts["base"], facts["key"], process)
    finally:
        process.kill()
        process.communicate()
        said.close()


@pytest.fixture
def proxy(udata: Udata) -> Iterator[Proxy]:
    """Return a proxy before the platform."""
    with Proxy(udata.base) as made:
        yield made


@dataclass
class Publisher:
    """Publishes within the test: with short pauses, and through the proxy."""

    rules: config.Config
    key: str

    def __call__(
        self, *releases: Path, attempts: int = 1, part_bytes: int = PART_BYTES, timeout: float = 30.0, **options: Any
    ) -> tuple[Done, Client]:
        """Publish; give what was done, and the client with its count of writes."""
        platform = self.rules.publish.demo
        channel = Channel(
            platform.url, Key(self.key.encode(), "test"), timeout=timeout, attempts=attempts, most=10**8, pause=_short
        )
        client = Client(channel, lambda _: None, part_bytes)
        goal = goal_of(Options(releases, **options), self.rules)
        done = publish(goal, client, platform, name_of(self.rules), attempts=attempts, pause=_short)
        return done, client

    def command(self, folder: Path, key_file: Path, *, timeout: int = 30, **options: Any) -> None:
        """Publish as the command does, with one attempt."""
        own = replace(self.rules.publish, attempts=1, timeout_seconds=timeout)
        run(Options((folder,), api_key_file=key_file, **options), replace(self.rules, publish=own), Console(quiet=True))

    def into(self, dataset: dict[str, Any]) -> str:
        """From now on, publish into this dataset; give its id."""
        demo = replace(self.rules.publish.demo, dataset=dataset["id"])
        self.rules = replace(self.rules, publish=replace(self.rules.publish, demo=demo))
        return str(dataset["id"])


def next_second() -> None:
    """Wait: the platform does not replace a file twice in one second."""
    time.sleep(1.01 - time.time() % 1)


def _short(seconds: float) -> None:
    time.sleep(min(seconds, 0.05))


@pytest.fixture
def organisation(udata: Udata) -> str:
    """Return the id of an organisation without datasets."""
    return udata.reset()


@pytest.fixture
def rules(proxy: Proxy, organisation: str) -> config.Config:
    """Return a configuration of which the platform is the proxy."""
    return rules_for(proxy, organisation)


def rules_for(proxy: Proxy, organisation: str) -> config.Config:
    """Give the defaults with the proxy as the demo platform."""
    usual = config.load(environment={})
    platform = config.Platform(proxy.base, organisation, "")
    # A title of its own: the platform's storage, which is not reset, has a folder for each title and second.
    title = f"Fréquentation {time.monotonic_ns()}"
    own = replace(
        usual.publish, demo=platform, title=title, service_url="https://www.example.org", summary="Une phrase."
    )
    return replace(usual, publish=own)


@pytest.fixture
def publisher(rules: config.Config, udata: Udata) -> Publisher:
    """Return what publishes within the test."""
    return Publisher(rules, udata.key)


@pytest.fixture
def key_file(udata: Udata, tmp_path: Path) -> Path:
    """Return a file with the key, which its owner alone may read."""
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_text(udata.key + "\n")
    return file


@pytest.fixture
def configuration(rules: config.Config, tmp_path: Path) -> Path:
    """Return the same configuration as a file."""
    file = tmp_path / "logstats.toml"
    demo = rules.publish.demo
    title = f'[publish]\ntitle = "{rules.publish.title}"\n'
    file.write_text(f'{title}[publish.demo]\nurl = "{demo.url}"\norganisation = "{demo.organisation}"\n')
    return file


def hits_of(day: date, visitors: int, make_hits: Callable[..., pl.DataFrame]) -> pl.DataFrame:
    """Make the hits of a day: each visitor views two of four pages."""
    morning = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    rows = [
        {
            "visitor": visitor,
            "time": morning + timedelta(seconds=visitor * 20 + step),
            "page": f"/page-{(visitor + step) % 4}",
            "country": "BE" if visitor % 5 == 0 else "FR",
            "device": "Smartphone" if visitor % 3 == 0 else "PC",
        }
        for visitor in range(visitors)
        for step in (0, 1)
    ]
    return make_hits(rows)


def close_day(store: Path, day: date, hits: pl.DataFrame, rules: config.Config) -> None:
    """Close a day, or count it anew."""
    with DurableStore(store) as opened:
        opened.close("default", day, pipeline.closing(hits, rules), "test")


@pytest.fixture(scope="session")
def store(
    tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge, make_hits: Callable[..., pl.DataFrame]
) -> Path:
    """Return a store with two closed months; tests that write copy it."""
    folder = tmp_path_factory.mktemp("publish") / "store"
    with DurableStore(folder) as opened:
        for number in range(61):
            day = date(2026, 9, 1) + timedelta(days=number)
            cells = pipeline.closing(hits_of(day, 20, make_hits), knowledge.config)
            opened.close("default", day, cells, "test")
    return folder


def release(store: Path, out: Path, knowledge: Knowledge) -> tuple[Path, Path]:
    """Release all months; give the folders of the year and of the whole history."""
    with DurableStore(store) as opened:
        for month in MONTHS:
            releasing.release_month(opened, month, knowledge.config, knowledge.countries.info)
        for period in ("2026", "historique"):
            folders.write(releasing.release_months(opened, period), out / period)
    return out / "2026", out / "historique"


@pytest.fixture(scope="session")
def released(store: Path, tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge) -> tuple[Path, Path]:
    """Return the folders of the year and of the whole history."""
    return release(store, tmp_path_factory.mktemp("released"), knowledge)


@pytest.fixture(scope="session")
def small(released: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a release of one table, so that each request of its publication can fail in turn."""
    return reduced(released[0], tmp_path_factory.mktemp("small") / "2026", "pages_par_jour")


def reduced(folder: Path, out: Path, table: str) -> Path:
    """Leave everything out of a release but a table, the package and the report; it is still a good one."""
    kept = {f"{table}.csv", f"{table}.parquet", "privacy.json"}
    files = {name: data for name, data in folders.read(folder).items() if name in kept}
    return rewritten(folders.read(folder), files, out)


def rewritten(old: dict[str, bytes], files: dict[str, bytes], out: Path, **privacy: Any) -> Path:
    """Write a release of these files, with digests that are right, the package of `old`, and a changed report."""
    report = json.loads(old["privacy.json"]) | privacy
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    report["files"] = {name: digest for name, digest in digests.items() if name.endswith((".csv", ".parquet"))}
    files = {**files, "privacy.json": json.dumps(report, indent=2).encode()}
    package = json.loads(old["datapackage.json"])
    package["resources"] = [
        entry
        | {"bytes": len(files[entry["path"]]), "hash": f"sha256:{hashlib.sha256(files[entry['path']]).hexdigest()}"}
        for entry in package["resources"]
        if entry["path"] in files
    ]
    folders.write({**files, "datapackage.json": json.dumps(package, indent=2).encode()}, out)
    return out


def changed(folder: Path, out: Path) -> Path:
    """Give the release with other bytes in each file but one table, and still good."""
    files = folders.read(folder)
    kept = {name: data for name, data in files.items() if not name.endswith(".json")}
    package = json.loads(files["datapackage.json"]) | {"version": "2.0.0"}
    old = {**files, "datapackage.json": json.dumps(package).encode()}
    return rewritten(old, kept, out, late_lines=7)
