"""Which requests are a use of a feature, and what visits are said to have met."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstats import pipeline
from logstats.config import Feature, Funnel, Request, Site, Step
from logstats.schema import OTHER_PAGE
from logstats.visits.patterns import Requests, fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstats.config import Config
    from logstats.derive import Knowledge

    Make = Callable[[list[dict[str, Any]]], pl.DataFrame]

ROOT = Path(__file__).resolve().parents[1]
TEN = datetime(2025, 10, 22, 8, tzinfo=UTC)


def at(seconds: int, page: str = "/a", **more: Any) -> dict[str, Any]:
    """Give a hit so many seconds after ten o'clock."""
    return {"time": TEN + timedelta(seconds=seconds), "page": page, **more}


def request(page: str, method: str, outcome: str, status: int, site: str = "default") -> pl.DataFrame:
    """Give one request, as acts hold it."""
    return pl.DataFrame(
        {"site": [site], "page": [page], "method": [method], "outcome": [outcome], "status": [status]},
        schema_overrides={"status": pl.UInt16},
    )


FORM = Request("form", ("^/form$",))
SENT = Request("sent", ("^/form$",), ("POST",))
DONE = Request("done", ("^/form$",), ("POST", "PUT"), (303,))
MOVED = Request("moved", ("^/go$",), ("GET",), (302,))


@pytest.mark.parametrize(
    ("wanted", "page", "method", "outcome", "status", "does"),
    (
        (FORM, "/form", "GET", "page_view", 200, True),
        (FORM, "/form", "GET", "page_view", 304, True),
        (FORM, "www.example.org/form", "GET", "page_view", 200, True),  # the host in front does not matter
        (FORM, "/form/2", "GET", "page_view", 200, False),
        (FORM, "/form", "GET", "error", 404, False),
        (FORM, "/form", "GET", "redirect", 302, False),
        (FORM, "/form", "POST", "other_method", 303, False),
        (FORM, "/form", "HEAD", "other_method", 200, False),
        (FORM, OTHER_PAGE, "GET", "page_view", 200, False),
        (Request("pdf", (r"\.pdf$",)), "/form.pdf", "GET", "download", 206, True),
        (Request("all", ("",)), "/form.pdf", "GET", "download", 200, True),
        (Request("all", ("",)), OTHER_PAGE, "GET", "page_view", 200, False),
        (Request("two", ("^/x$", "^/form$")), "/form", "GET", "page_view", 200, True),
        (Request("or", ("^/x$|^/form$", "^/y$")), "/y", "GET", "page_view", 200, True),
        (SENT, "/form", "POST", "other_method", 200, True),
        (SENT, "/form", "POST", "other_method", 303, True),
        (SENT, "/form", "POST", "other_method", 400, False),
        (SENT, "/form", "POST", "other_method", 500, False),
        (SENT, "/form", "GET", "page_view", 200, False),
        (DONE, "/form", "PUT", "other_method", 303, True),
        (DONE, "/form", "POST", "other_method", 200, False),
        (MOVED, "/go", "GET", "redirect", 302, True),
        (MOVED, "/go", "GET", "page_view", 200, False),
        (Request("lost", ("^/go$",), ("GET",), (404,)), "/go", "GET", "error", 404, True),
    ),
)
def test_which_requests_fit(wanted: Request, page: str, method: str, outcome: str, status: int, *, does: bool) -> None:
    """The page without its host, the method, and the status; without statuses, success."""
    found = fits(Requests.of(request(page, method, outcome, status)), wanted, "")
    assert found.to_list() == [does]


@pytest.mark.parametrize(("site", "does"), (("", True), ("one", True), ("two", False)))
def test_a_feature_of_a_site_is_used_on_that_site(site: str, *, does: bool) -> None:
    """Without a site it may be on any."""
    found = fits(Requests.of(request("/form", "GET", "page_view", 200, site="one")), FORM, site)
    assert found.to_list() == [does]


def closed(make_hits: Make, rules: Config, rows: list[dict[str, Any]], **more: Any) -> dict[str, pl.DataFrame]:
    """Count a day by the given rules."""
    return pipeline.closing(make_hits(rows), replace(rules, **more))


def test_a_use_counts_for_the_first_feature_that_fits(make_hits: Make, knowledge: Knowledge) -> None:
    """A page belongs to at most one feature, so that the uses of all of them add up."""
    features = (Feature("pdf", (r"\.pdf$",)), Feature("a", ("^/a",)), Feature("all", ("^/",)))
    rows = [at(0), at(1, "/a.pdf", outcome="download"), at(2, "/b"), at(3, "/a"), at(4, "/a", traffic="bot")]
    found = closed(make_hits, knowledge.config, rows, feature=features)["features"]
    uses = found.group_by("feature").agg(pl.col("views").sum(), pl.col("visitors").sum()).sort("feature")
    assert uses.rows() == [("a", 2, 1), ("all", 1, 1), ("pdf", 1, 1)]


def test_every_feature_of_a_site_is_said_to_be_zero_on_each_of_its_days(make_hits: Make, knowledge: Knowledge) -> None:
    """A feature of one site is not declared for another, and none for hosts that are no site."""
    features = (Feature("any", ("^/never$",)), Feature("mine", ("^/never$",), site="one"))
    rows = [at(0, site="one"), at(0, site="two"), at(0, site="(other)"), at(86_400, site="two", traffic="bot")]
    sites = (Site("one", ("one.fr",)), Site("two", ("two.fr",)))
    found = closed(make_hits, knowledge.config, rows, feature=features, site=sites)["features"]
    assert found["views"].sum() == found["visitors"].sum() == 0
    days = [(str(day), site, feature) for day, site, feature in found.select("day", "site", "feature").iter_rows()]
    assert sorted(days) == [
        ("2025-10-22", "one", "any"),
        ("2025-10-22", "one", "mine"),
        ("2025-10-22", "two", "any"),
        ("2025-10-23", "two", "any"),
    ]


def test_an_optional_step_after_the_last_required_one_is_no_condition(make_hits: Make, knowledge: Knowledge) -> None:
    """Who came to the last required step is at the end, also when optional ones follow."""
    steps = (Step("a", ("^/a$",)), Step("b", ("^/b$",)), Step("c", ("^/c$",), optional=True))
    rows = [at(0), at(1, "/b"), at(0, visitor=2), at(1, "/b", visitor=2), at(2, "/c", visitor=2)]
    found = closed(make_hits, knowledge.config, rows, funnel=(Funnel("f", steps),))
    assert found["funnels"].select("step", "visits").rows() == [(2, 1), (3, 1)]
    assert found["funnel_exits"].is_empty()


def test_one_request_reaches_one_step(make_hits: Make, knowledge: Knowledge) -> None:
    """Where two steps have one pattern, the second one needs a second request."""
    steps = tuple(Step(name, ("^/a$",)) for name in ("once", "again"))
    rows = [at(0), at(0, visitor=2), at(9, visitor=2)]
    found = closed(make_hits, knowledge.config, rows, funnel=(Funnel("f", steps),))["funnels"]
    assert found.select("step", "visits").rows() == [(1, 1), (2, 1)]


def test_a_form_between_two_visits_belongs_to_the_one_before(make_hits: Make, knowledge: Knowledge) -> None:
    """Where both visits are near enough, the form belongs to the earlier one, where it was filled in."""
    steps = (Step("read", ("^/a$",)), Step("send", ("^/a$",), ("POST",)), Step("done", ("^/b$",)))
    rows = [at(0), at(1_200, outcome="other_method", method="POST", status=303), at(2_400, "/b")]
    found = closed(make_hits, knowledge.config, rows, funnel=(Funnel("f", steps),))
    assert found["funnels"].select("step", "visits").rows() == [(2, 1)]
    assert found["funnel_exits"]["to_page"].to_list() == ["(end)"]


def documented() -> list[tuple[str, str]]:
    """Read the guide's table of how a funnel counts: what a visit asks for, and the last step."""
    lines = (ROOT / "docs/definitions.md").read_text("utf-8").splitlines()
    start = lines.index("| a visit asks for | last step | because |") + 2
    rows = [line.strip("|").split("|") for line in lines[start : lines.index("", start)]]
    return [(asked.strip(), last.strip()) for asked, last, _ in rows]


def asked_for(text: str) -> list[dict[str, Any]]:
    """Give the requests of a row of that table: a step every ten seconds, another page every twenty minutes."""
    rows, now, apart = [], 0, 0 if "within one second" in text else 10
    words = text.partition(",")[0].removesuffix("within one second").split()
    for i, word in enumerate(words):
        if word == "–" or (word == "…" and words[i - 1] == "minutes"):
            rows.append(at(now, "/elsewhere"))
        elif word.isdigit() and words[i + 1 : i + 2] == ["minutes"]:
            rows += [at(now + seconds, "/elsewhere") for seconds in range(1_200, 60 * int(word), 1_200)]
            now += 60 * int(word) - apart
        elif word.isdigit():
            rows.append(at(now, f"/{word}"))
            now += apart
    return rows


@pytest.mark.parametrize(("asked", "last"), documented())
def test_the_table_of_the_guide_is_true(asked: str, last: str, make_hits: Make, knowledge: Knowledge) -> None:
    """Each row of the guide's table of how a funnel counts gives the last step that stands there."""
    steps = tuple(Step(number, (f"^/{number}$",), optional=number == "2") for number in "1234")
    limit = int(asked.partition("limit ")[2] or 0)
    found = closed(make_hits, knowledge.config, asked_for(asked), funnel=(Funnel("f", steps, limit),))["funnels"]
    assert found["step"].to_list() == ([] if last == "none" else [int(last)])
    assert found["visits"].to_list() == [1] * found.height


def walked(requests: list[tuple[int, set[int]]], optional: list[bool], limit: int) -> list[int]:
    """Walk through a funnel as the guide tells it, request by request; give the steps that were reached."""
    order = [(second, min(fits), max(fits), sum(1 << step for step in fits), fits) for second, fits in requests]
    ordered = [(second, fits) for second, *_, fits in sorted(order, key=lambda request: request[:4])]
    best: list[int] = []
    for begin, (start, fitting) in enumerate(ordered):
        if 0 not in fitting:
            continue
        place, found = begin, {0: begin}
        for step in range(1, len(optional)):
            if optional[step]:
                continue
            later = [i for i, (_, fits) in enumerate(ordered) if i > place and step in fits]
            if not later or ordered[later[0]][0] - start > limit:
                break
            place = found[step] = later[0]
        required = dict(found)
        for step in range(1, len(optional)):
            before = [number for number in range(step) if not optional[number]][-1]
            after = [number for number in range(step + 1, len(optional)) if not optional[number]][:1]
            if not optional[step] or before not in required:
                continue
            first = max(place for number, place in found.items() if number < step)
            end = required.get(after[0], len(ordered)) if after else len(ordered)
            between = [i for i in range(first + 1, end) if step in ordered[i][1] and ordered[i][0] - start <= limit]
            # The next request that fits is the one that counts; a later one is no second chance.
            if between:
                found[step] = between[0]
        if not best or max(found) > max(best):
            best = sorted(found)
    return best


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    requests=st.lists(st.tuples(st.integers(0, 150), st.sets(st.integers(0, 3), min_size=1)), min_size=1, max_size=14),
    optional=st.lists(st.booleans(), min_size=2, max_size=2),
    minutes=st.sampled_from((0, 1)),
)
def test_a_funnel_counts_as_the_readme_tells_it(
    requests: list[tuple[int, set[int]]], optional: list[bool], minutes: int, make_hits: Make, knowledge: Knowledge
) -> None:
    """Whatever the order of requests that fit one step or several, each walk is that of a plain walk step by step."""
    kinds = [False, *optional, False]
    steps = tuple(
        Step(str(number), (f"{number}",), optional=kind) for number, kind in enumerate(kinds)
    )  # a page such as /02 fits steps 0 and 2
    rows = [at(second, "/" + "".join(map(str, sorted(fitting)))) for second, fitting in requests]
    found = closed(make_hits, knowledge.config, rows, funnel=(Funnel("f", steps, minutes),))
    expected = walked(requests, kinds, 60 * minutes or 10**9)
    assert sorted(int(name) for name in found["funnel_times"]["step_name"]) == expected
    assert [int(name) for name in found["funnels"]["step_name"]] == expected[-1:]


# --- what visits met --------------------------------------------------------------------------------------------

FROM_SEARCH: dict[str, Any] = {"referrer_kind": "search", "referrer": "google.com"}
MET = {
    "a visit that came from a search engine and did not go back": ([at(0, **FROM_SEARCH), at(9, "/b")], (0, 0, 0)),
    "a visit that went back to it": ([at(0), at(9, "/b", **FROM_SEARCH)], (0, 1, 0)),
    "a reload sends the referrer again": ([at(0, **FROM_SEARCH), at(9, **FROM_SEARCH)], (0, 0, 0)),
    "two visits from a search engine": ([at(0, **FROM_SEARCH), at(1_801, "/b", **FROM_SEARCH)], (0, 0, 0)),
    "a search on the site": ([at(0, searched=True), at(9, searched=True)], (1, 0, 0)),
    "an error after the visit's last view": ([at(0), at(9, "/x", outcome="error", status=404)], (0, 0, 1)),
    "an error before its first": ([at(0, "/x", outcome="error", status=500), at(9)], (0, 0, 1)),
    "a form that failed": ([at(0), at(9, outcome="other_method", method="POST", status=503)], (0, 0, 1)),
    "an error more than half an hour away": ([at(0), at(1_801, "/x", outcome="error", status=404)], (0, 0, 0)),
    "an error exactly half an hour away": ([at(0), at(1_800, "/x", outcome="error", status=404)], (0, 0, 1)),
    "forbidden is no error of the site": ([at(0), at(9, "/x", outcome="error", status=403)], (0, 0, 0)),
    "the error of somebody else": ([at(0), at(9, "/x", outcome="error", status=404, visitor=2)], (0, 0, 0)),
}


@pytest.mark.parametrize("what", MET)
def test_what_visits_met(what: str, make_hits: Make, knowledge: Knowledge) -> None:
    """Searches, returns from a search engine and errors count once a visit."""
    rows, expected = MET[what]
    found = closed(make_hits, knowledge.config, rows)["ease"]
    assert found.select("with_search", "with_search_return", "with_error").sum().row(0) == expected


def test_errors_say_where_people_came_from(make_hits: Make, knowledge: Knowledge) -> None:
    """A broken link of the site itself stands out: its referrer is internal. Robots do not count."""
    lost: dict[str, Any] = {"outcome": "error", "status": 404, "page": "/old"}
    rows = [at(i, visitor=i % 2) | lost | {"referrer_kind": "internal"} for i in range(3)]
    rows += [at(9) | lost, at(9, traffic="bot") | lost, at(9, "/a", outcome="error", status=410)]
    found = closed(make_hits, knowledge.config, rows)["errors"]
    assert found.select("page", "status", "referrer_kind", "hits", "visitors").rows() == [
        ("/old", 404, "direct", 1, 1),
        ("/old", 404, "internal", 3, 2),
    ]


def test_pages_that_do_not_exist_are_bounded(make_hits: Make, knowledge: Knowledge) -> None:
    """A thousand invented pages fill no table: the rarest are {other}. Their one sender would be suspected."""
    rows = [at(i, f"/{i}", outcome="error", status=404, visitor=100 + i % 100) for i in range(1_000)]
    rows += [at(0, "/old", outcome="error", status=404, visitor=i) for i in range(5)]
    pages = replace(knowledge.config.pages, max_per_day=3)
    found = closed(make_hits, knowledge.config, rows, pages=pages)["errors"]
    assert dict(found.group_by("page").agg(pl.col("hits").sum()).iter_rows()) == {
        "/old": 5,
        "/0": 1,
        "/1": 1,
        OTHER_PAGE: 998,
    }


def test_timings_are_those_of_page_views(make_hits: Make, knowledge: Knowledge) -> None:
    """Buckets in milliseconds; a download, a robot and a line without a time are not in them."""
    rows = [at(i, milliseconds=value) for i, value in enumerate((0, 130, 140, 99_999, None))]
    rows += [at(9, milliseconds=1, outcome="download"), at(9, milliseconds=1, traffic="bot")]
    found = closed(make_hits, knowledge.config, rows)["timings"]
    assert found.select("page", "bucket", "hits").rows() == [("/a", 0, 1), ("/a", 125, 2), ("/a", 80_000, 1)]


def test_lengths_of_visits(make_hits: Make, knowledge: Knowledge) -> None:
    """Views and seconds of each visit, in buckets, by device."""
    rows = [at(0), at(30), at(60), at(0, visitor=2, device="Tablet")]
    found = closed(make_hits, knowledge.config, rows)["lengths"]
    assert found.select("device", "depth", "bucket", "visits", "visitors").rows() == [
        ("PC", 3, 50, 1, 1),
        ("Tablet", 1, 0, 1, 1),
    ]
