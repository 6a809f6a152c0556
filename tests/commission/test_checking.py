"""Checking says what is wrong and where; comparing says what changed; the help desk's table becomes a message."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats import config
from logstats.console import Console
from logstats.errors import ConfigurationError, InputRejectedError
from logstats.publish.commission.assistance import read_requests
from logstats.publish.commission.check import _all_fit, check
from logstats.publish.commission.command import Options, run
from logstats.publish.commission.compare import compare, warnings
from logstats.publish.commission.conformance import validator
from logstats.publish.commission.count import ROWS
from logstats.publish.commission.countries import assigned, sent_codes
from logstats.publish.commission.listed import read_list
from logstats.publish.commission.message import rows_of
from logstats.publish.commission.period import half_year

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.commission.conftest import Service

SETTINGS = config.load(environment={}).commission
ROW_0 = "$.sources[0].statistics[0]"
GOOD: dict[str, Any] = {
    "uniqueId": "838a89cd-f096-4847-be3f-a053ef9749bf",
    "referencePeriod": {"startDate": "2026-10-01T00:00:00.00Z", "endDate": "2026-10-31T23:59:59.00Z"},
    "transferDate": "2026-11-02T04:00:00.00Z",
    "transferType": "API",
    "nbEntries": 2,
    "sources": [
        {
            "sourceUrl": "https://www.example.org/a",
            "statistics": [
                {"nbVisits": 3, "originatingCountry": "FR", "deviceType": "PC"},
                {"nbVisits": 2, "originatingCountry": "EL", "deviceType": "Tablet"},
            ],
        },
        {"sourceUrl": "https://www.example.org/b", "statistics": []},
    ],
}
TABLE = """sourceUrl;nbRequests;categoryOfUser;subjectMatter;sub-subjectMatter;situationOfUser;avgResponseTime
https://www.example.org/help;12;citizen;Starting education;;cross-border;3
https://www.example.org/help;4;business;Starting a business;Forms;national;2,5
"""


def changed(path: str, value: Any) -> dict[str, Any]:
    """Give the good message with another value at a path; None takes it away."""
    message: dict[str, Any] = json.loads(json.dumps(GOOD))
    *steps, last = (int(step) if step.isdecimal() else step for step in path.split("."))
    place: Any = message
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return message


def problems(message: Any) -> list[tuple[str, str]]:
    """Give what is wrong with a message."""
    encoded = message if isinstance(message, bytes) else json.dumps(message).encode()
    return [(path, text) for path, text in check(encoded, SETTINGS)[1]]


def test_the_published_examples_are_valid(shared: Path) -> None:
    """Both examples beside the schema pass, and the schema is the one that was published with them."""
    for name in ("example.json", "example-assistance.json"):
        assert problems((shared / "commission" / name).read_bytes()) == []
    published = json.loads((shared / "commission" / "information-services.schema.json").read_text())
    assert validator("information-services").schema == published


@pytest.mark.parametrize(
    ("path", "value", "where", "said"),
    (
        ("uniqueId", "", "$.uniqueId", "empty"),
        ("uniqueId", None, "$", "lacks uniqueId"),
        ("other", 1, "$", '"other"'),
        ("nbEntries", 3, "$.nbEntries", "$.sources has 2"),
        ("nbEntries", "2", "$.nbEntries", "a whole number"),
        ("transferType", "Post", "$.transferType", "API, Manual"),
        ("referencePeriod.startDate", "2026-11-01T00:00:00.00Z", "$.referencePeriod.startDate", "later than"),
        ("referencePeriod.endDate", "2026-11-31T23:59:59.00Z", "$.referencePeriod.endDate", "no date that exists"),
        ("referencePeriod.endDate", "2026-11-30T23:59:59.00Z", "$.referencePeriod.endDate", "than $.transferDate"),
        ("referencePeriod.endDate", "2026-10-31T23:59:59+01:00", "$.referencePeriod.endDate", "form"),
        ("sources.1.sourceUrl", "https://www.example.org/a", "$.sources[1].sourceUrl", "URL of $.sources[0]"),
        ("sources.1.sourceUrl", "/b", "$.sources[1].sourceUrl", "form"),
        ("sources.1", 5, "$.sources[1]", "an object"),
        ("sources.1.statistics", None, "$.sources[1]", "lacks statistics"),
        ("sources.0.statistics.0.nbVisits", 0, f"{ROW_0}.nbVisits", "less than 1"),
        ("sources.0.statistics.0.nbVisits", True, f"{ROW_0}.nbVisits", "a whole number"),
        ("sources.0.statistics.0.originatingCountry", "GR", f"{ROW_0}.originatingCountry", "EL"),
        ("sources.0.statistics.0.originatingCountry", "QQ", f"{ROW_0}.originatingCountry", "no country"),
        ("sources.0.statistics.0.deviceType", "Mobile", f"{ROW_0}.deviceType", "Smartphone"),
        (
            "sources.0.statistics.1",
            {"nbVisits": 9, "originatingCountry": "FR", "deviceType": "PC"},
            "$.sources[0].statistics[1]",
            f"counts the same as {ROW_0}: FR, PC",
        ),
        ("sources", {}, "$.sources", "a list"),
    ),
)
def test_each_problem_has_its_json_path(path: str, value: Any, where: str, said: str) -> None:
    """One thing is wrong, and the message names it there."""
    assert problems(GOOD) == []
    found = problems(changed(path, value))
    assert [place for place, _ in found] == [where], found
    assert said in found[0][1]


@pytest.mark.parametrize(
    "content",
    (
        *(b"", b"[", b"[]", b"3", b"\xff", b'{"a":1,"a":2}', b"[" * 100_000),
        *(b'{"sources":[[[]]]}', b'{"sources":[{"statistics":[[]]}]}'),
    ),
)
def test_whatever_is_no_message_is_a_problem_and_no_failure(content: bytes) -> None:
    """Garbage has a problem with a path."""
    assert problems(content)[0][0].startswith("$")


def test_a_message_that_is_too_large_is_named() -> None:
    """The encoded size counts."""
    small = replace(SETTINGS, max_bytes=1_000)
    assert "more than 1,000" in check(json.dumps(GOOD).encode() + b" " * 1_000, small)[1][0].text


ROW = st.fixed_dictionaries(
    {},
    optional={
        "nbVisits": st.sampled_from([1, 5, 0, -1, 1.0, True, "1", None]),
        "originatingCountry": st.sampled_from(["FR", "EL", "GR", "UK", "ZZ", "XX", "fr", "", 3, None, ["FR"]]),
        "deviceType": st.sampled_from(["PC", "Tablet", "Mobile", "", 1, None]),
        "more": st.just(1),
    },
)


@given(st.lists(ROW, max_size=3))
def test_what_is_recognised_without_the_schema_is_valid_by_it(rows: list[dict[str, Any]]) -> None:
    """The short cut never accepts a row that the schema refuses; and it refuses none that is right."""
    judge = validator("information-services", "statistic")
    right = all(judge.is_valid(row) for row in rows)
    right = right and all(row["originatingCountry"] in assigned() | {"EL"} for row in rows)
    right = right and len({(row["originatingCountry"], row["deviceType"]) for row in rows}) == len(rows)
    # 1.0 is a whole number for the schema; the short cut leaves it to it.
    right = right and all(type(row["nbVisits"]) is int for row in rows)
    assert _all_fit(rows, sent_codes(SETTINGS)) == right


def rows(*values: tuple[str, str, str, int]) -> pl.DataFrame:
    """Give ROWS."""
    return pl.DataFrame(values, schema=ROWS, orient="row")


def test_a_comparison_names_what_vanished_appeared_and_changed() -> None:
    """More than threefold is named, exactly threefold is not; sums by country and device are all there."""
    same, other = ("/same", "FR", "PC"), ("/three", "FR", "PC")
    before = rows(("/gone", "FR", "PC", 5), (*same, 10), ("/up", "FR", "PC", 2), (*other, 2))
    after = rows(("/new", "BE", "Tablet", 4), (*same, 11), ("/up", "FR", "PC", 7), (*other, 6))
    found = compare(before, after)
    assert (found["before"], found["after"], warnings(found)) == (19, 28, 3)
    assert found["vanished"] == [{"url": "/gone", "before": 5, "after": 0}]
    assert found["appeared"] == [{"url": "/new", "before": 0, "after": 4}]
    assert found["changed"] == [{"url": "/up", "before": 2, "after": 7}]
    assert found["countries"][0] == {"country": "FR", "before": 19, "after": 24}
    assert {row["device"]: row["after"] for row in found["devices"]} == {"PC": 24, "Tablet": 4}


def test_a_comparison_of_files_warns_under_strict(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """--check FILE --diff OTHER: 0, and 65 with --strict when a page vanished; as table and as JSON."""
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text(json.dumps(GOOD))
    other.write_text(json.dumps(changed("sources.0.sourceUrl", "https://www.example.org/c")))
    assert logstats("commission", "--check", one, "--diff", one, "--strict").returncode == 0
    done = logstats("commission", "--check", one, "--diff", other)
    assert (done.returncode, "https://www.example.org/c" in done.stdout) == (0, True)
    done = logstats("commission", "--check", one, "--diff", other, "--strict", "--json")
    assert done.returncode == 65
    assert json.loads(done.stdout)["comparison"]["vanished"][0]["url"] == "https://www.example.org/c"


def test_a_wrong_file_ends_with_65_and_all_its_problems(tmp_path: Path, logstats: Callable[..., Any]) -> None:
    """Every problem is a line with file and path, in which nothing acts on a terminal; --json has them as a list."""
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(changed("nbEntries", 9) | {"transferType": "\x1b[31m\u202e"}, ensure_ascii=False))
    done = logstats("commission", "--check", file)
    assert done.returncode == 65
    assert f"{file}: $.nbEntries" in done.stderr
    assert not {"\x1b", "\u202e"} & set(done.stderr)
    done = logstats("commission", "--check", file, "--json")
    assert {problem["path"] for problem in json.loads(done.stdout)["problems"]} == {"$.nbEntries", "$.transferType"}


def test_a_help_desks_table_becomes_a_message(tmp_path: Path) -> None:
    """Rows by URL, an empty sub-subject left out, a decimal comma read where semicolons separate; valid."""
    file = tmp_path / "requests.csv"
    file.write_text("\ufeff" + TABLE)
    message = replace(read_requests(file, half_year("2026-H1")), transferred="2026-08-20T08:00:00.00Z")
    value, found = check(message.encoded, SETTINGS)
    assert found == []
    assert value is not None
    assert value["referencePeriod"]["endDate"] == "2026-06-30T23:59:59.00Z"
    first, second = value["sources"][0]["statistics"]
    assert (first["categoryOfUser"], first["avgResponseTime"], first["sub-subjectMatter"]) == ("business", 2.5, "Forms")
    assert (second["nbRequests"], "sub-subjectMatter" in second) == (12, False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    (
        ("nbRequests;", "requests;", "csv:1: lacks the column nbRequests"),
        (";12;", ";twelve;", "csv:2: nbRequests: must be a number"),
        (";12;", ";1.5;", "csv:2: nbRequests: must be a whole number"),
        (";2,5", ";2,5;7", "csv:3: has another number of columns"),
        ("avgResponseTime", "avgResponseTime;name", "csv:1: has a column 'name'"),
    ),
)
def test_a_wrong_table_is_named_with_its_line(old: str, new: str, said: str, tmp_path: Path) -> None:
    """File, line and column."""
    file = tmp_path / "requests.csv"
    file.write_text(TABLE.replace(old, new, 1))
    with pytest.raises(InputRejectedError) as refused:
        read_requests(file, half_year("2026-H1"))
    assert said in str(refused.value)


def test_assistance_is_sent_in_the_same_way(
    store: Path, tmp_path: Path, key_file: Path, connected: config.Config, service: Service
) -> None:
    """Another path, ids of its own, and again under the same id."""
    file = tmp_path / "requests.csv"
    file.write_text(TABLE)
    options = Options(store_folder=store, assistance=file, half_year="2026-H1", send="", api_key_file=key_file)
    for _ in range(2):
        assert run(options, connected, Console(quiet=True)) == 0
    assert [path for _, path in service.requests] == ["/v1/unique-id", *["/v1/statistics/assistance-services"] * 2]
    assert service.message("id-1")["nbEntries"] == 1


@pytest.mark.parametrize(
    "options",
    (
        ("--check", "october.json", "--send"),
        ("--check", "october.json", "--out", "x.json"),
        ("--send", "october.json", "--out", "x.json"),
        ("--month", "2026-10", "--format", "csv"),
        ("--month", "2026-10", "--out", "x.csv", "--format", "csv"),
        ("--month", "2026-10", "--strict"),
        ("--assistance", "x.csv", "--half-year", "2026-H1", "--diff"),
    ),
    ids=" ".join,
)
def test_options_that_contradict_each_other_do_nothing(
    options: tuple[str, ...], logstats: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, store: Path
) -> None:
    """None is ignored, and none undoes what another one made."""
    named = [str(tmp_path / option) if "." in option else option for option in options]
    done = logstats("commission", "--store", store, *named)
    assert done.returncode == 2, done.stderr
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    (
        (b'"nbEntries":1', b'"nbEntries":1.0', "$.nbEntries: is 1.0, not a whole number"),
        (b'"nbVisits":5', b'"nbVisits":5.0', "nbVisits: is 5.0, not a whole number"),
        (b'"nbVisits":5', b'"nbVisits":1' + b"0" * 30, "not a whole number"),
        (b"/a", rb"/\ud800", "has half a character"),
        (b"/a", b"/a b", "which has blanks or control characters"),
        (b"/a", rb"/a\n", "which has blanks or control characters"),
    ),
)
def test_what_is_called_valid_can_be_compared_and_sent(
    old: bytes, new: bytes, problem: str, settings: config.Config
) -> None:
    """What cannot is named by --check already; the same message without it is valid."""
    row = b'{"nbVisits":5,"originatingCountry":"FR","deviceType":"PC"}'
    message = (
        b'{"uniqueId":"00000000-0000-0000-0000-000000000000","transferDate":"2026-11-05T00:00:00.00Z",'
        b'"referencePeriod":{"startDate":"2026-10-01T00:00:00.00Z","endDate":"2026-10-31T23:59:59.00Z"},'
        b'"transferType":"API","nbEntries":1,"sources":[{"sourceUrl":"https://www.example.org/a","statistics":['
        + row
        + b"]}]}"
    )
    value, problems = check(message, settings.commission)
    assert problems == []
    assert value is not None
    assert rows_of(value)["number"].to_list() == [5]
    assert message.count(old) == 1
    _, problems = check(message.replace(old, new), settings.commission)
    assert any(problem in f"{found.path}: {found.text}" for found in problems), problems


def test_a_file_that_is_far_too_large_is_not_read(settings: config.Config) -> None:
    """Only its size is told."""
    limits = replace(settings.commission, max_bytes=1_000)
    assert [found.text for found in check(b"{" * 10_001, limits)[1]] == ["has 10,001 bytes, more than 1,000"]


def test_many_wrong_names_are_told_in_a_line(settings: config.Config) -> None:
    """And quickly, also when one of them stands twice."""
    names = [f'"n{i}":1' for i in range(50_000)]
    _, [first, *_] = check(("{" + ",".join(names) + "}").encode(), settings.commission)
    assert len(first.text) < 500
    _, problems = check(("{" + ",".join([*names, '"n7":1']) + "}").encode(), settings.commission)
    assert [found.text for found in problems] == ['an object has "n7" twice']


@pytest.fixture
def usual_limit() -> Iterator[None]:
    """Let fields of a CSV have the length that they have in the program: a library of other tests lifts it for all."""
    before = csv.field_size_limit(131_072)
    yield
    csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    (
        ("u.csv", 'url\n"https://x.example/a\nhttps://x.example/b\n', "is no CSV"),
        ("u.csv", f"url\n{'x' * 140_000}\n", "is no CSV"),
        ("u.csv", "https://x.example/a\nhttps://x.example/b\n", "has no header, but a URL"),
        ("u.json", '["https://x.example/\\ud800"]', "is no URL"),
        ("u.json", '["https://x.example/c\\n\\u0000"]', "is no URL"),
        ("u.txt", "HTTPS://x.example/a\n", "is no URL"),
    ),
)
@pytest.mark.usefixtures("usual_limit")
def test_a_list_loses_no_url_silently(name: str, text: str, reason: str, tmp_path: Path) -> None:
    """What cannot be read, or cannot stand in a message, is named with its place."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read_list(file, "")
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("option", (("--month", "9999-12"), ("--month", "0001-01", "--diff")))
def test_the_calendar_has_ends(option: tuple[str, ...], store: Path, logstats: Callable[..., Any]) -> None:
    """Beyond them, an error says so."""
    done = logstats("commission", "--store", store, *option)
    assert done.returncode in {65, 78}, done.stderr
    assert "failure of the program" not in done.stderr


@pytest.mark.parametrize("half", ("9999-H2", "0000-H1"))
def test_half_years_have_ends(half: str) -> None:
    """The same of half-years."""
    with pytest.raises(ConfigurationError):
        half_year(half)


def test_a_number_of_requests_has_an_end(tmp_path: Path) -> None:
    """A number that nobody can have counted is named with its line."""
    table = tmp_path / "t.csv"
    for digits in (30, 5_000):
        table.write_text(
            "sourceUrl,nbRequests,categoryOfUser,subjectMatter,situationOfUser,avgResponseTime\n"
            f"https://x.example/a,{'9' * digits},citizen,a,national,1\n"
        )
        with pytest.raises(InputRejectedError, match=r"t.csv:2: nbRequests: is too large"):
            read_requests(table, half_year("2026-H1"))
