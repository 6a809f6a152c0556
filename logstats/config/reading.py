"""From a file to values: TOML over the defaults, each value of its type; an error names file, line and key."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from logstats.config.values import Config
from logstats.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Place", "built", "overlay", "parsed", "read"]


@dataclass(frozen=True)
class Place:
    """A file and its text, to say where a value stands."""

    file: str
    text: str

    def error(self, key: str, reason: str, hint: str = "") -> ConfigurationError:
        """Make the error of a key, with the line at which it stands."""
        return ConfigurationError(reason, file=self.file, line=self.line(key), key=key, hint=hint)

    def line(self, key: str) -> int:
        """Find the line that sets the key, or else begins the table that lacks it. 0 if there is neither."""
        lines: dict[str, int] = {}
        tables: Counter[str] = Counter()
        table = ""
        for number, line in enumerate(map(str.strip, self.text.splitlines()), start=1):
            if line.startswith("["):
                table = line.lstrip("[").split("]")[0].strip()
                lines.setdefault(table, number)
            if line.startswith("[["):
                name, table = table, f"{table}[{tables[table]}]"
                tables[name] += 1
                lines.setdefault(table, number)
            left = line.split("=")[0].strip().strip("\"'")
            lines.setdefault(f"{table}.{left}".lstrip("."), number)
        while key and key not in lines:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return lines.get(key, 0)


def read(path: Path) -> str:
    """Read the text of a configuration file."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not UTF-8 text", file=str(path)) from None


def parsed(place: Place) -> dict[str, Any]:
    """Read the text as TOML."""
    try:
        return tomllib.loads(place.text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"is not TOML: {error}", file=place.file) from None


def overlay(base: dict[str, Any], own: dict[str, Any], place: Place, prefix: str) -> None:
    """Put the user's values over the defaults, table by table."""
    for key, value in own.items():
        if key not in base:
            raise _unknown(place, prefix + key, base)
        if isinstance(base[key], dict) and isinstance(value, dict):
            overlay(base[key], value, place, f"{prefix}{key}.")
        else:
            base[key] = value


def _unknown(place: Place, key: str, known: Mapping[str, Any]) -> ConfigurationError:
    close = get_close_matches(key.rpartition(".")[2], known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
    return place.error(key, "is no key of the configuration", hint)


def built(kind: Any, value: Any, place: Place, key: str) -> Any:  # noqa: ANN401 - made by type at run time
    """Make a value of the given type, or say which key is wrong."""
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise place.error(key, "must be a table")
        return _table(kind, value, place, key)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise place.error(key, "must be a list")
        element = get_args(kind)[0]
        return tuple(built(element, item, place, f"{key}[{i}]") for i, item in enumerate(value))
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise place.error(key, "must be " + " or ".join(f'"{choice}"' for choice in get_args(kind)))
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        names = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        raise place.error(key, f"must be {names[kind]}")
    return value


def _table(kind: Any, value: dict[str, Any], place: Place, key: str) -> Any:  # noqa: ANN401 - as above
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind) if not (kind is Config and f.name == "file")]
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in names:
            raise _unknown(place, prefix + name, dict.fromkeys(names))
    optional = {f.name for f in fields(kind) if f.default is not MISSING}
    for name in names:
        if name not in value and name not in optional:
            raise place.error(prefix + name, "is missing")
    return kind(**{name: built(hints[name], value[name], place, prefix + name) for name in names if name in value})
