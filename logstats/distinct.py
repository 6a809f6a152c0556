"""Work per distinct value: user agents, addresses, targets and referrers repeat, in a block and across blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from logstats.codes import coded, new_codes, number_above, numbered, taken_apart, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Distinct", "Memo", "by_combination", "combinations", "distinct"]

_MOST: Final = 100_000
_SMALL: Final = 1 << 22  # so many possible combinations are marked in a table; more are sorted
_LARGEST: Final = 1 << 62
_UNKNOWN: Final = np.uint32(0xFFFF_FFFF)


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


def distinct(column: pl.Series) -> Distinct:
    """Take a text column, coded or not, apart into its distinct values and the place of each row's value among them."""
    texts, places = taken_apart(column if isinstance(column.dtype, pl.Categorical) else coded(column))
    if not places.null_count():
        return Distinct(texts, places)
    empty = pl.Series(texts.name, [""], dtype=pl.String)
    return Distinct(pl.concat([texts, empty]), places.fill_null(texts.len()))


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
            known, places = numbered(key)
            key, size = places.astype(np.uint64), len(known)
        if count > 1:
            key, size = key * np.uint64(count) + codes, size * count
    if size > _SMALL:
        known, places = numbered(key)
        row_of = np.empty(len(known), dtype=np.int64)
        row_of[places] = np.arange(frame.height)
        return row_of, places
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
    limit = number_above(codes)
    return codes.fill_null(limit).to_numpy(), limit + bool(codes.null_count())


@dataclass
class Memo:
    """Remembers what was found for a text, for the blocks to come; in memory only, and bounded.

    A text is known by its code, so the texts themselves are compared once, when the column gets its codes. A column
    that comes with codes keeps them.

    Attributes:
        most: So many texts are remembered; then it starts anew.
    """

    most: int = _MOST
    _empty: pl.Series | None = field(default=None, repr=False)  # polars forgets codes that no column holds
    _rows: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, dtype=np.uint32), repr=False)
    _found: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    _texts: dict[str, pl.DataType] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def look_up(self, column: pl.Series, find: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
        """Give what is known of the text in each row; what is not known yet is found first.

        Args:
            column: Text, coded or not; null is taken for an empty one.
            find: Gives a row for each of some distinct texts, which depends on the text alone.

        Returns:
            What `find` gives, a row for each row of the column; texts are coded.
        """
        with self._lock:
            empty = self._begin(column.dtype)
            codes = self._codes(column, empty)
            rows = self._rows[codes]
            unknown = codes[rows == _UNKNOWN]
            if len(unknown) or not self._found.width:
                new = np.unique(unknown)
                self._remember(new, find(texts_of(new, empty.dtype).alias(column.name)))
                rows = self._rows[codes]
            found = self._found
        return found[pl.Series(rows)]

    def forget(self) -> None:
        """Remember nothing."""
        with self._lock:
            self._forget()

    def _begin(self, dtype: pl.DataType) -> pl.Series:
        """Start anew if what is remembered is too much, or has other codes; give the empty text, coded."""
        other = isinstance(dtype, pl.Categorical) and self._empty is not None and self._empty.dtype != dtype
        if self._empty is None or other or self._found.height > self.most:
            self._forget()
            self._empty = pl.Series([""], dtype=dtype if isinstance(dtype, pl.Categorical) else new_codes())
        return self._empty

    def _forget(self) -> None:
        self._empty, self._rows = None, np.empty(0, dtype=np.uint32)
        self._found, self._texts = pl.DataFrame(), {}

    def _codes(self, column: pl.Series, empty: pl.Series) -> NDArray[np.uint32]:
        """Give the code of each text, and make room for what they stand for."""
        codes = column.cast(empty.dtype).to_physical()
        if codes.null_count():
            codes = codes.fill_null(empty.to_physical().item())
        if (missing := number_above(codes) - len(self._rows)) > 0:
            self._rows = np.append(self._rows, np.full(missing, _UNKNOWN))
        return codes.to_numpy()

    def _remember(self, codes: NDArray[np.uint32], found: pl.DataFrame) -> None:
        texts = [name for name, dtype in found.schema.items() if dtype == pl.String]
        found = found.cast({name: self._texts.setdefault(name, new_codes()) for name in texts})
        self._rows[codes] = np.arange(self._found.height, self._found.height + len(codes), dtype=np.uint32)
        self._found = pl.concat([self._found, found], rechunk=True) if self._found.width else found
