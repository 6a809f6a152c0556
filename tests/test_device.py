"""Devices: the four values of the Commission, by user agent and by Client Hints."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats.derive.device import classify_devices
from logstats.lists import Pattern, pattern_list

CASES: Final = Path(__file__).parent / "cases" / "devices.csv"
DEVICES: Final = {"PC", "Tablet", "Smartphone", "Others"}
WINDOWS: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"
ANDROID: Final = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"
LG_TV: Final = "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/108.0.0.0 Safari/537.36"


def _cases() -> list[dict[str, str]]:
    with CASES.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _classify(*user_agents: str | None) -> list[tuple[str, str | None]]:
    return classify_devices(pl.Series(user_agents, dtype=pl.String), explain=True).rows()


def _hinted(user_agent: str | None, **hints: str | None) -> tuple[str, str | None]:
    columns = {f"{name}_hint": pl.Series([value], dtype=pl.String) for name, value in hints.items()}
    device, rule = classify_devices(pl.Series([user_agent], dtype=pl.String), explain=True, **columns).row(0)
    return device, rule


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["description"])
def test_truth_table(case: dict[str, str]) -> None:
    """Each user agent of the table is on the device written there."""
    assert _classify(case["user_agent"])[0][0] == case["device"]


def test_table_has_every_device() -> None:
    """The table is long enough to mean something, for each of the four values."""
    devices = Counter(case["device"] for case in _cases())
    assert devices.total() >= 150
    assert set(devices) == DEVICES
    assert min(devices.values()) >= 30


@pytest.mark.parametrize("entry", pattern_list("devices").entries, ids=lambda entry: entry.name)
def test_every_example(entry: Pattern) -> None:
    """Every rule decides on its own example."""
    assert _classify(entry.example) == [(entry.device, f"devices: {entry.name}")]


def test_rules_give_the_four_values_only() -> None:
    """The table of rules knows no fifth kind of device."""
    assert {entry.device for entry in pattern_list("devices").entries} == DEVICES


@pytest.mark.parametrize("user_agent", (None, "", "-", "something else"))
def test_unknown_is_others(user_agent: str | None) -> None:
    """What no rule knows is Others, and no rule is named."""
    assert _classify(user_agent) == [("Others", None)]


def test_ipad_that_says_macintosh_is_a_pc() -> None:
    """The known limit: Safari on an iPad cannot be told from a Mac."""
    safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"
    assert _classify(safari) == [("PC", "devices: Macintosh")]


@pytest.mark.parametrize(
    ("form_factor", "device"),
    (
        ('"Desktop"', "PC"),
        ('"Mobile"', "Smartphone"),
        ('"Tablet"', "Tablet"),
        (r"\x22Tablet\x22", "Tablet"),
        ('"Automotive"', "Others"),
        ('"XR"', "Others"),
        ('"EInk"', "Others"),
        ('"Watch"', "Others"),
        ('"Automotive", "Tablet"', "Others"),
    ),
)
def test_form_factor_wins(form_factor: str, device: str) -> None:
    """Sec-CH-UA-Form-Factors decides against every user agent, quoted or escaped."""
    assert _hinted(WINDOWS, form_factor=form_factor, mobile="?0") == (device, "client hint: form factor")


def test_mobile_hint_wins() -> None:
    """Sec-CH-UA-Mobile ?1 is a smartphone, whatever the user agent says."""
    assert _hinted(ANDROID, mobile="?1") == ("Smartphone", "client hint: mobile")


@pytest.mark.parametrize("mobile", ("?0", "-", "", None, "1"))
def test_other_mobile_hints_decide_nothing(mobile: str | None) -> None:
    """Not mobile may be a tablet, a PC or a TV: the user agent decides."""
    assert _hinted(ANDROID, mobile=mobile) == ("Tablet", "devices: Android tablet")


def test_platform_helps_where_no_rule_knew() -> None:
    """Sec-CH-UA-Platform tells a PC, but does not overrule a TV that runs Linux."""
    assert _hinted("Frozen/1.0", platform='"Windows"') == ("PC", "client hint: platform")
    assert _hinted("Frozen/1.0", platform='"Android"') == ("Others", None)
    assert _hinted(LG_TV, platform='"Linux"') == ("Others", "devices: TV")


def test_hints_belong_to_their_line() -> None:
    """Hints decide row by row."""
    user_agents = pl.Series([WINDOWS, ANDROID, ANDROID])
    frame = classify_devices(user_agents, mobile_hint=pl.Series([None, "?1", "?0"]))
    assert frame["device"].to_list() == ["PC", "Smartphone", "Tablet"]


def test_rules_only_when_asked_for() -> None:
    """Without `explain` the device is the same and the rule is null."""
    user_agents = pl.Series([case["user_agent"] for case in _cases()])
    short, long = classify_devices(user_agents), classify_devices(user_agents, explain=True)
    assert short["device"].equals(long["device"])
    assert short["device_rule"].null_count() == short.height
    assert short.schema == long.schema == {"device": pl.String, "device_rule": pl.String}


def test_no_user_agents() -> None:
    """No user agents give no rows but the columns; a column without a type is one of nulls."""
    empty = classify_devices(pl.Series([], dtype=pl.String), explain=True)
    assert empty.schema == {"device": pl.String, "device_rule": pl.String}
    assert empty.is_empty()
    assert classify_devices(pl.Series([None, None]))["device"].to_list() == ["Others", "Others"]


@given(st.lists(st.text(max_size=80)))
def test_any_text_has_one_device(texts: list[str]) -> None:
    """Whatever a client sends is on exactly one of the four devices."""
    assert {device for device, _ in _classify(*texts)} <= DEVICES
