"""A second opinion: τ-ARGUS, in its port pytauargus, finds the same primary cells, and none of them is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from logstats.protect import Rules, protect
from logstats.schema import FOLDED, LEVELS

from .cubes import K, prefixes_of, visitor_days

if TYPE_CHECKING:
    from pathlib import Path

pytauargus = pytest.importorskip("pytauargus", reason="pytauargus does not install here")

TOTAL = "Total"
RULES = Rules(K, 1.0)  # the frequency alone: its rule of dominance is another one


def unsafe_cells(people: pl.DataFrame, levels: tuple[str, ...], folder: Path) -> set[tuple[str, ...]]:
    """Give the cells that are primary unsafe for τ-ARGUS, as paths without their totals."""
    micro = people.select(*levels, pl.lit(1).alias("people")).to_dict(as_series=False)
    found = pytauargus.protect(
        micro, [list(levels)], "people", f"FREQ({K},20)", "MOD(1)", totcode=TOTAL, workdir=str(folder)
    )
    (table,) = found.tables
    paths = set()
    for row in table.rows:
        cell = [str(row[level]).strip() for level in levels]  # its files are of fixed width
        depth = cell.index(TOTAL) if TOTAL in cell else len(cell)
        if row["status"] == "U" and set(cell[depth:]) <= {TOTAL}:  # a node of the tree, and no margin beside it
            paths.add(tuple(cell[:depth]))
    return paths


@pytest.mark.parametrize("seed", (1, 2, 3))
@pytest.mark.parametrize("depth", (2, 3))
def test_primary_cells_are_those_of_tau_argus(
    seed: int, depth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nodes of a table of pages by countries (by devices) that do not pass are those that it calls unsafe."""
    monkeypatch.chdir(tmp_path)  # it leaves files where it runs
    named = visitor_days(seed, 3_000, pages=30, countries=8, days=1)
    people = named.select(
        "day", "views", *(pl.col(LEVELS[i + 1]).alias(LEVELS[i]) for i in range(3)), level_4=pl.lit("x")
    )
    prefixes = prefixes_of(people, depth)
    few = prefixes.with_columns(pl.col("visitors").alias("low")).filter(pl.col("level") > 0, ~RULES.passes())
    ours = {tuple(v for v in row if v is not None) for row in few.select(LEVELS).iter_rows()}
    theirs = unsafe_cells(people, LEVELS[:depth], tmp_path)
    assert ours == theirs
    assert len(ours) > 30
    rows = protect(prefixes, ("page", "country", "device")[:depth], RULES).rows
    shown = {tuple(v for v in row if v is not None) for row in rows.select(LEVELS).iter_rows()}
    assert not {path for path in shown if FOLDED not in path} & theirs
    assert len(shown) > 20
