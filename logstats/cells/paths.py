"""Paths: rows that lie in a tree of values, counted at every depth.

The values of a path are put together to one number, and that with the number of the visitor: sorted, equal ones stand
in a row, and so do the visitors of a node. That is far quicker than to group by many columns, once for each depth.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

from logstats.codes import coded, numbered, taken_apart
from logstats.ordering import begins_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]
    Counts = NDArray[np.int64]

__all__ = ["Paths"]

_LARGEST: Final = 1 << 64
_COUNTS: Final = ("rows", "distinct", "most")
_FEW: Final = 10_000
_SPARSE: Final = 4  # numbers up to so many times the rows are taken as they are


class _Step(NamedTuple):
    """A column of the path.

    Attributes:
        name: Of the column.
        values: Its distinct values, and null as the last one.
        above: What the number of the path up to here stands for, where it had to be made smaller.
    """

    name: str
    values: pl.Series
    above: Numbers | None

    def take_off(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Give the numbers of the paths without this step, and the places of its values."""
        above, places = np.divmod(numbers, np.uint64(len(self.values)))
        return above if self.above is None else self.above[above], places


class _Nodes(NamedTuple):
    """What was counted at a depth.

    Attributes:
        places: For each column, the place of each node's value.
        sizes: For each column, how many values there are; the last one is null.
        depth: How many columns the nodes have.
        counts: Of each node what `_COUNTS` names.
    """

    places: list[Numbers]
    sizes: list[int]
    depth: int
    counts: tuple[Counts, ...]

    def whole(self) -> _Nodes:
        """Leave out the nodes whose last value is null."""
        if not self.depth:
            return self
        kept = self.places[self.depth - 1] != self.sizes[self.depth - 1] - 1
        if kept.all():
            return self
        places, counts = ([column[kept] for column in columns] for columns in (self.places, self.counts))
        return self._replace(places=places, counts=tuple(counts))


class Paths:
    """The paths of some rows.

    Args:
        rows: Any frame; texts may be coded.
        columns: From the root to the leaf; values may be null.
        whose: Columns of numbers, of which distinct ones are counted.
        texts: The type that the values of some columns get, as texts.

    Raises:
        OverflowError: Distinct paths, values and visitors together are more than 2**64: no part of a day has so many.
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        columns: Sequence[str],
        whose: Sequence[str],
        texts: Mapping[str, pl.DataType] | None = None,
    ) -> None:
        self._whose = {name: _small(rows[name]) for name in whose}
        self._numbers = np.zeros(rows.height, dtype=np.uint64)
        self._steps: list[_Step] = []
        limit, size = _LARGEST // max(size for _, size in self._whose.values()), 1
        for name in columns:
            values, places = _apart(rows[name])
            above = None
            if size * len(values) > limit:
                above, smaller = numbered(self._numbers)
                self._numbers, size = smaller.astype(np.uint64), len(above)
            if size * len(values) > limit:  # numbers would run over, and figures be wrong without a word
                raise OverflowError("too many rows and values for one number")
            as_text = texts.get(name) if texts else None
            self._steps.append(_Step(name, values.cast(pl.String).cast(as_text) if as_text else values, above))
            self._numbers = self._numbers * np.uint64(len(values)) + places
            size *= len(values)

    def count(self, whose: str) -> pl.DataFrame:
        """Count the rows of each path; the order is the same whatever `whose` is.

        Returns:
            The columns, and Int64 `rows`, `distinct`, and `most`: the rows of the one who has most of them.
        """
        return self._frame([next(self._up(whose))]).drop("depth")

    def count_prefixes(self, whose: str, shortest: int) -> pl.DataFrame:
        """Count the rows of each prefix of a path, down to some columns; null ends a path, and no prefix ends in it.

        Returns:
            As `count`, the columns beyond the prefix being null, and Int64 `depth`, how many columns it has.
        """
        return self._frame([nodes.whole() for nodes in islice(self._up(whose), len(self._steps) + 1 - shortest)])

    def _up(self, whose: str) -> Iterator[_Nodes]:
        """Count with all columns, then without the last one, and so on up to none."""
        who, size = self._whose[whose]
        pairs, rows = _gathered(self._numbers * np.uint64(size) + who)
        for depth in range(len(self._steps), -1, -1):
            paths, who = np.divmod(pairs, np.uint64(size))
            first = begins_of(paths)
            most = np.maximum.reduceat(rows, first) if len(first) else rows
            counts = (_sums(rows, first), np.diff(first, append=len(pairs)), most)
            yield _Nodes(self._places(paths[first], depth), [len(step.values) for step in self._steps], depth, counts)
            if depth:
                above, _ = self._steps[depth - 1].take_off(paths)
                pairs, rows = _gathered(above * np.uint64(size) + who, rows)

    def _places(self, numbers: Numbers, depth: int) -> list[Numbers]:
        """Give, for each column, the places of the values that numbers of a depth stand for; of no value beyond it."""
        found = []
        for step in reversed(self._steps[:depth]):
            numbers, places = step.take_off(numbers)
            found.append(places)
        beyond = [np.full(len(numbers), len(step.values) - 1, dtype=np.uint64) for step in self._steps[depth:]]
        return [*reversed(found), *beyond]

    def _frame(self, nodes: Sequence[_Nodes]) -> pl.DataFrame:
        places = (np.concatenate(columns) for columns in zip(*(one.places for one in nodes), strict=True))
        named = {step.name: step.values.gather(column) for step, column in zip(self._steps, places, strict=True)}
        counts = (np.concatenate(columns) for columns in zip(*(one.counts for one in nodes), strict=True))
        depths = np.repeat([one.depth for one in nodes], [len(one.counts[0]) for one in nodes])
        return pl.DataFrame(named | dict(zip(_COUNTS, counts, strict=True)) | {"depth": depths})


def _gathered(keys: Numbers, rows: Counts | None = None) -> tuple[Numbers, Counts]:
    """Give distinct keys in order, and how many rows each has."""
    if rows is None:
        ordered = pl.Series(keys).sort().to_numpy()
        begins = begins_of(ordered)
        return ordered[begins], np.diff(begins, append=len(keys))
    bits = int(rows.max(initial=0)).bit_length()
    if len(keys) and int(keys.max()) < _LARGEST >> bits:  # then both are sorted as one number
        both = pl.Series((keys << np.uint64(bits)) | rows.view(np.uint64)).sort().to_numpy()
        ordered, rows = both >> np.uint64(bits), (both & np.uint64((1 << bits) - 1)).view(np.int64)
    else:
        order = pl.Series(keys).arg_sort().to_numpy()
        ordered, rows = keys[order], rows[order]
    begins = begins_of(ordered)
    return ordered[begins], _sums(rows, begins)


def _sums(counts: Counts, begins: Counts) -> Counts:
    return np.add.reduceat(counts, begins) if len(begins) else counts


def _small(column: pl.Series) -> tuple[Numbers, int]:
    """Give small numbers that differ where those of a column do, and a number above them."""
    least, most = column.min(), column.max()
    if not (isinstance(least, int) and isinstance(most, int)):
        return np.zeros(column.len(), dtype=np.uint64), 1
    if least >= 0 and most < _SPARSE * column.len():
        return column.to_numpy().astype(np.uint64), most + 1
    known, places = numbered(column.to_numpy())
    return places.astype(np.uint64), len(known)


def _apart(column: pl.Series) -> tuple[pl.Series, Numbers]:
    """Give the values that a column may have, with null as the last one, and for each row the place of its value."""
    if isinstance(column.dtype, pl.Categorical | pl.String):
        values, places = taken_apart(coded(column) if column.dtype == pl.String else column)
        values = values.cast(column.dtype)
    else:
        values, places = _of_range(column)
    if places.null_count():
        places = places.cast(pl.Int64).fill_null(len(values))
    with_null = pl.concat([values, pl.Series(values.name, [None], dtype=values.dtype)])
    return with_null, places.to_numpy().astype(np.uint64)


def _of_range(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Do so with numbers, dates, and texts that have a fixed number: all between the least and the largest, if few."""
    numbers = column.to_physical()
    least, most = numbers.min(), numbers.max()
    if not (isinstance(least, int) and isinstance(most, int)):
        return column.clear(), numbers
    if most - least > _SPARSE * column.len() + _FEW:
        values = column.drop_nulls().unique().sort()
        return values, pl.select(pl.when(column.is_not_null()).then(values.search_sorted(column))).to_series()
    if isinstance(column.dtype, pl.Enum):
        values = column.dtype.categories.slice(least, most - least + 1)
    else:
        values = (pl.int_range(most - least + 1, dtype=pl.Int64, eager=True) + least).cast(numbers.dtype)
    return values.cast(column.dtype), numbers.cast(pl.Int64) - least if least else numbers
