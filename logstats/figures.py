"""The figures of the service: journeys, features, funnels, findability and quality, read from cells alone.

Whatever is a median or another percentile comes from a histogram in the cells (histogram.py), so that it can be read
for any sum of days and sites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from logstats.distinct import combinations
from logstats.histogram import percentile
from logstats.lists import domain_list
from logstats.schema import DEVICES, END, START

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstats.config import Config, Funnel

    Cells = Mapping[str, pl.DataFrame]

__all__ = ["ranked", "service"]

_TOP: Final = 10
_NEXT: Final = 3
_SLOW: Final = 0.95
_SOME: Final = 10  # so many views make a page's percentile worth a line


def service(cells: Cells, config: Config) -> dict[str, Any]:
    """Give the figures of the service.

    Args:
        cells: Tables of schema.py.
        config: Declares the features and funnels; each is named, also when nobody used it.

    Returns:
        `journeys`, `features`, `funnels`, `findability` and `quality`.
    """
    return {
        "journeys": _journeys(cells),
        "features": _features(cells, config),
        "funnels": [_funnel(cells, funnel) for funnel in config.funnel],
        "findability": _findability(cells),
        "quality": _quality(cells),
    }


def ranked(frame: pl.DataFrame, columns: list[str], measures: list[str], most: int = _TOP) -> list[dict[str, Any]]:
    """Give the largest sums; equal ones by name.

    Millions of texts are too large to be grouped and put in order: the largest are found by numbers that stand for
    them, and only these are grouped by what they are.
    """
    if frame.is_empty():
        return []
    _, numbers = combinations(frame.select(columns))
    sums = np.bincount(numbers, weights=frame[measures[0]].to_numpy())  # exact: there are no 2**53 of anything
    least = np.partition(sums, -most)[-most] if most < len(sums) else sums.min()
    few = frame.select(*columns, *measures).filter((sums >= least)[numbers])
    order = (
        few.group_by(columns)
        .agg(pl.col(measures).sum())
        .sort(
            pl.col(measures[0]),
            *columns,
            descending=[True, *[False] * len(columns)],
            nulls_last=True,
            maintain_order=True,
        )
    )
    return order.head(most).to_dicts()


def _journeys(cells: Cells) -> dict[str, Any]:
    visits, lengths, ease = cells["visits"], cells["lengths"], cells["ease"]
    bounce = (pl.col("step_1") == START) & (pl.col("step_3") == END)
    return {
        "entries": ranked(visits.rename({"entry_page": "page"}), ["page"], ["visits"]),
        "exits": ranked(visits.rename({"exit_page": "page"}), ["page"], ["visits"]),
        "paths": ranked(
            cells["journeys"].filter(pl.col("step_3").is_not_null() & ~bounce),
            ["step_1", "step_2", "step_3"],
            ["visits"],
        ),
        "moves": int(ease["moves"].sum()),
        "reloads": int(ease["reloads"].sum()),
        "bounces": int(visits["bounces"].sum()),
        "views_per_visit": _listed(lengths, "depth"),
        "seconds_per_visit": _listed(lengths, "bucket"),
        "median_seconds": _percentile(lengths, "visits", 0.5),
    }


def _features(cells: Cells, config: Config) -> list[dict[str, Any]]:
    """Give every declared feature, most used first."""
    found = {row["feature"]: row for row in ranked(cells["features"], ["feature"], ["views", "visitors"], most=10**6)}
    names = dict.fromkeys([*(feature.name for feature in config.feature), *found])
    rows = [found.get(name, {"feature": name, "views": 0, "visitors": 0}) for name in names]
    return sorted(rows, key=lambda row: -row["views"])


def _funnel(cells: Cells, funnel: Funnel) -> dict[str, Any]:
    mine = pl.col("funnel") == funnel.name
    last, times, left = (cells[name].filter(mine) for name in ("funnels", "funnel_times", "funnel_exits"))
    end = max(number for number, step in enumerate(funnel.steps, start=1) if not step.optional)
    steps = []
    for number, step in enumerate(funnel.steps, start=1):
        here = pl.col("step") == number
        steps.append(
            {
                "step": number,
                "name": step.name,
                "optional": step.optional,
                "visits": int(times.filter(here)["visits"].sum()),
                "last": int(last.filter(here)["visits"].sum()),
                "median_seconds": _percentile(times.filter(here), "visits", 0.5),
                "next": ranked(left.filter(here), ["to_page"], ["visits"], most=_NEXT),
            }
        )
    done = last.filter(pl.col("step") >= end)
    return {
        "funnel": funnel.name,
        "visits": int(last["visits"].sum()),
        "completed": int(done["visits"].sum()),
        "steps": steps,
        "devices": [
            {
                "device": device,
                "visits": int(last.filter(pl.col("device") == device)["visits"].sum()),
                "completed": int(done.filter(pl.col("device") == device)["visits"].sum()),
            }
            for device in DEVICES
        ],
    }


def _findability(cells: Cells) -> dict[str, Any]:
    visits, ease, searches = cells["visits"], cells["ease"], cells["searches"]
    by_search = visits.filter(pl.col("referrer_kind") == "search")
    portals = []
    for portal in domain_list("portals").entries:
        arrived = visits.filter(pl.col("referrer").is_in(portal.domains))
        portals.append({"portal": portal.name, "domains": list(portal.domains), "visits": int(arrived["visits"].sum())})
    return {
        "search_engines": ranked(by_search, ["referrer"], ["visits"]),
        "portals": portals,
        "searches": int(searches["views"].sum()),
        "visits_with_search": int(ease["with_search"].sum()),
        "search_pages": ranked(searches, ["page"], ["views", "visitors"]),
        "visits_with_search_return": int(ease["with_search_return"].sum()),
    }


def _quality(cells: Cells) -> dict[str, Any]:
    errors, timings = cells["errors"], cells["timings"]
    return {
        "errors": ranked(errors, ["page", "status", "referrer_kind"], ["hits"]),
        "broken_internal_links": ranked(
            errors.filter((pl.col("status") == 404) & (pl.col("referrer_kind") == "internal")),  # noqa: PLR2004 - HTTP
            ["page"],
            ["hits"],
        ),
        "error_hits": int(errors["hits"].sum()),
        "visits_with_error": int(cells["ease"]["with_error"].sum()),
        "timed_views": int(timings["hits"].sum()),
        "median_ms": _percentile(timings, "hits", 0.5),
        "p95_ms": _percentile(timings, "hits", _SLOW),
        "slow_pages": _slow_pages(timings),
    }


def _slow_pages(timings: pl.DataFrame) -> list[dict[str, Any]]:
    """Give the pages with the highest 95th percentile; of pages in one bucket, those that are viewed more."""
    hits = pl.col("hits")
    buckets = timings.group_by("page", "bucket").agg(hits.sum()).sort("page", "bucket")
    counted = buckets.with_columns(hits.cum_sum().over("page").alias("below"), hits.sum().over("page").alias("all"))
    reached = counted.filter((pl.col("below") >= _SLOW * pl.col("all")) & (pl.col("all") >= _SOME))
    slowest = reached.group_by("page").agg(pl.col("bucket").min(), pl.col("all").first())
    pages = slowest.sort("bucket", "all", "page", descending=[True, True, False]).head(_TOP)["page"]
    found = []
    for page in pages:
        of_page = buckets.filter(pl.col("page") == page)
        median, slow = (_percentile(of_page, "hits", share) for share in (0.5, _SLOW))
        found.append({"page": page, "hits": int(of_page["hits"].sum()), "median_ms": median, "p95_ms": slow})
    return sorted(found, key=lambda row: (-row["p95_ms"], row["page"]))


def _percentile(cells: pl.DataFrame, measure: str, share: float) -> float | None:
    value = percentile(_histogram(cells, "bucket", measure), share)
    return None if value is None else round(value, 1)


def _histogram(cells: pl.DataFrame, edge: str, measure: str) -> dict[int, int]:
    """Give the counts by lower edge."""
    return dict(cells.group_by(edge).agg(pl.col(measure).sum()).sort(edge).iter_rows())


def _listed(lengths: pl.DataFrame, edge: str) -> list[dict[str, int]]:
    """Give a histogram as JSON can hold it."""
    return [{"from": value, "visits": visits} for value, visits in _histogram(lengths, edge, "visits").items()]
