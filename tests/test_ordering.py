"""Rows as numbers: sorted, counted along paths and numbered as polars does it with their columns."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from logstats import codes, ordering
from logstats.cells import paths
from logstats.cells.paths import Paths
from logstats.ordering import add_up, sort_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORDS: Final = ("", "a", "b", "B", "é", "(end)", "{other}")
ENUM: Final = pl.Enum(["PC", "Tablet", "Others"])  # not in the order of its texts
ROW: Final = st.fixed_dictionaries(
    {
        "day": st.sampled_from((date(2026, 10, 24), date(2026, 10, 25), date(1969, 1, 1))),
        "text": st.one_of(st.none(), st.sampled_from(WORDS)),
        "coded": st.one_of(st.none(), st.sampled_from(WORDS)),
        "device": st.one_of(st.none(), st.sampled_from(ENUM.categories.to_list())),
        "number": st.one_of(st.none(), st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)),
        "small": st.one_of(st.none(), st.integers(0, 255)),
        "flag": st.one_of(st.none(), st.booleans()),
        "visitor": st.one_of(st.integers(0, 3), st.integers(-(2**63), 2**63 - 1)),
    }
)
SCHEMA: Final[dict[str, Any]] = {
    "day": pl.Date,
    "text": pl.String,
    "coded": pl.Categorical,
    "device": ENUM,
    "number": pl.Int64,
    "small": pl.UInt8,
    "flag": pl.Boolean,
    "visitor": pl.Int64,
}
COLUMNS: Final = st.lists(st.sampled_from(list(SCHEMA)), min_size=1, unique=True)
LEVELS: Final = ("day", "text", "coded", "device", "number", "small")


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Make a frame of what hypothesis drew."""
    return pl.DataFrame(rows, schema=SCHEMA)


@given(rows=st.lists(ROW, max_size=40), columns=COLUMNS)
def test_rows_are_sorted_as_polars_sorts_them(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Null last, texts by their bytes, numbers of any size: also where no number can hold all columns."""
    drawn = frame(rows)
    expected = drawn.with_columns(pl.col("coded").cast(pl.String)).sort(columns, nulls_last=True).select(columns)
    assert_frame_equal(sort_rows(drawn, columns).select(columns).cast(expected.schema), expected)


@pytest.mark.parametrize("largest", (1 << 64, 1 << 4))
@given(rows=st.lists(ROW, max_size=40), columns=COLUMNS)
def test_equal_rows_are_added_up_as_by_grouping(rows: list[dict[str, Any]], columns: list[str], largest: int) -> None:
    """Sums and largest values are those of group_by, for the same rows, whether numbers hold all columns or not."""
    drawn = frame(rows).with_columns(sums=pl.int_range(pl.len()), most=pl.int_range(pl.len()) % 7)
    expected = drawn.group_by(columns).agg(pl.col("sums").sum(), pl.col("most").max())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "_LARGEST", largest)
        found = add_up(drawn, columns, {"sums": "sum", "most": "max"})
    texts: Any = {name: pl.String for name in columns if name in {"coded", "device"}}
    assert_frame_equal(found.cast(texts), expected.cast(texts), check_row_order=False)


def counted(rows: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Count by grouping."""
    of_each = rows.group_by(*columns, "visitor").agg(pl.len().cast(pl.Int64).alias("rows"))
    return of_each.group_by(columns).agg(
        pl.col("rows").sum(),
        pl.len().cast(pl.Int64).alias("distinct"),
        pl.col("rows").max().alias("most"),
    )


@pytest.mark.parametrize("largest", (1 << 64, 1 << 27))
@given(rows=st.lists(ROW, min_size=1, max_size=40), depth=st.integers(1, len(LEVELS)))
@example(rows=[dict.fromkeys(SCHEMA) | {"day": date(2026, 10, 24), "number": 2**63 - 1, "visitor": 0}], depth=5)
def test_paths_are_counted_as_by_grouping(rows: list[dict[str, Any]], depth: int, largest: int) -> None:
    """Rows, distinct visitors and the most of one of them, for each path and for each prefix; numbers may run out."""
    drawn, columns = frame(rows), LEVELS[:depth]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "_LARGEST", largest)
        tree = Paths(drawn, columns, ["visitor"])
        whole, prefixes = tree.count("visitor"), tree.count_prefixes("visitor", 1)
    plain: dict[str, Any] = {"coded": pl.String, "device": pl.String}
    names: Any = {name: dtype for name, dtype in plain.items() if name in columns}
    assert_frame_equal(whole.cast(names), counted(drawn, columns).cast(names), check_row_order=False)
    assert prefixes["depth"].min() in {1, None}
    for length in range(1, depth + 1):
        found = prefixes.filter(pl.col("depth") == length)
        assert all(found[name].null_count() == found.height for name in columns[length:])
        expected = counted(drawn, columns[:length]).filter(pl.col(columns[length - 1]).is_not_null())
        short: Any = {name: dtype for name, dtype in names.items() if name in columns[:length]}
        assert_frame_equal(
            found.select(*columns[:length], "rows", "distinct", "most").cast(short),
            expected.cast(short),
            check_row_order=False,
        )


@pytest.mark.parametrize("many", (1, 1 << 60))
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)))
def test_equal_numbers_get_equal_numbers(values: list[int], many: int) -> None:
    """By a table or by sorting: each value is the one that its number stands for, and each is there once."""
    given_values: NDArray[np.int64] = np.array(values, dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "_MANY", many)
        known, numbers = codes.numbered(given_values)
    assert known[numbers].tolist() == values
    assert len(set(known.tolist())) == len(known) == len(set(values))


def test_a_number_is_used_as_long_as_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting goes by numbers for as many columns as fit; what is equal in them is compared by all."""
    rows = pl.DataFrame({"a": [1, 1, 0, 1], "b": ["y", "x", "z", None], "c": [1, 2, 3, 4]})
    for largest in (1, 4, 1 << 64):
        monkeypatch.setattr(ordering, "_LARGEST", largest)
        assert sort_rows(rows, ["a", "b"])["c"].to_list() == [3, 2, 1, 4]


def test_numbers_that_would_run_over_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather no figure than a wrong one."""
    monkeypatch.setattr(paths, "_LARGEST", 8)
    rows = pl.DataFrame({"visitor": [0, 1, 2], "page": ["/a", "/b", "/c"]})
    with pytest.raises(OverflowError):
        Paths(rows, ["page"], ["visitor"])
