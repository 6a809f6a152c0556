"""History: a month beside those before it, as headline, charts, tables, and a file of all months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats.page.charts import columns
from logstats.page.figures import MEASURES
from logstats.release.shape import SUPPRESSED, safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.page.figures import Figures
    from logstats.page.reading import Month
    from logstats.page.texts import Language

    Head = Mapping[str, int | None]

__all__ = ["MONTHS_CSV", "UNKNOWN", "Past", "headline_of", "history_of", "months_csv", "past_of"]

MONTHS_CSV: Final = "data/mois.csv"
UNKNOWN: Final = "–"
_NEAR: Final = 2  # so near to the last month, a name would touch its name
_CHARTS: Final = (("view", "views", "vues"), ("visit", "visits", "visites"))
_YEAR: Final = 12


@dataclass(frozen=True)
class Past:
    """A month: its headline; whether days of it are missing; whether it was released at all."""

    headline: Head
    partial: bool
    released: bool = True


def past_of(months: Sequence[Month], heads: Mapping[str, Head]) -> dict[str, Past]:
    """Give the last month and the year before it, from the first that was released, with no month left out.

    Args:
        months: Oldest first; at least one.
        heads: Headline of each.
    """
    last = _number(months[-1].name)
    recent = [month for month in months if last - _number(month.name) <= _YEAR]
    known = {month.name: Past(heads[month.name], bool(month.without_log)) for month in recent}
    names = [f"{number // 12}-{number % 12 + 1:02}" for number in range(_number(recent[0].name), last + 1)]
    return {name: known.get(name, Past({}, partial=False, released=False)) for name in names}


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def headline_of(figures: Figures, lang: Language, history: Mapping[str, Past], month: str) -> list[dict[str, Any]]:
    """Give the totals that are shown, and how each has changed over a year, where that is known.

    Args:
        figures: Of the month.
        lang: The language.
        history: As `past_of` gives it; empty if there is no month.
        month: As in 2026-10, or empty.
    """
    shown = []
    name = f"{int(month[:4]) - 1}{month[4:]}" if month else ""
    before = history.get(name)
    for measure in MEASURES:
        if (value := figures.headline.get(measure)) is None:
            continue
        change = ""
        if before:
            incomplete = before.partial or history[month].partial
            change = _change(value, before.headline.get(measure), lang, name, partial=incomplete)
        shown.append({"name": measure, "value": value, "change": change})
    return shown


def _change(value: int, before: int | None, lang: Language, month: str, *, partial: bool) -> str:
    words, name = lang.texts["headline"], lang.month(month)
    if not before or partial:
        return str(words["partial" if partial else "unknown"]).format(month=name)
    if value == before:
        return str(words["same"]).format(month=name)
    text = lang.percent(abs(value - before), before)
    return str(words["up" if value > before else "down"]).format(percent=text, month=name)


def history_of(lang: Language, history: Mapping[str, Past]) -> dict[str, Any]:
    """Give two charts of months; where there is little place, every other one is named, or the first and last alone."""
    there = [past for past in history.values() if past.released]
    found: dict[str, Any] = {
        "there": len(there) > 1,
        "year": len(history) == _YEAR + 1,
        "absent": len(there) < len(history),
        "partial": any(past.partial for past in there),
        "secret": any(past.headline.get(measure) is None for past in there for _, _, measure in _CHARTS),
    }
    last = len(history) - 1
    marked = {}
    for i, (month, past) in enumerate(history.items()):
        marks = ["tick" if ((last - i) % 2 == 0 and last - i != _NEAR) or i == last else "small"]
        marks += ["label" if i in {0, last} else "fine few", "now" if i == last else ""]
        marks.append("partial" if past.partial else "")
        marked[month] = " ".join(marks)
    for key, plural, measure in _CHARTS:
        rows = [(month, past.headline.get(measure)) for month, past in history.items()]
        withheld = {month: " withheld" for month, count in rows if count is None and history[month].released}
        marks_of = {month: marks + withheld.get(month, "") for month, marks in marked.items()}
        found[plural] = columns(rows, marks_of).renamed(lang.short_month)
        found[f"{key}_rows"] = [(lang.month(month), value) for month, value in rows]
        found[f"{key}_table"] = [
            (_noted(lang, month, history[month]), lang.number(value) if history[month].released else UNKNOWN)
            for month, value in reversed(rows)
        ]
    return found


def _noted(lang: Language, month: str, past: Past) -> str:
    return f"{lang.month(month)} ({lang.texts['history']['incomplete']})" if past.partial else lang.month(month)


def months_csv(months: Sequence[Month], heads: Mapping[str, Head]) -> bytes:
    """Write the totals of all months as CSV, as releases do it; no release of a month has more than its own.

    Its columns are `mois`, `site`, `version`, the measures of MEASURES, and the number of days that have no log.
    """
    rows = [
        {"mois": month.name, "site": month.site, "version": month.version}
        | {measure: heads[month.name][measure] for measure in MEASURES}
        | {"jours_sans_journal": len(month.without_log)}
        for month in months
    ]
    types = {"mois": pl.String(), "site": pl.String(), **dict.fromkeys([*rows[0]][2:], pl.Int64())}
    shown = pl.DataFrame(rows, schema=types).with_columns(safe_text("site"))
    shown = shown.with_columns(pl.col(measure).cast(pl.String).fill_null(SUPPRESSED) for measure in MEASURES)
    return shown.write_csv(separator=",", line_terminator="\n", null_value="").encode()
