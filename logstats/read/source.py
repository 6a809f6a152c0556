"""Inputs by name: regular files, named pipes and standard input, read as bytes from the front to the end."""

from __future__ import annotations

import select
import stat
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from logstats.errors import InputMissingError, LogstatsError, NoPermissionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

__all__ = ["STANDARD_INPUT", "RawInput", "Reader", "Source", "open_source"]

STANDARD_INPUT = "-"


class RawInput(Protocol):
    """What is read from: an unbuffered file, or a stand-in for standard input."""

    def read(self, size: int, /) -> bytes | None:
        """Gives up to `size` bytes, b"" at the end, None when a non-blocking input has nothing for now."""

    def fileno(self) -> int:
        """Gives the descriptor to wait on."""


@dataclass
class Source:
    """An input as the user named it; it is opened when it is read.

    Attributes:
        name: The name as given; `-` is standard input.
        size: Bytes on disk, compressed or not; None for pipes and standard input.
        consumed: Bytes of `size` read so far, for a progress bar.
        patience: Seconds after which a pipe that has nothing more for now gives what it has; None waits until a block
            is full or the pipe ends.
        warnings: What a user should know although everything could be read, in sentences without content.
    """

    name: str
    size: int | None = None
    consumed: int = 0
    patience: float | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name as text for people: a file name may be any bytes, also such as are no text."""
        return self.name.encode("utf-8", "backslashreplace").decode()

    @contextmanager
    def open(self) -> Iterator[Reader]:
        """Opens the input from its front; a file may be opened again, a pipe gives what is left.

        A named pipe waits here for its writer. Standard input stays open afterwards.

        Raises:
            InputMissingError: The input is not there, or is a directory.
            NoPermissionError: It may not be read.
        """
        self.consumed = 0
        self.warnings.clear()
        if self.name == STANDARD_INPUT:
            yield Reader(self, _standard_input())
        else:
            with _open_file(self.name) as file:
                yield Reader(self, file)


class Reader:
    """Reads a source piece by piece, can look ahead, and takes back what was read too far.

    A read gives what is there now and does not wait until it is full: a slow pipe is never held back here.
    """

    def __init__(self, source: Source, raw: RawInput) -> None:
        self.source = source
        self.ended = False
        self._raw = raw
        self._ahead = b""

    def read(self, size: int) -> bytes:
        """Gives between 1 and `size` bytes, or b"" at the end of the input."""
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
            return piece
        return self._read_raw(size)

    def read_patiently(self, size: int) -> bytes:
        """Gives between 1 and `size` bytes, or b"": at the end, or when nothing has come for `source.patience`."""
        patience = self.source.patience
        if patience is not None and not self._ahead and not select.select([self._raw], [], [], patience)[0]:
            return b""
        return self.read(size)

    def peek(self, size: int) -> bytes:
        """Gives the next `size` bytes without taking them; fewer only at the end of the input."""
        while len(self._ahead) < size and (piece := self._read_raw(size)):
            self._ahead += piece
        return self._ahead[:size]

    def unread(self, data: bytes) -> None:
        """Puts back bytes that belong to what comes next."""
        self._ahead = data + self._ahead

    def _read_raw(self, size: int) -> bytes:
        try:
            while (piece := self._raw.read(size)) is None:
                # Another program made the shared pipe non-blocking; ssh and some shells do.
                select.select([self._raw], [], [])
        except OSError as error:
            raise LogstatsError(f"{self.source.name}: cannot be read: {error.strerror}") from error
        self.source.consumed += len(piece)
        self.ended = not piece
        return piece


def open_source(name: str) -> Source:
    """Names an input, and makes sure it can be opened before any work starts.

    Args:
        name: A path, or `-` for standard input.

    Raises:
        InputMissingError: There is no such file, or it is a directory.
        NoPermissionError: It may not be read.
    """
    if name == STANDARD_INPUT:
        return Source(name)
    try:
        status = Path(name).stat()
    except (OSError, ValueError) as error:
        raise _refusal(name, error) from None
    if not stat.S_ISFIFO(status.st_mode):  # opening a named pipe would wait for its writer, and closing it stop him
        _open_file(name).close()
    return Source(name, size=status.st_size if stat.S_ISREG(status.st_mode) else None)


def _standard_input() -> RawInput:
    """Standard input below its text and buffer layers; a buffer would wait until it is full."""
    if sys.stdin is None:
        raise InputMissingError("standard input is closed", hint="name a file, or pipe lines in")
    buffer = sys.stdin.buffer
    raw: RawInput = getattr(buffer, "raw", buffer)
    return raw


def _open_file(name: str) -> FileIO:
    try:
        return Path(name).open("rb", buffering=0)
    except (OSError, ValueError) as error:
        raise _refusal(name, error) from None


def _refusal(name: str, error: OSError | ValueError) -> LogstatsError:
    """Says in the user's words why a file cannot be opened."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return InputMissingError(f"{name}: no such file")
        case IsADirectoryError():
            pattern = Path(name) / "*.log"
            return InputMissingError(f"{name}: is a directory", hint=f"name its files, for example {pattern}")
        case PermissionError():
            return NoPermissionError(f"{name}: no permission to read it")
        case OSError():
            return InputMissingError(f"{name}: cannot be opened: {error.strerror}")
        case _:
            return InputMissingError(f"{name}: is no file name")
