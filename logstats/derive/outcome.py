"""Outcome: what a request is, by the first rule of definition pageview/1 that fits.

The rules are listed once, below; `outcome_rules` names the one that decided, `OUTCOME_OF` says what it means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstats.config import Outcome

__all__ = ["OUTCOME_COLUMNS", "OUTCOME_OF", "classify_paths", "outcome_rules"]

OUTCOME_COLUMNS: Final = (
    *("method", "status", "content_type", "purpose", "range"),
    *("path_class", "path_excluded", "host_excluded", "network_excluded", "foreign_host"),
)
"""What decides the outcome of a request."""

OUTCOME_OF: Final[Mapping[str, str]] = {
    "excluded path": "excluded",
    "excluded host": "excluded",
    "excluded network": "excluded",
    "host of another site": "excluded",
    "prefetch": "excluded",
    "not a request": "other_method",
    "method is not GET": "other_method",
    "redirect": "redirect",
    "error status": "error",
    "success without a page": "technical",
    "technical path": "technical",
    "asset": "asset",
    "later piece of a download": "technical",
    "download": "download",
    "page": "page_view",
    "piece of a page": "technical",
    "unknown extension or content": "technical",
}
"""The rules in order, each with the outcome it gives."""

_EXTENSION: Final = r"(?i)\.([a-z][a-z0-9]{0,9})$"
_PAGE_TYPES: Final = "^(?i:text/html|application/xhtml\\+xml)"
_ASSET_TYPES: Final = "^(?i:image/|font/|text/css|text/javascript|application/(?:x-)?javascript|application/font)"
_FIRST_RANGE: Final = "^bytes=0-"
_PARTIAL: Final = 206
_NOT_MODIFIED: Final = 304
_SUCCESS: Final = (200, _PARTIAL, _NOT_MODIFIED)


def classify_paths(paths: pl.Series, outcome: Outcome, excluded: tuple[str, ...]) -> pl.DataFrame:
    """Say what a path is for.

    Args:
        paths: Text without query; distinct values.
        outcome: Lists of extensions and technical paths.
        excluded: Patterns of paths that are not counted.

    Returns:
        `path_excluded` (Boolean) and `path_class`: technical, asset, download, page or unknown.
    """
    path = pl.col("path")
    extension = path.str.extract(_EXTENSION).str.to_lowercase()
    technical = _any_of(path.str.to_lowercase(), outcome.technical_paths)
    path_class = (
        pl.when(technical)
        .then(pl.lit("technical"))
        .when(extension.is_in(outcome.asset_extensions))
        .then(pl.lit("asset"))
        .when(extension.is_in(outcome.download_extensions))
        .then(pl.lit("download"))
        .when(extension.is_null() | extension.is_in(outcome.page_extensions))
        .then(pl.lit("page"))
        .otherwise(pl.lit("unknown"))
    )
    return pl.DataFrame({"path": paths}).select(
        _any_of(path, excluded).alias("path_excluded"), path_class.alias("path_class")
    )


def outcome_rules(requests: pl.DataFrame) -> pl.Series:
    """Name the rule that decides each request's outcome.

    Args:
        requests: OUTCOME_COLUMNS.

    Returns:
        A key of OUTCOME_OF for each row.
    """
    status, kind = pl.col("status"), _kind()
    later_piece = (status == _PARTIAL) & ~pl.col("range").str.contains(_FIRST_RANGE).fill_null(value=True)
    rules = {
        "excluded path": pl.col("path_excluded"),
        "excluded host": pl.col("host_excluded"),
        "excluded network": pl.col("network_excluded"),
        "host of another site": pl.col("foreign_host"),
        "prefetch": pl.col("purpose").str.contains("(?i)prefetch|preview|prerender"),
        "not a request": pl.col("method").is_null(),
        "method is not GET": pl.col("method") != "GET",
        "redirect": status.is_between(300, 399) & (status != _NOT_MODIFIED),
        "error status": ~status.is_between(200, 299) & (status != _NOT_MODIFIED),
        "success without a page": ~status.is_in(_SUCCESS),
        "technical path": kind == "technical",
        "asset": kind == "asset",
        "later piece of a download": (kind == "download") & later_piece,
        "download": kind == "download",
        "piece of a page": status == _PARTIAL,
        "page": kind == "page",
    }
    chosen = [pl.when(applies).then(pl.lit(name)) for name, applies in rules.items()]
    return requests.select(pl.coalesce(*chosen, pl.lit("unknown extension or content"))).to_series()


def _kind() -> pl.Expr:
    """Give the class of the path, overruled by the content type where the log has one."""
    path_class, content = pl.col("path_class"), pl.col("content_type")
    return (
        pl.when(content.is_null() | (content == "") | (path_class == "technical"))
        .then(path_class)
        .when(content.str.contains(_PAGE_TYPES))
        .then(pl.lit("page"))
        .when(content.str.contains(_ASSET_TYPES))
        .then(pl.lit("asset"))
        .when(path_class == "page")
        .then(pl.lit("unknown"))
        .otherwise(path_class)
    )


def _any_of(text: pl.Expr, patterns: tuple[str, ...]) -> pl.Expr:
    if not patterns:
        return pl.lit(value=False)
    return text.str.contains("|".join(f"(?:{pattern})" for pattern in patterns))
