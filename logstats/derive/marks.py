"""Marks: what a hit says beside its page, so that features, funnels and searches can be counted when its day closes.

Which feature or step a request is, is decided at closing (visits/patterns.py): then one configuration counts for the
whole day. Here only what closing will need is taken over, before the query and all else of the line are dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.schema import METHODS

if TYPE_CHECKING:
    from logstats.config import Search

__all__ = ["has_page", "is_search", "known_method", "milliseconds"]

_REGEX_META: Final = frozenset(r"\.+*?()|[]{}^$#&-~")
_VIEWS: Final = ("page_view", "download")
_ANSWERS: Final = ("redirect", "other_method")
_UNSEEN: Final = ("asset", "technical")
_LONGEST: Final = 24 * 60 * 60 * 1_000.0


def is_search(targets: pl.Series, search: Search) -> pl.Series:
    """Tell whether a target has a parameter of the site's own search. What was sought ends here.

    Args:
        targets: Text as logged; distinct values.
        search: The names of the parameters.

    Returns:
        `searched`, Boolean.
    """
    names = "|".join("".join("\\" + c if c in _REGEX_META else c for c in name) for name in search.parameters)
    target = pl.col("target")
    found = target.str.contains(rf"^[^?#]*\?(?:[^#]*[&;])?(?:{names})=") if names else pl.lit(value=False)
    return pl.DataFrame({"target": targets}).with_columns(found.alias("searched"))["searched"]


def has_page(outcome: pl.Expr, hostile: pl.Expr) -> pl.Expr:
    """Tell whose page is kept: of views, downloads, and of people's forms, redirects and errors.

    An error counts for a page when a person may have wanted to see it: an icon or a style that is missing is no page.
    """
    path_class = pl.col("path_class")
    answer = outcome.is_in(_ANSWERS) & (path_class != "asset")
    error = (outcome == "error") & ~path_class.is_in(_UNSEEN)
    return outcome.is_in(_VIEWS) | ((pl.col("traffic") == "human") & ~hostile & (answer | error))


def known_method() -> pl.Expr:
    """Give the method as HITS names it; what a hostile client makes up is `other`."""
    return pl.when(pl.col("method").is_in(METHODS)).then("method").otherwise(pl.lit(METHODS[-1])).alias("method")


def milliseconds() -> pl.Expr:
    """Give the request time in whole milliseconds, at most a day; null where there is none."""
    taken = pl.col("seconds").fill_nan(None).clip(0, _LONGEST / 1_000) * 1_000
    return taken.round().cast(pl.Int32).alias("milliseconds")
