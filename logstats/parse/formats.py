"""The formats: the named ones of formats.toml, and any format string that a user pastes."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal

from logstats.errors import FormatStringError
from logstats.parse.apache import apache_pieces
from logstats.parse.haproxy import haproxy_pieces
from logstats.parse.nginx import likely_variable, nginx_pieces
from logstats.parse.pieces import Field, Layout, Piece, anchored, prefix_of, segments

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TIME_FIELDS", "Format", "candidates", "format_from", "json_keys", "named_formats"]

Syntax = Literal["apache", "nginx", "haproxy", "json"]

TIME_FIELDS: Final = frozenset(
    ("time_clf", "time_iso8601", "epoch_seconds", "epoch_milliseconds", "epoch_microseconds")
)
"""Fields of which each alone holds the instant; `time_text:FORMAT` fields do so together."""

_UNUSED: Final = frozenset(("ident", "remote_user"))
_ALIASES: Final = {"nginx_main": "main", "nginx": "combined", "traefik_clf": "traefik", "caddy": "json"}


@dataclass(frozen=True)
class Format:
    """How the lines of a log are written.

    Attributes:
        name: As in formats.toml; `custom` for a pasted string.
        syntax: Whose format it is.
        string: The server's own format string.
        example: A line of it, with documentation addresses.
        captured: Fields beside the usual ones to read: for checks and tests, never for hits.
    """

    name: str
    syntax: Syntax
    string: str
    description: str = ""
    example: str = ""
    captured: frozenset[str] = field(default=frozenset())

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Literals and fields in order; empty for JSON lines."""
        if self.syntax == "apache":
            return apache_pieces(self.string)
        if self.syntax == "nginx":
            return nginx_pieces(self.string)
        return haproxy_pieces() if self.syntax == "haproxy" else ()

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of all fields that a line of this format holds."""
        if self.syntax == "json":
            return frozenset(json_keys())
        return frozenset(piece.name for piece in self.pieces if isinstance(piece, Field) and piece.name)

    @cached_property
    def expression(self) -> tuple[str, tuple[Field, ...]]:
        """The regular expression of whole lines, and the field of each of its groups."""
        return anchored(self.pieces, (self.fields - _UNUSED) | self.captured)

    @cached_property
    def layout(self) -> Layout:
        """The segments between the quotes of a line; empty where lines cannot be read so."""
        if self.syntax not in ("apache", "nginx"):
            return ()
        layout = segments(self.pieces, (self.fields - _UNUSED) | self.captured)
        names = [name for segment in layout for name in {group.name for group in segment.groups}]
        # A field that stands in two segments has its text from one or the other: only the whole line tells.
        return layout if len(names) == len(set(names)) else ()

    @cached_property
    def truncated(self) -> str | None:
        """The regular expression of lines that break off after their time."""
        return prefix_of(self.pieces, frozenset(name for name in self.fields if is_time(name)))

    def require_usable(self) -> Format:
        """Check that lines of this format can be counted.

        Raises:
            FormatStringError: There is no time, no request or no status; the error says which.
        """
        needs = {
            "time": any(map(is_time, self.fields)),
            "request": bool({"request", "target", "path"} & self.fields),
            "status": "status" in self.fields,
        }
        missing = [need for need, met in needs.items() if not met]
        if missing:
            raise FormatStringError(f"the format has no {' and no '.join(missing)}", hint=self._likely())
        return self

    def _likely(self) -> str:
        names = self.string.replace("{", "").replace("}", "").split("$")[1:] if self.syntax == "nginx" else []
        words = ("".join(c if c.isalnum() or c == "_" else " " for c in name).split(" ")[0] for name in names)
        likely = next((f"${word} may be meant as ${known}" for word in words if (known := likely_variable(word))), "")
        return likely or "a line needs at least a time, a request and a status"


def is_time(name: str) -> bool:
    """Tell whether a field says when the request was made."""
    return name in TIME_FIELDS or name.startswith("time_text:")


@cache
def named_formats() -> dict[str, Format]:
    """Give the formats of formats.toml by name, in the order of detection."""
    return {entry["name"]: Format(**entry) for entry in _data("formats.toml")["format"]}


@cache
def json_keys() -> dict[str, tuple[str, ...]]:
    """Give, for each field, the keys of a JSON line that may hold it; the first that is there wins."""
    return {name: tuple(keys) for name, keys in _data("json_keys.toml").items()}


def format_from(text: str) -> Format:
    """Find the format that a user means.

    Args:
        text: A name, a LogFormat or log_format string, or the whole directive as it stands in the
            server's configuration.

    Raises:
        FormatStringError: It is neither; or the string holds an unknown directive, which the error names.
    """
    name = _ALIASES.get(text, text)
    if name in named_formats():
        return named_formats()[name]
    string = _unwrap(text.strip())
    if "$" in string and "%h" not in string:
        return Format("custom", "nginx", string).require_usable()
    if "%" in string:
        return Format("custom", "apache", string).require_usable()
    close = get_close_matches(text, named_formats(), n=1)
    known = ", ".join(named_formats())
    raise FormatStringError(
        f"{text[:40]!r} is neither the name of a format nor a format string",
        directive=text,
        hint=f"did you mean {close[0]}?" if close else f"names: {known}",
    )


def candidates(text: str, unnamed: Sequence[str] = ()) -> list[Format]:
    """Give the formats that lines may have.

    Args:
        text: As for `format_from`; `auto` for those that have a name.
        unnamed: Format strings that `auto` tries before them; each is called custom, custom_2 ….

    Raises:
        FormatStringError: As `format_from` does.
    """
    if text != "auto":
        return [format_from(text)]
    found = dict.fromkeys(format_from(string) for string in unnamed)
    own = [one for one in found if one.name not in named_formats()]
    numbered = [replace(one, name=f"custom_{i}" if i > 1 else "custom") for i, one in enumerate(own, start=1)]
    return [*numbered, *named_formats().values()]


def _unwrap(text: str) -> str:
    """Take the format string out of a directive pasted whole, and undo the configuration file's escapes."""
    if text.startswith(("LogFormat ", "log_format ")):
        try:
            words = shlex.split(text.rstrip(";"))
        except ValueError as error:
            raise FormatStringError(f"the directive is not whole: {error}", directive=text) from None
        if words[0] == "LogFormat":
            return words[1]
        return "".join(word for word in words[2:] if not word.startswith("escape="))
    return text.replace('\\"', '"')


def _data(file: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("logstats.parse").joinpath(file).read_text("utf-8"))
