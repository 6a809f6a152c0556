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

    Args:
        hits: HITS; of them `day`, `site`, `visitor`, `traffic` and `outcome` are looked at.

    Returns:
        `day`, `site`; `seen`, human visitors with a page view; `with_assets`, those of them with an asset.
    """
    looked_at = (pl.col("traffic") == "human") & pl.col("outcome").is_in(("page_view", "asset"))
    acts = hits.filter(looked_at).group_by(_VISITOR)
    return _asset_use(acts.agg((pl.col("outcome") == name).sum().alias(f"{name}s") for name in ("page_view", "asset")))


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
    if found.is_empty():
        return hits, found
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
    visitors = _visitors(people)
    bare = visitors.filter(pl.col("assets") == 0).join(
        _sites_with_assets(_asset_use(visitors) if use is None else use), on=["day", "site"], how="left"
    )
    rules = {
        "robots_txt": pl.col("robots_txt"),
        "errors": (pl.col("errors") >= limits.errors) & (pl.col("errors") >= limits.error_share * pl.col("hits")),
        "rate": pl.col("has_assets") & pl.col("hurried"),
        "breadth": pl.col("has_assets") & pl.col("roving"),
    }
    reason = pl.coalesce(pl.when(applies).then(pl.lit(code)) for code, applies in rules.items())
    judged = _with_pace(bare, people, limits).select(*_VISITOR, reason.alias("reason"), "hits")
    return judged.filter(pl.col("reason").is_not_null())


def _visitors(people: pl.DataFrame) -> pl.DataFrame:
    """Count what each visitor did: `hits`, `page_views`, `assets`, `errors`; and whether he asked for robots.txt."""
    outcome = pl.col("outcome")
    return people.group_by(_VISITOR).agg(
        pl.len().alias("hits"),
        (outcome == "page_view").sum().alias("page_views"),
        (outcome == "asset").sum().alias("assets"),
        (outcome == "error").sum().alias("errors"),
        pl.col("robots_txt").any(),
    )


def _asset_use(visitors: pl.DataFrame) -> pl.DataFrame:
    seen = visitors.filter(pl.col("page_views") > 0).group_by("day", "site")
    return seen.agg(
        pl.len().cast(pl.Int64).alias("seen"), (pl.col("assets") > 0).sum().cast(pl.Int64).alias("with_assets")
    )


def _with_pace(visitors: pl.DataFrame, people: pl.DataFrame, limits: Suspected) -> pl.DataFrame:
    """Tell who viewed too many pages in a minute (`hurried`), or too many different ones in an hour (`roving`)."""
    # Few have that many in a whole day, and only their views need to be looked at.
    many = visitors.filter(pl.col("page_views") >= min(limits.page_views_per_minute, limits.pages_per_hour))
    views = people.filter(pl.col("outcome") == "page_view").join(many, on=_VISITOR, how="semi")
    hurried = _reaching(views, "1m", pl.len(), limits.page_views_per_minute).with_columns(hurried=pl.lit(value=True))
    roving = _reaching(views, "1h", pl.col("page").n_unique(), limits.pages_per_hour)
    return visitors.join(hurried, on=_VISITOR, how="left").join(
        roving.with_columns(roving=pl.lit(value=True)), on=_VISITOR, how="left"
    )


def _reaching(views: pl.DataFrame, span: str, figure: pl.Expr, limit: int) -> pl.DataFrame:
    """Give the visitors of whom a figure reaches a limit in some full minute or hour of the clock."""
    spans = views.group_by(*_VISITOR, pl.col("time").dt.truncate(span)).agg(figure.alias("figure"))
    return spans.filter(pl.col("figure") >= limit).select(_VISITOR).unique()


def _sites_with_assets(use: pl.DataFrame) -> pl.DataFrame:
    """Tell on which sites and days it is unusual to see a page without an asset.

    Where assets come from another server, no log shows them, and their absence says nothing.
    """
    usual = pl.col("with_assets") > _MOST * pl.col("seen")
    return use.select("day", "site", usual.alias("has_assets"))
