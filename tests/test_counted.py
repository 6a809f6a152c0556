"""The cells of a run are the same from memory and from files; nothing of these has a name; a full disk is an error."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import polars as pl
import pytest

from logstats.schema import INTERNAL, TABLES
from logstats.store.counted import CountedCells

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from logstats.runs import Report

FULL: Final = """
import resource, signal, sys
from logstats.store.counted import CountedCells
import polars as pl
from logstats.errors import LogstatsError
from logstats.schema import TABLES
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
schema = TABLES["searches"].schema
frame = pl.DataFrame({name: [None] * 50 for name in schema}, schema=schema)
try:
    CountedCells(Path(sys.argv[1]), 10).keep({"searches": frame})
except LogstatsError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("most_rows", (0, 50, 1_000_000))
def test_cells_from_files_are_cells_from_memory(
    counted: Callable[..., Report], samples: Path, tmp_path: Path, most_rows: int
) -> None:
    """Kept in any number of pieces, each table is what it was; no file has a name."""
    days = [counted([samples / name]).cells for name in ("public_service.log.xz", "combined.log.gz")]
    cells = CountedCells(tmp_path, most_rows)
    for day in days:
        cells.keep(day)
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):  # reading changes nothing
        for name, table in TABLES.items():
            found = cells[name].cast(pl.Schema(table.schema))  # texts are coded
            assert found.height == sum(day[name].height for day in days), name
            assert found.equals(days[0][name].vstack(days[1][name])), name
    assert all(cells[name].is_empty() for name in INTERNAL)
    cells.close()
    assert cells["pages"].is_empty()


def test_a_full_disk_is_an_error_with_its_code(tmp_path: Path) -> None:
    """74, with the folder, and nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (74, "")
    assert done.stdout.startswith(f"{tmp_path}: cannot be written: File too large")
