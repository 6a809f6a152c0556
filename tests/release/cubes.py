"""Cubes of made-up visitor-days for attacks, and the attacker: a linear program over all that is published."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from logstats.schema import FOLDED, LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

HIERARCHY: Final = ("feature", "page", "country", "device")
K: Final = 11
FIRST: Final = date(2026, 10, 1)


def feature_of(page: int) -> str:
    """Give a page its feature; three pages share one."""
    return f"F{page // 3}"


def visitor_days(
    seed: int, n: int, *, pages: int = 12, countries: int = 5, devices: int = 3, days: int = 3
) -> pl.DataFrame:
    """Make visitor-days, each on one page: Zipf pages, skewed countries; `day`, LEVELS and `views`."""
    random = np.random.default_rng(seed)
    page = np.minimum(random.zipf(1.5, n) - 1, pages - 1)
    country = np.minimum(random.zipf(1.7, n) - 1, countries - 1)
    device = random.choice(devices, n, p=np.array([0.6, 0.35, 0.05][:devices]) / sum([0.6, 0.35, 0.05][:devices]))
    return pl.DataFrame(
        {
            "day": [FIRST.replace(day=1 + int(i)) for i in random.integers(0, days, n)],
            "level_1": [feature_of(int(p)) for p in page],
            "level_2": [f"/p{p}" for p in page],
            "level_3": [f"C{c}" for c in country],
            "level_4": [f"D{d}" for d in device],
            "views": pl.repeat(1, n, dtype=pl.Int64, eager=True),
        }
    )


def prefixes_of(people: pl.DataFrame, depth: int = 4) -> pl.DataFrame:
    """Count every prefix of visitor-days: each row of `people` is one, or one of the `visitor` it names."""
    who = people if "visitor" in people.columns else people.with_row_index("visitor")
    frames = []
    for level in range(depth + 1):
        of_visitor = who.group_by("day", *LEVELS[:level], "visitor").agg(pl.col("views").sum())
        counted = of_visitor.group_by("day", *LEVELS[:level]).agg(
            pl.col("views").sum(), pl.len().cast(pl.Int64).alias("visitors"), pl.col("views").max().alias("max_views")
        )
        absent = [pl.lit(None, dtype=pl.String).alias(name) for name in LEVELS[level:]]
        whole = counted.with_columns(*absent, level=pl.lit(level, dtype=pl.Int64))
        frames.append(whole.select("day", "level", *LEVELS, "views", "visitors", "max_views"))
    return pl.concat(frames)


@dataclass
class Attacker:
    """Knows all that is published, and which values there may be; `people` is only for judging what he finds.

    Attributes:
        universe: Every leaf there may be, zeros included: `day`, LEVELS.
        equations: Which leaves a published number adds up, and the number.
    """

    universe: pl.DataFrame
    equations: list[tuple[npt.NDArray[np.float64], int]] = field(default_factory=list)
    parts: int = 1

    @classmethod
    def of(cls, people: pl.DataFrame, parts: int = 1) -> Attacker:
        """Give him the values that occur."""
        pages = people.select("level_1", "level_2").unique().rows()
        rest = [people[name].unique().to_list() for name in ("level_3", "level_4", "day")]
        rows = [(d, *page, c, v) for page, (c, v, d) in product(sorted(pages), product(*map(sorted, rest)))]
        return cls(pl.DataFrame(rows, schema=["day", *LEVELS], orient="row"), parts=parts)

    def learn(self, rows: pl.DataFrame, columns: Sequence[str] = LEVELS, version: Iterable[int] = (0,)) -> None:
        """Take in published blocks: LEVELS and `count`, whose levels are these columns of the universe."""
        paths = [tuple(v for v in row if v is not None) for row in rows.select(LEVELS).iter_rows()]
        masks = {path: self._mask(path, columns) for path in paths if FOLDED not in path}
        for path, count in zip(paths, rows["count"].to_list(), strict=True):
            if count is None:
                continue
            if FOLDED in path:
                above = path[:-1]
                mask = self._mask(above, columns).copy()
                for other, shown in masks.items():
                    if len(other) > len(above) and other[: len(above)] == above:
                        mask &= ~shown
            else:
                mask = masks[path]
            self.add(mask, count, version)

    def add(self, mask: Mask, count: int, version: Iterable[int] = (0,)) -> None:
        """Take in one number; with several versions, of a corrected table: old leaves and what was added."""
        row = np.zeros((self.parts, len(mask)))
        for part in version:
            row[part] = mask
        self.equations.append((row.ravel(), count))

    def findings(self, people: pl.DataFrame, *, sample: int, seed: int, part: int = 0) -> list[tuple[float, float]]:
        """Give the intervals that are exact or narrower than k, of leaves and inner nodes that hold 1 to k - 1.

        Args:
            people: The truth.
            sample: So many of these nodes are tried.
            seed: Which.
            part: Of the unknowns, for a corrected table.
        """
        real = self._truth(people)
        targets = [mask for mask in self._nodes() if 0 < real[mask].sum() < K]
        aims = [(mask, [float(which == part) for which in range(self.parts)]) for mask in targets]
        return self._narrow(aims, sample, seed)

    def changes(self, old: pl.DataFrame, new: pl.DataFrame, *, sample: int, seed: int) -> list[tuple[float, float]]:
        """Give the intervals narrower than k of what changed between two versions, of nodes that changed by 1 to k - 1.

        Args:
            old: The truth of the first part of the unknowns.
            new: The truth of the second.
            sample: So many of these nodes are tried.
            seed: Which.
        """
        change = self._truth(new) - self._truth(old)
        targets = [mask for mask in self._nodes() if 0 < abs(change[mask].sum()) < K]
        return self._narrow([(mask, [-1.0, 1.0]) for mask in targets], sample, seed)

    def _truth(self, people: pl.DataFrame) -> npt.NDArray[np.int64]:
        """Count each leaf of the universe."""
        counted = people.group_by("day", *LEVELS).len()
        truth = self.universe.join(counted, on=["day", *LEVELS], how="left", maintain_order="left")["len"]
        return truth.fill_null(0).cast(pl.Int64).to_numpy()

    def _narrow(
        self, aims: Sequence[tuple[Mask, Sequence[float]]], sample: int, seed: int
    ) -> list[tuple[float, float]]:
        """Bound some aims, each a mask with a weight for each part; give the intervals that are narrower than k."""
        from scipy.optimize import linprog  # noqa: PLC0415 - of the extra `test`
        from scipy.sparse import csr_matrix  # noqa: PLC0415 - the same

        chosen = np.random.default_rng(seed).permutation(len(aims))[:sample]
        left = csr_matrix(np.array([row for row, _ in self.equations]))
        right = np.array([count for _, count in self.equations], dtype=float)
        found = []
        for mask, weights in (aims[number] for number in chosen):
            aim = np.outer(weights, mask).ravel()
            low, high = (
                sign * linprog(sign * aim, A_eq=left, b_eq=right, bounds=(0, None), method="highs").fun
                for sign in (1, -1)
            )
            if high - low < K - 1e-6:
                found.append((low, high))
        return found

    def _nodes(self) -> list[Mask]:
        """Give every leaf, and every inner node, with and without its day."""
        nodes = []
        for depth in range(1, 5):
            for by in (LEVELS[:depth], ("day", *LEVELS[:depth])):
                groups = self.universe.with_row_index("row").group_by(by, maintain_order=True).agg("row")["row"]
                for rows in groups:
                    mask = np.zeros(self.universe.height, dtype=np.bool_)
                    mask[rows.to_numpy()] = True
                    nodes.append(mask)
        return nodes

    def _mask(self, path: Sequence[str], columns: Sequence[str]) -> Mask:
        mask = np.ones(self.universe.height, dtype=np.bool_)
        for value, column in zip(path, columns, strict=False):
            mask &= (self.universe[column].cast(pl.String) == value).to_numpy()
        return mask
