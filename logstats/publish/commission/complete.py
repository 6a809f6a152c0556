"""Is a month complete? All its local days must be closed, and with a zone ahead of UTC the first one after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from logstats.errors import InputRejectedError
from logstats.store.ledger import read_ledger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from logstats.publish.commission.period import Period

__all__ = ["Completeness", "completeness", "known_days", "must_be_complete"]

KnownDays = dict[tuple[str, date], tuple[bool, bool, int]]
"""For each site and day: whether it is closed and kept, whether it was deleted, and its late lines."""


@dataclass(frozen=True)
class Completeness:
    """What is not as it should be with the days of a period, each as `day` or `day site`."""

    open: tuple[str, ...]
    missing: tuple[str, ...]
    late: int

    @property
    def complete(self) -> bool:
        """Every day is closed."""
        return not self.open and not self.missing


def known_days(store: Path, period: Period, timezone: str) -> KnownDays:
    """Read what the ledger knows of each local day that has a second of the period.

    Read it before the cells: a day that is closed now has its cells, whatever is closed meanwhile.
    """
    first, last = period.days(timezone)
    with read_ledger(store / "ledger.sqlite") as ledger:
        query = "SELECT site, day, closed, forgotten, late FROM days WHERE day BETWEEN ? AND ?"
        return {
            (site, date.fromisoformat(day)): (bool(closed and not forgotten), bool(forgotten), late)
            for site, day, closed, forgotten, late in ledger.execute(query, (str(first), str(last)))
        }


def completeness(known: KnownDays, period: Period, timezone: str, sites: Sequence[str]) -> Completeness:
    """Look at each local day that has a second of the period.

    Args:
        known: As `known_days` gives it.
        period: In UTC.
        timezone: Whose days they are.
        sites: Those that must have each day.
    """
    first, last = period.days(timezone)
    opened: list[str] = []
    missing: list[str] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for site in sites:
            closed, forgotten, _ = known.get((site, day), (False, True, 0))
            name = f"{day} {site}" if len(sites) > 1 else str(day)
            if not closed:
                (missing if forgotten else opened).append(name)
    return Completeness(tuple(opened), tuple(missing), sum(late for _, _, late in known.values()))


def must_be_complete(found: Completeness, name: str) -> None:
    """Refuse a month of which something is missing.

    Raises:
        InputRejectedError: With the days.
    """
    if not found.complete:
        parts = [
            f"{len(days):,} days {what} ({', '.join(days[:3])}{', …' if len(days) > 3 else ''})"  # noqa: PLR2004 - some examples
            for what, days in (("not closed yet", found.open), ("without a line, or deleted", found.missing))
            if days
        ]
        raise InputRejectedError(
            f"{name} is not complete: {'; '.join(parts)}",
            hint="count and close them first, or send what there is with --partial",
        )
