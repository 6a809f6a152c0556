"""Patterns: which requests have a name, as a feature or as a step of a funnel.

Work per distinct request: of all that people asked for on a day, the distinct pages are matched against each pattern
once, and the distinct (site, page, method, outcome, status) are judged once. A frame of requests gets the number of
its distinct request, and what was found is looked up by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.distinct import Distinct, distinct

if TYPE_CHECKING:
    from logstats.config import Request

__all__ = ["Requests", "fits", "path_of"]

_COUNTED: Final = ("page_view", "download")
_NAMED: Final = (*_COUNTED, "redirect", "error", "other_method")
_SUCCESS: Final = (200, 399)


@dataclass(frozen=True)
class Requests:
    """The distinct requests of a frame.

    Attributes:
        kinds: `site`, `method`, `outcome` and `status`, one row for each distinct request.
        paths: Their paths; empty where there is none.
        codes: For each row of the frame, its place in `kinds`.
    """

    kinds: pl.DataFrame
    paths: Distinct
    codes: pl.Series

    @classmethod
    def of(cls, acts: pl.DataFrame) -> Requests:
        """Find the distinct requests.

        Args:
            acts: `site`, `page`, `method`, `outcome` and `status`.
        """
        pages = distinct(acts["page"])
        coded = acts.select("site", "method", "outcome", "status", pages.codes.alias("page"))
        kinds = coded.unique(maintain_order=True).with_row_index("kind")
        codes = coded.join(kinds, on=coded.columns, how="left", maintain_order="left")["kind"]
        paths = pl.DataFrame({"page": pages.values}).select(path_of(pl.col("page"))).to_series()
        told = kinds.select(pl.col("site", "method", "outcome").cast(pl.String), "status")
        return cls(told, distinct(paths.gather(kinds["page"])), codes)


def path_of(page: pl.Expr) -> pl.Expr:
    """Give a page without the host in front of it; null for `{other}`."""
    return page.str.extract("(?s)(/.*)$")


def fits(requests: Requests, wanted: Request, site: str) -> pl.Series:
    """Tell which distinct requests fit.

    Without `statuses`, GET is a page view or a download, and any other method a success or a redirect to what follows.
    With them, the status decides; assets, technical and excluded requests never fit.

    Args:
        requests: The distinct requests.
        wanted: A feature or a step.
        site: The site it belongs to; empty for any.

    Returns:
        Boolean, one for each of `requests.kinds`.
    """
    pattern = "|".join(f"(?:{path})" for path in wanted.paths)
    paths = requests.paths
    on_path = paths.spread(paths.values.str.contains(pattern) & (paths.values != ""))
    outcome, status = pl.col("outcome"), pl.col("status")
    if wanted.statuses:
        answered = status.is_in(wanted.statuses) & outcome.is_in(_NAMED)
    else:
        answered = outcome.is_in(_COUNTED) | ((outcome == "other_method") & status.is_between(*_SUCCESS))
    right = pl.col("method").is_in(wanted.methods) & answered
    if site:
        right &= pl.col("site") == site
    return requests.kinds.select(right.alias("fits")).to_series() & on_path
