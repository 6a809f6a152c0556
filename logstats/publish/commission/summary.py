"""The summary of a month: the same figures as an object and as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats.schema import DEFINITION
from logstats.sections import Section
from logstats.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstats.config import Config
    from logstats.publish.commission.build import Built

__all__ = ["of_month", "of_posts", "sections"]

_LARGEST: Final = 5
_NAMED: Final = 10
_MEASURES: Final = {"page_views": "page views", "visits": "visits that began there", "visitors": "visitor-days"}


def of_month(built: Built, config: Config) -> dict[str, Any]:
    """Give what is worth knowing about a month before it is sent."""
    rows, wanted, found = built.rows, built.wanted, built.completeness
    viewed, counted = set(rows["url"].unique()), set(built.counted.by_day["url"].cast(pl.String).unique())
    return {
        "month": f"{built.period.start:%Y-%m}",
        "definition": DEFINITION,
        "measure": config.commission.measure,
        "views": int(rows["number"].sum()),
        "pages": len(wanted.urls),
        "pages_viewed": len(viewed),
        "countries": rows["country"].n_unique(),
        "devices": _sums(rows, "device"),
        "largest": {name: _sums(rows, name, _LARGEST) for name in ("url", "country")},
        "not_viewed": [url for url in wanted.urls if url not in counted],
        "viewed_from_unknown_countries_only": [url for url in wanted.urls if url in counted - viewed],
        "not_countable": wanted.not_countable,
        "account": {
            "month": built.counted.total,
            "sent": int(rows["number"].sum()),
            "unknown_country": built.counted.left_out,
            "other_pages": built.counted.unlisted,
            "of_which_beyond_max_per_day": built.other,
        },
        "complete": found.complete,
        "days_open": list(found.open),
        "days_missing": list(found.missing),
        "late": found.late,
        "messages": [str(message.period) for message in built.messages],
    }


def sections(figures: dict[str, Any]) -> Iterator[Section]:
    """Give the summary for a terminal."""
    account, what = figures["account"], _MEASURES[figures["measure"]]
    parts = f"{account['sent']:,} sent + {account['unknown_country']:,} of unknown countries"
    lines = [
        f"  {figures['views']:>12,}  {what} of {figures['pages_viewed']:,} pages, {figures['countries']:,} countries",
        f"  {account['month']:,} of the month = {parts} + {account['other_pages']:,} of other pages",
    ]
    if account["of_which_beyond_max_per_day"]:
        beyond = account["of_which_beyond_max_per_day"]
        lines.append(f"  {beyond:,} are of pages beyond pages.max_per_day: figures are too low")
    if not figures["complete"]:
        days = len(figures["days_open"]) + len(figures["days_missing"])
        lines.append(f"  NOT COMPLETE: {days:,} days are missing")
    if figures["late"]:
        lines.append(f"  {figures['late']:,} lines came after their day was closed, and are not counted")
    if len(figures["messages"]) > 1:
        lines.append(f"  in {len(figures['messages']):,} messages, each of a part of the month")
    yield Section(f"For the Commission: {figures['month']}, UTC", lines)
    for title, sums in (
        ("Devices", figures["devices"]),
        ("Countries", figures["largest"]["country"]),
        ("Pages", figures["largest"]["url"]),
    ):
        if sums:
            yield Section(title, [f"  {number:>12,}  {escape(name)}" for name, number in sums.items()])
    if figures["not_viewed"]:
        yield Section("Listed pages without a view", _named(figures["not_viewed"]))
    if unknown := figures["viewed_from_unknown_countries_only"]:
        yield Section("Listed pages with views of unknown countries only, which are not sent", _named(unknown))
    if figures["not_countable"]:
        reasons = [f"{url}: {reason}" for url, reason in figures["not_countable"].items()]
        yield Section("Left out: cannot be counted", _named(reasons))


def of_posts(posts: list[dict[str, Any]]) -> Section:
    """Give what was sent as a table, a line a post."""
    lines = [
        f"  {post['at']}  {post['environment']:<10}  {post['period_start']}/{post['period_end']}"
        f"  {escape(post['unique_id'])}  {post['status'] or 'no answer'}  {post['digest'][:12]}  {post['views']:,}"
        for post in posts
    ]
    return Section("Sent: when, where, period, id, status, digest, views", lines or ["  nothing"])


def _sums(rows: pl.DataFrame, name: str, most: int | None = None) -> dict[str, int]:
    sums = rows.group_by(pl.col(name).cast(pl.String)).agg(pl.col("number").sum())
    ordered = sums.sort(["number", name], descending=[True, False])
    return dict((ordered.head(most) if most else ordered).iter_rows())


def _named(names: list[str]) -> list[str]:
    more = [f"  … and {len(names) - _NAMED:,} more: --json has all"] if len(names) > _NAMED else []
    return [f"  {escape(name)}" for name in names[:_NAMED]] + more
