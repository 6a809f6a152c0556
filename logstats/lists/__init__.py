"""Knowledge as data: what is known about robots, devices, referrers and attacks, each list with its date.

Every list is a TOML file in this folder: `date`, `source` and `licence` at the top, then its `entries`. A
list of patterns recognises texts (`match.py` turns it into polars expressions); a list of domains recognises
hosts. A list is read when it is first asked for, and once.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Domain", "DomainList", "Pattern", "PatternList", "domain_list", "list_dates", "pattern_list"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of a list of patterns.

    Attributes:
        pattern: A Rust regular expression without look-around; `match.py` says with which flags it runs.
        exception: What must be blanked out before `pattern` counts; empty if there is none.
        name: Whom or what the entry recognises; the pattern itself where the source gives no name.
        device: Class of the device, in the list of devices only.
        example: A text that this entry, and no earlier one of its list, recognises; empty if unknown.
        documented: Page on which the operator names the agent, or home of the program that sends it.
        reported: Third party that names the agent, or the page in `documented` where that was not opened.
    """

    pattern: str
    exception: str = ""
    name: str = ""
    device: str = ""
    example: str = ""
    documented: str = ""
    reported: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """One entry of a list of domains.

    Attributes:
        name: Whose domains these are.
        domains: Lower-case domains; each stands for itself and everything below it. `google.*` stands for
            that label under every public suffix.
        folder: A host and the beginning of a path that is theirs, too, in the list of portals only.
    """

    name: str
    domains: tuple[str, ...]
    folder: str = ""


@dataclass(frozen=True, slots=True)
class _Header:
    """What every list says about itself.

    Attributes:
        name: The file's name without its ending.
        date: The day on which the list was last checked, or its source published.
        source: Where the knowledge comes from.
        licence: Under what it may be passed on.
    """

    name: str
    date: date
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class PatternList(_Header):
    """A list of patterns; where two fit, the earlier one decides."""

    entries: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class DomainList(_Header):
    """A list of domains; their order has no meaning."""

    entries: tuple[Domain, ...]


@cache
def pattern_list(name: str) -> PatternList:
    """Read a list of patterns, for example `bots`.

    Raises:
        FileNotFoundError: there is no such list.
    """
    content = _read(name)
    entries = (Pattern(**{"name": entry["pattern"], **entry}) for entry in content["entries"])
    return PatternList(**_header(name, content), entries=tuple(entries))


@cache
def domain_list(name: str) -> DomainList:
    """Read a list of domains, for example `search_engines`.

    Raises:
        FileNotFoundError: there is no such list.
    """
    content = _read(name)
    entries = (Domain(entry["name"], tuple(entry["domains"]), entry.get("folder", "")) for entry in content["entries"])
    return DomainList(**_header(name, content), entries=tuple(entries))


@cache
def list_dates() -> dict[str, date]:
    """Give the date of every list, by name in alphabetical order: each output states them."""
    files = resources.files(__name__).iterdir()
    names = sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
    return {name: _read(name)["date"] for name in names}


def _header(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, **{key: content[key] for key in ("date", "source", "licence")}}


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
