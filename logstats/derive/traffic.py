"""Who asks: the traffic class of a user agent, and the marks of an attack.

The order is that of the definition `pageview/1`: assistant, AI crawler, monitor, tool, bot, human. A robot
with a browser's user agent looks human here; what it does during the day may still make it `suspected`.
"""

from __future__ import annotations

import polars as pl

from logstats.lists import pattern_list
from logstats.lists.match import contains_any, name_matches

__all__ = ["EMPTY_USER_AGENT", "classify_user_agents", "is_hostile"]

EMPTY_USER_AGENT = "empty user agent"

# List -> class of what it recognises, in the order in which the lists are looked up.
CLASS_OF_LIST = {
    "ai_assistants": "ai_assistant",
    "ai_crawlers": "ai_crawler",
    "monitors": "monitor",
    "tools": "tool",
    "bots": "bot",
}


def classify_user_agents(user_agents: pl.Series, *, explain: bool = False) -> pl.DataFrame:
    """Give the traffic class of each user agent.

    Args:
        user_agents: String, null where the line has none. Pass distinct values: each is looked up.
        explain: Name the rule that decided; takes several times as long.

    Returns:
        One row for each user agent, in order: `traffic` (ai_assistant, ai_crawler, monitor, tool, bot or
        human) and `traffic_rule` (list and entry, for example `ai_crawlers: GPTBot`; null for a human, and
        unless explained). Neither holds the user agent.
    """
    texts = user_agents.rename("user_agent").cast(pl.String)
    decided_by = texts.to_frame().select(_deciding_list(pl.col("user_agent"))).to_series()
    rules = _rules(texts, decided_by) if explain else pl.repeat(None, texts.len(), dtype=pl.String, eager=True)
    class_of = {EMPTY_USER_AGENT: "bot", **CLASS_OF_LIST}
    traffic = decided_by.replace_strict(class_of, default="human", return_dtype=pl.String)
    return pl.DataFrame({"traffic": traffic, "traffic_rule": rules})


def is_hostile(texts: pl.Series) -> pl.DataFrame:
    """Say whether a text is an attack that no browser sends by itself.

    Args:
        texts: String, null where there is none: a request target, a referrer or a user agent as logged.

    Returns:
        One row for each text, in order: `hostile` (Boolean, never null) and `hostile_rule` (String, the
        attack's name; null unless hostile).
    """
    attacks = pattern_list("attacks").entries
    column = texts.rename("text").cast(pl.String)
    hostile = column.to_frame().select(contains_any(pl.col("text"), attacks).fill_null(value=False)).to_series()
    return pl.DataFrame({"hostile": hostile, "hostile_rule": name_matches(column, hostile, attacks)})


def _deciding_list(user_agent: pl.Expr) -> pl.Expr:
    """Name the first list that knows a user agent; null if none does."""
    is_empty = user_agent.is_null() | user_agent.str.strip_chars().is_in(["", "-"])
    lists = [pl.when(contains_any(user_agent, pattern_list(name).entries)).then(pl.lit(name)) for name in CLASS_OF_LIST]
    return pl.when(is_empty).then(pl.lit(EMPTY_USER_AGENT)).otherwise(pl.coalesce(lists))


def _rules(user_agents: pl.Series, decided_by: pl.Series) -> pl.Series:
    """Name the deciding entries, list by list: each pattern sees only what its list has recognised."""
    named = {
        name: name_matches(user_agents, decided_by.eq_missing(name), pattern_list(name).entries)
        for name in CLASS_OF_LIST
    }
    decided_empty = pl.when(pl.col("decided_by") == EMPTY_USER_AGENT).then(pl.lit(EMPTY_USER_AGENT))
    labels = [pl.lit(f"{name}: ") + pl.col(name) for name in named]
    return pl.DataFrame({"decided_by": decided_by, **named}).select(pl.coalesce(decided_empty, *labels)).to_series()
