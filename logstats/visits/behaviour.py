"""Behaviour: visitors who say that they are a browser and act like no person.

Decided once for each visitor and day, when the day closes, so that order does not matter. Every rule asks that not
one asset was fetched: many people behind one address, or one with a full cache beside others, do fetch some. The
reason is kept as a code. A robot that fetches assets, or few pages slowly, is not found; that is said in the README.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from logstats.config import Suspected

__all__ = ["REASONS", "asset_use", "mark_suspected", "suspects"]

REASONS: Final = {
    "robots_txt": "fetched robots.txt",
    "errors": "met hardly anything but errors, as a scanner does",
    "rate": "opened more pages in a minute than a person can",
    "breadth": "opened more different pages in an hour than a person can",
}
"""Codes of the rules, in the order in which they are tried."""

_VISITOR: Final = ("day", "site", "visitor")
_MOST: Final = 0.5


def asset_use(hits: pl.DataFrame) -> pl.DataFrame:
    """Count who fetches assets. Adds up over hits of different visitors.

    Returns:
        `day`, `site`; `seen`, human visitors with a page view; `with_assets`, those of them with an asset.
    """
    people = hits.filter(pl.col("traffic") == "human")
    visitors = people.group_by(_VISITOR).agg(
        (pl.col("outcome") == "page_view").any().alias("page"), (pl.col("outcome") == "asset").any().alias("asset")
    )
    seen = visitors.filter("page").group_by("day", "site")
    return seen.agg(pl.len().cast(pl.Int64).alias("seen"), pl.col("asset").sum().cast(pl.Int64).alias("with_assets"))


def mark_suspected(
    hits: pl.DataFrame, limits: Suspected, use: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mark the hits of suspected visitors.

    Args:
        hits: HITS of whole days, or all hits of some visitors of whole days.
        limits: What no person reaches.
        use: `asset_use` of whole days, if `hits` are only of some visitors.

    Returns:
        The hits, with traffic `suspected` instead of `human` for these visitors; and `suspects`.
    """
    found = suspects(hits, limits, use)
    marked = hits.join(found.drop("hits"), on=_VISITOR, how="left", maintain_order="left")
    suspected = (pl.col("traffic") == "human") & pl.col("reason").is_not_null()
    traffic = pl.when(suspected).then(pl.lit("suspected", dtype=hits.schema["traffic"])).otherwise("traffic")
    return marked.with_columns(traffic.alias("traffic")).drop("reason"), found


def suspects(hits: pl.DataFrame, limits: Suspected, use: pl.DataFrame | None = None) -> pl.DataFrame:
    """Find the visitors who act like no person.

    Args:
        hits: HITS of whole days, or all hits of some visitors of whole days.
        limits: What no person reaches.
        use: `asset_use` of whole days, if `hits` are only of some visitors.

    Returns:
        `day`, `site`, `visitor`, `reason` (a key of REASONS) and `hits`; one row for each suspected visitor and day.
    """
    people = hits.filter(pl.col("traffic") == "human")
    page_view = pl.col("outcome") == "page_view"
    visitors = people.group_by(_VISITOR).agg(
        pl.len().alias("hits"),
        (pl.col("outcome") == "asset").sum().alias("assets"),
        (pl.col("outcome") == "error").sum().alias("errors"),
        pl.col("robots_txt").any(),
    )
    views = people.filter(page_view)
    per_minute = _most_within(views, "1m", pl.len()).rename({"most": "per_minute"})
    per_hour = _most_within(views, "1h", pl.col("page").n_unique()).rename({"most": "per_hour"})
    known = visitors.join(per_minute, on=_VISITOR, how="left").join(per_hour, on=_VISITOR, how="left")
    known = known.join(_sites_with_assets(asset_use(hits) if use is None else use), on=["day", "site"], how="left")
    rules = {
        "robots_txt": pl.col("robots_txt"),
        "errors": (pl.col("errors") >= limits.errors) & (pl.col("errors") >= limits.error_share * pl.col("hits")),
        "rate": pl.col("has_assets") & (pl.col("per_minute") >= limits.page_views_per_minute),
        "breadth": pl.col("has_assets") & (pl.col("per_hour") >= limits.pages_per_hour),
    }
    reason = pl.coalesce(pl.when(applies).then(pl.lit(code)) for code, applies in rules.items())
    without_assets = known.filter(pl.col("assets") == 0).select(*_VISITOR, reason.alias("reason"), "hits")
    return without_assets.filter(pl.col("reason").is_not_null())


def _most_within(views: pl.DataFrame, span: str, figure: pl.Expr) -> pl.DataFrame:
    """Give the largest value that a figure of each visitor has in any full minute or hour of the clock."""
    spans = views.group_by(*_VISITOR, pl.col("time").dt.truncate(span)).agg(figure.alias("most"))
    return spans.group_by(_VISITOR).agg(pl.col("most").max())


def _sites_with_assets(use: pl.DataFrame) -> pl.DataFrame:
    """Tell on which sites and days it is unusual to see a page without an asset.

    Where assets come from another server, no log shows them, and their absence says nothing.
    """
    usual = pl.col("with_assets") > _MOST * pl.col("seen")
    return use.select("day", "site", usual.alias("has_assets"))
