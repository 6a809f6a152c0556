"""Two messages beside each other: pages that vanished, appeared or changed over threefold; countries; devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats.sections import Section
from logstats.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["compare", "sections", "warnings"]

FACTOR: Final = 3
"""A change of a page is named when one number is more than so many times the other."""

_SHOWN: Final = 20


def compare(before: pl.DataFrame, after: pl.DataFrame) -> dict[str, Any]:
    """Compare the ROWS of two messages.

    Returns:
        `before`, `after`: all views; `vanished`, `appeared`, `changed`: pages, the largest first; `countries`,
        `devices`: every one. Each entry has its name, `before` and `after`.
    """
    pages = _beside(before, after, "url")
    lost, new = pl.col("after") == 0, pl.col("before") == 0
    much = pl.max_horizontal("before", "after") > FACTOR * pl.min_horizontal("before", "after")
    return {
        "before": int(before["number"].sum()),
        "after": int(after["number"].sum()),
        "vanished": pages.filter(lost).to_dicts(),
        "appeared": pages.filter(new).to_dicts(),
        "changed": pages.filter(much & ~lost & ~new).to_dicts(),
        "countries": _beside(before, after, "country").to_dicts(),
        "devices": _beside(before, after, "device").to_dicts(),
    }


def warnings(found: dict[str, Any]) -> int:
    """Give the number of pages that somebody should look at."""
    return sum(len(found[name]) for name in ("vanished", "appeared", "changed"))


def sections(found: dict[str, Any]) -> Iterator[Section]:
    """Give the comparison as a table for a terminal."""
    if not found["before"]:
        yield Section("Compared", ["  there was no view before: it is the first month, or the other one is not here"])
        return
    yield Section("Compared", [_line("all", found["before"], found["after"])])
    for name, title in (
        ("vanished", "Pages without a view now"),
        ("appeared", "Pages that had no view before"),
        ("changed", f"Pages that changed more than {FACTOR}-fold"),
        ("countries", "Countries"),
        ("devices", "Devices"),
    ):
        if found[name]:
            yield Section(title, [*_lines(found[name])])


def _lines(entries: list[dict[str, Any]]) -> Iterable[str]:
    for entry in entries[:_SHOWN]:
        name, before, after = entry.values()
        yield _line(name, before, after)
    if len(entries) > _SHOWN:
        yield f"  … and {len(entries) - _SHOWN:,} more: --json has all"


def _line(name: str, before: int, after: int) -> str:
    change = f"{(after - before) / before:+.0%}" if before else "new"
    return f"  {before:>12,} → {after:>12,}  {change:>8}  {escape(name)}"


def _beside(before: pl.DataFrame, after: pl.DataFrame, name: str) -> pl.DataFrame:
    """Give name, `before` and `after`; what changed most comes first."""
    sums = [
        frame.group_by(pl.col(name).cast(pl.String)).agg(pl.col("number").sum().alias(when))
        for frame, when in ((before, "before"), (after, "after"))
    ]
    both = (
        sums[0].join(sums[1], on=name, how="full", coalesce=True).with_columns(pl.col("before", "after").fill_null(0))
    )
    change = (pl.col("after") - pl.col("before")).abs()
    return both.sort(change, pl.col(name), descending=[True, False]).select(name, "before", "after")
