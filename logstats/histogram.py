"""Histograms that add up: durations and counts in buckets that grow with the value.

Ten buckets for each power of ten (the preferred numbers R10 of ISO 3, rounded to whole ones), so that a percentile
read from them is within a quarter of the true value, and sums over days and servers stay exact. A bucket is named by
its lower edge, in the unit of what is measured.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EDGES", "buckets", "percentile"]

_R10: Final = (100, 125, 160, 200, 250, 315, 400, 500, 630, 800)
_LARGEST: Final = 8  # 100,000,000: a day in milliseconds has 86,400,000
EDGES: Final = tuple(
    sorted({0, *range(1, 10), *(number * 10**power // 100 for power in range(1, _LARGEST + 1) for number in _R10)})
)
"""Lower edges: 0, 1, 2 … 10, 12, 16, 20, 25, 31, 40, 50, 63, 80, 100, 125 …; nothing is beyond the last."""

_NEXT: Final = dict(pairwise(EDGES))
_EDGES: Final = pl.Series("bucket", EDGES, dtype=pl.Int64)


def buckets(values: pl.Series) -> pl.Series:
    """Give the lower edge of the bucket of each value.

    Args:
        values: Whole numbers; what is below zero counts as zero. Null stays null.

    >>> buckets(pl.Series([0, 9, 11, 12, 19, None])).to_list()
    [0, 9, 10, 12, 16, None]
    """
    whole = values.cast(pl.Int64).clip(0)
    places = _EDGES.search_sorted(whole.fill_null(0), side="right") - 1
    known = pl.DataFrame({"bucket": _EDGES.gather(places), "known": values.is_not_null()})
    return known.select(pl.when("known").then("bucket")).to_series()


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Read a percentile from a histogram.

    Args:
        counts: How many values are in the bucket with that lower edge.
        share: 0.5 for the median.

    Returns:
        The value below which that share of the values lies, taking those of a bucket as evenly spread over the whole
        numbers in it; null for an empty histogram.

    >>> percentile({10: 1, 20: 2, 40: 1}, 0.5)
    22.0
    """
    total = sum(counts.values())
    wanted, below = share * total, 0
    for edge, count in sorted(counts.items()):
        if count and below + count >= wanted:
            widest = _NEXT.get(edge, edge + 1) - edge - 1
            return float(edge + widest * (wanted - below) / count)
        below += count
    return None
