"""What the tests of exactly-once share: logs, the program in processes of its own, and what a store holds."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest

from logstats.schema import TABLES
from logstats.store.reader import read_cells, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

HERE: Final = Path(__file__).parent
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        code: The exit code; negative when a signal ended it.
        changes: How often it changed something below the watched folder; 0 when a signal ended it.
        output: What it said.
        errors: What it said on standard error.
    """

    code: int
    changes: int
    output: str
    errors: str

    @property
    def lines(self) -> dict[str, int]:
        """The account of the lines, of a run with --json."""
        account: dict[str, int] = json.loads(self.output)["lines"]
        return account


@dataclass
class Program:
    """The program, each run in a forked process of its own.

    Attributes:
        process: driver.py.
        streams: Folder of the file for its standard input.
        watches: Whether it can count and disturb changes of a folder.
    """

    process: subprocess.Popen[str]
    streams: Path
    watches: bool

    def __call__(  # noqa: PLR0913 - each is named
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        block_size: int = 0,
        file_size: int | None = None,
        umask: int | None = None,
        folder: Path | None = None,
        mode: str = "kill",
        at: int = 0,
        errno: int = 5,
    ) -> Ended:
        """Run it once.

        Args:
            arguments: Of the command line.
            stdin: Its standard input.
            block_size: Bytes of a block; 0 is the usual size.
            file_size: Limit on the size of its files (RLIMIT_FSIZE).
            umask: Its umask.
            folder: The folder whose changes are counted.
            mode: What happens at one of them: `kill` before it, `torn` in the middle of writing, `error` instead of
                it, `full`: nothing can be written from it on.
            at: At which; 0 is never.
            errno: The error that it gets.
        """
        (self.streams / "stdin").write_bytes(stdin)
        request = {
            "arguments": [str(argument) for argument in arguments],
            "stdin": str(self.streams / "stdin"),
            "block_size": block_size,
            "file_size": file_size,
            "umask": umask,
            "folder": str(folder or self.streams / "nowhere"),
            "mode": mode,
            "at": at,
            "errno": errno,
        }
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        ended = json.loads(self.process.stdout.readline())
        return Ended(**ended)


@pytest.fixture(scope="session")
def faults_library(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Compile faults.c; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        return None
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "faults.c", "-ldl"], check=True)
    return library


@pytest.fixture(scope="session")
def programs(faults_library: Path | None) -> Iterator[list[Program]]:
    """Give the program twice, for tests that keep both cores busy."""
    with TemporaryDirectory(prefix="logstats-reliability-") as folder:
        environment = os.environ | ({"LD_PRELOAD": str(faults_library)} if faults_library else {})
        started = []
        for name in ("one", "other"):
            streams = Path(folder, name)
            streams.mkdir()
            process = subprocess.Popen(
                [sys.executable, HERE / "driver.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
            )
            started.append(Program(process, streams, watches=faults_library is not None))
        yield started
        for program in started:
            assert program.process.stdin
            assert program.process.stdout
            program.process.stdin.close()
            program.process.stdout.close()
            program.process.wait()


@pytest.fixture(scope="session")
def program(programs: list[Program]) -> Program:
    """Give the program."""
    return programs[0]


@pytest.fixture(scope="session")
def request_line() -> Callable[..., bytes]:
    """Return a function that writes the n-th request of a day: four a second, IPv4 and IPv6, one user agent."""

    def line(n: int, day: int = 22, host: int = 0) -> bytes:
        second = n // 4
        client = f"192.0.2.{n % 50 + 1}" if n % 3 else f"2001:db8:{host}:{n % 40:x}::7"
        time = f"{day:02}/Oct/2025:{10 + second // 3600}:{second // 60 % 60:02}:{second % 60:02} +0200"
        return f'{client} - - [{time}] "GET /page/p{n % 20} HTTP/1.1" 200 512 "-" "{FIREFOX}"\n'.encode()

    return line


@pytest.fixture(scope="session")
def requests(request_line: Callable[..., bytes]) -> list[bytes]:
    """Give the 1,000 requests of T1 to T10; line 502 and line 503 fall into one second."""
    return [request_line(n) for n in range(1_000)]


@dataclass(frozen=True)
class Kept:
    """What a store holds, seen from outside."""

    cells: dict[str, pl.DataFrame]
    page_views: int
    open_days: list[str]
    closed_days: list[str]
    alive: list[str]
    destroyed: list[str]
    lines: dict[str, int]
    files: list[str]
    sound: bool

    def differences(self, other: Kept) -> list[str]:
        """Name the tables that are not the same, row for row."""
        return [name for name in TABLES if not self.cells[name].equals(other.cells[name])]


def _look_into(store: Path) -> Kept:
    state = state_of(store)
    cells = {name: read_cells(store, name).collect().sort(table.dimensions) for name, table in TABLES.items()}
    with closing(sqlite3.connect(f"{store.absolute().as_uri()}/ledger.sqlite?mode=ro", uri=True)) as ledger:
        counters = ("lines", "hits", "rejected", "opted_out", "late")
        sums = ledger.execute(f"SELECT {', '.join(f'total({name})' for name in counters)} FROM runs").fetchone()  # noqa: S608
        sound = ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return Kept(
        cells=cells,
        page_views=int(cells["days"]["page_views"].sum()),
        open_days=[day["day"] for day in state["days"] if not day["closed"]],
        closed_days=[day["day"] for day in state["days"] if day["closed"]],
        alive=[key["day"] for key in state["keys"]["alive"]],
        destroyed=[key["day"] for key in state["keys"]["destroyed"]],
        lines={name: int(value) for name, value in zip(counters, sums, strict=True)},
        files=sorted(str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()),
        sound=sound,
    )


@pytest.fixture(scope="session")
def look_into() -> Callable[[Path], Kept]:
    """Return a function that says what a store holds."""
    return _look_into
