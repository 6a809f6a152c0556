"""Quality: what went wrong, what was slow, and what people had to search for."""

from __future__ import annotations

from typing import Final

import polars as pl

from logstats.visits.journeys import reloads

__all__ = ["errors", "findings", "timed"]

_NOT_FOUND: Final = 404
_SERVER: Final = (500, 599)


def errors(acts: pl.DataFrame) -> pl.DataFrame:
    """Give the requests of people that failed: 404 and 5xx, of pages, downloads and forms.

    Args:
        acts: What people asked for on purpose; what is no page (an icon, a style) is not in it.

    Returns:
        Its rows and columns.
    """
    failed = (pl.col("status") == _NOT_FOUND) | pl.col("status").is_between(*_SERVER)
    return acts.filter(pl.col("outcome").is_in(["error", "other_method"]) & failed)


def timed(views: pl.DataFrame) -> pl.DataFrame:
    """Give the page views whose time is known; a download takes as long as the reader's line is slow."""
    return views.filter((pl.col("outcome") == "page_view") & pl.col("milliseconds").is_not_null())


def findings(views: pl.DataFrame, failed: pl.DataFrame) -> pl.DataFrame:
    """Say of each visit what it met.

    Args:
        views: Counted views, ordered, with `visit`.
        failed: Errors, with `visit` (null for those outside one).

    Returns:
        One row for each visit: `visit`; `reloads`; `with_search`, 1 if it used the site's search;
        `with_search_return`, 1 if a later view that is no reload came from a search engine; `with_error`, 1 if it met
        an error.
    """
    same = pl.col("visit") == pl.col("visit").shift(1)
    back = same & ~pl.col("reload") & (pl.col("referrer_kind") == "search")
    of_views = views.with_columns(reloads(views)).with_columns(back.fill_null(value=False).alias("back"))
    of_visits = of_views.group_by("visit", maintain_order=True).agg(
        pl.col("reload").sum().cast(pl.Int64).alias("reloads"),
        pl.col("searched").any().cast(pl.Int64).alias("with_search"),
        pl.col("back").any().cast(pl.Int64).alias("with_search_return"),
    )
    met = failed.select(pl.col("visit").drop_nulls().unique()).with_columns(with_error=pl.lit(1, dtype=pl.Int64))
    joined = of_visits.join(met, on="visit", how="left", maintain_order="left")
    return joined.with_columns(pl.col("with_error").fill_null(0))
