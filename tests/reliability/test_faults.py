"""A fault at each change of the store in turn: whatever dies wherever, the next run makes the same cells.

faults.c counts every call of the system by which something below the store changes: those of Python, of Arrow and
of SQLite alike (open for writing, write, fsync, rename, unlink, truncate, mkdir, rmdir, chmod). A test lets the first
one fail, then the second one, until a run comes to its end without the fault.

By default only some of the changes are tried; LOGSTATS_SLOW=1 tries all of them (about ten minutes on two cores).
"""

from __future__ import annotations

import errno
import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest

from logstats.errors import InputMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLOW: Final = bool(os.environ.get("LOGSTATS_SLOW"))
GENERATE: Final = Path(__file__).resolve().parents[1] / "benchmarks" / "generate.py"
MODES: Final = ("kill", "torn", "error", "full")
MOST: Final = 2_000
"""So many changes no run of these tests makes; a test that reaches it would never end."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder in memory where there is one: thousands of runs wait for its disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    usable = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with TemporaryDirectory(prefix="logstats-faults-", dir=usable) as name:
        yield Path(name)


@pytest.fixture
def logs(folder: Path, request_line: Callable[..., bytes]) -> list[Path]:
    """Write two logs, one of them compressed, with lines of two days."""
    (folder / "logs").mkdir()
    plain, compressed = folder / "logs" / "x.log", folder / "logs" / "x.log.1.gz"
    plain.write_bytes(b"".join(request_line(n, day=23) for n in range(40)))
    earlier = [request_line(n, day=22) for n in range(30)] + [request_line(n, day=23) for n in range(40, 50)]
    compressed.write_bytes(gzip.compress(b"".join(earlier)))
    return [plain, compressed]


class Trial:
    """A store that runs are disturbed in, and what it holds without a disturbance.

    Args:
        folder: For stores.
        arguments: Of the run that is disturbed, without the store.
        programs: Run the program, each on a core of its own.
        look_into: Says what a store holds.
        before: A store to start from; None starts without one.
    """

    def __init__(
        self,
        folder: Path,
        arguments: list[Any],
        programs: list[Any],
        look_into: Callable[[Path], Any],
        before: Path | None = None,
    ) -> None:
        self.folder, self.arguments, self.programs, self.look_into = folder, arguments, programs, look_into
        self.before, self.repair = before, [*arguments, "--close"] if arguments[0] == "ingest" else arguments
        if not programs[0].watches:
            pytest.skip("there is no C compiler for faults.c")
        store = folder / "undisturbed"
        if before:
            shutil.copytree(before, store)
        self.allowed = [look_into(store)] if before else []
        assert programs[0](*self.repair, "--store", store).code == 0
        self.undisturbed = look_into(store)
        self.allowed.append(self.undisturbed)

    def run(self, program: Any, store: Path, **fault: Any) -> Any:
        """Run the program on a store, in blocks of a few lines."""
        command, *others = self.arguments
        return program(command, "--store", store, *others, block_size=2_000, folder=store, **fault)

    def try_at(self, program: Any, at: int, mode: str, error: int = errno.ENOSPC) -> bool:
        """Disturb a run at one change, let the next one repair it, and compare; tell whether there was a fault."""
        store = self.folder / f"{mode}-{at}"
        if self.before:
            shutil.copytree(self.before, store)
        disturbed = self.run(program, store, at=at, mode=mode, errno=error)
        where = f"{mode} at {at}: {disturbed}"
        happened: bool = disturbed.code == -signal.SIGKILL if mode in {"kill", "torn"} else disturbed.changes >= at
        usual = {"kill": {-signal.SIGKILL}, "torn": {-signal.SIGKILL}, "error": {0, 74}, "full": {0, 74}}
        assert disturbed.code in (usual[mode] if happened else {0}), where
        self.nothing_half(store, where)
        repaired = program(*self.repair, "--store", store, block_size=2_000)
        assert repaired.code == 0, f"{where}; then {repaired}"
        kept = self.look_into(store)
        assert kept.differences(self.undisturbed) == [], where
        assert kept.sound, where
        assert kept.open_days == kept.alive == [], where
        assert sorted(kept.destroyed) == kept.closed_days == self.undisturbed.closed_days, where
        assert kept.lines == self.undisturbed.lines, where
        assert [shape_of(name) for name in kept.files] == [shape_of(name) for name in self.undisturbed.files], where
        shutil.rmtree(store)
        return happened

    def nothing_half(self, store: Path, where: str) -> None:
        """Assert, before anything is repaired: a day is open with its key, or closed with all its cells, old or new."""
        try:
            kept = self.look_into(store)
        except InputMissingError:  # it died before there was a store
            assert not self.before, where
            return
        assert kept.sound, where
        assert set(kept.open_days) <= set(kept.alive), where
        for day in kept.closed_days:
            assert day in kept.destroyed, where
            assert any(
                all(of_day(cells, day).equals(of_day(whole.cells[name], day)) for name, cells in kept.cells.items())
                for whole in self.allowed
            ), where

    def all_of(self, mode: str, step: int = 1, error: int = errno.ENOSPC) -> int:
        """Try a fault at each change, or at each of some, until there is none; give how many faults there were."""

        def share(which: int) -> int:
            program, at, faults = self.programs[which], 1 + which * step, 0
            while self.try_at(program, at, mode, error):
                at += len(self.programs) * step
                faults += 1
                assert at < MOST
            return faults

        with ThreadPoolExecutor(len(self.programs)) as pool:
            return sum(pool.map(share, range(len(self.programs))))


def of_day(cells: Any, day: str) -> Any:
    """Give the rows of a day."""
    return cells.filter(cells["day"].cast(str) == day)


def shape_of(name: str) -> str:
    """Give the name of a file of a store without what is random in it."""
    return ".".join(part for part in name.split(".") if len(part) != 8 or set(part) - set("0123456789abcdef"))


@pytest.mark.parametrize("mode", MODES)
def test_a_fault_at_each_change_of_an_ingest(
    folder: Path, logs: list[Path], programs: list[Any], look_into: Callable[[Path], Any], mode: str
) -> None:
    """From the first file of a store to its last commit: the cells are the same, and nothing else is left."""
    trial = Trial(folder, ["ingest", "-q", *logs], programs, look_into)
    assert trial.undisturbed.page_views == 80
    faults = trial.all_of(mode, step=1 if SLOW else 7 if mode == "kill" else 41)
    assert faults > (200 if SLOW else 4)


@pytest.mark.parametrize("mode", MODES)
def test_a_fault_at_each_change_of_a_close(
    folder: Path, logs: list[Path], programs: list[Any], look_into: Callable[[Path], Any], mode: str
) -> None:
    """While a day is closed: it is open and has its key, or it is closed and has its cells."""
    before = folder / "before"
    assert programs[0]("ingest", "--store", before, "-q", *logs).code == 0
    trial = Trial(folder, ["close", "--all", "-q"], programs, look_into, before)
    assert trial.undisturbed.page_views == 80
    faults = trial.all_of(mode, step=1 if SLOW else 7 if mode == "kill" else 41)
    assert faults > (100 if SLOW else 2)


@pytest.mark.parametrize("mode", MODES)
def test_a_fault_at_each_change_of_a_redo(
    folder: Path, logs: list[Path], programs: list[Any], look_into: Callable[[Path], Any], mode: str
) -> None:
    """While a day is counted anew beside the store: it has all of its old cells, or all of the new ones."""
    before = folder / "before"
    assert programs[0]("ingest", "--store", before, "-q", "--close", logs[0]).code == 0
    trial = Trial(folder, ["redo", "-q", "--day", "2025-10-23", *logs], programs, look_into, before)
    assert [whole.page_views for whole in trial.allowed] == [40, 50]
    faults = trial.all_of(mode, step=1 if SLOW else 11 if mode == "kill" else 61)
    assert faults > (200 if SLOW else 4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("closed", "what", "left"), ((True, "--before", 50), (False, "--site", 0)), ids=("closed", "open")
)
def test_a_fault_at_each_change_of_a_forgetting(  # noqa: PLR0913, PLR0917 - fixtures and cases
    folder: Path,
    logs: list[Path],
    programs: list[Any],
    look_into: Callable[[Path], Any],
    mode: str,
    closed: bool,  # noqa: FBT001 - a case
    what: str,
    left: int,
) -> None:
    """While days are forgotten: a day has all of its cells, or none; a key goes only when the ledger has said so."""
    before = folder / "before"
    assert programs[0]("ingest", "--store", before, "-q", *(["--close"] if closed else []), *logs).code == 0
    days = {"--before": "2025-10-23", "--site": "default"}
    trial = Trial(folder, ["forget", "-q", "--yes", what, days[what]], programs, look_into, before)
    assert trial.undisturbed.page_views == left
    faults = trial.all_of(mode, step=1 if SLOW else 7 if mode == "kill" else 31)
    assert faults > (25 if SLOW else 0)


def test_killed_at_random_times(folder: Path, look_into: Callable[[Path], Any]) -> None:
    """Real processes on a large log, killed at any time, each followed by a run to the end: all stores are equal."""
    lines, kills = (1_000_000, int(os.environ.get("LOGSTATS_KILLS", "100"))) if SLOW else (40_000, 12)
    # Keys are random: of 80,000 visitors two may have the same id of 32 bits in one run and not in the other.
    configuration = folder / "logstats.toml"
    configuration.write_text("[privacy]\nid_bits = 64\n", encoding="utf-8")
    log = folder / "access.log"
    subprocess.run([sys.executable, GENERATE, "--lines", str(lines), "--days", "3", "--out", log], check=True)

    def start(store: Path) -> subprocess.Popen[bytes]:
        arguments = ("-m", "logstats", "ingest", "--store", store, "--close", "-q", "--config", configuration, log)
        return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    begin = time.monotonic()
    first = start(folder / "undisturbed")
    assert (first.communicate()[1], first.returncode) == (b"", 0)
    seconds = time.monotonic() - begin
    undisturbed = look_into(folder / "undisturbed")
    assert undisturbed.lines["lines"] == lines
    chance = random.Random(4)  # noqa: S311 - no secret
    died = 0
    for n in range(kills):
        store = folder / f"killed-{n}"
        first = start(store)
        try:
            first.wait(chance.uniform(0.25, 0.95) * seconds)
        except subprocess.TimeoutExpired:
            first.kill()
            died += 1
        first.communicate()
        last = start(store)
        errors = last.communicate()[1].decode()
        assert last.returncode == 0, errors
        kept = look_into(store)
        assert kept.differences(undisturbed) == [], n
        assert kept.lines == undisturbed.lines, n
        assert kept.sound, n
        assert kept.open_days == kept.alive == [], n
        shutil.rmtree(store)
    assert died > kills / 2
