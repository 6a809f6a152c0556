"""Work per distinct value: user agents, addresses, targets and referrers repeat within a block."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

__all__ = ["Distinct", "distinct"]


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
