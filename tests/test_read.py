"""What `logstats.read` promises: nothing lost, nothing doubled, nothing trusted that was not verified."""

from __future__ import annotations

import bz2
import contextlib
import doctest
import gzip
import json
import lzma
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logstats.errors import InputMissingError, LogstatsError, NoPermissionError
from logstats.read import (
    MAX_LINE_BYTES,
    Block,
    DamagedInputError,
    Source,
    blocks,
    lines,
    open_source,
    read_blocks,
    split_lines,
)
from logstats.read import compression as compression_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNATURES = compression_module._SIGNATURES
ROOT = Path(__file__).parent.parent
SMALL_LIMIT = 20  # stands in for MAX_LINE_BYTES where many random contents are tried

ONLY_NEWLINES = bytes.maketrans(b"\r", b" ")  # bytes.splitlines takes a carriage return for a line end

# Made by the program `zstd`: "one line\n" with its checksum, which pyarrow leaves out when it writes.
ZSTD_WITH_CHECKSUM = bytes.fromhex("28b52ffd04584900006f6e65206c696e650ab53a2d66")
ZSTD_SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"


def compress_zstd(data: bytes) -> bytes:
    """Compresses into one zstd frame."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    compressed: bytes = sink.getvalue().to_pybytes()
    return compressed


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": compress_zstd,
}
COMPRESSED = [name for name in COMPRESS if name != "plain"]


def read_all(source: Source | Path, block_size: int = 1 << 20) -> tuple[list[Block], str | None]:
    """Gives all blocks, and the reason if the input is damaged."""
    if isinstance(source, Path):
        source = open_source(str(source))
    found: list[Block] = []
    try:
        found.extend(read_blocks(source, block_size))
    except DamagedInputError as damage:
        reason, offset = damage.reason, damage.offset
    else:
        return found, None
    assert offset == (found[-1].end_offset if found else 0)
    return found, reason


def content_of(found: list[Block]) -> bytes:
    """Joins the data of blocks."""
    return b"".join(block.data for block in found)


def settled_of(found: list[Block]) -> bytes:
    """Joins the data of the blocks that a caller may count: all up to the last settled one."""
    last = max((place for place, block in enumerate(found) if block.settled), default=-1)
    return content_of(found[: last + 1])


def write(path: Path, data: bytes) -> Path:
    """Writes a file and gives its path."""
    path.write_bytes(data)
    return path


def cut_members(content: bytes, cuts: list[int]) -> list[bytes]:
    """Cuts content at positions, anywhere, also inside a line."""
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    return [content[start:end] for start, end in pairwise(edges)]


def whole_lines(content: bytes) -> bytes:
    """Leaves out what stands after the last newline."""
    return content[: content.rfind(b"\n") + 1]


def run_python(script: str, *arguments: str, stdin: bytes = b"") -> str:
    """Runs a script in a process of its own that sees the package, and gives what it prints."""
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, input=stdin, check=True, stdout=subprocess.PIPE, timeout=60)
    return done.stdout.decode()


def looks_compressed(content: bytes) -> bool:
    """Tells whether plain content begins as compressed content does; such content is no log."""
    return any(content.startswith(signatures) for signatures in SIGNATURES.values())


contents = st.lists(st.binary(max_size=3 * SMALL_LIMIT), max_size=20).map(b"\n".join)


@given(
    content=contents,
    cuts=st.lists(st.integers(0, 400), max_size=4),
    compression=st.sampled_from(list(COMPRESS)),
    block_size=st.sampled_from([1, 7, 50, 1000]),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    cuts: list[int],
    compression: str,
    block_size: int,
) -> None:
    """Whatever the lines, members, compression and block size: the same lines, numbers and offsets."""
    assume(compression != "plain" or not looks_compressed(content))
    members = [COMPRESS[compression](member) for member in cut_members(content, cuts)]
    path = write(tmp_path_factory.mktemp("input") / "access.log", b"".join(members))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_KEPT_BYTES", SMALL_LIMIT + 1)
        found, damage = read_all(path, block_size)

    assert damage is None
    given_lines = content.split(b"\n")
    assert content_of(found) == b"\n".join(line[: SMALL_LIMIT + 1] for line in given_lines)
    assert not found or found[-1].settled
    offset, line_number = 0, 1
    for block in found:
        assert (block.offset, block.first_line) == (offset, line_number)
        assert block.data
        assert block is found[-1] or block.data.endswith(b"\n")
        offset, line_number = block.end_offset, line_number + block.data.count(b"\n")
    assert offset == len(content)


@given(
    content=contents.map(lambda content: content.translate(ONLY_NEWLINES)),
    block_size=st.sampled_from([1, 50, 1000]),
)
def test_after_finds_each_line(tmp_path_factory: pytest.TempPathFactory, content: bytes, block_size: int) -> None:
    """A block can be continued at the offset of any of its lines, also behind lines that were cut."""
    assume(not looks_compressed(content))
    path = write(tmp_path_factory.mktemp("input") / "access.log", content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_KEPT_BYTES", SMALL_LIMIT + 1)
        found, _ = read_all(path, block_size)

    for block in found:
        offset = block.offset
        for number, row in enumerate(content[offset : block.end_offset].splitlines(), start=block.first_line):
            rest = block.after(offset)
            assert (rest.first_line, rest.offset, rest.end_offset) == (number, offset, block.end_offset)
            assert rest.data.startswith(row[: SMALL_LIMIT + 1])
            assert rest.after(block.end_offset).data == b""
            offset += len(row) + 1


@given(
    content=contents,
    cuts=st.lists(st.integers(0, 400), max_size=4),
    compression=st.sampled_from(["gzip", "bzip2", "xz"]),
    length=st.integers(0, 10_000),
    block_size=st.sampled_from([1, 50, 1000]),
)
@settings(max_examples=200)
def test_truncated_anywhere(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    cuts: list[int],
    compression: str,
    length: int,
    block_size: int,
) -> None:
    """What is settled of a truncated input is exactly the whole lines of its complete members."""
    contents_of_members = cut_members(content, cuts)
    members = [COMPRESS[compression](member) for member in contents_of_members]
    truncated = b"".join(members)[:length]
    complete, left = b"", len(truncated)
    for member, text in zip(members, contents_of_members, strict=True):
        left -= len(member)
        complete += text if left >= 0 else b""
    path = write(tmp_path_factory.mktemp("input") / "access.log", truncated)
    source = open_source(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_KEPT_BYTES", len(content) + 1)
        found, damage = read_all(source, block_size)

    if length < len(members[0]) and len(truncated) < 10:
        return  # too short to be recognised; it is read as plain, and rejected as a line
    assert whole_lines(settled_of(found)) == whole_lines(complete)
    assert content.startswith(content_of(found))
    assert (damage is None) or damage == "truncated"


@pytest.mark.parametrize("compression", COMPRESSED)
def test_truncated_is_named_and_not_settled(tmp_path: Path, compression: str) -> None:
    """An input cut in half gives what can be read, unsettled, and then says that it is truncated."""
    content = b"".join(os.urandom(50).hex().encode() + b"\n" for _ in range(10_000))
    compressed = COMPRESS[compression](content)
    found, damage = read_all(write(tmp_path / "log", compressed[: len(compressed) * 9 // 10]))
    assert damage == "truncated"
    assert settled_of(found) == b""
    assert content.startswith(content_of(found))
    assert len(content_of(found)) > len(content) // 4


@pytest.mark.parametrize("compression", ("gzip", "bzip2", "xz"))
def test_flipped_byte(tmp_path: Path, compression: str) -> None:
    """One wrong byte in the second member keeps the first one settled and the second one unsettled."""
    compress = COMPRESS[compression]
    second = bytearray(compress(b"third\n" + os.urandom(30_000).hex().encode() + b"\n"))
    second[len(second) // 2] ^= 0x10
    found, damage = read_all(write(tmp_path / "log", compress(b"first\nsecond\n") + second))
    assert damage in {"checksum", "garbage"}
    assert settled_of(found) == b"first\nsecond\n"


def test_failed_checksum_of_gzip(tmp_path: Path) -> None:
    """A gzip member whose CRC does not fit is a failed checksum, and nothing of it is settled."""
    compressed = bytearray(gzip.compress(b"a line\n"))
    compressed[-8] ^= 1
    found, damage = read_all(write(tmp_path / "log.gz", bytes(compressed)))
    assert (damage, settled_of(found)) == ("checksum", b"")


def test_failed_checksum_of_zstd(tmp_path: Path) -> None:
    """A zstd frame whose checksum does not fit is a failed checksum, and nothing of it is settled."""
    good, _ = read_all(write(tmp_path / "good.zst", ZSTD_WITH_CHECKSUM))
    assert settled_of(good) == b"one line\n"
    flipped = ZSTD_WITH_CHECKSUM.replace(b"one line", b"0ne line")
    found, damage = read_all(write(tmp_path / "flipped.zst", flipped))
    assert (damage, settled_of(found)) == ("checksum", b"")


def test_no_compression_behind_its_magic_bytes(tmp_path: Path) -> None:
    """Bytes that begin like gzip and are none are garbage."""
    found, damage = read_all(write(tmp_path / "log.gz", b"\x1f\x8b" + b"this is no gzip header\n"))
    assert (damage, found) == ("garbage", [])


@pytest.mark.parametrize("compression", ("gzip", "bzip2", "xz"))
def test_trailing_garbage(tmp_path: Path, compression: str) -> None:
    """Garbage after the last member is ignored with a warning; the content counts."""
    source = open_source(str(write(tmp_path / "log", COMPRESS[compression](b"a line\n") + b"garbage")))
    found, damage = read_all(source)
    assert (damage, settled_of(found)) == (None, b"a line\n")
    assert source.warnings == [f"trailing garbage after the last {compression} member was ignored (7 B)"]


def test_trailing_garbage_of_zstd(tmp_path: Path) -> None:
    """Garbage after a zstd frame makes the input damaged, because frames are not told apart."""
    found, damage = read_all(write(tmp_path / "log.zst", compress_zstd(b"a line\n") + b"garbage"))
    assert (damage, settled_of(found)) == ("garbage", b"")


@pytest.mark.parametrize("compression", ("gzip", "bzip2", "xz"))
def test_zero_padding(tmp_path: Path, compression: str) -> None:
    """Zero bytes between and after members are no garbage."""
    compress = COMPRESS[compression]
    data = compress(b"first\n") + bytes(8) + compress(b"second\n") + bytes(200_000)
    source = open_source(str(write(tmp_path / "log", data)))
    found, damage = read_all(source)
    assert (damage, settled_of(found), source.warnings) == (None, b"first\nsecond\n", [])


def test_zstd_skippable_frames(tmp_path: Path) -> None:
    """Skippable zstd frames in front, between and behind hold no content."""
    frame = compress_zstd(b"a line\n")
    data = ZSTD_SKIPPABLE + frame + ZSTD_SKIPPABLE + frame + ZSTD_SKIPPABLE
    found, damage = read_all(write(tmp_path / "log.zst", data))
    assert (damage, settled_of(found)) == (None, b"a line\na line\n")


@pytest.mark.parametrize("compression", ("gzip", "bzip2", "xz"))
def test_member_ends_inside_a_line(tmp_path: Path, compression: str) -> None:
    """A line that two members share is whole, and settled only with the second one."""
    compress = COMPRESS[compression]
    second = compress(b"cond\nthird\n")
    whole, _ = read_all(write(tmp_path / "whole", compress(b"first\nse") + second))
    assert settled_of(whole) == b"first\nsecond\nthird\n"
    torn, damage = read_all(write(tmp_path / "torn", compress(b"first\nse") + second[:-1]))
    assert damage == "truncated"
    assert [(block.data, block.settled) for block in torn] == [
        (b"first\n", True),
        (b"second\nthird\n", False),
    ]


def test_settled_only_after_the_checksum(tmp_path: Path) -> None:
    """Blocks from the middle of a gzip member are not settled; the last one is."""
    content = b"a line of the log\n" * 10_000
    found, _ = read_all(write(tmp_path / "log.gz", gzip.compress(content)), block_size=10_000)
    assert content_of(found) == content
    assert [block.settled for block in found] == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize("compression", COMPRESSED)
@pytest.mark.parametrize("block_size", (1, 7, 14, 70))
def test_last_block_is_settled(tmp_path: Path, compression: str, block_size: int) -> None:
    """Also when the checksum comes after the last line has filled a block, a settled block follows."""
    found, _ = read_all(write(tmp_path / "log", COMPRESS[compression](b"a line\n" * 10)), block_size)
    assert settled_of(found) == b"a line\n" * 10


def test_plain_blocks_are_settled_and_bounded(tmp_path: Path) -> None:
    """Plain input has no checksum, so each block is settled; none is over twice the size asked for."""
    content = b"a line of the log\n" * 10_000
    found, _ = read_all(write(tmp_path / "log", content), block_size=1000)
    assert content_of(found) == content
    assert all(block.settled and len(block.data) <= 2000 for block in found)


@pytest.mark.parametrize("compression", COMPRESSED)
def test_names_do_not_matter(tmp_path: Path, compression: str) -> None:
    """A plain file called .gz is plain, and a compressed one called .log is compressed."""
    plain, _ = read_all(write(tmp_path / f"plain.{compression}.gz", b"a line\n"))
    compressed, _ = read_all(write(tmp_path / "compressed.log", COMPRESS[compression](b"a line\n")))
    assert settled_of(plain) == settled_of(compressed) == b"a line\n"


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("block_size", (1000, 1 << 20))
def test_too_long_line_is_cut(tmp_path: Path, compression: str, block_size: int) -> None:
    """Lines of up to 64 KiB are whole; longer ones are cut to one byte more, and offsets count all bytes."""
    lengths = [3, MAX_LINE_BYTES, MAX_LINE_BYTES + 1, MAX_LINE_BYTES + 2, 1_000_000, 5]
    content = b"".join(b"x" * length + b"\n" for length in lengths)
    found, _ = read_all(write(tmp_path / "log", COMPRESS[compression](content)), block_size)
    kept = [len(line) for line in content_of(found).split(b"\n")[:-1]]
    assert kept == [3, MAX_LINE_BYTES, *[MAX_LINE_BYTES + 1] * 3, 5]
    assert found[-1].end_offset == len(content)


def test_too_long_last_line_without_newline(tmp_path: Path) -> None:
    """A too long last line without newline gets none: it may still be written to."""
    found, _ = read_all(write(tmp_path / "log", b"x" * 1_000_000))
    assert [(len(block.data), block.end_offset) for block in found] == [(MAX_LINE_BYTES + 1, 1_000_000)]


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("content", (b"no newline", b"a\r\nb \r\n", b"a\x00b\n\x00\n", b"caf\xe9\n", b"\n\n\n"))
def test_bytes_pass_untouched(tmp_path: Path, compression: str, content: bytes) -> None:
    """A missing last newline, CR LF, NUL, bytes that are not UTF-8 and empty lines stay as they are."""
    found, damage = read_all(write(tmp_path / "log", COMPRESS[compression](content)))
    assert (damage, settled_of(found)) == (None, content)


@pytest.mark.parametrize("compression", COMPRESS)
def test_empty_input(tmp_path: Path, compression: str) -> None:
    """An empty file, and an empty file that was compressed, have no block."""
    assert read_all(write(tmp_path / "log", COMPRESS[compression](b""))) == ([], None)


BOMB_SCRIPT = """
import resource, sys
from logstats.read import open_source, read_blocks
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
blocks = [(len(block.data), block.end_offset) for block in read_blocks(open_source(sys.argv[1]))]
print(blocks, peak() - before)
"""


@pytest.mark.parametrize("compression", ("gzip", "zstd"))
def test_bomb_in_bounded_memory(tmp_path: Path, compression: str) -> None:
    """One line of 256 MiB in a small file takes less than 32 MiB to read."""
    path = write(tmp_path / "bomb", COMPRESS[compression](b"x" * (256 << 20) + b"\n"))
    output = run_python(BOMB_SCRIPT, str(path))
    blocks_found, extra_kib = output.rsplit(maxsplit=1)
    assert blocks_found == f"[({MAX_LINE_BYTES + 2}, {(256 << 20) + 1})]"
    assert int(extra_kib) < 32 << 10


def test_xz_that_asks_for_too_much_memory(tmp_path: Path) -> None:
    """An xz header that asks for gigabytes is refused, not obeyed."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(b"a line\n" * 10_000, filters=filters))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("logstats.read.compression.XZ_MEMORY_LIMIT", 1 << 19)
        found, damage = read_all(write(tmp_path / "log.xz", bytes(data)))
    assert (found, damage) == ([], "garbage")


@pytest.mark.parametrize("name", ("nothing", "file/below", "nul\x00"))
def test_missing_file(tmp_path: Path, name: str) -> None:
    """A file that is not there is named at once, with exit code 66."""
    write(tmp_path / "file", b"")
    with pytest.raises(InputMissingError) as caught:
        open_source(str(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)
    assert caught.value.exit_code == 66


def test_directory(tmp_path: Path) -> None:
    """A directory is no input; the hint says how to name its files."""
    with pytest.raises(InputMissingError, match="is a directory") as caught:
        open_source(str(tmp_path))
    assert f"{tmp_path}/*.log" in caught.value.hint


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file we may not read is refused at once, with exit code 77."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    path = write(tmp_path / "log", b"a line\n")
    monkeypatch.setattr(Path, "open", refuse)  # root, who may run the tests, is never refused
    with pytest.raises(NoPermissionError) as caught:
        open_source(str(path))
    assert caught.value.exit_code == 77


def test_file_gone_before_it_is_read(tmp_path: Path) -> None:
    """A file that disappears between naming and reading is missing, not a traceback."""
    source = open_source(str(write(tmp_path / "log", b"a line\n")))
    (tmp_path / "log").unlink()
    with pytest.raises(InputMissingError):
        list(read_blocks(source))


@pytest.mark.parametrize("compression", COMPRESS)
def test_read_error_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str) -> None:
    """When the system cannot read on, the input is named with the system's reason."""
    head = COMPRESS[compression](b"a line\n")[:12]

    class FailingFile:
        """Gives some bytes, then fails as a bad disk does."""

        def __init__(self) -> None:
            self.pieces = [head]

        def read(self, _size: int) -> bytes:
            if self.pieces:
                return self.pieces.pop()
            raise OSError(5, "Input/output error")

    @contextlib.contextmanager
    def failing(_name: str) -> Iterator[FailingFile]:
        yield FailingFile()

    source = open_source(str(write(tmp_path / "log", b"")))
    monkeypatch.setattr("logstats.read.source._open_file", failing)
    with pytest.raises(LogstatsError, match="log: cannot be read: Input/output error"):
        list(read_blocks(source))


@pytest.mark.parametrize("compression", COMPRESS)
def test_named_pipe(tmp_path: Path, compression: str) -> None:
    """A named pipe is read as a file is, compression included; its size is not known."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[COMPRESS[compression](b"a line\n" * 50_000)])
    source = open_source(str(path))
    writer.start()
    found, damage = read_all(source)
    writer.join()
    assert (damage, settled_of(found), source.size) == (None, b"a line\n" * 50_000, None)


STDIN_SCRIPT = """
import json, os, sys
from logstats.read import open_source, read_blocks
os.set_blocking(0, len(sys.argv) == 1)
source = open_source("-")
print(json.dumps([sum(block.data.count(10) for block in read_blocks(source)), source.consumed, source.size]))
"""


@pytest.mark.parametrize("compression", COMPRESS)
def test_standard_input(compression: str) -> None:
    """Standard input is read to its end, compression included."""
    data = COMPRESS[compression](b"a line\n" * 50_000)
    assert json.loads(run_python(STDIN_SCRIPT, stdin=data)) == [50_000, len(data), None]


def test_slow_non_blocking_pipe() -> None:
    """A pipe that another program made non-blocking is waited for."""
    command = [sys.executable, "-c", STDIN_SCRIPT, "non-blocking"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for piece in (b"first\nsec", b"ond\n"):
            process.stdin.write(piece)
            process.stdin.flush()
            time.sleep(0.4)
        process.stdin.close()
        assert json.loads(process.stdout.read()) == [2, 13, None]


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without standard input the user is told so."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputMissingError, match="closed"):
        list(read_blocks(open_source("-")))


def test_progress(tmp_path: Path) -> None:
    """The bytes consumed grow up to the size on disk."""
    path = write(tmp_path / "log.gz", gzip.compress(os.urandom(500_000).hex().encode() + b"\n"))
    source = open_source(str(path))
    assert (source.size, source.consumed) == (path.stat().st_size, 0)
    read_all(source)
    assert source.consumed == source.size


def test_file_can_be_read_twice(tmp_path: Path) -> None:
    """Reading a file again starts over, warnings and progress included."""
    source = open_source(str(write(tmp_path / "log.gz", gzip.compress(b"a line\n") + b"garbage")))
    assert read_all(source) == read_all(source)
    assert (source.consumed, len(source.warnings)) == (source.size, 1)


def test_closed_early(tmp_path: Path) -> None:
    """A reader that is closed after its first block leaves no thread and no open file."""
    path = write(tmp_path / "log", b"a line\n" * 100_000)
    before = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    found = read_blocks(open_source(str(path)), block_size=1000)
    next(found)
    found.close()
    assert (threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))) == before


def test_no_log_content_in_messages(tmp_path: Path) -> None:
    """Neither a block nor a damage shows what the log holds."""
    found, _ = read_all(write(tmp_path / "log", b"192.0.2.1 secret\n"))
    assert "secret" not in repr(found)
    with pytest.raises(DamagedInputError) as caught:
        list(read_blocks(open_source(str(write(tmp_path / "log", gzip.compress(b"secret\n")[:-1])))))
    assert str(caught.value) == "damaged input (truncated) after 7 bytes"


@pytest.mark.parametrize(
    ("data", "expected"),
    (
        (b"", []),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"  one \t\r\ntwo\r\n \r\n", ["  one", "two", ""]),
        (b"a\rb\n", ["a\rb"]),
        (b"a\x00b\n\x00\n", ["a\x00b", "\x00"]),
        (b"a\x0bb\x0cc\xc2\x85d\xe2\x80\xa8e\n", ["a\x0bb\x0cc\x85d\u2028e"]),
        (b"caf\xe9\nna\xc3\xafve\ncut \xe2\x82\nnext\n", ["caf\ufffd", "na\u00efve", "cut \ufffd", "next"]),
    ),
)
def test_split_lines(data: bytes, expected: list[str]) -> None:
    """Only newlines split, only blanks and CR at the right end go, bytes that are not UTF-8 are replaced."""
    assert split_lines(data).to_list() == expected


@given(st.binary(max_size=300))
def test_split_lines_as_python_does(data: bytes) -> None:
    """The fast way gives what decoding and splitting in Python gives."""
    rows = data.decode("utf-8", errors="replace").removesuffix("\n").split("\n") if data else []
    found = split_lines(data)
    assert found.dtype == pl.String
    assert found.to_list() == [row.rstrip(" \t\r") for row in rows]


def test_examples() -> None:
    """The examples in the docstrings run."""
    assert doctest.testmod(lines).failed == 0


@pytest.mark.parametrize("name", ("gzip", "bzip2", "xz"))
@pytest.mark.parametrize("block_size", (7, 40, 1 << 20))
def test_blocks_know_where_members_begin_at_the_start_of_a_line(tmp_path: Path, name: str, block_size: int) -> None:
    """There another file may begin; a member that begins within a line is not named, an empty one changes nothing."""
    parts = [b"first\nsecond\n", b"third\n", b"", b"torn", b" line\nfourth\n", b"fifth\n" * 9]
    path = write(tmp_path / "members", b"".join(map(COMPRESS[name], parts)))
    found, _ = read_all(path, block_size)
    content = content_of(found)
    begins = {block.offset + member for block in found for member in block.members}
    expected = {0, 13, 19, len(content) - 54}
    assert begins == expected
    assert all(0 <= member < len(block.data) for block in found for member in block.members)


@pytest.mark.parametrize("name", ("plain", "zstd"))
def test_what_has_no_members_names_none(tmp_path: Path, name: str) -> None:
    """Plain lines have none, and frames of zstd are not known."""
    path = write(tmp_path / "log", COMPRESS[name](b"first\n") + COMPRESS[name](b"second\n"))
    found, _ = read_all(path)
    assert [block.members for block in found] == [()] * len(found)


def test_a_part_of_a_block_keeps_its_place(tmp_path: Path) -> None:
    """Offsets, line numbers, cut lines and members of a part are those of the block."""
    content = b"a\n" + b"x" * (MAX_LINE_BYTES + 500) + b"\nb\nc\n"
    [block] = read_all(write(tmp_path / "log.gz", gzip.compress(content[:2]) + gzip.compress(content[2:])))[0]
    index = block.data.index(b"b\n")
    part = block.part(index, index + 2, 3)
    assert (part.data, part.first_line, part.end_offset) == (b"b\n", 3, len(content) - 2)
    assert content[part.offset : part.end_offset] == b"b\n"
    before = block.part(2, index, 2)
    assert (before.offset, before.end_offset, before.members) == (2, len(content) - 4, (0,))
    assert [cut.missing for cut in before.cuts] == [499]
