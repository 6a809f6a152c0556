"""What a line that fits its format may still not say: the reasons, each with the column of REQUESTS that shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import polars as pl

__all__ = ["implausible"]

_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)  # the Web is younger
_DOTTED_NUMBERS: Final = r"^[0-9]+(?:\.[0-9]+){3}$"
_IPV4: Final = r"^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.|$)){4}$"


def implausible(latest: datetime) -> tuple[tuple[str | None, str, pl.Expr], ...]:
    """Give column, reason and condition of each rule; the first that applies gives the reason.

    Args:
        latest: Times after it are from the future.
    """
    time, client = pl.col("time"), pl.col("client")
    wrong_client = client.is_null() | (client.str.contains(_DOTTED_NUMBERS) & ~client.str.contains(_IPV4))
    return (
        ("time", "bad_time", time.is_null() | (time < _EARLIEST)),
        ("time", "future", time > latest),
        ("status", "bad_status", pl.col("status").is_null()),
        ("client", "bad_client", wrong_client),
    )
