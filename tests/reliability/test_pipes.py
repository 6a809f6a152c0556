"""Pipes that hold several files: in any order, after any rotation, each line counts once, or is refused and named.

`cat *.gz` keeps its files apart. `zcat` does not: what it joined is known again as far as it begins in the same way;
what begins in the middle of it is refused, and a run by files afterwards is exact.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstats import runs
from logstats.read import open_source, read_blocks
from logstats.store import DurableStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logstats.derive import Knowledge
    from logstats.read import Source

EXAMPLES: Final = int(os.environ.get("LOGSTATS_EXAMPLES", "60"))
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
MODES: Final = ("cat", "zcat", "files", "a file a pipe")


@dataclass
class Rotated:
    """A server's rotated logs, the oldest first, and how many lines were written.

    Attributes:
        folder: Of the store and the pipes.
        dated: Whether names have dates: then the oldest is read first, else the newest.
        files: Content and lines of each log that still exists.
    """

    folder: Path
    knowledge: Knowledge
    dated: bool
    written: int = 0
    clock: int = 0
    files: list[bytes] = field(default_factory=list)

    def line(self, *, equal: bool = False) -> bytes:
        """Write the next request; one that is equal to the last is of the same second."""
        self.clock += not equal
        n = self.clock
        client = f"192.0.2.{n % 7 + 1}" if n % 3 else f"2001:db8::{n % 5:x}"
        time = f"22/Oct/2025:{10 + n // 3600}:{n // 60 % 60:02}:{n % 60:02} +0200"
        return f'{client} - - [{time}] "GET /p{n % 4} HTTP/1.1" 200 {n} "-" "{FIREFOX}"\n'.encode()

    def rotate(self, lines: int, equal: int) -> None:
        """One more log; its first lines may be equal, to each other and to the last one of the log before."""
        self.files.append(b"".join(self.line(equal=i <= equal) for i in range(lines)))
        self.written += lines

    def in_order(self) -> list[bytes]:
        """Give the logs in the order of their names."""
        if self.dated:
            return self.files
        newest_first = self.files[::-1]
        names = sorted(range(1, len(newest_first) + 1), key=lambda number: f"x.log.{number}.gz")
        return [newest_first[number - 1] for number in names]

    def run(self, mode: str) -> tuple[list[str], int]:
        """Count the logs; give what became of the inputs, and the lines that were counted."""
        logs = self.in_order()
        match mode:
            case "cat":
                sources = [self.pipe(b"".join(gzip.compress(log, mtime=0) for log in logs))]
            case "zcat":
                sources = [self.pipe(b"".join(logs))]
            case "a file a pipe":
                sources = [self.pipe(log) for log in logs]
            case _:
                sources = [self.source(gzip.compress(log, mtime=0)) for log in logs]
        with DurableStore(self.folder / "store", most_rows=20) as store:
            run = runs.Run(self.knowledge, store)
            found = runs.ingest(sources, "default", run, store.begin("ingest"))
        assert found.tally.holds()
        assert found.tally.lines == sum(result.lines for result in found.inputs)
        return [result.state for result in found.inputs], found.tally.lines

    def source(self, content: bytes) -> Source:
        """Name a file with some content."""
        path = self.folder / f"{len(list(self.folder.iterdir()))}.input"
        path.write_bytes(content)
        return open_source(str(path))

    def pipe(self, content: bytes) -> Source:
        """Name an input that cannot be read twice."""
        source = self.source(content)
        source.size = None
        return source

    def counted(self) -> int:
        """Give the hits of the store."""
        with DurableStore(self.folder / "store") as store:
            return sum(store.rows(*day) for day in store.open_days())


@pytest.fixture
def rotated(tmp_path: Path, knowledge: Knowledge) -> Callable[..., Rotated]:
    """Return a function that makes a server."""
    return lambda *, dated: Rotated(tmp_path, knowledge, dated)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in small blocks, so that everything happens across their edges."""
    monkeypatch.setattr(runs, "read_blocks", partial(read_blocks, block_size=1_500))


def lines_of(server: Rotated, *numbers: int) -> None:
    """Rotate logs of so many lines."""
    for lines in numbers:
        server.rotate(lines, -1)


@pytest.mark.parametrize("dated", (False, True), ids=["numbers", "dates"])
@pytest.mark.parametrize("mode", ("cat", "zcat"))
def test_every_day_after_the_rotation(rotated: Callable[..., Rotated], mode: str, *, dated: bool) -> None:
    """The example of the manual, run again after each rotation, the oldest log deleted in time: never a refusal."""
    server = rotated(dated=dated)
    for _ in range(14):
        lines_of(server, 12)
        assert server.run(mode) == (["complete"], 12)
        del server.files[:-5]
    assert server.counted() == server.written == 14 * 12


def test_1000_lines_are_1000_after_a_rotation(rotated: Callable[..., Rotated]) -> None:
    """`zcat x.log.*.gz` begins with another file after a rotation; each line counts once all the same."""
    server = rotated(dated=False)
    lines_of(server, 600)
    assert server.run("zcat") == (["complete"], 600)
    lines_of(server, 400)
    assert server.run("zcat") == (["complete"], 400)
    assert server.run("cat") == (["complete"], 0)
    assert server.run("files") == (["complete", "complete"], 0)
    assert server.counted() == 1_000


def test_files_that_were_joined_stay_known(rotated: Callable[..., Rotated]) -> None:
    """Several logs counted out of one zcat are skipped as files: refused, since nobody knows where each ended."""
    server = rotated(dated=True)
    lines_of(server, 30, 30, 30)
    assert server.run("zcat") == (["complete"], 90)
    lines_of(server, 30)
    states, counted = server.run("files")
    assert (states, counted) == (["refused", "refused", "refused", "complete"], 30)
    assert server.counted() == 120


def test_what_begins_in_the_middle_is_refused(rotated: Callable[..., Rotated]) -> None:
    """Zcat of dates whose oldest log is gone: nothing of it is counted; cat counts what is new."""
    server = rotated(dated=True)
    lines_of(server, 30, 30, 30)
    server.run("zcat")
    del server.files[0]
    lines_of(server, 30)
    assert server.run("zcat") == (["refused"], 0)
    assert server.counted() == 90
    assert server.run("cat") == (["refused"], 30)
    assert server.counted() == server.written
    assert server.run("a file a pipe") == (["refused", "refused", "complete"], 0)


def test_what_ends_too_early_is_refused_for_itself(rotated: Callable[..., Rotated]) -> None:
    """Zcat of numbers whose oldest log is gone: what came before it is kept."""
    server = rotated(dated=False)
    lines_of(server, 30, 30)
    server.run("zcat")
    del server.files[0]
    lines_of(server, 30)
    assert server.run("zcat") == (["refused"], 30)
    assert server.counted() == server.written


def test_a_copy_in_the_same_pipe(rotated: Callable[..., Rotated]) -> None:
    """T10 in one pipe: a whole member that was there before is a copy."""
    server = rotated(dated=True)
    lines_of(server, 30, 20)
    server.files.append(server.files[0])
    assert server.run("cat") == (["complete"], 50)


@pytest.mark.parametrize("mode", MODES)
def test_t8_in_every_pipe(rotated: Callable[..., Rotated], mode: str) -> None:
    """The first 10 lines come once more at the end of a log that was counted in part: 1,010."""
    server = rotated(dated=True)
    lines_of(server, 502)
    server.run(mode)
    whole = server.files[0] + b"".join(server.line() for _ in range(498))
    server.files[0] = whole + b"".join(whole.splitlines(keepends=True)[:10])
    assert server.run(mode) == (["complete"], 508)
    assert server.run(mode) == (["complete"], 0)
    assert server.counted() == 1_010


def test_the_hint_says_what_to_do(rotated: Callable[..., Rotated], program: Any) -> None:
    """The program ends with 65, and says that `cat` is better than `zcat`."""
    server = rotated(dated=True)
    lines_of(server, 30, 30)
    store = server.folder / "store"
    both, second = b"".join(server.files), server.files[1]
    assert program("ingest", "--store", store, "-q", "-", stdin=both).code == 0
    ended = program("ingest", "--store", store, "--json", "-", stdin=second + b"".join(server.line() for _ in range(9)))
    assert (ended.code, ended.lines["total"]) == (65, 0)
    assert "cat instead of zcat" in ended.errors


def test_a_followed_pipe_that_begins_in_the_middle(rotated: Callable[..., Rotated], program: Any) -> None:
    """`tail -F` that is started again gives the last lines once more: the run ends with 65, and counts none of them."""
    server = rotated(dated=True)
    lines_of(server, 30)
    store, [log] = server.folder / "store", server.files
    assert program("ingest", "--store", store, "-q", "--follow", "-", stdin=log).code == 0
    again = b"".join(log.splitlines(keepends=True)[-10:] + [server.line() for _ in range(5)])
    assert program("ingest", "--store", store, "-q", "--follow", "-", stdin=again).code == 65
    assert server.counted() == 30
    whole = log + b"".join(again.splitlines(keepends=True)[10:])
    assert program("ingest", "--store", store, "-q", "--follow", "-", stdin=whole).code == 0
    assert server.counted() == 35


def test_a_growing_log_in_turns_as_pipe_and_as_file(rotated: Callable[..., Rotated]) -> None:
    """Each part that was new at a run is known to all later ones, however they read."""
    server = rotated(dated=True)
    lines_of(server, 25)
    for n in range(12):
        _, counted = server.run(MODES[n * 3 % 4])
        assert (counted, server.counted()) == (25 if not n else 7, server.written)
        server.files[0] += b"".join(server.line() for _ in range(7))
        server.written += 7


def test_a_pipe_is_committed_at_its_end(rotated: Callable[..., Rotated], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its end tells whether all of it is new: a plain pipe that dies has counted nothing, members are kept."""
    server = rotated(dated=True)
    lines_of(server, 30, 30, 30)

    class DeathError(BaseException):
        pass

    def dies(source: Source) -> Iterator[Any]:
        blocks = read_blocks(source, block_size=1_500)
        yield next(blocks)
        for block in blocks:
            if block.first_line > 70:
                raise DeathError
            yield block

    for mode, kept in (("zcat", {0}), ("cat", {30, 60})):
        with monkeypatch.context() as patched:
            patched.setattr(runs, "read_blocks", dies)
            with pytest.raises(DeathError):
                server.run(mode)
        assert server.counted() in kept
    assert server.run("cat")[0] == ["complete"]
    assert server.counted() == 90


def test_a_store_of_version_1_is_brought_up_to_date(
    tmp_path: Path, request_line: Callable[..., bytes], program: Any, look_into: Callable[[Path], Any]
) -> None:
    """What it counted stays known, as a file and inside a pipe, although it has no glimpses."""
    store, log = tmp_path / "store", tmp_path / "x.log"
    log.write_bytes(b"".join(request_line(n) for n in range(100)))
    assert program("ingest", "--store", store, "-q", log).code == 0
    with closing(sqlite3.connect(store / "ledger.sqlite")) as ledger:
        for column in ("head_glimpse", "anchor_glimpse", "beginnings", "marks", "joined"):
            ledger.execute(f"ALTER TABLE inputs DROP COLUMN {column}")
        for table in ("posts", "transmissions", "released", "releases"):
            ledger.execute(f"DROP TABLE {table}")
        ledger.execute("PRAGMA user_version = 1")
    newer = b"".join(request_line(n, day=23) for n in range(50))
    ended = program("ingest", "--store", store, "--json", "-", stdin=newer + log.read_bytes())
    assert (ended.lines["total"], ended.lines["skipped"]) == (50, 100), ended
    with log.open("ab") as file:
        file.write(request_line(100))
    assert program("ingest", "--store", store, "--json", log).lines["total"] == 1
    with DurableStore(store) as opened:
        assert [record.position.head_glimpse is None for record in opened.known_inputs("default")] == [False, False]
    assert program("close", "--store", store, "--all").code == 0
    assert look_into(store).page_views == 151


STEPS: Final = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(4, 40), st.integers(-1, 6)), min_size=1, max_size=4),  # logs: lines, equal ones
        st.integers(0, 3),  # so many of the oldest are deleted
        st.sampled_from(MODES),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(dated=st.booleans(), steps=STEPS)
def test_any_rotation_through_any_pipe(knowledge: Knowledge, dated: bool, steps: list[Any]) -> None:  # noqa: FBT001
    """What was written is what is counted; or a run says so, and one by files afterwards is exact.

    Where plain pipes are among them, no 256 bytes are equal at two places: those could be told apart in no way.
    """
    folder = Path(mkdtemp(prefix="logstats-pipes-", dir=memory()))
    server = Rotated(folder, knowledge, dated)
    most_equal = 0 if {mode for *_, mode in steps} & {"zcat", "a file a pipe"} else 6
    try:
        for logs, deleted, mode in steps:
            for lines, equal in logs:
                server.rotate(lines + max(equal, 0), min(equal, most_equal))
            before = server.counted()
            states, counted = server.run(mode)
            assert server.counted() == before + counted <= server.written
            if set(states) == {"complete"}:
                assert server.counted() == server.written
            else:
                assert set(states) <= {"complete", "refused"}
                server.run("files")
                assert server.counted() == server.written
            del server.files[: min(deleted, len(server.files) - 1)]
    finally:
        shutil.rmtree(folder)


def memory() -> str | None:
    """Give the folder in memory, if there is one: the tests wait for the disk otherwise."""
    folder = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    return str(folder) if folder.is_dir() and os.access(folder, os.W_OK) else None
