"""Folding: of the children of one node, which are put together as OTHER so that every block passes.

Closed days hold no ids, so of folded children only bounds are known, day by day; the safe side counts:

- visitors of OTHER: at least those of its largest child, and at least the parent's less those of the shown children.
  Where children share no visitor (device), the second is exact.
- most views by one visitor in OTHER: at most the sum of what one visitor has of each child, and at most what one has of
  the parent. Where children share no visitor on that day, at most the largest.

The plain sum of visitors would not be safe: one person on eleven rare pages would look like eleven.
"""

from __future__ import annotations

from collections import deque
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from logstats.protect.rules import Rules

    Counts = tuple[date, int, int]
    """A day with visitors and max_views."""

__all__ = ["fold"]

_FIRST: Final = itemgetter(0)
_OTHERS: Final[Mapping[str, pl.DataType]] = {
    "parent": pl.UInt32(),
    **dict.fromkeys(("views", "visitors", "low", "high", "max_views"), pl.Int64()),
}


class Other:
    """The children of a node that are put together, and what is known of them.

    Args:
        parent: Counts of the node, by day.
        children: Counts of all its children.
    """

    def __init__(self, parent: list[Counts], children: list[list[Counts]]) -> None:
        self._parent = {day: (visitors, most) for day, visitors, most in parent}
        self._shown: dict[date, int] = {}
        for child in children:
            for day, visitors, _ in child:
                self._shown[day] = self._shown.get(day, 0) + visitors
        self._disjoint = {day for day, visitors in self._shown.items() if visitors == self._parent[day][0]}
        self._largest: dict[date, int] = {}
        self._low: dict[date, int] = {}
        self._most: dict[date, int] = {}
        self.views = self.low = self.high = self.max_views = 0

    def add(self, views: int, child: list[Counts]) -> None:
        """Put one more child into it."""
        self.views += views
        for day, visitors, most in child:
            whole, whole_most = self._parent[day]
            self._shown[day] -= visitors
            self._largest[day] = max(self._largest.get(day, 0), visitors)
            low = max(self._largest[day], whole - self._shown[day])
            self.low += low - self._low.get(day, 0)
            self._low[day] = low
            before = self._most.get(day, 0)
            together = max(before, most) if day in self._disjoint else before + most
            self._most[day] = min(together, whole_most)
            self.max_views = max(self.max_views, self._most[day])
            self.high += visitors

    @property
    def exact(self) -> bool:
        """Whether no visitor of the node has two of its children, so that visitors add up."""
        return len(self._disjoint) == len(self._shown)


def fold(
    mixed: pl.DataFrame, rows: pl.DataFrame, above: pl.DataFrame, path: Sequence[str], rules: Rules
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fold the children of nodes of which some pass and some do not.

    Args:
        mixed: Totals of all children of these nodes, with `parent` and `small`, ordered by parent, visitors and name.
        rows: The children's days.
        above: The days of the nodes themselves, with `parent`.
        path: Columns that name a child.
        rules: What a block must be like.

    Returns:
        The rows of `mixed` that are shown; and OTHER of each node that has one, without a path.
    """
    ordered = mixed.with_row_index("child")
    days = rows.lazy().join(ordered.lazy().select("child", "parent", *path), on=path, how="inner")
    whole = above.filter(pl.col("parent").is_in(mixed["parent"].unique().implode()))
    kept: list[int] = []
    others: list[tuple[int | None, ...]] = []
    totals = ordered.select("parent", "child", "views", "small").iter_rows()
    # One node at a time is made Python's own, so that memory does not grow with the month.
    for (parent, group), (_, of_parent), (_, of_days) in zip(
        groupby(totals, _FIRST),
        groupby(_counts(whole.lazy(), "parent"), _FIRST),
        groupby(_counts(days, "child"), _FIRST),
        strict=True,
    ):
        children = [(child, views, small) for _, child, views, small in group]
        of_child = {child: [row[2:] for row in rows] for child, rows in groupby(of_days, itemgetter(1))}
        other = Other([row[2:] for row in of_parent], [of_child[child] for child, *_ in children])
        for child, views, small in children:
            if small:
                other.add(views, of_child[child])
        shown = deque((child, views) for child, views, small in children if not small)
        while shown and not rules.allows(other.low, other.views, other.max_views):
            child, views = shown.popleft()
            other.add(views, of_child[child])
        if shown:
            kept += [child for child, _ in shown]
            visitors = other.low if other.exact else None
            others.append((parent, other.views, visitors, other.low, other.high, other.max_views))
    found = pl.DataFrame(others, schema=_OTHERS, orient="row")
    return ordered.filter(pl.col("child").is_in(kept)).drop("child"), found


def _counts(frame: pl.LazyFrame, key: str) -> Iterator[tuple[int, int, date, int, int]]:
    """Give the days of nodes in order: parent, node, day, visitors, max_views."""
    columns = ("parent", pl.col(key).alias("node"), "day", "visitors", "max_views")
    return frame.select(columns).sort("node", "day").collect().iter_rows()
