"""Work per distinct value: user agents, addresses, targets and referrers repeat, in a block and across blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Distinct", "Memo", "distinct"]

_MOST: Final = 100_000


@dataclass(frozen=True)
class Distinct:
    """A text column, taken apart.

    Attributes:
        values: Its distinct values; null has become an empty text.
        codes: For each row, the position of its value.
    """

    values: pl.Series
    codes: pl.Series

    def spread(self, per_value: pl.Series) -> pl.Series:
        """Give what was found for each distinct value to the rows that hold it."""
        return per_value.gather(self.codes)


def distinct(column: pl.Series) -> Distinct:
    """Take a text column apart into its distinct values and the place of each row's value among them."""
    array = column.fill_null("").rechunk().to_arrow().dictionary_encode()
    return Distinct(
        pl.Series(column.name, array.dictionary, dtype=pl.String),
        pl.Series("code", array.indices).cast(pl.UInt32),
    )


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
