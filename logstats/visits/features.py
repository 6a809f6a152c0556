"""Features: what people used of the service, by the names that its configuration gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logstats.visits.patterns import fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.config import Feature, Site
    from logstats.visits.patterns import Requests

__all__ = ["declared", "names", "uses"]


def names(requests: Requests, features: Sequence[Feature]) -> pl.Series:
    """Name the feature of each request, in the order of the frame that `requests` was made of; null for none."""
    found = pl.repeat(None, requests.kinds.height, dtype=pl.UInt32, eager=True)
    for place, feature in reversed(list(enumerate(features))):
        frame = pl.DataFrame({"found": found, "fits": fits(requests, feature, feature.site)})
        found = frame.select(pl.when("fits").then(pl.lit(place, dtype=pl.UInt32)).otherwise("found")).to_series()
    known = pl.Series("feature", [feature.name for feature in features], dtype=pl.String)
    return known.gather(found.gather(requests.codes))


def uses(acts: pl.DataFrame, feature: pl.Series) -> pl.DataFrame:
    """Find the uses of features; a request is a use of the first one that it fits.

    Args:
        acts: What people asked for, with `day`, `site`, `visitor`, `country`, `device`, `outcome`.
        feature: As `names` gives it.

    Returns:
        These columns of `acts` and `feature`, one row for each use.
    """
    kept = acts.select("day", "site", "visitor", "country", "device", "outcome")
    return kept.with_columns(feature.alias("feature")).filter(pl.col("feature").is_not_null())


def declared(days: pl.DataFrame, features: Sequence[Feature], sites: Sequence[Site]) -> pl.DataFrame:
    """Give `day`, `site` and `feature` for each feature of each site that has hits on a day.

    Args:
        days: `day` and `site`, each once.
        features: As configured.
        sites: As configured; without any, all lines are one site.
    """
    name = pl.col("site").cast(pl.String)
    own = name.is_in([site.name for site in sites]) if sites else pl.lit(value=True)
    names = pl.DataFrame(
        {"feature": [feature.name for feature in features], "of": [feature.site for feature in features]},
        schema={"feature": pl.String, "of": pl.String},
    )
    return days.filter(own).join(names, how="cross").filter((pl.col("of") == "") | (pl.col("of") == name)).drop("of")
