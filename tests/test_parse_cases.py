"""Lines whose values the tests of other projects state: we read them alike."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from logstats.errors import FormatStringError
from logstats.parse import Format, named_formats
from logstats.parse.exact import as_requests, read_fields
from logstats.parse.formats import TIME_FIELDS

CASES: Final = {
    case["id"]: case
    for file in sorted((Path(__file__).parent / "cases").glob("*.jsonl"))
    if file.name != "anomalies.jsonl"
    for case in map(json.loads, file.read_text("utf-8").splitlines())
}
NAMES: Final = {"traefik_clf": "traefik"}

EXCEPTIONS: Final[dict[str, dict[str, Any]]] = {
    # Times are kept to the millisecond; the line has microseconds.
    "apachelogs-021": {"time": "2019-05-06T12:09:43.123-04:00"},
    # Apache writes `""` for an empty user name outside quotes. User names are never kept, so nobody undoes it.
    "apachelogs-032": {"remote_user": '""'},
}
"""What we read where we decide otherwise, each with its reason."""

REQUEST_COLUMNS: Final = {
    "remote_addr": "client",
    "host": "host",
    "time": "time",
    "method": "method",
    "target": "target",
    "status": "status",
    "referrer": "referrer",
    "user_agent": "user_agent",
    "forwarded_for": "forwarded_for",
    "request_seconds": "seconds",
}
"""Keys of a case, and the column of REQUESTS that holds each."""


def format_of(case: dict[str, Any]) -> Format:
    """Return the format of a case, with the user name read as well.

    Raises:
        FormatStringError: The string is refused.
    """
    text = case["log_format"]
    named = named_formats().get(NAMES.get(text, text))
    line_format = named or Format("custom", "nginx" if "$" in text else "apache", text)
    return replace(line_format, captured=frozenset(["remote_user"]))


def read(case: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a case's line by their keys, or `{"error": True}` where something is refused."""
    try:
        line_format = format_of(case)
        fields = read_fields(pl.Series([case["line"]]), line_format)
    except FormatStringError:
        return {"error": True}
    request = as_requests(fields.with_columns(line=pl.lit(0)), "Europe/Paris").row(0, named=True)
    bad_time = request["time"] is None and bool(line_format.fields & TIME_FIELDS)
    if bad_time or not fields["matched"][0]:
        return {"error": True}
    texts = fields.row(0, named=True)
    return {
        **{key: request[column] for key, column in REQUEST_COLUMNS.items()},
        "protocol": texts.get("protocol") or (texts.get("request") or "").rpartition(" ")[2],
        "request": texts.get("request"),
        "remote_user": texts.get("remote_user"),
        "body_bytes": whole_number(texts.get("body_bytes")),
        "bytes_out": whole_number(texts.get("bytes_out")),
    }


def whole_number(text: str | None) -> int | None:
    """Return the number that a text holds, if there is one."""
    return None if text is None else int(text)


def as_instant(expected: dict[str, Any]) -> dict[str, Any]:
    """Return the expected values with their time, if they have one, as an instant."""
    time = expected.get("time")
    return expected | {"time": datetime.fromisoformat(time)} if time else expected


@pytest.mark.parametrize("name", CASES)
def test_line_is_read_as_the_other_project_reads_it(name: str) -> None:
    """Every value that the original states is what we read."""
    expected = as_instant(CASES[name]["expect"] | EXCEPTIONS.get(name, {}))
    found = read(CASES[name])
    assert {key: found.get(key) for key in expected} == expected


def test_every_case_is_there() -> None:
    """No case was lost in copying: the counts are those that the table in cases/README.md states."""
    assert Counter(case["suite"] for case in CASES.values()) == {
        "apachelogs": 140,
        "vrl": 22,
        "logstash": 3,
        "goatcounter": 20,
        "request-log-analyzer": 6,
        "fail2ban": 25,
    }


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exception_is_needed(name: str) -> None:
    """An exception that is no longer one has to leave the list."""
    stated = as_instant(CASES[name]["expect"])
    found = read(CASES[name])
    assert {key: found.get(key) for key in stated} != stated
