"""How the formats of a server's logs are read: by a format that has a name, or by the server's own string."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.discover.nginx import COMBINED
from logstats.errors import FormatStringError
from logstats.parse import Format, format_from, named_formats, parse, shares
from logstats.parse.pieces import Field, Text

if TYPE_CHECKING:
    from logstats.discover.found import Found

__all__ = ["Formats", "Reading", "choose"]

_EXAMPLES: Final = {
    "client": "192.0.2.1",
    "host": "www.example.org",
    "time_clf": "22/Nov/2026:08:00:00 +0100",
    "time_iso8601": "2026-11-22T08:00:00+01:00",
    "epoch_seconds": "1795330800",
    "request": "GET /demarches HTTP/1.1",
    "method": "GET",
    "target": "/demarches",
    "path": "/demarches",
    "status": "200",
}
_BY_KIND: Final = {"number": "1", "client": "192.0.2.1", "host": "www.example.org", "path": "/demarches", "query": ""}
_MOMENT: Final = datetime(2026, 11, 22, 7, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reading:
    """How lines of a format string are read.

    Attributes:
        format: What reads them.
        written: The string for logstats.toml; empty where detection finds the format by itself.
        names_host: Whether a line says for which host it is.
    """

    format: Format
    written: str
    names_host: bool


@dataclass
class Formats:
    """All formats of a server.

    Attributes:
        readings: By format string.
        useless: Why a format string cannot be used, and what to do.
        confused: Pairs of format strings of which each reads the other's lines.
    """

    readings: dict[str, Reading] = field(default_factory=dict)
    useless: dict[str, str] = field(default_factory=dict)
    confused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def written(self) -> list[str]:
        """The strings for logstats.toml, each once."""
        return list(dict.fromkeys(one.written for one in self.readings.values() if one.written))


def choose(found: Found) -> Formats:
    """Find out how the lines of each log are read."""
    chosen = Formats()
    for string in dict.fromkeys(log.format_string for log in found.logs):
        try:
            chosen.readings[string] = _reading(Format("custom", found.syntax, string))
        except FormatStringError as error:
            chosen.useless[string] = f"{error}; {error.hint}" if error.hint else str(error)
    strings = list(chosen.readings)
    chosen.confused = [
        (one, other)
        for one in strings
        for other in strings
        if one != other and chosen.readings[one].written and _reads(chosen.readings[one].format, found, other)
    ]
    return chosen


def _reading(own: Format) -> Reading:
    """Find how lines of a format are read.

    Raises:
        FormatStringError: They lack what counting needs, or hold what is not understood.
    """
    name = "combined" if (own.syntax, own.string) == ("nginx", COMBINED) else ""
    for named in named_formats().values():
        if named.name == name or (named.syntax == own.syntax and _looks(named) == _looks(own)):
            return Reading(named, "", "host" in named.fields)
    if own.string.lstrip().startswith("{"):
        json = named_formats()["json"]
        read = parse(pl.Series([_example(own)]), [json], timezone="UTC", latest=_LATEST).requests
        if read.height and read["target"].item() and read["client"].item():
            return Reading(json, "", read["host"].item() is not None)
    own.require_usable()
    quoted = own.string.replace("\\", "\\\\").replace('"', '\\"')
    directive = "LogFormat" if own.syntax == "apache" else "log_format custom"
    for written in (own.string, f'{directive} "{quoted}"'):
        again = format_from(written)
        if (again.syntax, again.string) == (own.syntax, own.string):
            return Reading(own, written, "host" in own.fields)
    raise FormatStringError("this string cannot be written into logstats.toml", hint="tell us how it looks")


def _looks(line_format: Format) -> list[str | tuple[str | None, str]]:
    """Give what lines look like: Debian's `combined` of Apache has %O where Apache's has %b, and reads the same."""
    same = {"bytes_out": "body_bytes"}
    return [
        piece.text if isinstance(piece, Text) else (same.get(piece.name or "", piece.name), piece.kind)
        for piece in line_format.pieces
    ]


def _reads(one: Format, found: Found, string: str) -> bool:
    """Tell whether a format reads a line of another format string."""
    other = Format("other", found.syntax, string)
    return shares(pl.Series([_example(other)]), [one])[one.name] > 0


def _example(line_format: Format) -> str:
    """Write a line of a format."""
    return "".join(piece.text if isinstance(piece, Text) else _example_of(piece) for piece in line_format.pieces)


def _example_of(column: Field) -> str:
    if column.name == "time_clf" and column.kind == "own":  # Apache's %t has its brackets
        return f"[{_EXAMPLES['time_clf']}]"
    if (column.name or "").startswith("time_text:"):
        return _MOMENT.strftime((column.name or "").partition(":")[2])
    return _EXAMPLES.get(column.name or "", _BY_KIND.get(column.kind, "x"))
