"""Texts: what the page says, in two languages, and how numbers, dates and names are written in each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from logstats.schema import END, FOLDED, NO_FEATURE, START, UNKNOWN_COUNTRY

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LANGUAGES", "Language", "language"]

LANGUAGES: Final = ("fr", "en")
_SHARP: Final = 10  # a share below it has a decimal
_MILLION: Final = 1_000_000
_LONG: Final = 100_000
_SECOND: Final = 1_000


@dataclass(frozen=True)
class Language:
    """A language: its texts, and how it writes."""

    code: str
    texts: Mapping[str, Any]

    def number(self, value: int | None) -> str:
        """Write a whole number."""
        return self.texts["not_shown"] if value is None else f"{value:,}".replace(",", self.texts["thousands"])

    def compact(self, value: int) -> str:
        """Write a number that must be short, to three digits."""
        if value < _LONG:
            return self.number(value)
        if value < _MILLION:
            return str(self.texts["thousand"]).format(round(value / 1_000))
        return str(self.texts["million"]).format(f"{value / _MILLION:.3g}".replace(".", self.texts["decimal"]))

    def percent(self, part: int, whole: int) -> str:
        """Write a share of a whole."""
        share = 100 * part / max(whole, 1)
        text = f"{share:.1f}" if 0 < share < _SHARP else f"{share:.0f}"
        return str(self.texts["percent"]).format(text.replace(".", self.texts["decimal"]))

    def month(self, name: str) -> str:
        """Write a month, given as in 2026-10."""
        return f"{self.texts['months'][int(name[5:7]) - 1]}\N{NO-BREAK SPACE}{name[:4]}"

    def short_month(self, name: str) -> str:
        """Write a month without its year."""
        return str(self.texts["short_months"][int(name[5:7]) - 1])

    def date(self, day: str) -> str:
        """Write a day, given as in 2026-10-31 or with a time after it."""
        at = date.fromisoformat(day[:10])
        return str(self.texts["date"]).format(day=at.day, month=self.texts["months"][at.month - 1], year=at.year)

    def milliseconds(self, value: int) -> str:
        """Write a time."""
        if value < _SECOND:
            return str(self.texts["quality"]["ms"]).format(value)
        return str(self.texts["quality"]["s"]).format(f"{value / _SECOND:g}".replace(".", self.texts["decimal"]))

    def speed(self, edges: tuple[int, ...], edge: int) -> str:
        """Name a class of response times by its lower edge."""
        words, place = self.texts["quality"], edges.index(edge)
        upper = self.milliseconds(edges[place + 1]) if place + 1 < len(edges) else ""
        if not edge:
            return str(words["under"]).format(to=upper)
        return str(words["between" if upper else "over"]).format(**{"from": self.milliseconds(edge), "to": upper})

    def name(self, value: str, kind: str = "") -> str:
        """Write a value of a release: those that have a meaning of their own in words, others as they are.

        Args:
            value: As the release has it.
            kind: Of `countries`, `devices`, `origins`, `robots` or `quality`, whose values have names.
        """
        own = {FOLDED: ("names", "folded"), NO_FEATURE: ("names", "no_feature")}
        own |= {START: ("journeys", "start"), END: ("journeys", "end")}
        if value in own:
            section, key = own[value]
            return str(self.texts[section][key])
        if kind == "countries":
            return self._country(value)
        if kind == "quality":
            return str(self.texts["quality"].get(f"s{value}") or self.texts["quality"]["any"].format(code=value))
        return str(self.texts[kind].get(value, value)) if kind else value

    def _country(self, code: str) -> str:
        if code == UNKNOWN_COUNTRY:
            return str(self.texts["countries"]["unknown"])
        names = _countries().get(code)
        return names[LANGUAGES.index(self.code)] if names else code


@cache
def language(code: str) -> Language:
    """Read the texts of a language."""
    return Language(code, tomllib.loads(resources.files("logstats.page").joinpath(f"{code}.toml").read_text("utf-8")))


@cache
def _countries() -> dict[str, tuple[str, str]]:
    found = tomllib.loads(resources.files("logstats.page").joinpath("countries.toml").read_text("utf-8"))["names"]
    return {code: (french, english) for code, (french, english) in found.items()}
