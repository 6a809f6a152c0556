"""The rules of protection, and the columns of protected rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.schema import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COLUMNS", "Rules"]

COLUMNS: Final[Mapping[str, pl.DataType]] = {
    **dict.fromkeys(LEVELS, pl.String()),
    "level": pl.Int64(),
    "folded": pl.Boolean(),  # the block is OTHER
    "views": pl.Int64(),
    "visitors": pl.Int64(),  # null is written `s`
    "low": pl.Int64(),  # visitor-days, lower bound; internal
    "high": pl.Int64(),  # visitor-days, upper bound; internal
    "max_views": pl.Int64(),  # most views by one visitor-day, upper bound; internal
}
"""Columns of protected rows. The internal ones stay in the ledger and are never published."""

_TEXTS: Final = frozenset(("feature", "page", "entry_page", "step_1", "step_2", "step_3"))


@dataclass(frozen=True)
class Rules:
    """What a block must be like.

    Attributes:
        k: Fewest visitor-days of a block.
        dominance: Largest share of a block's views that one visitor-day may have.
        blocked: Patterns of pages and features that are never shown, only as a part of OTHER.
    """

    k: int
    dominance: float
    blocked: tuple[str, ...] = ()

    def passes(self) -> pl.Expr:
        """Tell which rows with `low`, `views` and `max_views` may be published."""
        return (pl.col("low") >= self.k) & (pl.col("max_views") <= self.dominance * pl.col("views"))

    def allows(self, visitors: int, views: int, max_views: int) -> bool:
        """Tell whether one block may be published."""
        return visitors >= self.k and max_views <= self.dominance * views

    def is_blocked(self, level: str, name: str) -> pl.Expr:
        """Tell which rows have a value at a level that is never shown.

        Args:
            level: Column of the value.
            name: What stands there: a page, a country …
        """
        if not self.blocked or name not in _TEXTS:
            return pl.lit(value=False)
        return pl.col(level).str.contains("|".join(f"(?:{pattern})" for pattern in self.blocked)).fill_null(value=False)
