"""The effective configuration with the origin of each value."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from logstats.config.reading import Place, parsed, read
from logstats.config.text import comment_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Value", "effective", "toml"]

_DEFAULTS: Final = "defaults.toml"


@dataclass(frozen=True)
class Value:
    """A value of the configuration.

    Attributes:
        key: Dotted, as `privacy.id_bits`.
        value: As TOML has it.
        origin: `defaults.toml:LINE`, `FILE:LINE`, or the option or variable that gave it.
    """

    key: str
    value: Any
    origin: str


def effective(file: Path | None, given: Mapping[str, tuple[Any, str]] | None = None) -> list[Value]:
    """Give every value with its origin, in the order of defaults.toml.

    Args:
        file: The user's file, which has been loaded without an error; None for the defaults alone.
        given: What options and variables say instead: key, value and origin.
    """
    text = resources.files("logstats").joinpath(_DEFAULTS).read_text("utf-8")
    shipped = Place(_DEFAULTS, text)
    own = Place(str(file), read(file)) if file else Place("", "")
    values = dict(_leaves(tomllib.loads(text), ""))
    users = dict(_leaves(parsed(own), "")) if file else {}
    found = []
    for key, value in values.items():
        if given and key in given:
            found.append(Value(key, *given[key]))
        elif key in users:
            found.append(Value(key, users[key], _at(own, key)))
        else:
            found.append(Value(key, value, _at(shipped, key)))
    return found


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _at(place: Place, key: str) -> str:
    line = place.line(key)
    return f"{place.file}:{line}" if line else place.file


def toml(values: list[Value]) -> Iterator[str]:
    """Write values as a configuration file, a line or more for each, its origin behind it."""
    table = ""
    for one in values:
        above, _, name = one.key.rpartition(".")
        if above != table:
            table = above
            yield ""
            yield f"[{table}]"
        yield f"{name} = {value_text(one.value)}  # {comment_text(one.origin)}"
