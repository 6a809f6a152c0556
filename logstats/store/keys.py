"""Keys: 32 random bytes for each site and local day, gone when the day closes."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

__all__ = ["KEY_BYTES", "MemoryKeys", "SiteDay", "by_day", "share_of"]

SiteDay = tuple[str, "date"]
"""A site and a local calendar day of it: the unit of everything."""

KEY_BYTES: Final = 32


def share_of(number: int) -> pl.Expr:
    """Give the share that a visitor is in, of so many: ids are hashes, so that shares are about equal."""
    return pl.col("visitor").reinterpret(signed=False) % number


def by_day(hits: pl.DataFrame) -> list[tuple[SiteDay, pl.DataFrame]]:
    """Give the hits of each site and day; most blocks have one of each, and are given as they are."""
    known = hits.select("site", "day").unique()
    if known.height == 1:
        return [(known.row(0), hits)]
    parts = hits.partition_by("site", "day", as_dict=True)
    return [((site, day), of_day) for (site, day), of_day in parts.items()]


class MemoryKeys:
    """Keys that are never written anywhere, for a store that does not outlive the run.

    Args:
        random: Gives so many random bytes; tests give fixed ones.
    """

    def __init__(self, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._random = random
        self._keys: dict[SiteDay, bytes] = {}

    def __call__(self, site: str, day: date) -> bytes:
        """Give the key of a site and day; the first time, make it."""
        known = self._keys.get((site, day))
        # Of two threads that find none, setdefault lets one win: both get its key.
        return known or self._keys.setdefault((site, day), self._random(KEY_BYTES))

    def destroy(self, site: str, day: date) -> None:
        """Forget the key of a day."""
        self._keys.pop((site, day), None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self._keys)} keys>"
