"""A fault at each change of a release in turn: it is frozen once, and its files are whole after the next run."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SLOW: Final = bool(os.environ.get("LOGSTATS_SLOW"))
MODES: Final = ("kill", "torn", "error", "full")
MOST: Final = 2_000
TABLES: Final = (".parquet", ".csv")


def versions(store: Path) -> list[tuple[str, int]]:
    """Give the versions of months that the ledger keeps."""
    with closing(sqlite3.connect(store / "ledger.sqlite")) as ledger:
        return ledger.execute("SELECT month, version FROM releases").fetchall()


def tables(folder: Path) -> dict[str, bytes]:
    """Give the tables of a release; the other files name the time of freezing."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in TABLES}


@pytest.mark.parametrize("mode", MODES)
def test_a_fault_at_each_change_of_a_release(tmp_path: Path, samples: Path, programs: list[Any], mode: str) -> None:
    """Dead before, while or after it is frozen: the same tables in one version, no half folder that looks whole."""
    if not programs[0].watches:
        pytest.skip("there is no C compiler for faults.c")
    log, before = samples / "public_service.log.xz", tmp_path / "before"
    assert programs[0]("ingest", "--store", before, "-q", "--close", log).code == 0
    options = ("--month", "2026-10", "--partial", "-q")
    whole = tmp_path / "whole"
    shutil.copytree(before, whole / "store")
    assert programs[0]("release", "--store", whole / "store", *options, "--out", whole / "out").code == 0
    expected = tables(whole / "out")
    assert len(expected["visites.csv"].splitlines()) > 20

    def try_at(program: Any, at: int) -> bool:
        folder = tmp_path / f"{mode}-{at}"
        shutil.copytree(before, folder / "store")
        command = ("release", "--store", folder / "store", *options, "--out", folder / "out")
        disturbed = program(*command, folder=folder, at=at, mode=mode, errno=errno.ENOSPC)
        where = f"{mode} at {at}: {disturbed}"
        happened: bool = disturbed.code == -signal.SIGKILL if mode in {"kill", "torn"} else disturbed.changes >= at
        usual = {"kill": {-signal.SIGKILL}, "torn": {-signal.SIGKILL}, "error": {0, 74}, "full": {0, 74}}
        assert disturbed.code in (usual[mode] if happened else {0}), where
        if (folder / "out" / "datapackage.json").exists():
            assert program("verify", "-q", folder / "out").code == 0, where
        repaired = program(*command)
        assert repaired.code == 0, f"{where}; then {repaired}"
        assert program("verify", "-q", folder / "out").code == 0, where
        assert tables(folder / "out") == expected, where
        assert versions(folder / "store") == [("2026-10", 1)], where
        assert not [path for path in (folder / "out").iterdir() if path.name.startswith(".")], where
        shutil.rmtree(folder)
        return happened

    step = 1 if SLOW else 17 if mode == "kill" else 61

    def share(which: int) -> int:
        at, faults = 1 + which * step, 0
        while try_at(programs[which], at):
            at, faults = at + len(programs) * step, faults + 1
            assert at < MOST
        return faults

    with ThreadPoolExecutor(len(programs)) as pool:
        faults = sum(pool.map(share, range(len(programs))))
    assert faults > (100 if SLOW else 2)
