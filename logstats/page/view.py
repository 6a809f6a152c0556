"""View: the values that a page's template shows, in a language, made of figures."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from logstats.page.charts import columns, flow, rem
from logstats.page.figures import SPEEDS
from logstats.page.history import UNKNOWN, headline_of, history_of
from logstats.release.catalogue import catalogue
from logstats.schema import FOLDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.page.figures import Counted, Feature, Figures
    from logstats.page.history import Past
    from logstats.page.texts import Language

__all__ = ["tables_of", "view"]


_SATURDAY: Final = 5
_SHOWN: Final = 8
_LISTED: Final = 25  # countries outside the Union in the table; the CSV has all


def view(figures: Figures, lang: Language, history: Mapping[str, Past], month: str) -> dict[str, Any]:
    """Give what the sections show of a month.

    Args:
        figures: Of the month.
        lang: The language.
        history: Up to thirteen months without a gap, the last of which is this one; empty if there is no month.
        month: As in 2026-10, or empty.
    """
    values: dict[str, Any] = {
        "t": lang.texts,
        "f": figures,
        "number": lang.number,
        "compact": lang.compact,
        "percent": lang.percent,
        "date": lang.date,
        "counted": lang.counted,
        "rem": rem,
        "name": lang.name,
        "named": lambda rows, kind: [(lang.name(name, kind), count) for name, count in rows],
        "whole": lambda rows: sum(count for _, count in rows),
        "shares": lambda rows, whole: [(n, lang.number(c), lang.percent(c, whole)) for n, c in rows],
        "numbers": lambda rows: [(name, lang.number(count)) for name, count in rows],
        "described": partial(_described, lang),
        "headline": headline_of(figures, lang, history, month),
        "history": history_of(lang, history),
        "days": _days(figures, lang),
        "countries": _countries(figures, lang, most=_LISTED if month else None),
        "features": _features(figures.features, lang),
        "flows": _flows(figures, lang),
        "speeds": [(lang.speed(SPEEDS, edge), views) for edge, views in figures.speeds],
    }
    values["sections"] = _sections(figures, history=values["history"]["there"])
    return values


def _sections(figures: Figures, *, history: bool) -> list[str]:
    """Name the sections that have something to show, in order."""
    shown = {
        "headline": True,
        "history": history,
        "days": bool(figures.days),
        "countries": bool(figures.countries.union or figures.countries.others or figures.countries.rest),
        "devices": bool(figures.devices),
        "features": True,
        "pages": bool(figures.pages or figures.files),
        "journeys": bool(figures.begin or figures.end),
        "funnels": bool(figures.funnels),
        "origins": bool(figures.origins),
        "quality": True,
        "robots": bool(figures.traffic),
    }
    return [name for name, there in shown.items() if there]


def _described(lang: Language, title: str, rows: Sequence[tuple[str, int | None]]) -> str:
    """Describe a chart in a sentence: how many values, and the largest."""
    known = [(name, value) for name, value in rows if value is not None]
    if not known:
        return title
    name, value = max(known, key=lambda row: row[1])
    return lang.counted(lang.texts["chart_of"], len(known), title=title, name=name, value=lang.number(value))


def _days(figures: Figures, lang: Language) -> dict[str, Any]:
    rows = [(day.day, day.views) for day in figures.days]
    known = {day: views for day, views in rows if views is not None}
    withheld = {day.day for day in figures.days if day.logged and day.views is None}
    marked = {}
    for day, _ in rows:
        at = date.fromisoformat(day)
        marks = ["day", "" if at.weekday() >= _SATURDAY else "now"]
        marks.append("tick" if at.day in {1, 8, 15, 22, 29} else "")
        marks.append("withheld" if day in withheld else "")
        if known and day in {max(known, key=lambda d: known[d]), min(known, key=lambda d: known[d])}:
            marks.append("label")
        marked[day] = " ".join(marks)
    return {
        "chart": columns(rows, marked).renamed(lambda day: str(int(day[8:10]))),
        "rows": [(lang.weekday(day), views) for day, views in rows],
        "table": [
            (
                lang.weekday(day.day),
                *(lang.number(count) if day.logged else UNKNOWN for count in (day.views, day.visits)),
            )
            for day in figures.days
        ],
        "secret": any(day.logged and None in {day.views, day.visits} for day in figures.days),
        "without_log": any(not day.logged for day in figures.days),
    }


def _countries(figures: Figures, lang: Language, most: int | None) -> dict[str, Any]:
    found = figures.countries
    all_rows = [*found.union, *found.others, *found.rest]
    whole = sum(count for _, count in all_rows)
    named: dict[str, Counted] = {
        group: [(lang.name(code, "countries"), count) for code, count in rows]
        for group, rows in (("union", found.union), ("others", found.others), ("rest", found.rest))
    }
    return {
        "groups": [(group, rows[:_SHOWN], max(len(rows) - _SHOWN, 0)) for group, rows in named.items() if rows],
        "whole": whole,
        "most": max((count for _, count in all_rows), default=0),
        "folded": any(code == FOLDED for code, _ in found.rest),
        "listed": most if most and len(found.others) > most else 0,
        "table": [
            (name, lang.number(count), lang.percent(count, whole))
            for group, rows in named.items()
            for name, count in (rows[:most] if group == "others" else rows)
        ],
    }


def _features(features: Sequence[Feature], lang: Language) -> dict[str, Any]:
    most = max((feature.uses for feature in features), default=0) or 1
    rows = []
    for feature in features:
        parts = [
            f"{lang.number(count)} {lang.counted(lang.texts['headline'][name], count)}"
            for name, count in feature.counts.items()
            if count is not None
        ]
        text = " · ".join(parts) or f"{lang.texts['not_shown']} ({lang.texts['not_shown_long']})"
        rows.append((feature.name, text, round(feature.uses / most * 100, 2)))
    return {
        "rows": rows,
        "described": [(feature.name, feature.uses or None) for feature in features],
        "heads": [lang.texts["measures"][name] for name in (features[0].counts if features else ())],
        "table": [(feature.name, *map(lang.number, feature.counts.values())) for feature in features],
        "secret": any(None in feature.counts.values() for feature in features),
    }


def _flows(figures: Figures, lang: Language) -> list[dict[str, Any]]:
    words = lang.texts["journeys"]
    found = []
    for key, title, left, right, links in (
        ("begin", "begin", "entry", "next", figures.begin),
        ("end", "finish", "before", "last", figures.end),
    ):
        if links:
            rows = [(f"{lang.name(one)} → {lang.name(other)}", count) for one, other, count in links]
            ends = {"from": words[left], "to": words[right]}
            found.append({"id": f"flow-{key}", "title": words[title], "chart": flow(links), "rows": rows, **ends})
    return found


def tables_of(files: Mapping[str, bytes], lang: Language) -> list[dict[str, Any]]:
    """Give the tables of a release with their files and sizes."""
    known = catalogue().tables
    return [
        {
            "title": table.french if lang.code == "fr" else table.english,
            "files": [(f, -(-len(files[f]) // 1000)) for f in (f"{name}.csv", f"{name}.parquet")],
        }
        for name, table in known.items()
        if f"{name}.csv" in files
    ]
