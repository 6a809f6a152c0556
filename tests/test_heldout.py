"""The held-out user agents: drawn and labelled blind (cases/HELDOUT.md), and never used to write a rule.

Whoever changes a rule because of a row here makes the set worthless: draw another one then.
"""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

from logstats.derive.device import classify_devices
from logstats.derive.traffic import classify_user_agents

CASES = Path(__file__).parent / "cases"


def column(name: str, column_name: str) -> pl.Series:
    """Give a column of a table of cases."""
    with (CASES / name).open(encoding="utf-8", newline="") as file:
        return pl.Series([row[column_name] for row in csv.DictReader(file)], dtype=pl.String)


def test_devices() -> None:
    """The device is right for at least 93 of 100 user agents that no rule was written for."""
    found = classify_devices(column("devices_heldout.csv", "user_agent"))["device"]
    right = found == column("devices_heldout.csv", "device")
    assert right.len() >= 150
    assert right.sum() >= 0.93 * right.len()


def test_robots() -> None:
    """At least 93 of 100 robots that say so are not taken for people."""
    traffic = classify_user_agents(column("bots_heldout.csv", "user_agent"))["traffic"]
    assert traffic.len() >= 150
    assert (traffic != "human").sum() >= 0.93 * traffic.len()


def test_people() -> None:
    """At most one of 100 people is taken for a robot."""
    traffic = classify_user_agents(column("humans_heldout.csv", "user_agent"))["traffic"]
    assert (traffic != "human").sum() <= 0.01 * traffic.len()
