"""Funnels: how far visits come in a procedure, how long it takes, and where they go instead.

What always holds, for each visit and funnel (tests/cases/journeys has a truth table):

- An attempt begins with each request that fits the first step. From there each required step is reached by the first
  request that fits it after the step before it. Other pages, and steps in another order, may lie between.
- An optional step is reached when a request fits it after the step before it that was reached, and before the next
  required step that was reached.
- With `minutes`, what comes later than that after the first step does not count; exactly so much later does.
- One request reaches one step. What happened in the same second happened in the order of the steps: a form that is sent
  and the page that answers it often share a second.
- Of the attempts of a visit the one that comes furthest counts; of equal ones, the first.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from logstats.histogram import buckets
from logstats.schema import END
from logstats.visits.patterns import fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from logstats.config import Funnel
    from logstats.visits.patterns import Requests

    Places = npt.NDArray[np.int64]
    Marks = npt.NDArray[np.bool_]

__all__ = ["exits", "reach"]

_VIEWS: Final = ("page_view", "download")
_REACHED: Final[Mapping[str, pl.DataType]] = {
    "visit": pl.UInt32(),
    "funnel": pl.String(),
    "step": pl.Int64(),
    "step_name": pl.String(),
    "bucket": pl.Int64(),
    "last": pl.Boolean(),
    "unfinished": pl.Boolean(),
    "view": pl.Boolean(),
    "time": pl.Datetime("ms", "UTC"),
}


def reach(acts: pl.DataFrame, requests: Requests, funnels: Sequence[Funnel]) -> pl.DataFrame:
    """Find the steps that each visit reached of each funnel.

    Args:
        acts: As `find_acts` gives it.
        requests: Its distinct requests.
        funnels: The procedures.

    Returns:
        One row for each visit, funnel and step that was reached: `visit`, `funnel`, `step` (from 1), `step_name`;
        `bucket` of the seconds since the first step, of the first step since the visit began; `last`, whether no later
        step was reached; `unfinished`, whether it is the last one and the funnel goes on; `view`, whether a view
        reached it; `time`.
    """
    if funnels:
        acts = acts.with_columns(pl.col("time").min().over("visit").alias("began"))
    found = [_reach(acts, requests, funnel).select(_REACHED.keys()) for funnel in funnels]
    return pl.concat([pl.DataFrame(schema=_REACHED), *found])


def exits(reached: pl.DataFrame, views: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Find where the visits went that did not come to the end of a funnel.

    Args:
        reached: As `reach` gives it.
        views: The views of all visits, with `visit`.
        moved: Those that are no reload.

    Returns:
        `visit`, `funnel`, `step`, `step_name` of the last step, and `to_page`: the next page, or `(end)`. After a step
        that was a view this is the first other page; after a form, the first page from the same second on.
    """
    left = reached.filter("unfinished").sort("time")
    if left.is_empty():
        nowhere = pl.lit(END, dtype=views.schema["page"]).alias("to_page")
        return left.select("visit", "funnel", "step", "step_name", nowhere)
    kept = ["visit", "time", pl.col("page").alias("to_page")]
    found = [
        left.filter(by_view).join_asof(
            pages.select(kept).sort("time", maintain_order=True),
            on="time",
            by="visit",
            strategy="forward",
            allow_exact_matches=same_second,
            check_sortedness=False,
        )
        for by_view, pages, same_second in ((pl.col("view"), moved, False), (~pl.col("view"), views, True))
    ]
    return pl.concat(found).select("visit", "funnel", "step", "step_name", pl.col("to_page").fill_null(END))


def _reach(acts: pl.DataFrame, requests: Requests, funnel: Funnel) -> pl.DataFrame:
    """Find the steps that each visit reached of one funnel."""
    marks = np.column_stack([fits(requests, step, funnel.site).to_numpy() for step in funnel.steps])
    some = pl.Series("fits", marks.any(axis=1)).gather(requests.codes)
    found = acts.select("visit", "time", "began", "outcome").with_columns(requests.codes.alias("kind"))
    found = _in_order(found.filter(some & pl.col("visit").is_not_null()), marks)
    attempts = _attempts(found, marks[found["kind"].to_numpy()], funnel)
    best = _furthest(found["visit"].to_numpy(), attempts)
    rows, steps = np.nonzero(best >= 0)
    reached = found[best[rows, steps]].select("visit", "time", "began", pl.col("outcome").is_in(_VIEWS).alias("view"))
    names = pl.Series([step.name for step in funnel.steps], dtype=pl.String)
    reached = reached.with_columns(
        pl.Series("step", steps + 1, dtype=pl.Int64), names.gather(steps).alias("step_name"), funnel=pl.lit(funnel.name)
    )
    first = pl.when(pl.col("step") == 1).then("began").otherwise(pl.col("time").first().over("visit"))
    seconds = reached.select((pl.col("time") - first).dt.total_seconds()).to_series()
    end = max(number for number, step in enumerate(funnel.steps, start=1) if not step.optional)
    last = (pl.col("visit") != pl.col("visit").shift(-1)).fill_null(value=True)
    return reached.with_columns(
        buckets(seconds), last.alias("last"), (last & (pl.col("step") < end)).alias("unfinished")
    )


def _in_order(found: pl.DataFrame, marks: Marks) -> pl.DataFrame:
    """Sort requests by visit and time, those of one second by the steps that they fit."""
    last = marks.shape[1] - 1
    order = pl.DataFrame(
        {
            "lowest": marks.argmax(axis=1),
            "highest": last - marks[:, ::-1].argmax(axis=1),
            "steps": marks @ (1 << np.arange(last + 1)),
        }
    )
    kinds = found["kind"]
    steps = found.with_columns(order[name].gather(kinds).alias(name) for name in order.columns)
    return steps.sort("visit", "time", *order.columns, "outcome").drop(order.columns)


def _attempts(found: pl.DataFrame, marks: Marks, funnel: Funnel) -> Places:
    """Walk through the steps from each request that fits the first one.

    Returns:
        For each attempt and step the place in `found` of the request that reached it, or -1.
    """
    visit, time = found["visit"].to_numpy(), found["time"].dt.epoch("ms").to_numpy()
    starts: Places = np.flatnonzero(marks[:, 0])
    reached: Places = np.full((len(starts), len(funnel.steps)), -1, dtype=np.int64)
    reached[:, 0] = starts
    longest = funnel.minutes * 60_000 if funnel.minutes else np.iinfo(np.int64).max

    def next_of(step: int, places: Places) -> Places:
        """Give the place of the next request after each place that fits a step, in time; else -1."""
        following = _following(marks[:, step])[places]
        inside = np.minimum(following, max(len(visit) - 1, 0))
        good = (following < len(visit)) & (visit[inside] == visit[starts]) & (time[inside] - time[starts] <= longest)
        return np.where(good, following, -1)

    required = [number for number, step in enumerate(funnel.steps) if not step.optional]
    for before, step in pairwise(required):
        reached[:, step] = np.where(reached[:, before] >= 0, next_of(step, reached[:, before]), -1)
    for step in (number for number, one in enumerate(funnel.steps) if one.optional):
        backbone = max(number for number in required if number < step)
        following = [reached[:, number] for number in required if number > step][:1]
        place = next_of(step, reached[:, :step].max(axis=1))
        early = (following[0] < 0) | (place < following[0]) if following else np.ones(len(starts), dtype=np.bool_)
        reached[:, step] = np.where((reached[:, backbone] >= 0) & early, place, -1)
    return reached


def _following(marked: Marks) -> Places:
    """Give for each place the next marked one after it; the length where there is none."""
    length = len(marked)
    places = np.where(marked, np.arange(length), length)
    nearest = np.minimum.accumulate(places[::-1])[::-1]
    return np.append(nearest[1:], length)[:length]


def _furthest(visit: npt.NDArray[np.uint32], attempts: Places) -> Places:
    """Keep one attempt of each visit: the one that comes furthest, of equal ones the first."""
    steps = attempts.shape[1]
    last = steps - 1 - (attempts[:, ::-1] >= 0).argmax(axis=1)
    of_visit = visit[attempts[:, 0]]
    order = np.lexsort((attempts[:, 0], -last, of_visit))
    _, first = np.unique(of_visit[order], return_index=True)
    best: Places = attempts[order[first]]
    return best
