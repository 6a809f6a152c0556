"""The long tail of user agents (tests/cases/LONG_TAIL.md): the rules know it and must not fall back on it."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Final

import polars as pl

from logstats.derive.device import classify_devices
from logstats.derive.traffic import classify_user_agents

CASES: Final = Path(__file__).parent / "cases"


def _column(name: str, column: str) -> pl.Series:
    with (CASES / f"{name}_long_tail.csv").open(encoding="utf-8") as file:
        return pl.Series(column, [case[column] for case in csv.DictReader(file)], dtype=pl.String)


def _traffic(name: str) -> pl.Series:
    return classify_user_agents(_column(name, "user_agent"))["traffic"]


def _share_per_class(expected: pl.Series, right: pl.Series) -> str:
    cases = Counter(expected)
    hits = Counter(expected.filter(right))
    return ", ".join(f"{name} {hits[name]}/{count}" for name, count in sorted(cases.items()))


def test_devices() -> None:
    """At least 95 in 100 devices are named rightly."""
    expected = _column("devices", "device")
    right = classify_devices(_column("devices", "user_agent"))["device"] == expected
    assert right.len() >= 200
    assert right.sum() >= 0.95 * right.len(), _share_per_class(expected, right)


def test_robots() -> None:
    """At least 99 in 100 robots are not taken for people."""
    found = _traffic("bots") != "human"
    assert found.len() >= 200
    assert found.sum() >= 0.99 * found.len(), _share_per_class(_column("bots", "traffic"), found)


def test_people() -> None:
    """At most one person in a hundred is taken for a robot."""
    robots = _traffic("humans") != "human"
    assert robots.len() >= 300
    assert robots.sum() <= 0.01 * robots.len(), _column("humans", "user_agent").filter(robots).to_list()
