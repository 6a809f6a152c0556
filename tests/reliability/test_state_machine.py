"""A web server, its log rotation and runs that die, in any order: the sum is what was written.

A part of the 1,000 sequences by default, all of them with LOGSTATS_EXAMPLES=1000 (about two minutes).
"""

from __future__ import annotations

import gzip
import os
import shutil
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from logstats import runs
from logstats.read import open_source, read_blocks
from logstats.store import DurableStore
from logstats.store.reader import read_cells

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from logstats.derive import Knowledge
    from logstats.read import Source

EXAMPLES: Final = int(os.environ.get("LOGSTATS_EXAMPLES", "150"))
STEPS: Final = 12
BLOCK: Final = 1_500
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
DEATHS: Final = ("before the commit", "after the commit", "before parts", "between inputs", "before keys are destroyed")


class DeathError(BaseException):
    """A run dies; nothing may clean up after it."""


@dataclass
class Log:
    """The logs of one server.

    Attributes:
        name: Of the server, and of its source.
        folder: Where its logs are.
        torn: The end of a line of which the beginning is written.
        rotated: How often there was a rotation.
    """

    name: str
    folder: Path
    torn: bytes = b""
    rotated: int = 0

    @property
    def current(self) -> Path:
        """The log that is written to."""
        return self.folder / "x.log"

    def files(self) -> list[Path]:
        """Give all logs that there are."""
        return sorted(self.folder.iterdir())

    def write(self, data: bytes) -> None:
        """Append to the log."""
        with self.current.open("ab") as file:
            file.write(data)


@dataclass
class World:
    """Servers, a store, and the number of whole lines that were written."""

    folder: Path
    knowledge: Knowledge
    written: int = 0
    clock: int = 0
    servers: list[Log] = field(default_factory=list)

    @property
    def store(self) -> Path:
        """The folder of the store."""
        return self.folder / "store"

    def line(self) -> bytes:
        """Write the next request; each is like no other."""
        self.clock += 1
        n = self.clock
        client = f"192.0.2.{n % 7 + 1}" if n % 3 else f"2001:db8::{n % 5:x}"
        time = f"22/Oct/2025:{10 + n // 3600}:{n // 60 % 60:02}:{n % 60:02} +0200"
        return f'{client} - - [{time}] "GET /p{n % 4} HTTP/1.1" 200 {n} "-" "{FIREFOX}"\n'.encode()

    def run(self, server: Log, files: list[Path], death: str = "", *, pipes: bool = False) -> None:
        """Count logs, as files or through pipes; a death leaves the store as a process that was killed would."""
        store = DurableStore(self.store, most_rows=5)
        try:
            die_at(store, death)
            run = runs.Run(self.knowledge, store)
            sources = self.pipes(files) if pipes else [open_source(str(file)) for file in files]
            found = runs.ingest(sources, server.name, run, store.begin("ingest"))
            assert found.tally.holds()
            assert found.tally.rejected == found.tally.late == 0
            assert {result.state for result in found.inputs} <= {"complete", "empty"}, found.inputs
            if death == "before keys are destroyed":
                runs.close_days(run, every=False, reason="test")
        except DeathError:
            pass
        finally:  # no rollback: who is killed does not clean up
            store._ledger.close()
            store._locks.close()

    def pipes(self, files: list[Path]) -> list[Source]:
        """Give the compressed logs as one pipe, and each of the others as one; none can be read twice."""
        compressed = self.folder / "all.pipe"
        compressed.write_bytes(b"".join(file.read_bytes() for file in files if file.suffix == ".gz"))
        sources = [open_source(str(file)) for file in (compressed, *files) if file.suffix != ".gz"]
        for source in sources:
            source.size = None
        return sources

    def counted(self) -> int:
        """Give the hits of the store: of open days from its parts, of closed ones from its cells."""
        with DurableStore(self.store) as store:
            return sum(store.rows(*day) for day in store.open_days())


def die_at(store: DurableStore, death: str) -> None:
    """Let a store die at a point."""

    def die(*_: object, **__: object) -> None:
        raise DeathError

    def then_die(first: Callable[..., Any]) -> Callable[..., Any]:
        def both(*arguments: object, **named: object) -> None:
            first(*arguments, **named)
            die()

        return both

    attribute: Any = store
    match death:
        case "before the commit":
            attribute._records.count_lines = die
        case "after the commit":
            attribute.commit = then_die(store.commit)
        case "before parts":
            attribute._staging._written = die
        case "between inputs":
            known, calls = store.known_inputs, []

            def second_time(source: str) -> Any:
                calls.append(source)
                return die() if len(calls) > 1 else known(source)

            attribute.known_inputs = second_time
        case _:
            pass


class Rotation(RuleBasedStateMachine):
    """Everything that happens to logs, and runs in between."""

    knowledge: ClassVar[Knowledge]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Path(mkdtemp(prefix="logstats-machine-", dir=memory())), self.knowledge)
        self.add_server()

    def add_server(self) -> None:
        """Add a server with a log of its own."""
        folder = self.world.folder / f"web{len(self.world.servers)}"
        folder.mkdir()
        self.world.servers.append(Log(folder.name, folder))

    def server(self, which: int) -> Log:
        """Choose a server."""
        return self.world.servers[which % len(self.world.servers)]

    @rule()
    @precondition(lambda self: len(self.world.servers) < 2)
    def a_second_source(self) -> None:
        """Another server is counted as well."""
        self.add_server()

    @rule(which=st.integers(0, 1), lines=st.integers(1, 14))
    def append(self, which: int, lines: int) -> None:
        """The server writes lines; a torn one is completed first."""
        log = self.server(which)
        self.complete(log)
        log.write(b"".join(self.world.line() for _ in range(lines)))
        self.world.written += lines

    @rule(which=st.integers(0, 1), cut=st.integers(1, 90))
    def tear(self, which: int, cut: int) -> None:
        """The server writes the beginning of a line."""
        log = self.server(which)
        self.complete(log)
        line = self.world.line()
        log.write(line[:cut])
        log.torn = line[cut:]

    @rule(which=st.integers(0, 1))
    def complete_the_torn_line(self, which: int) -> None:
        """The server writes the rest of it."""
        self.complete(self.server(which))

    def complete(self, log: Log) -> None:
        """Write the rest of a torn line."""
        if log.torn:
            log.write(log.torn)
            log.torn = b""
            self.world.written += 1

    @rule(which=st.integers(0, 1), late=st.integers(0, 3))
    def rename(self, which: int, late: int) -> None:
        """Rotation by renaming; the server writes a few more lines to the renamed file."""
        log = self.server(which)
        if log.current.exists():
            self.complete(log)
            log.write(b"".join(self.world.line() for _ in range(late)))
            self.world.written += late
            log.rotated += 1
            log.current.rename(log.folder / f"x.log.{log.rotated}")

    @rule(which=st.integers(0, 1))
    def copytruncate(self, which: int) -> None:
        """Rotation by copying and emptying, without the lines that it may lose in between."""
        log = self.server(which)
        if log.current.exists():
            self.complete(log)
            log.rotated += 1
            shutil.copy(log.current, log.folder / f"x.log.{log.rotated}")
            os.truncate(log.current, 0)

    @rule(which=st.integers(0, 1), oldest=st.booleans())
    def compress(self, which: int, oldest: bool) -> None:  # noqa: FBT001 - hypothesis names it
        """A rotated log is compressed, at once or a few rotations later."""
        rotated = [path for path in self.server(which).files() if path.name != "x.log" and path.suffix != ".gz"]
        if rotated:
            path = rotated[0 if oldest else -1]
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
            path.unlink()

    @rule(which=st.integers(0, 1))
    def restore_a_copy(self, which: int) -> None:
        """Somebody copies a rotated log beside it."""
        log = self.server(which)
        for path in [path for path in log.files() if path.name.startswith("x.log.")][:1]:
            shutil.copy(path, log.folder / f"copy-{path.name}")

    @rule(which=st.integers(0, 1))
    def delete_what_was_counted(self, which: int) -> None:
        """Old logs are deleted once they have been counted."""
        log = self.server(which)
        self.world.run(log, log.files())
        for path in log.files():
            if path.name != "x.log":
                path.unlink()

    @rule(which=st.integers(0, 1), backwards=st.booleans())
    def ingest(self, which: int, backwards: bool) -> None:  # noqa: FBT001 - hypothesis names it
        """A run counts all logs of a server, in any order."""
        log = self.server(which)
        self.world.run(log, sorted(log.files(), reverse=backwards))

    @rule(which=st.integers(0, 1), backwards=st.booleans())
    def ingest_pipes(self, which: int, backwards: bool) -> None:  # noqa: FBT001 - hypothesis names it
        """A run counts all logs through pipes."""
        log = self.server(which)
        self.world.run(log, sorted(log.files(), reverse=backwards), pipes=True)

    @rule(which=st.integers(0, 1), death=st.sampled_from(DEATHS), pipes=st.booleans())
    def ingest_and_die(self, which: int, death: str, pipes: bool) -> None:  # noqa: FBT001 - the same
        """A run is killed."""
        log = self.server(which)
        self.world.run(log, log.files(), death, pipes=pipes)

    @invariant()
    def never_more_than_was_written(self) -> None:
        """No line counts twice, at any time."""
        if self.world.store.exists():
            assert self.world.counted() <= self.world.written

    def teardown(self) -> None:
        """At the end, one run for each server and the close count exactly what was written."""
        try:
            for log in self.world.servers:
                self.complete(log)
                self.world.run(log, log.files())
            assert self.world.counted() == self.world.written
            self.close_and_die()
            with DurableStore(self.world.store) as store:
                runs.close_days(runs.Run(self.knowledge, store), every=True, reason="test")
                assert store.open_days() == []
            page_views = read_cells(self.world.store, "days").select(pl.col("page_views").sum()).collect().item()
            assert page_views == self.world.written
            assert list(self.world.store.glob("keys/*/*")) == list(self.world.store.glob("open/*")) == []
        finally:
            shutil.rmtree(self.world.folder)

    def close_and_die(self) -> None:
        """Die in the middle of closing, at a point that depends on the example: cells are not lost, nor added twice."""
        store = DurableStore(self.world.store)
        attribute: Any = store

        def die(*_: object) -> None:
            raise DeathError

        match self.world.written % 3:
            case 0:
                attribute._recover = die  # committed; parts and key are still there
            case 1:
                attribute._records.name_cells = die  # the cells are written, and nobody knows of them
            case _:
                attribute._give_up = die
        try:
            runs.close_days(runs.Run(self.knowledge, store), every=True, reason="test")
        except DeathError:
            pass
        finally:
            store._ledger.close()
            store._locks.close()


def memory() -> str | None:
    """Give the folder in memory, if there is one: the tests wait for the disk otherwise."""
    folder = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    return str(folder) if folder.is_dir() and os.access(folder, os.W_OK) else None


def test_any_sequence(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Append, tear, rotate, compress, copy, delete, count, die and close in any order: each line counts once."""
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415

    monkeypatch.setattr(runs, "read_blocks", partial(read_blocks, block_size=BLOCK))
    Rotation.knowledge = knowledge
    run_state_machine_as_test(
        Rotation,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
