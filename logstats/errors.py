"""Everything that can go wrong for a user, each with its exit code.

    LogstatsError                 1   a failure of the program
    ├── InputRejectedError       65   too many rejected lines
    │   └── ImplausibleFormatError 65   the lines do not read as the format says
    ├── InputMissingError        66   a file that is not there, or is no file
    ├── CannotWriteError         74   disk full, file-size limit
    ├── BusyError                75   another run holds the store; try later
    ├── NoPermissionError        77   a file we may not read or write
    └── ConfigurationError       78   an unknown key, a wrong value
        └── FormatStringError    78   a format string that cannot be understood

An error keeps its evidence as attributes and builds its message from them. No message holds the text of
a log line, an address or a key.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BusyError",
    "CannotWriteError",
    "ConfigurationError",
    "FormatStringError",
    "ImplausibleFormatError",
    "InputMissingError",
    "InputRejectedError",
    "LogstatsError",
    "NoPermissionError",
]


class LogstatsError(Exception):
    """Something a user must be told, in one line and without a traceback.

    Attributes:
        hint: What to do next, or an empty string.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputRejectedError(LogstatsError):
    """Raised after a run in which more lines were rejected than `input.max_rejected_share` allows."""

    exit_code = 65


class ImplausibleFormatError(InputRejectedError):
    """Raised when lines are no access log, or fit a format only by reading a column as what it is not."""


class InputMissingError(LogstatsError):
    """Raised when an input does not exist, or is a directory."""

    exit_code = 66


class CannotWriteError(LogstatsError):
    """Raised when a file cannot be written: disk full, quota, size limit."""

    exit_code = 74


class BusyError(LogstatsError):
    """Raised when another run holds the store, or a network does not answer."""

    exit_code = 75


class NoPermissionError(LogstatsError):
    """Raised when a file may not be read or written, or a secret is readable by others."""

    exit_code = 77


class ConfigurationError(LogstatsError):
    """Raised for an unknown key, a wrong type, a bad network or a bad pattern in the configuration.

    Attributes:
        file: Where the value stands, or an empty string for an option.
        line: Line number in that file, 0 if unknown.
        key: Dotted name of the key, for example `privacy.id_bits`.
    """

    exit_code = 78

    def __init__(self, reason: str, *, file: str = "", line: int = 0, key: str = "", hint: str = "") -> None:
        self.file, self.line, self.key = file, line, key
        place = f"{file}:{line}" if line else file
        super().__init__(": ".join(part for part in (place, key, reason) if part), hint=hint)


class FormatStringError(ConfigurationError):
    """Raised when a LogFormat or log_format string holds something that has no meaning.

    Attributes:
        directive: The piece of the format string that is not understood.
    """

    def __init__(self, reason: str, *, directive: str = "", hint: str = "") -> None:
        self.directive = directive
        super().__init__(reason, key="format", hint=hint)
