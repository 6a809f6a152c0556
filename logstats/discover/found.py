"""What a server's configuration says about its logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from logstats.errors import ConfigurationError, InputMissingError, NoPermissionError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Found", "Log", "Place", "Refused", "glob_literal", "read_text"]

_LARGEST: Final = 16_000_000  # bytes of a configuration file; a log that was named by mistake is larger


@dataclass(frozen=True)
class Place:
    """A line of a configuration file."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def error(self, reason: str, hint: str = "") -> ConfigurationError:
        """Make the error of what stands here."""
        return ConfigurationError(reason, file=str(self.file), line=self.line, hint=hint)


@dataclass(frozen=True)
class Log:
    """A log that the server writes.

    Attributes:
        path: From the root; `*` where a name varies.
        format_string: As the server reads it.
        hosts: Names of the virtual host that writes it; empty for one without a name.
        place: Where the configuration says so.
        notes: What an operator should know of it, in sentences.
    """

    path: str
    format_string: str
    hosts: tuple[str, ...]
    place: Place
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A log that logstats cannot read, and what to do about it."""

    target: str
    place: Place
    reason: str
    hint: str


@dataclass
class Found:
    """All logs of a server.

    Attributes:
        syntax: Whose format strings these are.
        logs: Each once for each virtual host that writes it.
        refused: Those that cannot be read.
        notes: What is to be known beside them.
    """

    syntax: Literal["nginx", "apache"]
    file: Path
    logs: list[Log] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_text(file: Path, named_at: Place | None = None) -> str:
    """Read a configuration file; bytes that are no UTF-8 (comments, mostly) are kept as what they are not.

    Raises:
        InputMissingError: There is none.
        NoPermissionError: It may not be read.
        ConfigurationError: It is something else.
    """
    where = f", named at {named_at}" if named_at else ""
    try:
        if not file.is_file():
            raise InputMissingError(f"{file}: no such file{where}")
        if file.stat().st_size > _LARGEST:
            raise ConfigurationError(f"is too large for a configuration{where}", file=str(file))
        return file.read_text("utf-8", "surrogateescape")
    except PermissionError:
        raise NoPermissionError(f"{file}: no permission to read it{where}", hint="run this command as root") from None
    except OSError as error:
        raise InputMissingError(f"{file}: cannot be read: {error.strerror}{where}") from None


def glob_literal(text: str) -> str:
    """Write a text so that a pattern of paths means nothing but it."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)
