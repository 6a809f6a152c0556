"""Texts: what the page says, in two languages, and how numbers, dates and names are written in each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from logstats.schema import END, FOLDED, NO_FEATURE, OTHER_PAGE, START, UNKNOWN_COUNTRY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LANGUAGES", "Language", "language"]

LANGUAGES: Final = ("fr", "en")
_SHARP: Final = 10  # a share below it has a decimal
_LEAST: Final = 0.1
_LONG: Final = 100_000
_DECIMAL: Final = 100  # a short number below it has a decimal
_NEXT: Final = 1_000
_UNITS: Final = (("thousand", 1_000), ("million", 1_000_000), ("billion", 1_000_000_000))
_SECOND: Final = 1_000
_NO_COUNTRY: Final = {UNKNOWN_COUNTRY: "unknown", FOLDED: "folded"}


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
        rounded = [(unit, round(value / size, 1 if value < _DECIMAL * size else 0)) for unit, size in _UNITS]
        unit, short = next((pair for pair in rounded if pair[1] < _NEXT), rounded[-1])
        return str(self.texts[unit]).format(self._decimal(f"{short:g}"))

    def percent(self, part: int, whole: int) -> str:
        """Write a share of a whole; one that would round to nothing is less than the least that is written."""
        share = 100 * part / max(whole, 1)
        text = f"{share:.1f}" if 0 < round(share, 1) < _SHARP else f"{share:.0f}"
        if part and share < _LEAST / 2:
            return str(self.texts["less"]).format(self.percent(1, 1000))
        return str(self.texts["percent"]).format(self._decimal(text))

    def counted(self, forms: Sequence[str], count: int, **more: str) -> str:
        """Fill in the form of a text that a count takes."""
        form = forms[0 if count in self.texts["singular"] else 1]
        return form.format(count=self.number(count), **more)

    def declared(self, value: str) -> str:
        """Write a figure as declared, with the decimal sign of the language; three digits may be thousands."""
        before, sign, after = value.partition("," if "," in value else ".")
        is_number = sign and before.isdecimal() and after.isdecimal() and len(after) < len("000")
        return f"{before}{self.texts['decimal']}{after}" if is_number else value

    def _decimal(self, text: str) -> str:
        return text.replace(".", self.texts["decimal"])

    def month(self, name: str) -> str:
        """Write a month, given as in 2026-10."""
        return f"{self.texts['months'][int(name[5:7]) - 1]}\N{NO-BREAK SPACE}{name[:4]}"

    def of_month(self, name: str) -> str:
        """Write a month as what something is of."""
        month = self.month(name)
        return str(self.texts["of_vowel" if month[0] in "aeiouy" else "of"]).format(month)

    def of_days(self, start: str, end: str) -> str:
        """Write days, from the first to the last, as what something is of."""
        first, last = self.date(start), self.date(end)
        return str(self.texts["of_day" if first == last else "of_days"]).format(first, start=first, end=last)

    def short_month(self, name: str) -> str:
        """Write a month without its year."""
        return str(self.texts["short_months"][int(name[5:7]) - 1])

    def date(self, day: str) -> str:
        """Write a day, given as in 2026-10-31 or with a time after it."""
        at = date.fromisoformat(day[:10])
        number = self.texts["first"] if at.day == 1 else at.day
        return str(self.texts["date"]).format(day=number, month=self.texts["months"][at.month - 1], year=at.year)

    def weekday(self, day: str) -> str:
        """Write a day with the name that it has in its week."""
        return f"{self.texts['weekdays'][date.fromisoformat(day[:10]).weekday()]} {self.date(day)}"

    def milliseconds(self, value: int) -> str:
        """Write a time."""
        if value < _SECOND:
            return str(self.texts["quality"]["ms"]).format(value)
        return str(self.texts["quality"]["s"]).format(self._decimal(f"{value / _SECOND:g}"))

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
        if kind == "countries":
            return self._country(value)
        own = {FOLDED: ("names", "folded"), NO_FEATURE: ("names", "no_feature"), OTHER_PAGE: ("names", "other_page")}
        own |= {START: ("journeys", "start"), END: ("journeys", "end")}
        if value in own:
            section, key = own[value]
            return str(self.texts[section][key])
        if kind == "quality":
            return str(self.texts["quality"].get(f"s{value}") or self.texts["quality"]["any"].format(code=value))
        return str(self.texts[kind].get(value, value)) if kind else value

    def _country(self, code: str) -> str:
        if code in _NO_COUNTRY:
            return str(self.texts["countries"][_NO_COUNTRY[code]])
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
