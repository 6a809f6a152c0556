"""T1 to T10: whatever rotation, compression and copying do to a log, each of its lines counts once."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CUT: Final = 502
"""So many lines there are at the first run; the cut lies inside one second."""


@dataclass
class Server:
    """A web server with its folder of logs, and a store beside it.

    Attributes:
        folder: Of the logs.
        store: Where they are counted.
        lines: The 1,000 requests.
    """

    folder: Path
    store: Path
    lines: list[bytes]
    program: Any
    look_into: Callable[[Path], Any]

    @property
    def log(self) -> Path:
        """The log that is written to."""
        return self.folder / "x.log"

    def write(self, first: int, last: int, name: str = "x.log") -> None:
        """Append the requests from one number to another, both included, counted from 1."""
        with (self.folder / name).open("ab") as file:
            file.writelines(self.lines[first - 1 : last])

    def rename(self, name: str, to: str) -> None:
        """Rotate by renaming."""
        (self.folder / name).rename(self.folder / to)

    def copytruncate(self, to: str) -> None:
        """Rotate by copying and emptying the file."""
        shutil.copy(self.log, self.folder / to)
        os.truncate(self.log, 0)

    def compress(self, name: str, to: str) -> None:
        """Compress a rotated log."""
        (self.folder / to).write_bytes(gzip.compress((self.folder / name).read_bytes()))
        (self.folder / name).unlink()

    def ingest(self, *names: str, source: str = "default", stdin: bytes = b"") -> dict[str, int]:
        """Count logs, by default all of the folder; give the account of the lines."""
        files = [self.folder / name for name in names] or sorted(self.folder.iterdir())
        given: list[str | Path] = ["-"] if stdin else list(files)
        ended = self.program("ingest", "--store", self.store, "--source", source, "--json", *given, stdin=stdin)
        assert ended.code == 0, ended.errors
        lines: dict[str, int] = ended.lines
        assert lines["total"] == lines["hits"] + lines["rejected"] + lines["opted_out"] + lines["late"]
        return lines

    def counted(self) -> int:
        """Close all days, and give the page views; the ledger must have as many hits."""
        assert self.program("close", "--store", self.store, "--all").code == 0
        kept = self.look_into(self.store)
        assert kept.lines["lines"] == kept.lines["hits"] == kept.page_views
        assert kept.cells["traffic"]["hits"].sum() == kept.page_views
        assert kept.open_days == kept.alive == []
        page_views: int = kept.page_views
        return page_views


@pytest.fixture
def server(tmp_path: Path, requests: list[bytes], program: Any, look_into: Callable[[Path], Any]) -> Server:
    """Give a server whose first 502 lines are written and counted."""
    (tmp_path / "logs").mkdir()
    server = Server(tmp_path / "logs", tmp_path / "store", requests, program, look_into)
    server.write(1, CUT)
    assert server.ingest()["hits"] == CUT
    return server


@pytest.fixture
def new_server(tmp_path: Path, requests: list[bytes], program: Any, look_into: Callable[[Path], Any]) -> Server:
    """Give a server of which nothing has been counted."""
    (tmp_path / "logs").mkdir()
    return Server(tmp_path / "logs", tmp_path / "store", requests, program, look_into)


def test_t1_a_file_that_grows(server: Server) -> None:
    """What was counted is skipped, the rest is counted."""
    server.write(503, 1_000)
    assert server.ingest() == {"total": 498, "hits": 498, "rejected": 0, "opted_out": 0, "late": 0, "skipped": 502}
    assert server.counted() == 1_000


def test_t2_renamed_and_the_new_file_read(server: Server) -> None:
    """A rotated file that was counted to its end need not be given again."""
    server.rename("x.log", "x.log.1")
    server.write(503, 1_000)
    server.ingest("x.log")
    assert server.counted() == 1_000


@pytest.mark.parametrize("order", (("x.log", "x.log.1"), ("x.log.1", "x.log")))
def test_t3_renamed_with_an_unread_tail(server: Server, order: tuple[str, str]) -> None:
    """The tail of a renamed file is read, whatever the order of the files."""
    server.write(503, 600)
    server.rename("x.log", "x.log.1")
    server.write(601, 1_000)
    server.ingest(*order)
    assert server.counted() == 1_000


@pytest.mark.parametrize("order", (("x.log", "x.log.1"), ("x.log.1", "x.log")))
def test_t4_copied_and_emptied_with_an_unread_tail(server: Server, order: tuple[str, str]) -> None:
    """The copy is known by its content, and the emptied file is a new one."""
    server.write(503, 600)
    server.copytruncate("x.log.1")
    server.write(601, 1_000)
    server.ingest(*order)
    assert server.counted() == 1_000


def test_t4b_copied_and_emptied_without_the_copy(server: Server) -> None:
    """What was not given cannot be counted: 98 lines stand in the copy alone."""
    server.write(503, 600)
    server.copytruncate("x.log.1")
    server.write(601, 1_000)
    server.ingest("x.log")
    assert server.counted() == 902


def test_t4b_later_the_copy_comes(server: Server) -> None:
    """The copy may come in a later run: nothing of it is lost until then."""
    server.write(503, 600)
    server.copytruncate("x.log.1")
    server.write(601, 1_000)
    server.ingest("x.log")
    server.ingest("x.log.1")
    assert server.counted() == 1_000


def test_t5_counted_and_compressed(server: Server) -> None:
    """A file is the same after gzip, with another name and inode."""
    server.compress("x.log", "x.log.1.gz")
    server.write(503, 1_000)
    server.ingest()
    assert server.counted() == 1_000


def test_t5_compressed_with_an_unread_tail(server: Server) -> None:
    """Counted in part, then rotated and compressed: the rest is read out of the compressed file."""
    server.write(503, 600)
    server.compress("x.log", "x.log.1.gz")
    server.write(601, 1_000)
    server.ingest()
    assert server.counted() == 1_000


def test_t6_a_pipe_in_two_batches(new_server: Server) -> None:
    """Lines of one second that come in two batches all count."""
    new_server.ingest(stdin=b"".join(new_server.lines[:CUT]))
    new_server.ingest(stdin=b"".join(new_server.lines[CUT:]))
    assert new_server.counted() == 1_000


def test_t6_a_pipe_that_is_given_again_and_longer(new_server: Server) -> None:
    """A pipe that begins as before is skipped as far as it was counted."""
    new_server.ingest(stdin=b"".join(new_server.lines[:CUT]))
    assert new_server.ingest(stdin=b"".join(new_server.lines))["skipped"] == CUT
    assert new_server.ingest(stdin=b"".join(new_server.lines))["total"] == 0
    assert new_server.counted() == 1_000


def test_a_file_counted_from_a_pipe_before(new_server: Server) -> None:
    """Pipe, file and compressed file with one content are one input."""
    new_server.ingest(stdin=b"".join(new_server.lines[:CUT]))
    new_server.write(1, 700)
    assert new_server.ingest()["total"] == 198
    new_server.write(701, 1_000)
    new_server.compress("x.log", "y.gz")
    assert new_server.ingest(stdin=(new_server.folder / "y.gz").read_bytes())["total"] == 300
    assert new_server.counted() == 1_000


@pytest.mark.parametrize("names", (("web1", "web2"), ("default", "default")), ids=["named", "not named"])
def test_t7_two_front_ends(new_server: Server, names: tuple[str, str]) -> None:
    """Two servers that share the requests are two inputs, with and without names, run after run."""
    odd, even = new_server.lines[::2], new_server.lines[1::2]
    for upto in (251, 500):
        for name, lines in zip(names, (odd, even), strict=True):
            new_server.ingest(source=name, stdin=b"".join(lines[:upto]))
    assert new_server.counted() == 1_000


def test_t8_lines_that_come_once_more(server: Server) -> None:
    """Equal lines are requests of their own: nothing is thrown away for being the same."""
    server.write(503, 1_000)
    server.write(1, 10)
    server.ingest()
    assert server.counted() == 1_010


def test_t9_a_torn_line_is_completed(new_server: Server) -> None:
    """A last line without its end waits for it; it is neither rejected nor counted twice."""
    new_server.write(1, CUT)
    with new_server.log.open("ab") as file:
        file.write(new_server.lines[CUT][:40])
    assert new_server.ingest()["total"] == CUT
    assert new_server.ingest()["total"] == 0
    with new_server.log.open("ab") as file:
        file.write(new_server.lines[CUT][40:])
    new_server.write(504, 1_000)
    assert new_server.ingest()["hits"] == 498
    assert new_server.counted() == 1_000


def test_t10_a_copy_under_another_name(server: Server) -> None:
    """A restored copy is what was counted already."""
    server.write(503, 1_000)
    server.ingest()
    shutil.copy(server.log, server.folder / "restored.log")
    assert server.ingest()["total"] == 0
    assert server.counted() == 1_000


def test_t10_in_one_run(new_server: Server) -> None:
    """Also when file, copy and compressed copy are given together."""
    new_server.write(1, 1_000)
    shutil.copy(new_server.log, new_server.folder / "copy.log")
    (new_server.folder / "copy.gz").write_bytes(gzip.compress(new_server.log.read_bytes()))
    assert new_server.ingest()["total"] == 1_000
    assert new_server.counted() == 1_000


def test_t10_from_another_server(new_server: Server) -> None:
    """Equal content of another source is other lines: two servers may write the same."""
    new_server.write(1, 1_000)
    new_server.ingest(source="web1")
    new_server.ingest(source="web2")
    assert new_server.counted() == 2_000


def test_a8_an_older_file_comes_later(new_server: Server) -> None:
    """The order of files does not matter as long as the day is open."""
    new_server.write(503, 1_000)
    new_server.ingest()
    new_server.write(1, 502, "older.log")
    new_server.ingest("older.log")
    assert new_server.counted() == 1_000


def test_again_nothing_new(server: Server) -> None:
    """Without new lines a run counts none, as often as it runs."""
    server.write(503, 1_000)
    server.ingest()
    for _ in range(3):
        assert server.ingest() == {"total": 0, "hits": 0, "rejected": 0, "opted_out": 0, "late": 0, "skipped": 1_000}
    assert server.counted() == 1_000


def test_a_shorter_copy_is_not_counted_again(server: Server) -> None:
    """A copy that ends before the place up to which was counted (copying goes on, or it is older) counts nothing."""
    shutil.copy(server.log, server.folder / "older.log")
    server.write(503, 1_000)
    server.ingest("x.log")
    ended = server.program("ingest", "--store", server.store, "--json", server.folder / "older.log")
    assert ended.lines["total"] == 0
    assert "older.log" in ended.errors
    shutil.copy(server.log, server.folder / "older.log")
    assert server.ingest()["total"] == 0
    assert server.counted() == 1_000


def test_a_shorter_pipe_is_not_counted_again(server: Server) -> None:
    """The same for a pipe."""
    server.write(503, 1_000)
    server.ingest()
    ended = server.program("ingest", "--store", server.store, "--json", "-", stdin=b"".join(server.lines[:CUT]))
    assert ended.lines["total"] == 0
    assert server.counted() == 1_000


@pytest.mark.parametrize("lines", (1, 2, 3, 4))
@pytest.mark.parametrize("grown", (5, 1_000))
def test_a_copy_of_a_few_lines_is_not_counted_again(new_server: Server, lines: int, grown: int) -> None:
    """A stale copy of one line, of under the 256 bytes that are hashed, is known by its lines; a new log is not."""
    server = new_server
    server.write(1, lines)
    shutil.copy(server.log, server.folder / "older.log")
    server.ingest("x.log")
    server.write(lines + 1, grown)
    server.ingest("x.log")
    older = (server.folder / "older.log").read_bytes()
    ended = server.program("ingest", "--store", server.store, "--json", server.folder / "older.log")
    assert ended.lines["total"] == 0
    assert (ended.code, ended.lines["skipped"]) == ((0, lines) if len(older) < 256 else (65, 0))
    ended = server.program("ingest", "--store", server.store, "--json", "-", stdin=older)
    assert ended.lines["total"] == 0
    ended = server.program("ingest", "--store", server.store, "--json", "-", stdin=gzip.compress(older) * 2)
    assert ended.lines["total"] == 0
    server.write(1, 1, "new.log")
    server.write(3, 3, "new.log")
    assert server.ingest("new.log")["total"] == 2
    assert server.counted() == grown + 2


def test_the_first_line_alone(new_server: Server) -> None:
    """A file of one line is known again when it has grown, and when it has been compressed."""
    for last in (1, 2, 3):
        new_server.write(last, last)
        assert new_server.ingest()["total"] == 1
    new_server.compress("x.log", "x.log.1.gz")
    assert new_server.ingest()["total"] == 0
    new_server.write(4, 1_000)
    new_server.ingest()
    assert new_server.counted() == 1_000


def test_delaycompress(new_server: Server) -> None:
    """The server still writes to `.1` for a cycle; afterwards that is compressed under yet another name."""
    server = new_server
    server.write(1, 200)
    server.ingest()
    server.rename("x.log", "x.log.1")
    server.write(201, 300, "x.log.1")
    server.ingest()
    server.write(301, 400, "x.log.1")
    server.write(401, 500)
    server.ingest()
    server.write(501, 510, "x.log.1")
    server.compress("x.log.1", "x.log.2.gz")
    server.rename("x.log", "x.log.1")
    server.write(511, 600, "x.log.1")
    server.write(601, 700)
    server.ingest()
    server.rename("x.log.2.gz", "x.log.3.gz")
    server.compress("x.log.1", "x.log.2.gz")
    server.rename("x.log", "x.log.1")
    server.write(701, 1_000)
    server.ingest()
    assert server.counted() == 1_000


def test_dateext(new_server: Server) -> None:
    """Names with dates, as `dateext` with `delaycompress` gives them."""
    server = new_server
    server.write(1, 300)
    server.ingest()
    server.rename("x.log", "x.log-20251022")
    server.write(301, 350, "x.log-20251022")
    server.write(351, 600)
    server.ingest()
    server.compress("x.log-20251022", "x.log-20251022.gz")
    server.rename("x.log", "x.log-20251023")
    server.write(601, 620, "x.log-20251023")
    server.write(621, 1_000)
    server.ingest()
    assert server.counted() == 1_000


@pytest.mark.parametrize("how", ("rename", "copytruncate"))
def test_a_run_between_each_two_steps(new_server: Server, how: str) -> None:
    """Runs may fall anywhere: after each step of ten rotations there is one."""
    server = new_server
    for n in range(10):
        server.write(100 * n + 1, 100 * n + 60)
        server.ingest()
        server.write(100 * n + 61, 100 * n + 90)
        if how == "rename":
            server.rename("x.log", f"x.log.{n}")
            server.write(100 * n + 91, 100 * n + 100, f"x.log.{n}")
        else:
            server.write(100 * n + 91, 100 * n + 100)
            server.copytruncate(f"x.log.{n}")
        server.ingest()
        server.compress(f"x.log.{n}", f"x.log.{n}.gz")
        server.ingest()
    assert server.counted() == 1_000


def test_half_a_compressed_file_waits(new_server: Server) -> None:
    """A compressed file that is still being written counts nothing, is named, and counts when it is whole."""
    new_server.write(1, 1_000)
    whole = gzip.compress(new_server.log.read_bytes())
    new_server.log.unlink()
    compressed = new_server.folder / "x.log.1.gz"
    compressed.write_bytes(whole[: len(whole) // 2])
    ended = new_server.program("ingest", "--store", new_server.store, "--json", compressed)
    assert (ended.code, ended.lines["total"]) == (65, 0)
    assert "x.log.1.gz" in ended.errors
    compressed.write_bytes(whole)
    new_server.ingest()
    assert new_server.counted() == 1_000


def test_half_a_compressed_file_of_which_more_was_counted(server: Server) -> None:
    """The same when its lines were counted before it was compressed."""
    server.write(503, 1_000)
    server.ingest()
    whole = gzip.compress(server.log.read_bytes())
    compressed = server.folder / "x.log.1.gz"
    compressed.write_bytes(whole[: len(whole) // 2])
    assert server.program("ingest", "--store", server.store, "--json", compressed).lines["total"] == 0
    compressed.write_bytes(whole)
    assert server.ingest()["total"] == 0
    assert server.counted() == 1_000


def test_the_real_command_line(tmp_path: Path, requests: list[bytes], look_into: Callable[[Path], Any]) -> None:
    """The same with the shell, a real pipe and real processes, from the first line to `--close`."""
    logstats = f"'{sys.executable}' -m logstats ingest --store store -q"
    (tmp_path / "all.log").write_bytes(b"".join(requests))
    script = f"""
        set -eu
        head -n 502 all.log > x.log
        {logstats} x.log
        tail -n +503 all.log | head -n 98 >> x.log
        mv x.log x.log.1
        tail -n +601 all.log > x.log
        {logstats} x.log x.log.1
        gzip x.log.1
        zcat x.log.1.gz | {logstats} -
        cat all.log.none x.log 2>/dev/null | {logstats} --close -
    """
    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    kept = look_into(tmp_path / "store")
    assert (kept.page_views, kept.lines["lines"], kept.open_days) == (1_000, 1_000, [])
