"""What `logstats.store` promises: committed or not, complete or absent, gone when closed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from logstats.errors import CannotWriteError, NoPermissionError
from logstats.parquet import cannot_write, write_parquet
from logstats.schema import HITS
from logstats.store import ThrowawayStore
from logstats.store.glimpse import Glimpses, line_starts
from logstats.store.keys import KEY_BYTES, MemoryKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[[list[dict[str, Any]]], pl.DataFrame]

NOON = datetime(2025, 10, 22, 12, tzinfo=UTC)
FIRST, SECOND = date(2025, 10, 22), date(2025, 10, 23)
SITE = "default"

# Writes a frame of incompressible numbers under a file-size limit and says how that ended.
DISK_FULL = """
import resource, sys
from pathlib import Path
import numpy, polars
from logstats.errors import LogstatsError
from logstats.parquet import write_parquet
frame = polars.DataFrame({"number": numpy.random.default_rng(1).integers(0, 2**62, 200_000)})
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    write_parquet(frame, Path(sys.argv[1]))
except LogstatsError as error:
    print(type(error).__name__, error.hint)
    sys.exit(error.exit_code)
"""


FULL_OF_SHARES = """
import resource, signal, sys
from pathlib import Path
import polars as pl
from logstats.errors import LogstatsError
from logstats.schema import HITS
from logstats.store.shares import Shares
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
hits = pl.DataFrame({"visitor": range(50)}).select(
    pl.col(name) if name == "visitor" else pl.lit(None, dtype).alias(name) for name, dtype in HITS.items()
)
try:
    Shares(Path(sys.argv[1]), [hits], 2)
except LogstatsError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in which the store makes its own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Take the umask away, so that only the program decides about permissions."""
    before = os.umask(0)
    yield
    os.umask(before)


def rows(make_hits: Make, n: int, day: int = 22, start: int = 0) -> pl.DataFrame:
    """Make so many hits of a day, told apart by their bytes."""
    return make_hits([{"time": NOON.replace(day=day) + timedelta(seconds=i), "bytes": start + i} for i in range(n)])


def files_in(folder: Path) -> list[Path]:
    """List the files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def mode(path: Path) -> int:
    """Give the permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def bytes_of(store: ThrowawayStore, day: date = FIRST) -> list[int]:
    """Tell which hits a day has."""
    return sorted(store.hits(SITE, day)["bytes"].to_list())


@pytest.mark.parametrize("most_rows", (1_000, 3), ids=["in memory", "in parts"])
def test_committed_hits_are_there(make_hits: Make, most_rows: int) -> None:
    """What was added and committed is given back, day by day, whether it waits in memory or in parts."""
    with ThrowawayStore(most_rows=most_rows) as store:
        for start in (0, 5, 10):
            store.add(pl.concat([rows(make_hits, 5, 22, start), rows(make_hits, 2, 23, start)]))
            store.commit()
        assert store.open_days() == [(SITE, FIRST), (SITE, SECOND)]
        assert bytes_of(store) == list(range(15))
        assert bytes_of(store, SECOND) == [0, 1, 5, 6, 10, 11]
        hits = store.hits(SITE, FIRST).schema  # texts are coded
        assert {name: dtype for name, dtype in hits.items() if not isinstance(dtype, pl.Categorical)} == {
            name: dtype for name, dtype in HITS.items() if dtype != pl.String
        }
        assert list(hits) == list(HITS)


@pytest.mark.parametrize("most_rows", (1_000, 3), ids=["in memory", "in parts"])
def test_staged_hits_do_not_count(make_hits: Make, most_rows: int) -> None:
    """Before the commit nothing happened."""
    with ThrowawayStore(most_rows=most_rows) as store:
        store.add(rows(make_hits, 9))
        assert store.open_days() == []
        assert store.hits(SITE, FIRST).is_empty()


@pytest.mark.parametrize("most_rows", (1_000, 3), ids=["in memory", "in parts"])
def test_rollback_forgets_what_is_staged_and_nothing_else(make_hits: Make, most_rows: int, temporary: Path) -> None:
    """After a rollback the store holds what was committed before, and no part of the rest is left."""
    with ThrowawayStore(most_rows=most_rows) as store:
        store.add(rows(make_hits, 5))
        store.commit()
        before = files_in(temporary)
        store.add(rows(make_hits, 9, start=100))
        store.rollback()
        assert files_in(temporary) == before
        store.commit()
        assert bytes_of(store) == list(range(5))
        store.add(rows(make_hits, 9, start=200))
        store.commit()
        assert bytes_of(store) == [*range(5), *range(200, 209)]


def test_more_than_most_rows_go_to_parts(make_hits: Make, temporary: Path) -> None:
    """Memory is bounded: up to the limit nothing is written, beyond it everything waiting is."""
    with ThrowawayStore(most_rows=10) as store:
        store.add(rows(make_hits, 10))
        store.commit()
        assert files_in(temporary) == []
        store.add(rows(make_hits, 1, start=10))
        store.commit()
        assert len(files_in(temporary)) == 1
        assert bytes_of(store) == list(range(11))


@pytest.mark.parametrize("most_rows", (1_000, 3), ids=["in memory", "in parts"])
def test_shares_hold_each_hit_once(make_hits: Make, temporary: Path, most_rows: int) -> None:
    """All hits of a visitor are in one share; the file that holds them has no name."""
    visitors = [(7 * i) % 11 - 5 for i in range(40)]  # an id of 64 bits may be a negative number
    hits = make_hits([{"time": NOON, "visitor": visitor, "bytes": i} for i, visitor in enumerate(visitors)])
    with ThrowawayStore(most_rows=most_rows) as store:
        for start in range(0, 40, 10):
            store.add(hits.slice(start, 10))
            store.commit()
        named = files_in(temporary)
        with store.shares(SITE, FIRST, 3) as shares:
            found = [shares(i) for i in range(len(shares))]
            assert files_in(temporary) == named
        assert sorted(bytes_ for share in found for bytes_ in share["bytes"]) == list(range(40))
        of_share = [set(share["visitor"]) for share in found]
        assert sum(map(len, of_share)) == len(set(visitors))
        assert found[0].columns == list(HITS)


def test_shares_on_a_full_disk_are_an_error_with_its_code(tmp_path: Path) -> None:
    """74, with the folder, and nothing is left behind."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_OF_SHARES, tmp_path], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (74, "")
    assert done.stdout.startswith(f"{tmp_path}: cannot be written: File too large")
    assert files_in(tmp_path) == []


def test_parts_hold_hits_and_nothing_else(make_hits: Make, temporary: Path) -> None:
    """The columns of a part are those of HITS without its day and site: no address, no user agent."""
    with ThrowawayStore(most_rows=1) as store:
        store.add(rows(make_hits, 3))
        store.commit()
        [part] = files_in(temporary)
        assert pq.read_schema(part).names == [name for name in HITS if name not in {"day", "site"}]


@pytest.mark.usefixtures("no_umask")
def test_only_the_owner_may_read(make_hits: Make, temporary: Path) -> None:
    """The folder has mode 0700 and parts have 0600, whatever the umask."""
    with ThrowawayStore(most_rows=1) as store:
        store.add(rows(make_hits, 3))
        store.commit()
        store.add(rows(make_hits, 3))
        [folder] = temporary.iterdir()
        assert mode(folder) == 0o700
        written = files_in(folder)
        assert len(written) == 2
        assert {mode(path) for path in written} == {0o600}


def test_closing_a_day_destroys_its_parts_and_its_key(make_hits: Make, temporary: Path) -> None:
    """Parts and key of a closed day are gone; the other days keep theirs."""
    keys = MemoryKeys()
    with ThrowawayStore(keys, most_rows=1) as store:
        store.add(pl.concat([rows(make_hits, 3, 22), rows(make_hits, 3, 23)]))
        store.commit()
        of_first, of_second = keys("default", FIRST), keys("default", SECOND)
        store.close(SITE, FIRST, {}, "test")
        assert store.open_days() == [(SITE, SECOND)]
        assert store.hits(SITE, FIRST).is_empty()
        assert [path.name for path in files_in(temporary)] == ["1.parquet"]
        assert of_first not in keys._keys.values()
        assert keys("default", SECOND) == of_second
        assert keys("default", FIRST) != of_first


@pytest.mark.parametrize("raised", (None, RuntimeError("a stage failed"), KeyboardInterrupt()))
def test_nothing_is_left_after_the_context(make_hits: Make, temporary: Path, raised: BaseException | None) -> None:
    """The folder is gone after the run, also when the run failed or was interrupted."""

    def fill() -> None:
        with ThrowawayStore(most_rows=1) as store:
            store.add(rows(make_hits, 3))
            store.commit()
            store.add(rows(make_hits, 3))
            assert files_in(temporary)
            if raised:
                raise raised

    if raised:
        with pytest.raises(type(raised)):
            fill()
    else:
        fill()
    assert list(temporary.iterdir()) == []


def test_no_hits_are_no_day() -> None:
    """Adding a frame without a row opens no day."""
    with ThrowawayStore() as store:
        store.add(pl.DataFrame(schema=HITS))
        store.commit()
        assert store.open_days() == []


def test_keys_are_random_and_the_same_all_day() -> None:
    """A key has 32 bytes, stays the same for site and day, and differs for every other site, day and store."""
    keys = MemoryKeys()
    key = keys("one", FIRST)
    assert len(key) == KEY_BYTES == 32
    assert keys("one", FIRST) == key
    assert len({key, keys("two", FIRST), keys("one", SECOND), MemoryKeys()("one", FIRST)}) == 4


def test_keys_are_not_shown() -> None:
    """The text of the keys says how many there are, and none of them."""
    keys = MemoryKeys(lambda n: b"K" * n)
    keys("one", FIRST)
    assert "KKKK" not in repr(keys) + str(keys)
    assert "1 key" in repr(keys)


def test_write_parquet_replaces_a_file_at_once(tmp_path: Path) -> None:
    """A second writing takes the place of the first, and no temporary file is left."""
    path = tmp_path / "table.parquet"
    for value in (1, 2):
        write_parquet(pl.DataFrame({"a": [value]}), path)
    assert pl.read_parquet(path)["a"].to_list() == [2]
    assert files_in(tmp_path) == [path]


@pytest.mark.usefixtures("no_umask")
def test_write_parquet_gives_the_mode_it_is_told(tmp_path: Path) -> None:
    """Files are for the owner alone unless the caller says otherwise, whatever the umask."""
    write_parquet(pl.DataFrame({"a": [1]}), tmp_path / "own")
    write_parquet(pl.DataFrame({"a": [1]}), tmp_path / "public", mode=0o644)
    assert (mode(tmp_path / "own"), mode(tmp_path / "public")) == (0o600, 0o644)


def test_write_parquet_compresses_and_describes(tmp_path: Path) -> None:
    """Parts and tables are compressed with zstd, and a column keeps its meaning with it."""
    path = tmp_path / "table.parquet"
    write_parquet(pl.DataFrame({"a": [1], "b": [2]}), path, descriptions={"a": "what a is"})
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert pq.read_schema(path).field("a").metadata[b"description"] == b"what a is"


def test_write_parquet_is_repeatable(tmp_path: Path) -> None:
    """Equal frames give equal bytes."""
    frame = pl.DataFrame({"a": list(range(1_000)), "b": ["x", "y"] * 500})
    for name in ("one", "two"):
        write_parquet(frame, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("limit", (0, 1, 4, 4_096, 100_000, 1_000_000))
def test_write_parquet_leaves_no_broken_file_when_the_disk_is_full(tmp_path: Path, limit: int) -> None:
    """Wherever the space ends, the exit code is 74, the old file is untouched, and nothing else is left."""
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "table.parquet"
    write_parquet(pl.DataFrame({"old": [1]}), path)
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, path, str(limit)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert (done.returncode, done.stdout.split()[0]) == (74, "CannotWriteError")
    assert "free some space" in done.stdout
    assert path.read_bytes() == before
    assert list(folder.iterdir()) == [path]


def test_write_parquet_says_when_the_folder_is_not_there(tmp_path: Path) -> None:
    """A folder that is missing is an error of writing, with the name and without a traceback."""
    with pytest.raises(CannotWriteError, match="nowhere"):
        write_parquet(pl.DataFrame({"a": [1]}), tmp_path / "nowhere" / "table.parquet")


def test_a_refused_write_is_a_matter_of_permission(tmp_path: Path) -> None:
    """What the system forbids is named so: exit code 77."""
    with pytest.raises(NoPermissionError) as refused, cannot_write(tmp_path):
        raise PermissionError(13, "Permission denied")
    assert refused.value.exit_code == 77


def test_write_parquet_follows_no_planted_link(tmp_path: Path) -> None:
    """A link that somebody planted at the temporary name is not written through."""
    victim = tmp_path / "victim"
    victim.write_text("untouched", encoding="utf-8")
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "table.parquet"
    (folder / f".{path.name}.{os.getpid()}.tmp").symlink_to(victim)
    with pytest.raises(CannotWriteError):
        write_parquet(pl.DataFrame({"a": [1]}), path)
    assert victim.read_text(encoding="utf-8") == "untouched"
    assert not path.exists()


def test_glimpses_are_of_the_beginnings_of_lines() -> None:
    """The same 48 bytes give the same 16 bits wherever they stand; short lines give 0; another key gives others."""
    rng = np.random.default_rng(4)
    lines = [bytes(rng.integers(32, 127, rng.integers(10, 200), dtype=np.uint8)) + b"\n" for _ in range(5_000)]
    data = b"".join(lines)
    glimpses = Glimpses(b"k" * 32).of_lines(data, line_starts(data)).tolist()
    assert glimpses == [Glimpses(b"k" * 32).of_line(line) for line in lines]
    assert glimpses == [Glimpses(b"k" * 32).of_line(line[:48].ljust(len(line), b"x")) for line in lines]
    assert {glimpse for line, glimpse in zip(lines, glimpses, strict=True) if len(line) < 48} == {0}
    long = [glimpse for line, glimpse in zip(lines, glimpses, strict=True) if len(line) >= 48]
    assert len(set(long)) > 0.95 * len(long)
    assert max(long) < 1 << 16
    assert Glimpses(b"l" * 32).of_lines(data, line_starts(data)).tolist() != glimpses
