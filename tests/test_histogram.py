"""Histograms add up, and a percentile that is read from one is near the true one."""

from __future__ import annotations

import doctest
from collections import Counter
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats import histogram, text
from logstats.histogram import EDGES, buckets, percentile


@pytest.mark.parametrize("module", (histogram, text), ids=("histogram", "text"))
def test_the_examples_run(module: object) -> None:
    """What the docstrings show is so."""
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_edges_grow_by_no_more_than_a_third() -> None:
    """From ten on, a bucket is at most a third wider than its lower edge; below, each number is its own."""
    assert EDGES[:11] == tuple(range(11))
    assert all(low < high <= low * 4 / 3 for low, high in pairwise(EDGES) if low >= 10)
    assert EDGES[-1] >= 86_400_000  # a day in milliseconds


@given(st.lists(st.integers(-5, 200_000_000), min_size=1))
def test_a_value_is_in_the_bucket_that_it_belongs_to(values: list[int]) -> None:
    """The lower edge is the largest one that is not above the value; less than nothing is nothing."""
    found = buckets(pl.Series(values, dtype=pl.Int64)).to_list()
    assert found == [max(edge for edge in EDGES if edge <= max(value, 0)) for value in values]


def test_unknown_stays_unknown() -> None:
    """A time that is not logged is in no bucket."""
    assert buckets(pl.Series([None, 3], dtype=pl.Int32)).to_list() == [None, 3]
    assert buckets(pl.Series([], dtype=pl.Int32)).to_list() == []


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=200), st.sampled_from((0.5, 0.95)))
def test_a_percentile_is_in_the_bucket_of_the_true_one(values: list[int], share: float) -> None:
    """The value that is read lies in the bucket of the value that has that share of all at or below it."""
    counts = Counter(buckets(pl.Series(values, dtype=pl.Int64)).to_list())
    true = sorted(values)[max(-(-int(share * 100) * len(values) // 100) - 1, 0)]
    edge = max(edge for edge in EDGES if edge <= true)
    found = percentile(counts, share)
    assert found is not None
    assert edge <= found <= max(true, edge * 4 / 3)


def test_an_empty_histogram_has_no_percentile() -> None:
    """Nothing was measured: nothing is said."""
    assert percentile({}, 0.5) is None
    assert percentile({3: 0}, 0.5) is None
