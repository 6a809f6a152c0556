"""Sections of the summary about the service: journeys, features, funnels, findability, quality, as lines of text.

Every name is escaped here; a section without a figure is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from logstats.text import BAR, bar, clipped, duration, escape, percent, ranked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Section", "service"]

_SHOWN: Final = 5
_NAME: Final = 26
# Lower edges of buckets (histogram.py), so that each group is a sum of whole buckets.
_VIEWS: Final = (1, 2, 3, 6, 10, 20)
_SECONDS: Final = (0, 10, 31, 63, 315, 630, 1_600)


class Section(NamedTuple):
    """A title and the lines under it."""

    title: str
    lines: list[str]


def service(figures: Mapping[str, Any], width: int) -> Iterator[Section]:
    """Give the sections, in order.

    Args:
        figures: As `summary` makes them.
        width: Of the terminal, in characters.
    """
    journeys, find = figures["journeys"], figures["findability"]
    if figures["visits"]:
        yield _ranking("Visits begin at", _pages(journeys["entries"], "visits"), width)
        yield _ranking("Visits end at", _pages(journeys["exits"], "visits"), width)
        paths = [(" → ".join(row[f"step_{i}"] for i in (1, 2, 3)), row["visits"]) for row in journeys["paths"][:_SHOWN]]
        yield _ranking("Three steps in a row", paths, width)
        yield Section("How long visits are", _lengths(journeys))
    if figures["features"]:
        used = [(row["feature"], row["views"]) for row in figures["features"]]
        yield _ranking("Use of the features", used, width)
    for funnel in figures["funnels"]:
        yield Section(f"Funnel: {escape(funnel['funnel'])}", _funnel(funnel, width))
    if figures["visits"]:
        yield Section("How people find what they look for", _findability(find, figures["visits"], width))
    if lines := _quality(figures["quality"], figures["visits"], width):
        yield Section("What went wrong, what was slow", lines)


def _pages(rows: Sequence[Mapping[str, Any]], measure: str) -> list[tuple[str, int]]:
    return [(row["page"], row[measure]) for row in rows[:_SHOWN]]


def _ranking(title: str, rows: Sequence[tuple[str, int]], width: int) -> Section:
    most = max((count for _, count in rows), default=0) or 1
    return Section(title, [ranked(name, count, most, width) for name, count in rows])


def _lengths(journeys: Mapping[str, Any]) -> list[str]:
    views = _grouped(journeys["views_per_visit"], _VIEWS)
    seconds = _grouped(journeys["seconds_per_visit"], _SECONDS)
    total = sum(views.values())
    words = [_range(low, high, "view") for low, high in _spans(_VIEWS)]
    times = [
        f"{duration(low)} and more" if high is None else f"{duration(low)} to {duration(high - 1)}"
        for low, high in _spans(_SECONDS)
    ]
    lines = [
        f"  {name:<28}{visits:>8,}  {percent(visits, total)}"
        for name, visits in zip(words, views.values(), strict=True)
    ]
    lines.append("")
    lines += [
        f"  {name:<28}{visits:>8,}  {percent(visits, total)}"
        for name, visits in zip(times, seconds.values(), strict=True)
    ]
    lines.append(
        f"  half of the visits last {duration(journeys['median_seconds'] or 0)} or less (read from a histogram)"
    )
    return lines


def _grouped(histogram: Sequence[Mapping[str, int]], edges: Sequence[int]) -> dict[int, int]:
    """Sum a histogram up between edges that are edges of its buckets."""
    sums = dict.fromkeys(edges, 0)
    for bucket in histogram:
        sums[max(edge for edge in edges if edge <= bucket["from"])] += bucket["visits"]
    return sums


def _spans(edges: Sequence[int]) -> list[tuple[int, int | None]]:
    return list(zip(edges, [*edges[1:], None], strict=True))


def _range(low: int, high: int | None, word: str) -> str:
    if high is None:
        return f"{low} {word}s and more"
    return f"{low} {word}{'s' * (low > 1)}" if high == low + 1 else f"{low} to {high - 1} {word}s"


def _funnel(funnel: Mapping[str, Any], width: int) -> list[str]:
    """Draw a funnel: a bar for each step, and under it where those went who did not go on."""
    began, done = funnel["visits"], funnel["completed"]
    lines = [f"  {began:,} visits began, {done:,} came to the end ({percent(done, began)})"]
    for step in funnel["steps"]:
        lines += _step(step, began, width)
    lines += [
        f"  {escape(row['device']):<12}{percent(row['visits'], began):>6} of those who began,"
        f" {percent(row['completed'], done):>6} of those at the end;"
        f" {percent(row['completed'], row['visits'])} came through"
        for row in funnel["devices"]
        if row["visits"]
    ]
    return lines


def _step(step: Mapping[str, Any], began: int, width: int) -> Iterator[str]:
    name = clipped(f"{step['step']} {escape(step['name'])}" + " (optional)" * step["optional"], _NAME)
    drawn, share = bar(step["visits"] / max(began, 1)), percent(step["visits"], began)
    line = f"  {name:<{_NAME}}  {drawn:<{BAR}}  {step['visits']:>8,}  {share:>6}"
    if step["median_seconds"] is not None:
        line += ("  after " if step["step"] > 1 else "  found in ") + duration(step["median_seconds"])
    yield line
    if step["next"]:
        where = ", ".join(f"{row['visits']:,} {escape(row['to_page'])}" for row in step["next"])
        yield clipped(f"      └ {step['last']:,} went no further: {where}", width)


def _findability(find: Mapping[str, Any], visits: int, width: int) -> list[str]:
    lines = [
        f"  {portal['visits']:>10,}  visits from {escape(portal['portal'])} ({escape(', '.join(portal['domains']))})"
        for portal in find["portals"]
    ]
    engines = ", ".join(f"{escape(row['referrer'])} {row['visits']:,}" for row in find["search_engines"][:_SHOWN])
    if engines:
        lines.append(f"  search engines: {engines}")
    used = find["visits_with_search"]
    lines.append(
        f"  {used:>10,}  visits used the site's own search ({percent(used, visits)}), {find['searches']:,} times"
    )
    back = find["visits_with_search_return"]
    lines.append(f"  {back:>10,}  visits went back to a search engine and came again ({percent(back, visits)})")
    return [clipped(line, max(width, 1)) for line in lines]


def _quality(quality: Mapping[str, Any], visits: int, width: int) -> list[str]:
    lines = []
    if quality["error_hits"]:
        met = quality["visits_with_error"]
        lines.append(
            f"  {quality['error_hits']:>10,}  requests of people failed; {met:,} visits met an error"
            f" ({percent(met, visits)})"
        )
        lines += [
            f"  {row['hits']:>10,}  {row['status']}  from {escape(row['referrer_kind']):<9} {escape(row['page'])}"
            for row in quality["errors"][:_SHOWN]
        ]
    if quality["broken_internal_links"]:
        lines.append("  broken links on the site itself:")
        lines += [f"  {row['hits']:>10,}  {escape(row['page'])}" for row in quality["broken_internal_links"][:_SHOWN]]
    if quality["timed_views"]:
        lines.append(
            f"  half of the pages took {quality['median_ms']:,.0f} ms or less, 95 % {quality['p95_ms']:,.0f} ms or less"
        )
        lines += [
            f"  {row['p95_ms']:>10,.0f}  ms for 95 % of {escape(row['page'])}" for row in quality["slow_pages"][:_SHOWN]
        ]
    return [clipped(line, max(width, 1)) for line in lines]
