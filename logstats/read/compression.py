"""Recognises compression by content, and decompresses in bounded pieces.

Names are not trusted: a plain file may be called `.gz`, and a pipe has no name. Every stream may hold several
members (gzip members, bzip2 and xz streams, zstd frames), as log rotation and `cat a.gz b.gz` leave them.
Zero bytes between and after them (tape blocks, xz padding) are passed over, except in zstd.

Sources: RFC 1952 (gzip), RFC 8878 (zstd), the xz file format 1.2, and bzip2's block and end-of-stream marks.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logstats.read.source import Reader

__all__ = ["DecodeError", "Piece", "Reason", "read_pieces"]

Compression = Literal["gzip", "bzip2", "xz", "zstd"]
Reason = Literal["truncated", "checksum", "garbage"]

INPUT_SIZE = 65_536  # compressed bytes a read; a member's surplus is handed back, so it is better small
XZ_MEMORY_LIMIT = 128 << 20  # `xz -9` needs 65 MiB; a forged header may ask for gigabytes

_BZIP2_MARKS = (b"1AY&SY", b"\x17rE8P\x90")  # a block follows; the stream is empty
_SIGNATURES: dict[Compression, tuple[bytes, ...]] = {
    "gzip": (b"\x1f\x8b",),
    "bzip2": tuple(b"BZh%d%b" % (level, mark) for level in range(1, 10) for mark in _BZIP2_MARKS),
    "xz": (b"\xfd7zXZ\x00",),
    "zstd": (b"\x28\xb5\x2f\xfd", *(b"%c\x2a\x4d\x18" % kind for kind in range(0x50, 0x60))),
}
_LONGEST_SIGNATURE = max(len(signature) for signatures in _SIGNATURES.values() for signature in signatures)


class Piece(NamedTuple):
    """Some decompressed bytes.

    Attributes:
        data: The bytes, possibly none.
        verified: Whether every checksum over what was read up to here has been verified, or there is none.
        begins: Whether it is the first piece of a compressed member.
    """

    data: bytes
    verified: bool
    begins: bool = False


class DecodeError(Exception):
    """Raised where a compressed stream cannot be read on.

    Attributes:
        reason: `truncated` when the input ends too early, `checksum` when the content does not fit its
            checksum, `garbage` when it cannot be decoded. bzip2 and xz call both of the latter `garbage`.
    """

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(reason)


class _Decoder(Protocol):
    """Decompresses one member; the interface of `bz2.BZ2Decompressor` and `lzma.LZMADecompressor`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipDecoder:
    """zlib's gzip reader with the interface of the other two."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # 16: gzip header and trailer, with CRC

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


class _ArrowInput:
    """A reader as the kind of file that pyarrow takes; closing it is left to the source."""

    closed = False

    def __init__(self, reader: Reader) -> None:
        self.read = reader.read

    def close(self) -> None:
        """Does nothing; pyarrow calls it."""


_DECODERS: dict[Compression, Callable[[], _Decoder]] = {
    "gzip": _GzipDecoder,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_LIMIT),
}


def read_pieces(reader: Reader, max_length: int) -> Iterator[Piece]:
    """Reads the content of an input, decompressed when it is compressed.

    Args:
        reader: The opened input.
        max_length: The most bytes a piece holds.

    Yields:
        Pieces in order; together they are the whole content.

    Raises:
        DecodeError: A compressed stream is damaged; what could be read of it was yielded before.
    """
    match _recognise(reader):
        case None:
            yield from _read_plain(reader, max_length)
        case "zstd":
            yield from _read_zstd(reader, max_length)
        case compression:
            yield from _read_members(reader, compression, max_length)


def _recognise(reader: Reader) -> Compression | None:
    head = reader.peek(_LONGEST_SIGNATURE)
    return next((name for name, signatures in _SIGNATURES.items() if head.startswith(signatures)), None)


def _read_plain(reader: Reader, max_length: int) -> Iterator[Piece]:
    # An empty piece says that the input has nothing more for now.
    while (data := reader.read_patiently(max_length)) or not reader.ended:
        yield Piece(data, verified=True)


def _read_members(reader: Reader, compression: Compression, max_length: int) -> Iterator[Piece]:
    while _recognise(reader) == compression:
        yield from _read_member(reader, _DECODERS[compression](), max_length)
        _skip_zeros(reader)
    if surplus := _skip_rest(reader):
        warning = f"trailing garbage after the last {compression} member was ignored ({surplus} B)"
        reader.source.warnings.append(warning)


def _read_member(reader: Reader, decoder: _Decoder, max_length: int) -> Iterator[Piece]:
    begins = True
    while not decoder.eof:
        data = reader.read(INPUT_SIZE) if decoder.needs_input else b""
        if decoder.needs_input and not data:
            raise DecodeError("truncated")
        yield Piece(_decompress(decoder, data, max_length), verified=decoder.eof, begins=begins)
        begins = False
    reader.unread(decoder.unused_data)


def _decompress(decoder: _Decoder, data: bytes, max_length: int) -> bytes:
    try:
        return decoder.decompress(data, max_length)
    except (zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise DecodeError(_reason(error)) from None


def _read_zstd(reader: Reader, max_length: int) -> Iterator[Piece]:
    """Reads all frames as one: pyarrow does not say where one ends, so only the whole input is verified.

    Python has its own zstd reader from 3.14 on only.
    """
    stream = pa.CompressedInputStream(pa.PythonFile(_ArrowInput(reader), mode="r"), "zstd")
    try:
        while data := stream.read(max_length):
            yield Piece(data, verified=False)
    except OSError as error:
        raise DecodeError("truncated" if reader.ended else _reason(error)) from None
    yield Piece(b"", verified=True)


def _reason(error: Exception) -> Reason:
    """Tells a failed checksum from bytes without meaning; zlib and zstd say so in their message only."""
    return "checksum" if "check" in str(error) else "garbage"


def _skip_zeros(reader: Reader) -> None:
    while data := reader.read(INPUT_SIZE):
        if rest := data.lstrip(b"\x00"):
            reader.unread(rest)
            return


def _skip_rest(reader: Reader) -> int:
    """Reads to the end, so that the writer of a pipe is not stopped, and counts the bytes."""
    count = 0
    while data := reader.read(INPUT_SIZE):
        count += len(data)
    return count
