"""The summary of a run: the figures that `--json` prints and that the console lays out.

Everything here comes from cells and from the account of lines; both outputs read this one dictionary.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from logstats import __version__
from logstats.figures import ranked, service
from logstats.lists import list_dates
from logstats.schema import DEFINITION, DEVICES, END, OUTCOMES, START, TRAFFIC, UNKNOWN_COUNTRY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from logstats.config import Config
    from logstats.derive.country import GeoInfo
    from logstats.runs import Report
    from logstats.tally import Tally

__all__ = ["about_countries", "of_ingest", "of_store", "provenance", "summarise"]

_TOP: Final = 10
_HOUR: Final = timedelta(hours=1)
_OLD: Final = timedelta(days=60)
_NOTABLE: Final = 0.2
_MOST: Final = 0.5


def summarise(report: Report, config: Config, geo: GeoInfo, today: datetime | None = None) -> dict[str, Any]:
    """Put the figures of a run together.

    Args:
        report: What the run found.
        config: The effective configuration.
        geo: The country database.
        today: The clock, to judge the age of the country database.

    Returns:
        The object that `--json` prints; its keys are the contract of DESIGN.md and a few more.
    """
    tally, cells = report.tally, report.cells
    days, pages, visits = cells["days"], cells["pages"], cells["visits"]
    views = pages.filter(pl.col("kind") == "page")
    figures: dict[str, Any] = {
        "definition": DEFINITION,
        "logstats": __version__,
        "format": _format(report),
        "formats": dict(tally.formats.most_common()),
        "period": _period(report, config),
        "lines": _lines(tally),
        "hits": {
            "outcome": _counts(cells["traffic"], "outcome", OUTCOMES),
            "outcome_human": _counts(cells["traffic"].filter(pl.col("traffic") == "human"), "outcome", OUTCOMES),
            "traffic": _counts(cells["traffic"], "traffic", TRAFFIC),
        },
        "page_views": int(days["page_views"].sum()),
        "downloads": int(days["downloads"].sum()),
        "visits": int(days["visits"].sum()),
        "visitor_days": int(days["visitors"].sum()),
        "rejects": dict(sorted(tally.rejects.items())),
        "rejected_examples": [
            {"input": shown.input, "line": shown.line, "reason": shown.reason, "shape": shown.shape}
            for shown in tally.shown
        ],
        "inputs": [_input(result) for result in report.inputs],
        "top": {
            "pages": _top(views, "page", "views", "visitors"),
            "downloads": _top(pages.filter(pl.col("kind") == "download"), "page", "views", "visitors"),
            "countries": _top(views, "country", "views"),
            "devices": [
                {"device": name, "views": count} for name, count in _counts(views, "device", DEVICES, "views").items()
            ],
            "referrer_kinds": _top(visits, "referrer_kind", "visits"),
            "referrers": _top(visits.filter(pl.col("referrer").is_not_null()), "referrer", "visits"),
            "transitions": _transitions(cells["transitions"]),
        },
        "visit_figures": {name: int(visits[name].sum()) for name in ("views", "bounces", "seconds")},
        **service(cells, config),
        "lists": {name: day.isoformat() for name, day in list_dates().items()},
        "country_database": {
            "name": geo.database,
            "built": geo.built.isoformat(),
            "attribution": geo.attribution,
        },
    }
    figures["notes"] = _notes(figures, report, config, geo, today or datetime.now(UTC))
    return figures


def of_ingest(
    report: Report, closed: Sequence[tuple[str, date]], days_open: int, store: Path, seconds: float, geo: GeoInfo
) -> dict[str, Any]:
    """Put the figures of an ingest together; visits and visitors are only known of days that are closed.

    Args:
        report: What the run found.
        closed: The days that it closed.
        days_open: How many days are still open.
        store: Folder of the store.
        seconds: How long the run took.
        geo: The country database.

    Returns:
        The object that `--json` prints; `summary` in it is the line for the journal, `notes` what to say beside it.
    """
    tally = report.tally
    human = {outcome: hits for (outcome, traffic), hits in tally.classes.items() if traffic == "human"}
    lines = _lines(tally)
    return {
        "definition": DEFINITION,
        "logstats": __version__,
        "format": _format(report),
        "period": {
            "start": tally.start.isoformat() if tally.start else None,
            "end": tally.end.isoformat() if tally.end else None,
        },
        "lines": lines,
        "hits": {
            "outcome": {name: _class_sum(tally, 0, name) for name in OUTCOMES},
            "traffic": {name: _class_sum(tally, 1, name) for name in TRAFFIC},
        },
        "page_views": human.get("page_view", 0),
        "downloads": human.get("download", 0),
        "visits": None,
        "visitor_days": None,
        "rejects": dict(sorted(tally.rejects.items())),
        "inputs": [_input(result) for result in report.inputs],
        "days_closed": [{"site": site, "day": str(day)} for site, day in closed],
        "notes": about_countries(geo),
        "summary": {
            "files": len(report.inputs),
            "lines": lines["total"],
            **{name: lines[name] for name in ("hits", "rejected", "opted_out", "late", "skipped")},
            "page_views": human.get("page_view", 0),
            "days_open": days_open,
            "days_closed": len(closed),
            "seconds": round(seconds, 1),
            "store": str(store),
        },
    }


def of_store(state: dict[str, Any], timezone: str) -> dict[str, Any]:
    """Add to the state of a store what follows from it: days without a line, and hours that are usually not empty."""
    days = {date.fromisoformat(day["day"]) for day in state["days"]}
    missing = [
        str(min(days) + timedelta(days=i))
        for i in range((max(days) - min(days)).days if days else 0)
        if min(days) + timedelta(days=i) not in days
    ]
    closed = [datetime.fromisoformat(day["closed"]) for day in state["days"] if day["closed"]]
    return {
        **state,
        "days_open": sum(not day["closed"] for day in state["days"]),
        "days_closed": len(closed),
        "last_closed": max(closed).isoformat() if closed else None,
        "days_since_close": (datetime.now(UTC) - max(closed)).days if closed else None,
        "missing_days": missing,
        "missing_hours": _missing_hours(state["hours"], timezone),
    }


def _missing_hours(hours: Mapping[str, int], timezone: str) -> list[str]:
    """Give the hours without a hit that are seldom so: most of the same hour and weekday in this store have hits."""
    zone = ZoneInfo(timezone)
    known = {datetime.fromisoformat(hour) for hour in hours}
    if not known:
        return []
    first, last = min(known), max(known)
    every = [first + i * _HOUR for i in range(int((last - first) / _HOUR) + 1)]
    by_pattern: dict[tuple[int, int], list[datetime]] = defaultdict(list)
    for hour in every:
        local = hour.astimezone(zone)
        by_pattern[local.weekday(), local.hour].append(hour)
    usual = [same for same in by_pattern.values() if sum(hour in known for hour in same) > _MOST * len(same)]
    missing = sorted(hour for same in usual for hour in same if hour not in known)
    return [hour.astimezone(zone).isoformat() for hour in missing]


def _class_sum(tally: Tally, place: int, name: str) -> int:
    return sum(hits for classes, hits in tally.classes.items() if classes[place] == name)


def _lines(tally: Tally) -> dict[str, int]:
    return {
        "total": tally.lines,
        "hits": tally.hits,
        "rejected": tally.rejected,
        "opted_out": tally.opted_out,
        "late": tally.late,
        "skipped": tally.skipped,
    }


def provenance(figures: Mapping[str, Any]) -> dict[str, str]:
    """Give what each output file says of itself: definition, version, dates of the lists and of the countries."""
    return {
        "definition": figures["definition"],
        "logstats": figures["logstats"],
        "timezone": figures["period"]["timezone"],
        "country_database": "{name}, {built}".format(**figures["country_database"]),
        "attribution": figures["country_database"]["attribution"],
        "lists": ", ".join(f"{name} {day}" for name, day in figures["lists"].items()),
    }


def _format(report: Report) -> dict[str, Any]:
    most = report.tally.formats.most_common(1)
    name, lines = most[0] if most else (None, 0)
    return {"name": name, "share": round(lines / max(report.tally.lines, 1), 6)}


def _period(report: Report, config: Config) -> dict[str, Any]:
    """Give the first and the last hit in local time, and the hours between them in which there was none."""
    tally = report.tally
    if tally.start is None or tally.end is None:
        return {"start": None, "end": None, "timezone": config.timezone, "days": 0, "hours": 0, "gaps": []}
    zone = ZoneInfo(config.timezone)
    gaps = [{"start": start.astimezone(zone).isoformat(), "hours": hours} for start, hours in _gaps(set(tally.hours))]
    hours = int((max(tally.hours) - min(tally.hours)) / _HOUR) + 1
    return {
        "start": tally.start.astimezone(zone).isoformat(),
        "end": tally.end.astimezone(zone).isoformat(),
        "timezone": config.timezone,
        "days": report.cells["days"]["day"].n_unique(),
        "hours": hours,
        "gaps": gaps,
    }


def _gaps(hours: set[datetime]) -> list[tuple[datetime, int]]:
    """Give the start and the length of each run of hours without a hit, the longest first."""
    known = sorted(hours)
    found = [
        (before + _HOUR, int((after - before) / _HOUR) - 1)
        for before, after in pairwise(known)
        if after - before > _HOUR
    ]
    return sorted(found, key=lambda gap: (-gap[1], gap[0]))


def _input(result: Any) -> dict[str, Any]:  # noqa: ANN401 - an InputResult; its empty texts are left out
    texts = {name: text for name in ("note", "hint") if (text := getattr(result, name))}
    return {"name": result.name, "lines": result.lines, "state": result.state, **texts}


def _counts(frame: pl.DataFrame, column: str, names: tuple[str, ...], measure: str = "hits") -> dict[str, int]:
    """Give the sum for each name, also for those that do not occur."""
    found = dict(frame.group_by(column).agg(pl.col(measure).sum()).iter_rows())
    return {name: int(found.get(name, 0)) for name in names}


def _top(frame: pl.DataFrame, column: str, *measures: str) -> list[dict[str, Any]]:
    """Give the largest values of a column; equal ones by name."""
    sums = frame.group_by(column).agg(pl.col(measures).sum())
    ranked = sums.sort(pl.col(measures[0]), pl.col(column), descending=[True, False], nulls_last=True)
    return ranked.head(_TOP).to_dicts()


def _transitions(moves: pl.DataFrame) -> list[dict[str, Any]]:
    """Give the most frequent steps from page to page; entries and exits are left to their own figures."""
    inner = moves.filter((pl.col("from_page") != START) & (pl.col("to_page") != END))
    return ranked(inner, ["from_page", "to_page"], ["visits"], _TOP)


def _notes(
    figures: dict[str, Any], report: Report, config: Config, geo: GeoInfo, today: datetime
) -> list[dict[str, str]]:
    """Say what a careful operator would want to know about these figures."""
    tally, notes = report.tally, []
    if tally.without_user_agent:
        share = tally.without_user_agent / tally.hits
        notes.append(
            (
                "no_user_agent",
                f"{share:.0%} of the hits have a format without user agent: robots count as people",
            )
        )
    if domain := _likely_own_domain(report, config):
        notes.append(
            (
                "own_host",
                f"{domain} leads most visits: if it is this site, name it in [[site]] hosts, and it counts as internal",
            )
        )
    unknown = sum(entry["views"] for entry in figures["top"]["countries"] if entry["country"] == UNKNOWN_COUNTRY)
    if unknown > _MOST * max(figures["page_views"], 1):
        share = unknown / figures["page_views"]
        notes.append(
            (
                "unknown_country",
                f"{share:.0%} of the page views have no country: is a proxy missing in trusted_proxies?",
            )
        )
    unused = [feature["feature"] for feature in figures["features"] if not feature["views"]]
    unused += [funnel["funnel"] for funnel in figures["funnels"] if not funnel["visits"]]
    if unused and figures["visits"]:
        text = f"nobody used {', '.join(unused)}: are the patterns for pages as tables show them (/dossier/{{id}})?"
        notes.append(("unused", text))
    return [*({"code": code, "text": text} for code, text in notes), *about_countries(geo, today)]


def about_countries(geo: GeoInfo, today: datetime | None = None) -> list[dict[str, str]]:
    """Say that the country database is old, if it is; every run that looks countries up says so."""
    age = (today or datetime.now(UTC)).date() - geo.built
    if age <= _OLD:
        return []
    text = f"the country database is {age.days} days old: load a newer one with `logstats geo update FILE.mmdb`"
    return [{"code": "old_countries", "text": text}]


def _likely_own_domain(report: Report, config: Config) -> str | None:
    """Give the domain that leads so many visits that it may be the site's own."""
    if config.site:
        return None
    visits = report.cells["visits"]
    leading = visits.filter(pl.col("referrer_kind").is_in(["other", "public"]))
    ranked = _top(leading, "referrer", "visits")
    total = int(visits["visits"].sum())
    return ranked[0]["referrer"] if ranked and ranked[0]["visits"] > _NOTABLE * total else None
