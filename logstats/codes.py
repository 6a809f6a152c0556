"""Texts as codes: each distinct text once, and a number for each row; numbers are compared and grouped far faster.

A Categorical type has its codes in the order in which texts came, an Enum of `text_order` in the order of the texts.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

_MANY: Final = 1_000_000  # a table of them takes 200 bytes for each, and is slower than sorting
_Number = TypeVar("_Number", np.int64, np.uint64)

__all__ = [
    "as_numbers",
    "coded",
    "in_order",
    "new_codes",
    "number_above",
    "numbered",
    "recoded",
    "same_text",
    "taken_apart",
    "text_order",
    "texts_of",
    "together",
]


def new_codes() -> pl.Categorical:
    """Give a type of codes that nothing else has; polars forgets the codes of a type that no column has."""
    return pl.Categorical(pl.Categories.random())


def coded(column: pl.Series) -> pl.Series:
    """Give a text column as a Categorical one of its own, with codes that begin at 0 without gaps."""
    return column.cast(new_codes())


def texts_of(codes: NDArray[np.integer[Any]], dtype: pl.DataType) -> pl.Series:
    """Give the text that each code stands for in a Categorical type."""
    return pl.Series(codes.astype(np.uint32)).cat.to(dtype).cast(pl.String)


def taken_apart(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Give the distinct texts of a Categorical column, and for each row the place of its text; null where it is null.

    Only codes that a row holds are looked at: of others, another thread may be about to say what they mean.
    """
    codes = column.to_physical()
    limit = number_above(codes)
    present = np.zeros(limit + 1, dtype=np.bool_)
    by_row = codes.fill_null(limit).to_numpy()
    present[by_row] = True
    places = pl.Series((np.cumsum(present, dtype=np.uint32) - np.uint32(1))[by_row])
    present[limit] = False
    texts = texts_of(np.flatnonzero(present), column.dtype).alias(column.name)
    return texts, pl.select(pl.when(codes.is_not_null()).then(places)).to_series() if codes.null_count() else places


def recoded(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Give a text column, coded or not, the codes of another type."""
    if column.dtype == dtype or not isinstance(column.dtype, pl.Categorical):
        return column.cast(dtype)
    texts, places = taken_apart(column)
    return texts.cast(dtype).gather(places)


def same_text(one: pl.Series, other: pl.Series) -> pl.Series:
    """Tell in which rows two text columns hold the same text; a null is like nothing."""
    if one.len() in (one.null_count(), other.null_count()):
        return pl.repeat(value=False, n=one.len(), dtype=pl.Boolean, eager=True)
    first = recoded(one, new_codes())
    return (first == recoded(other, first.dtype)).fill_null(value=False)


def together(frames: Sequence[pl.DataFrame], codes: Mapping[str, pl.DataType] | None = None) -> pl.DataFrame:
    """Put frames of the same columns below each other; texts are coded, whatever codes each frame had.

    Args:
        frames: At least one.
        codes: The types that their texts get; None for new ones.
    """
    if codes is None:
        codes = {name: new_codes() for name, dtype in frames[0].schema.items() if _is_text(dtype)}
    alike = [frame.with_columns(recoded(frame[name], dtype) for name, dtype in codes.items()) for frame in frames]
    return pl.concat(alike, rechunk=True)


def text_order(frames: Iterable[pl.DataFrame], also: Iterable[str] = ()) -> pl.Enum:
    """Give the type in which the code of a text is its place among all texts.

    Args:
        frames: Their text columns count.
        also: Texts that may come to them.
    """
    columns = (column for frame in frames for column in frame.get_columns() if _is_text(column.dtype))
    texts = [column.unique().cast(pl.String).drop_nulls().alias("") for column in columns]
    return pl.Enum(pl.concat([pl.Series("", list(also), dtype=pl.String), *texts]).unique().sort())


def as_numbers(frame: pl.DataFrame, order: pl.Enum) -> pl.DataFrame:
    """Give a frame with the codes of an order."""
    return frame.with_columns(recoded(column, order) for column in frame.get_columns() if _is_text(column.dtype))


@cache
def in_order(dtype: pl.Enum) -> bool:
    """Tell whether the codes of a type have the order of their texts."""
    return dtype.categories.is_sorted()


def numbered(values: NDArray[_Number]) -> tuple[NDArray[_Number], NDArray[np.uint32]]:
    """Number distinct numbers: they, and for each value its number."""
    if len(values) < _MANY:
        found = pa.array(values).dictionary_encode()
        return found.dictionary.to_numpy(), found.indices.to_numpy().astype(np.uint32)
    order = pl.Series(values).arg_sort().to_numpy()
    ordered = values[order]
    is_new = np.append(True, ordered[1:] != ordered[:-1])
    numbers = np.empty(len(values), dtype=np.uint32)
    numbers[order] = np.cumsum(is_new, dtype=np.uint32) - np.uint32(1)
    return ordered[is_new], numbers


def number_above(codes: pl.Series) -> int:
    """Give the number above the largest one, 0 without any."""
    largest = codes.max()
    return largest + 1 if isinstance(largest, int) else 0


def _is_text(dtype: pl.DataType) -> bool:
    return dtype == pl.String or isinstance(dtype, pl.Categorical)
