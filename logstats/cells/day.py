"""A day, or the part of it that some visitors make: all that is counted of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Day"]


@dataclass(frozen=True)
class Day:
    """What a day is counted from; pages are bounded.

    Attributes:
        days: `day` and `site`, each once.
        hits: HITS of the day, every one of them.
        views: Its human page views and downloads, ordered, with `visit` and `feature`.
        visits: One row for each visit, with what it met.
        runs: One row for each run of steps of a visit.
        suspects: One row for each suspected visitor: `day`, `site`, `visitor`, `reason` and `hits`.
        uses: One row for each use of a feature.
        declared: `day`, `site` and `feature` of every feature that is declared.
        reached: One row for each visit and step of a funnel that it reached.
        left: One row for each visit that left a funnel, with the page where it went.
        errors: Requests of people that failed.
        timed: Page views whose time is known.
    """

    days: pl.DataFrame
    hits: pl.DataFrame
    views: pl.DataFrame
    visits: pl.DataFrame
    runs: pl.DataFrame
    suspects: pl.DataFrame
    uses: pl.DataFrame
    declared: pl.DataFrame
    reached: pl.DataFrame
    left: pl.DataFrame
    errors: pl.DataFrame
    timed: pl.DataFrame
