"""The state of a store in the text format of Prometheus (0.0.4), for the textfile collector of node_exporter.

Names are as promtool wants them: base units at the end, counters end in `_total`, days that are counted are dates.
Times are seconds since 1970, so that they stay right while the file waits to be read; alert on
`time() - logstats_last_run_timestamp_seconds`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from logstats import __version__
from logstats.schema import DEFINITION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["exposition"]

_FATES: Final = ("hits", "rejected", "opted_out", "late")


class _Metric(NamedTuple):
    """A metric: its name without `logstats_`, what it says, its type, and its values by labels."""

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    values: list[tuple[dict[str, str], float]]


def exposition(state: Mapping[str, Any], countries_built: date) -> Iterator[str]:
    """Give the lines.

    Args:
        state: As `summary.of_store` gives it.
        countries_built: Day of the country database.
    """
    built = datetime.combine(countries_built, time(), UTC).timestamp()
    for metric in (*_about_runs(state), *_about_days(state)):
        yield from _lines(metric)
    country = "Day of the country database that would be used now."
    yield from _lines(_Metric("country_database_timestamp_seconds", country, "gauge", [({}, built)]))
    info = {"version": __version__, "definition": DEFINITION}
    yield from _lines(_Metric("info", "Version of the program and of the counting rules.", "gauge", [(info, 1)]))


def _about_runs(state: Mapping[str, Any]) -> Iterator[_Metric]:
    totals, last = state["totals"], state["last_run"]
    yield _Metric("runs_total", "Runs that counted into this store.", "counter", [({}, totals["runs"])])
    fates = [({"fate": fate}, totals[fate]) for fate in _FATES]
    yield _Metric("lines_total", "Lines that were read, by where they ended up.", "counter", fates)
    skipped = "Lines that an earlier run had counted, and that were skipped."
    yield _Metric("skipped_lines_total", skipped, "counter", [({}, totals["skipped"])])
    if last is None:
        return
    started = _seconds(last["started"])
    yield _Metric("last_run_timestamp_seconds", "When the last run began.", "gauge", [({}, started)])
    fates = [({"fate": fate}, last[fate]) for fate in _FATES]
    yield _Metric("last_run_lines", "Lines of the last run, by where they ended up.", "gauge", fates)
    complete = last["ended"] is not None
    yield _Metric("last_run_complete", "1 when the last run came to its end.", "gauge", [({}, complete)])
    if complete:
        took = _seconds(last["ended"]) - started
        yield _Metric("last_run_duration_seconds", "How long the last run took.", "gauge", [({}, took)])


def _about_days(state: Mapping[str, Any]) -> Iterator[_Metric]:
    by_state: dict[tuple[str, str], int] = {}
    for day in state["days"]:
        for name in ("open", "closed"):
            key = (day["site"], name)
            by_state[key] = by_state.get(key, 0) + (bool(day["closed"]) == (name == "closed"))
    values: list[tuple[dict[str, str], float]] = [
        ({"site": site, "state": name}, days) for (site, name), days in sorted(by_state.items())
    ]
    yield _Metric("dates", "Days in the store, each of a site.", "gauge", values)
    opened = [day["day"] for day in state["days"] if not day["closed"]]
    if opened:
        oldest = datetime.combine(date.fromisoformat(min(opened)), time(), UTC).timestamp()
        yield _Metric("oldest_open_day_timestamp_seconds", "The oldest open day.", "gauge", [({}, oldest)])
    if state["last_closed"]:
        closed = _seconds(state["last_closed"])
        yield _Metric("last_close_timestamp_seconds", "When a day was last closed.", "gauge", [({}, closed)])
        since = "How long ago that was when this was printed."
        age = (datetime.now(UTC) - datetime.fromisoformat(state["last_closed"])).total_seconds()
        yield _Metric("last_close_age_seconds", since, "gauge", [({}, round(age))])
    gone = "Days without a line between the first and the last day."
    yield _Metric("missing_dates", gone, "gauge", [({}, len(state["missing_days"]))])
    yield _Metric("late_lines", "Lines that came for days that were closed.", "gauge", [({}, state["late"])])
    yield _Metric("keys", "Keys of open days that exist.", "gauge", [({}, len(state["keys"]["alive"]))])
    yield _Metric("store_size_bytes", "Bytes of all files of the store.", "gauge", [({}, state["bytes"])])


def _lines(metric: _Metric) -> Iterator[str]:
    if not metric.values:
        return
    name = f"logstats_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.kind}"
    for labels, value in metric.values:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{shown}}} {value:.15g}" if shown else f"{name} {value:.15g}"


def _escaped(text: str) -> str:
    r"""Write the value of a label: `\`, quotes and newlines are escaped, other controls cannot be and are left out."""
    printable = "".join(character for character in text if character.isprintable() or character == "\n")
    return printable.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
