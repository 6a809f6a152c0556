"""Funnels: how many visits got to each step of a procedure, from the last step that each of them reached."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.schema import FOLDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Steps = Sequence[tuple[str, bool]]
    Procedures = Mapping[str, Steps]
    """By funnel: name of each step, in order, and whether it may be left out."""

__all__ = ["NO_PROCEDURES", "Funnel", "funnels"]

NO_PROCEDURES: Final[Procedures] = MappingProxyType({})


@dataclass(frozen=True)
class Funnel:
    """A procedure.

    Attributes:
        name: Of the funnel.
        whole: All visits that began it.
        steps: Step and visits, in order: those that got at least so far if `reached`, else those that got no further.
        reached: Can only be known where no step is folded, and where it is known which of them may be left out.
        optional: Steps that may be left out: who went on may have passed them or not, so `reached` is without them.
    """

    name: str
    whole: int
    steps: list[tuple[str, int]]
    reached: bool
    optional: list[str]


def funnels(tables: Mapping[str, pl.DataFrame], procedures: Procedures) -> list[Funnel]:
    """Give each funnel that is shown, the one with most visits first.

    Args:
        tables: Of a release; of one month and site each.
        procedures: Steps of each funnel; one that is not there, or has other steps, is shown by last steps.
    """
    if "parcours" not in tables:
        return []
    rows = tables["parcours"].filter(pl.col("parcours").is_not_null() & (pl.col("parcours") != FOLDED))
    wholes = rows.filter(pl.col("niveau") == 1).sort("visites", "parcours", descending=[True, False])
    found = []
    for name, whole in wholes.select("parcours", "visites").iter_rows():
        below = rows.filter((pl.col("niveau") == 2) & (pl.col("parcours") == name))  # noqa: PLR2004 - the steps
        last = dict(below.select("derniere_etape", "visites").iter_rows()) or {FOLDED: whole}
        found.append(_funnel(name, whole, last, procedures.get(name, ())))
    return found


def _funnel(name: str, whole: int, last: Mapping[str, int], steps: Steps) -> Funnel:
    declared = {f"{number}. {step}": optional for number, (step, optional) in enumerate(steps, 1)}
    optional = [step.partition(". ")[2] for step, may_be_left_out in declared.items() if may_be_left_out]
    if last.keys() <= declared.keys():
        order = list(declared)  # who got to a step came by every required one before it
        reached = [sum(last.get(later, 0) for later in order[i:]) for i in range(len(order))]
        required = [(step, count) for step, count in zip(order, reached, strict=True) if not declared[step]]
        return Funnel(name, whole, required, reached=True, optional=optional)
    named = sorted(last.keys() - {FOLDED}, key=_number)
    counts = [(step, last[step]) for step in (*named, *({FOLDED} & last.keys()))]
    return Funnel(name, whole, counts, reached=False, optional=[])


def _number(step: str) -> int:
    digits = step.partition(".")[0]
    return int(digits) if digits.isdecimal() else 0
