"""Counts distinct user agents that are classified in a second, on one core: device and traffic class.

    POLARS_MAX_THREADS=1 python tests/benchmarks/bench_user_agents.py

The user agents are those of the truth tables, each made distinct a hundred times by another version number, so that
no answer can be remembered. The figure is the best of five.
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from logstats.derive.device import classify_devices
from logstats.derive.traffic import classify_user_agents

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = Path(__file__).parents[1] / "cases"
FILES = ("bots.csv", "humans.csv", "devices.csv")
COPIES = 100
REPEATS = 5


def main() -> None:
    """Prints a line for each classification, and one for both."""
    agents = pl.Series([f"{agent} v{copy}" for agent in user_agents() for copy in range(COPIES)])
    device = seconds_for(lambda: classify_devices(agents))
    traffic = seconds_for(lambda: classify_user_agents(agents))
    for name, taken in (("device", device), ("traffic class", traffic), ("both", device + traffic)):
        print(f"{name:14} {agents.len() / taken:12,.0f} distinct user agents a second")


def user_agents() -> list[str]:
    """Gives the user agents of the truth tables."""
    rows = [row for name in FILES for row in csv.DictReader((CASES / name).open(encoding="utf-8"))]
    return sorted({row["user_agent"] for row in rows if row["user_agent"]})


def seconds_for(work: Callable[[], object]) -> float:
    """Gives the shortest time that some work took."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
