"""Releases of many months, seeded: days of made-up visitors are closed, protected and released as real ones are.

.venv/bin/python -m tests.page.generate DIR [MONTHS]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats import config, folders, geodata, pipeline, releasing
from logstats.store import DurableStore
from tests.release.conftest import FEATURES, FUNNELS, alike, day_of_hits, days_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["months_before", "release_again", "release_hits", "release_months", "rules"]

FEW_DAYS: Final = 2
"""Days of a month that have visitors, so that many months are made in little time; the last month has all its days."""


def rules(**page: Any) -> config.Config:
    """Give a configuration with features, a funnel, and a page."""
    usual = config.load(environment={})
    named = replace(usual.release, title="Démarches en ligne", publisher="Ville d’Exemple", contact="stats@example.fr")
    return replace(usual, feature=FEATURES, funnel=FUNNELS, release=named, page=replace(usual.page, **page))


def months_before(last: str, count: int) -> list[str]:
    """Name so many months up to the last one."""
    year, number = map(int, last.split("-"))
    whole = [divmod(year * 12 + number - 1 - back, 12) for back in range(count)]
    return [f"{y}-{m + 1:02}" for y, m in reversed(whole)]


def release_months(
    folder: Path,
    last: str,
    count: int,
    *,
    visitors: int = 260,
    days: int = 31,
    names: Mapping[str, str] | None = None,
) -> list[Path]:
    """Make a store of closed months and release each of them.

    Args:
        folder: Where store and releases go.
        last: The last month.
        count: How many.
        visitors: Of a working day, about.
        days: Of the last month that have visitors.
        names: Pages that get another name, as hostile ones.
    """
    effective = rules()
    geo = geodata.open_table(None, geodata.cache_directory()).info
    made = []
    with DurableStore(folder / "store") as store:
        for number, month in enumerate(months_before(last, count)):
            for day in days_of(month)[: days if month == last else FEW_DAYS]:
                hits = day_of_hits(day, _visitors(day, visitors, number), 7, pages=60)
                if names:
                    hits = hits.with_columns(pl.col("page").replace(names))
                store.close("demarches", day, pipeline.closing(hits, effective), "test")
            now = datetime(2026, 11, 5, 8, tzinfo=UTC)
            files = releasing.release_month(store, month, effective, geo, partial=month != last or days < 31, now=now)
            made.append(folder / month)
            folders.write(files, made[-1])
    return made


def release_hits(
    folder: Path, hits: Iterable[pl.DataFrame], effective: config.Config, *, partial: bool = False
) -> Path:
    """Close days in a store of their own and release their month.

    Args:
        folder: Where store and release go.
        hits: HITS of a day and a site each, all of one month.
        effective: The configuration that they are closed and released by.
        partial: Whether days of the month are missing.
    """
    geo = geodata.open_table(None, geodata.cache_directory()).info
    month = ""
    with DurableStore(folder / "store") as store:
        for frame in hits:
            day, site = frame["day"][0], frame["site"][0]
            month = f"{day:%Y-%m}"
            store.close(site, day, pipeline.closing(frame, effective), "test")
        now = datetime(2026, 11, 5, 8, tzinfo=UTC)
        files = releasing.release_month(store, month, effective, geo, partial=partial, now=now)
    folders.write(files, folder / month)
    return folder / month


def release_again(folder: Path, month: str) -> list[Path]:
    """Release a month, count its first day anew with many visitors more, and release it again; give both folders."""
    effective = rules()
    geo = geodata.open_table(None, geodata.cache_directory()).info
    made = []
    with DurableStore(folder / "store") as store:
        for version in (1, 2):
            for day in days_of(month)[: 5 if version == 1 else 1]:
                hits = day_of_hits(day, 150, 7, pages=20)
                if version > 1:
                    hits = pl.concat([hits, alike(day, 60)])
                store.close("demarches", day, pipeline.closing(hits, effective), "test")
            now = datetime(2026, 11, 4 + version, 8, tzinfo=UTC)
            files = releasing.release_month(store, month, effective, geo, partial=True, now=now)
            made.append(folder / f"version-{version}")
            folders.write(files, made[-1])
    return made


def _visitors(day: date, usual: int, number: int) -> int:
    """Let weeks have a shape, and months grow."""
    weekend = day.weekday() >= 5
    return int(usual * (1 + number / 40) * (0.45 if weekend else 1 + 0.08 * ((day.toordinal() * 7919) % 5 - 2)))


if __name__ == "__main__":
    release_months(Path(sys.argv[1]), "2026-10", int(sys.argv[2]) if len(sys.argv) > 2 else 14)
