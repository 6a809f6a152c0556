"""Checks: is all in order for a run, and are the figures plausible? Nothing is touched: no file is made or changed.

settings     configuration, formats, time zone
machine      clock, lists, country database, free space
logs         the configured logs: are they there, may they be read, does the format fit their last lines
store        permissions, runs, days, keys
anomalies    figures of closed days that a careful reader would ask about

Each gives results; `run` puts them together, and `exit_code` is for monitoring.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from logstats.checks import anomalies, logs, machine, settings, store
from logstats.checks.result import Result, caught

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstats.config import Config

__all__ = ["Result", "exit_code", "run", "worst"]

_STRICT: Final = 1


def run(config: Config, folder: Path | None, now: datetime | None = None) -> Iterator[Result]:
    """Check everything.

    Args:
        config: The effective configuration.
        folder: Of the store; None where nobody has named it.
        now: The clock; None is the real one.
    """
    now = now or datetime.now(UTC)
    yield from settings.check(config)
    yield from machine.check(config, folder, now)
    yield from logs.check(config, now)
    if folder is None:
        yield Result("store", "warning", "no store was named, so none was checked", "use --store or LOGSTATS_STORE")
        return
    state = None
    for found in store.check(folder, config, now):
        if isinstance(found, Result):
            yield found
        else:
            state = found
    if state:
        yield from caught("anomalies", lambda: anomalies.check(folder, state, config, now))


def worst(results: list[Result]) -> str:
    """Give the gravest state: error, warning or ok."""
    states = {result.state for result in results}
    return next((state for state in ("error", "warning") if state in states), "ok")


def exit_code(results: list[Result], *, strict: bool) -> int:
    """Give the exit code: 0, or with `strict` 1 for a warning, or that of the first error by the table of errors.py."""
    state = worst(results)
    if state == "error":
        return next(result.code for result in results if result.state == "error")
    return _STRICT if strict and state == "warning" else 0
