"""What the tests of the Commission's file share: stores with cells, and the service itself on 127.0.0.1."""

from __future__ import annotations

import json
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pytest

from logstats import config
from logstats.cells import empty_cells
from logstats.schema import TABLES
from logstats.store import DurableStore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Iterator

KEY: Final = "qjx-secret-key-0123456789"
URLS: Final = tuple(f"https://www.example.org/{name}" for name in "abcdef")
ABROAD: Final = (
    *("AT", "BG", "CA", "CH", "CN", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "HR", "HU", "IE", "IN"),
    *("IT", "JP", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK", "US"),
)
LIMIT: Final = 10_000_000
STATUSES: Final = {"401": 401, "403": 403, "404": 404, "413": 413, "429": 429, "500": 500, "503": 503, "302": 302}


def fill(folder: Path, rows: Iterable[dict[str, Any]], days: Iterable[date], site: str = "default") -> Path:
    """Make a store with closed days whose table `pages` has these rows; what a row leaves out is usual."""
    usual: dict[str, Any] = {"site": site, "kind": "page", "page": "/a", "country": "FR", "device": "PC"}
    usual |= {"views": 1, "visitors": 1}
    whole = [{"utc_month": row["day"].replace(day=1)} | usual | row for row in rows]
    table = pl.DataFrame(whole, schema=TABLES["pages"].schema)
    with DurableStore(folder) as store:
        for day in days:
            store.close(site, day, empty_cells() | {"pages": table.filter(pl.col("day") == day)}, "test")
    return folder


def days_of(first: date, last: date) -> list[date]:
    """Give each day from one to the other."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def some_rows(days: Iterable[date]) -> list[dict[str, Any]]:
    """Give views of several pages, countries and devices on each day: those of the n-th are n more than its date."""
    return [
        {"day": day, "page": f"/{page}", "country": country, "device": device, "views": day.day + number}
        for day in days
        for number, (page, country, device) in enumerate(
            [
                *[("a", "FR", "PC"), ("a", "GR", "Smartphone"), ("b", "BE", "Tablet"), ("b", "ZZ", "PC")],
                *[("c", "FR", "Others"), ("a", ABROAD[day.day - 1], "Tablet")],
            ]
        )
    ]


@pytest.fixture(scope="session")
def october(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with September and October 2026, complete; tests that write copy it."""
    days = days_of(date(2026, 8, 31), date(2026, 11, 1))
    return fill(tmp_path_factory.mktemp("stores") / "october", some_rows(days), days)


@pytest.fixture
def store(october: Path, tmp_path: Path) -> Path:
    """Return a copy of the store."""
    return Path(shutil.copytree(october, tmp_path / "store"))


@pytest.fixture
def settings(tmp_path: Path) -> config.Config:
    """Return the defaults with a list of six URLs, of which three are viewed."""
    file = tmp_path / "urls.txt"
    file.write_text("\n".join(URLS))
    usual = config.load(environment={})
    return replace(usual, commission=replace(usual.commission, pages=str(file), attempts=1))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Return a file with the key, which its owner alone may read."""
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    return file


@dataclass
class Service:
    """The Commission's service: sets by id, and what goes wrong at which request.

    Attributes:
        sets: The body that stands under each id; a later one under the same id has replaced the earlier one.
        faults: For the number of a request, from 1, what goes wrong with it.
        requests: Method and path of each request.
        ids: How many were given.
        command_lines: Those of all processes, seen while a request was answered.
        headers: Those of each request.
        sender: The process that sends, if it is killed in the moment in which its connection is cut.
        with_object: Give the id in an object, as an old draft of the interface did.
    """

    url: str = ""
    sets: dict[str, bytes] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    ids: int = 0
    command_lines: set[bytes] = field(default_factory=set)
    headers: list[dict[str, str]] = field(default_factory=list)
    with_object: bool = False
    sender: subprocess.Popen[bytes] | None = None

    def message(self, unique_id: str) -> dict[str, Any]:
        """Give what stands under an id."""
        value: dict[str, Any] = json.loads(self.sets[unique_id])
        return value


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Give a new id; never one twice."""
        service, fault = self._begin()
        if fault.startswith("cut"):
            service.ids += fault.endswith(", stored")
            self._cut()
        elif fault:
            self._answer(STATUSES[fault], f"fault, your key was {self.headers['x-api-key']}")
        elif self.headers["x-api-key"] != KEY:
            self._answer(401, "no")
        elif self.path != "/v1/unique-id":
            self._answer(404, "no")
        else:
            service.ids += 1
            name = f"id-{service.ids}"
            self._answer(200, json.dumps({"unique-id": name} if service.with_object else name))

    def do_POST(self) -> None:
        """Take a message, and put it in place of what stands under its id."""
        service, fault = self._begin()
        if fault == "cut before the body":
            self._cut()
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if fault in STATUSES:
            self._answer(STATUSES[fault], f"fault, your key was {self.headers['x-api-key']}")
        elif fault == "cut after the body, not stored":
            self._cut()
        elif self.headers["x-api-key"] != KEY or self.headers["Content-Type"] != "application/json":
            self._answer(401, "no")
        elif len(body) > LIMIT:
            self._answer(413, "no")
        elif self.path not in {"/v2/statistics/information-services", "/v1/statistics/assistance-services"}:
            self._answer(404, "no")
        else:
            service.sets[json.loads(body)["uniqueId"]] = body
            if fault == "cut after the body, stored":
                self._cut()
            elif fault == "cut in the answer":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
                self._cut()
            else:
                self._answer(200, "OK")

    def _begin(self) -> tuple[Service, str]:
        service = self.server.service
        service.requests.append((self.command, self.path))
        service.headers.append(dict(self.headers))
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                service.command_lines.add(process.read_bytes())
        return service, service.faults.get(len(service.requests), "")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        if status == 302:
            self.send_header("Location", f"{self.server.service.url}/elsewhere")
        self.end_headers()
        self.wfile.write(text.encode())

    def _cut(self) -> None:
        if self.server.service.sender:
            self.server.service.sender.kill()
        self.close_connection = True
        self.connection.close()


class _Server(ThreadingHTTPServer):
    service: Service
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: connections are cut on purpose."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return the service, listening on 127.0.0.1."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.service = Service(url=f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.service
        server.shutdown()
        thread.join()


@pytest.fixture
def connected(settings: config.Config, service: Service) -> config.Config:
    """Return the settings with the service in place of the Commission's."""
    here = replace(settings.commission, acceptance_url=service.url, production_url=service.url)
    return replace(settings, commission=here)


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a store of rows and days."""

    def make(rows: Iterable[dict[str, Any]], first: date, last: date, name: str = "made") -> Path:
        return fill(tmp_path / name, rows, days_of(first, last))

    return make
