"""What is said of a chart to those who do not see it is true of what is drawn."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final

import pytest

from .reader import Tables, whole

if TYPE_CHECKING:
    from pathlib import Path

SAYS: Final = re.compile(
    r"(?P<title>.+)\. (?P<count>\d+) val.+(?:la plus grande|the largest).?: (?P<name>.+), (?P<value>.+)\."
)
CHART: Final = re.compile(r'<svg class="chart[^"]*" role="img".*?(?=<details|<svg class="chart[^"]*" role)', re.DOTALL)
DESCRIPTION: Final = re.compile(r"<desc[^>]*>([^<]*)</desc>")
BAR: Final = re.compile(r'<div class="label">(?P<name>.*?)<b>(?P<value>[^<]*)')
TAG: Final = re.compile(r"<[^>]*>")


def bars(chart: str) -> dict[str, int]:
    """Read name and value of each bar; what is not shown is left out, uses of several kinds are added up."""
    found = {}
    for bar in BAR.finditer(chart):
        numbers = [part.split(" ")[0] for part in bar["value"].strip().split(" · ")]
        if numbers != ["s"]:
            found[unescape(TAG.sub("", bar["name"]))] = sum(whole(number) or 0 for number in numbers)
    return found


@pytest.mark.parametrize("name", ("index.html", "en/index.html"))
def test_the_largest_value_is_the_largest(built: Path, name: str) -> None:
    """Each chart says how many values it has, and the largest of them, as its bars or its table have it."""
    text = (built / name).read_text()
    tables = Tables(text).tables
    charts = CHART.findall(text)
    assert len(charts) == text.count('role="img"') > 12
    elsewhere = 0
    for chart in charts:
        says = SAYS.fullmatch(unescape(DESCRIPTION.findall(chart)[0]))
        assert says, chart
        rows = bars(chart) or {
            row[0]: count for row in tables[says["title"]][1:] if (count := whole(row[1])) is not None
        }
        assert int(says["count"]) == len(rows)
        assert rows[says["name"]] == whole(says["value"]) == max(rows.values()), says["title"]
        elsewhere += max(rows.values()) != next(iter(rows.values()))
    assert elsewhere >= 3  # else it would be enough to name the first one
