"""The disk is full: exit code 74, nothing broken under a final name, and the next run is right."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES: Final = (0, 1, 100, 4_095, 4_096, 8_192, 12_288, 16_384, 20_480, 24_576, 28_672)
"""Bytes that a file may have; the ledger takes more."""
LINES: Final = 3_000


@pytest.fixture
def log(tmp_path: Path, request_line: Callable[..., bytes]) -> Path:
    """Write a log of two days."""
    path = tmp_path / "x.log"
    path.write_bytes(b"".join(request_line(n, day=22 + n % 2) for n in range(LINES)))
    return path


@pytest.fixture
def small_disk() -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a disk of so many bytes; without the right to mount, the test is skipped."""
    mounted: list[Path] = []
    with TemporaryDirectory(prefix="logstats-disk-") as folder:

        def mount(options: str) -> Path:
            path = Path(folder, str(len(mounted)))
            path.mkdir()
            command: list[str | Path] = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path]
            if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
                pytest.skip("no right to mount a disk")
            mounted.append(path)
            return path

        try:
            yield mount
        finally:
            for path in mounted:
                subprocess.run(["umount", path], check=True)


def nothing_broken(store: Path) -> None:
    """Assert that what has a final name is whole, and that no temporary file is left."""
    files = [path for path in store.rglob("*") if path.is_file()]
    assert [path for path in files if path.name.startswith(".")] == []
    for path in files:
        if path.suffix == ".parquet":
            pq.read_table(path)
        if path.parent.parent.name == "keys" or path.name == "identity":
            assert path.stat().st_size == 32


@pytest.mark.parametrize("size", SIZES)
def test_files_may_not_grow(
    tmp_path: Path, log: Path, program: Any, look_into: Callable[[Path], Any], size: int
) -> None:
    """Wherever the limit strikes, the run ends with 74 and a hint, and the next one counts all lines."""
    store = tmp_path / "store"
    full = program("ingest", "--store", store, "-q", log, "--close", file_size=size, block_size=50_000)
    assert full.code == 74, full
    assert "Traceback" not in full.errors
    assert "free some space" in full.errors
    nothing_broken(store)
    assert program("ingest", "--store", store, "-q", log, "--close").code == 0
    kept = look_into(store)
    assert kept.page_views == kept.lines["lines"] == LINES
    assert kept.open_days == kept.alive == []


@pytest.mark.parametrize("size", SIZES)
def test_files_may_not_grow_while_days_are_closed(
    tmp_path: Path, log: Path, program: Any, look_into: Callable[[Path], Any], size: int
) -> None:
    """Closing needs room as well: a day that cannot be closed stays open, with its key."""
    store = tmp_path / "store"
    assert program("ingest", "--store", store, "-q", log).code == 0
    full = program("close", "--store", store, "--all", file_size=size)
    assert full.code == 74 if size < 20_000 else full.code in {0, 74}, full
    nothing_broken(store)
    kept = look_into(store)
    assert kept.open_days == kept.alive
    assert kept.page_views == LINES - LINES // 2 * len(kept.open_days)
    assert program("close", "--store", store, "--all").code == 0
    assert look_into(store).page_views == LINES


@pytest.mark.parametrize(
    "options",
    ("size=4k", "size=32k", "size=64k", "size=96k", "size=128k", "size=160k", "nr_inodes=5", "nr_inodes=9"),
)
def test_a_small_disk(
    small_disk: Callable[[str], Path],
    log: Path,
    program: Any,
    look_into: Callable[[Path], Any],
    options: str,
) -> None:
    """A disk without room, or without room for names; with room again, the next run is right."""
    disk = small_disk(f"{options},mode=700")
    store = disk / "store"
    full = program("ingest", "--store", store, "-q", log, "--close", block_size=50_000)
    assert full.code == 74, full
    assert "Traceback" not in full.errors
    nothing_broken(store)
    subprocess.run(["mount", "-o", "remount,size=16m,nr_inodes=1000", disk], check=True)
    assert program("ingest", "--store", store, "-q", log, "--close").code == 0
    kept = look_into(store)
    assert kept.page_views == kept.lines["lines"] == LINES
    assert kept.open_days == kept.alive == []


def test_what_was_closed_before_stays(
    tmp_path: Path, log: Path, request_line: Callable[..., bytes], program: Any, look_into: Callable[[Path], Any]
) -> None:
    """A full disk does not touch the cells of days that were closed before."""
    store = tmp_path / "store"
    assert program("ingest", "--store", store, "-q", log, "--close").code == 0
    before = {path: path.read_bytes() for path in store.glob("cells/*/*")}
    later = tmp_path / "later.log"
    later.write_bytes(b"".join(request_line(n, day=24) for n in range(1_000)))
    assert program("ingest", "--store", store, "-q", later, "--close", file_size=20_000).code == 74
    assert {path: path.read_bytes() for path in store.glob("cells/*/*")} == before
    assert program("ingest", "--store", store, "-q", later, "--close").code == 0
    assert look_into(store).page_views == LINES + 1_000
