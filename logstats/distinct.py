"""Work per distinct value: user agents, addresses, targets and referrers repeat, in a block and across blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Distinct", "Memo", "by_combination", "coded", "combinations", "distinct"]

_MOST: Final = 100_000
_SMALL: Final = 1 << 22  # so many possible combinations are marked in a table; more are sorted
_LARGEST: Final = 1 << 62


@dataclass(frozen=True)
class Distinct:
    """A text column, taken apart.

    Attributes:
        values: Its distinct values; null has become an empty text. There may be some that no row holds.
        codes: For each row, the position of its value.
    """

    values: pl.Series
    codes: pl.Series

    def spread(self, per_value: pl.Series) -> pl.Series:
        """Give what was found for each distinct value to the rows that hold it; text goes as codes."""
        return (coded(per_value) if per_value.dtype == pl.String else per_value).gather(self.codes)


def coded(column: pl.Series) -> pl.Series:
    """Give a text column as a Categorical one: each distinct text once, and codes, which begin at 0 without gaps."""
    return column.cast(pl.Categorical(pl.Categories.random()))


def distinct(column: pl.Series) -> Distinct:
    """Take a text column, coded or not, apart into its distinct values and the place of each row's value among them."""
    if not isinstance(column.dtype, pl.Categorical):
        column = coded(column)
    codes = column.to_physical()
    values = pl.int_range(_limit(codes), dtype=pl.UInt32, eager=True).cat.to(column.dtype).cast(pl.String)
    values = values.alias(column.name)
    if codes.null_count():
        codes = codes.fill_null(values.len())
        values = values.append(pl.Series(values.name, [""], dtype=pl.String))
    return Distinct(values, codes)


def by_combination(
    frame: pl.DataFrame, columns: Sequence[str], make: Callable[[pl.DataFrame], pl.DataFrame]
) -> list[pl.Series]:
    """Find something for each distinct combination of values, and give it to the rows that have it.

    Args:
        frame: Any frame.
        columns: Those that decide.
        make: Gives a row for each row of a frame of these columns; texts come to it as String.
    """
    rows, codes = combinations(frame.select(columns))
    few = frame.select(columns)[rows]
    made = make(few.cast({name: pl.String for name, dtype in few.schema.items() if isinstance(dtype, pl.Categorical)}))
    spread = Distinct(made.to_series(), pl.Series(codes))
    return [spread.spread(made[name]) for name in made.columns]


def combinations(frame: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Number the distinct rows of a frame.

    Args:
        frame: Texts (coded or not), numbers that are not negative, Booleans.

    Returns:
        A row of the frame for each combination, and for each row the position of its combination among them.
    """
    key, size = np.zeros(frame.height, dtype=np.uint64), 1
    for column in frame.get_columns():
        codes, count = _codes(column)
        if size * count > _LARGEST:
            known, places = np.unique(key, return_inverse=True)
            key, size = places.astype(np.uint64), len(known)
        if count > 1:
            key, size = key * np.uint64(count) + codes, size * count
    if size > _SMALL:
        _, first, places = np.unique(key, return_index=True, return_inverse=True)
        return first, places.astype(np.uint32)
    row_of = np.full(size, -1, dtype=np.int64)
    row_of[key] = np.arange(frame.height)
    present = row_of >= 0
    return row_of[present], (np.cumsum(present, dtype=np.uint32) - np.uint32(1))[key]


def _codes(column: pl.Series) -> tuple[NDArray[np.uint64], int]:
    """Give numbers below a limit for the values of a column, one for null; and the limit."""
    if column.null_count() == column.len():
        return np.zeros(column.len(), dtype=np.uint64), 1
    if column.dtype == pl.String:
        column = coded(column)
    codes = column.to_physical().cast(pl.UInt64)
    limit = _limit(codes)
    return codes.fill_null(limit).to_numpy(), limit + bool(codes.null_count())


def _limit(codes: pl.Series) -> int:
    """Give the number above the largest one, 0 without any."""
    largest = codes.max()
    return largest + 1 if isinstance(largest, int) else 0


@dataclass
class Memo:
    """Remembers what was found for a text, for the blocks to come; in memory only, and bounded.

    Attributes:
        most: So many texts are remembered; then it starts anew.
    """

    most: int = _MOST
    _rows: dict[str, int] = field(default_factory=dict, repr=False)
    _found: pl.DataFrame | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def look_up(self, values: pl.Series, find: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
        """Give what is known of each text; what is not known yet is found first.

        Args:
            values: Distinct texts.
            find: Gives a row for each text, which depends on the text alone.
        """
        texts = values.to_list()
        with self._lock:
            if len(self._rows) > self.most:
                self._rows, self._found = {}, None
            unknown = [text for text in texts if text not in self._rows]
            if unknown or self._found is None:
                found = find(pl.Series(values.name, unknown, dtype=pl.String))
                self._rows.update(zip(unknown, range(len(self._rows), len(self._rows) + len(unknown)), strict=True))
                self._found = found if self._found is None else pl.concat([self._found, found], rechunk=True)
            return self._found[[self._rows[text] for text in texts]]
