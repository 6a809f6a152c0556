"""Acts: all that people asked for on purpose, views or not, and the visit in which they did.

A visit is made of page views and downloads alone (definition pageview/1). A form that was sent, a redirect or an error
belongs to the visit whose last view before it, or in the same second, is at most 30 minutes old; else to one whose
first view comes within 30 minutes after it; else to none. It makes a visit neither longer nor shorter.
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from logstats.visits.sessions import GAP

__all__ = ["find_acts"]

_PERSON: Final = ["day", "site", "visitor"]
_KEPT: Final = (
    *("day", "site", "visitor", "time", "page", "method", "outcome", "status"),
    *("country", "device", "referrer_kind"),
)
_OTHERS: Final = ("redirect", "error", "other_method")


def find_acts(hits: pl.DataFrame, views: pl.DataFrame) -> pl.DataFrame:
    """Give what people asked for on purpose.

    Args:
        hits: HITS of whole days.
        views: Its counted page views and downloads, with `visit`.

    Returns:
        Columns of HITS that say who, when, what and with which answer; `visit`, null where there is none.
    """
    people = (pl.col("traffic") == "human") & pl.col("outcome").is_in(_OTHERS) & pl.col("page").is_not_null()
    others = hits.filter(people).select(_KEPT).sort("time")
    at = views.select(*_PERSON, "time", "visit").sort("time", maintain_order=True)
    near: tuple[tuple[Literal["backward", "forward"], str], ...] = (("backward", "before"), ("forward", "after"))
    for strategy, name in near:
        named = at.rename({"visit": name})
        others = others.join_asof(
            named, on="time", by=_PERSON, strategy=strategy, tolerance=GAP, check_sortedness=False
        )
    placed = others.with_columns(pl.coalesce("before", "after").alias("visit")).drop("before", "after")
    return pl.concat([views.select(*_KEPT, "visit"), placed.select(*_KEPT, "visit")])
