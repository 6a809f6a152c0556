"""Explain: how a line is read, and why it counts or does not. No address and no user agent is repeated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from logstats import derive, parse
from logstats.derive.addresses import parse_addresses
from logstats.derive.marks import known_method
from logstats.parse import advice
from logstats.read.lines import split_lines
from logstats.schema import REJECT_REASONS
from logstats.tally import shape
from logstats.visits.patterns import Requests, fits

if TYPE_CHECKING:
    from logstats.config import Config
    from logstats.derive import Knowledge

__all__ = ["explain"]

_VERDICTS: Final = {
    ("page_view", "human"): "counts as a page view of a person",
    ("download", "human"): "counts as a download by a person",
}


def explain(line: str, knowledge: Knowledge, now: datetime | None = None) -> dict[str, Any]:
    """Say how a line is read.

    Args:
        line: One line of a log.
        knowledge: The rules and the country table.
        now: The clock, for lines from the future.

    Returns:
        Names and values, in the order of the way of the data; the last is `verdict`.
    """
    lines = split_lines(line.encode("utf-8", "surrogateescape").split(b"\n")[0] + b"\n")
    config = knowledge.config
    formats = list(parse.named_formats().values())
    if config.format != "auto":
        formats = [parse.format_from(config.format)]
    latest = (now or datetime.now(UTC)) + timedelta(hours=1)
    read = parse.parse(
        lines, formats, timezone=config.timezone, latest=latest, opt_out_cookie=config.privacy.opt_out_cookie
    )
    name = next(iter(read.formats), None)
    if read.requests.is_empty():
        reason = read.rejects["reason"][0]
        looks, hint = advice.advise(lines, formats, formats)
        return {
            "format": name or "none fits",
            "shape": shape(lines[0]),
            "rejected": f"{reason}: {REJECT_REASONS[reason]}",
            **({"hint": "; ".join(part for part in (looks, hint) if part)} if name is None else {}),
            "verdict": "does not count: the line is rejected",
        }
    kept, opted_out = derive.withdraw(read.requests, config)
    if opted_out:
        return {
            "format": name,
            "verdict": "does not count: the person opted out (Sec-GPC, DNT or the cookie)",
        }
    described = derive.describe(kept, knowledge, explain=True)
    row = described.row(0, named=True)
    return {
        "format": name,
        **_facts(row, config.timezone),
        **_service(described.with_columns(known_method()), config),
        "verdict": _verdict(row),
    }


def _facts(row: dict[str, Any], timezone: str) -> dict[str, Any]:
    time = row["time"].astimezone(ZoneInfo(timezone))
    address = parse_addresses(pl.Series([row["client"]])).row(0, named=True)["version"]
    client = f"an IPv{address} address" if address else "no address"
    referrer = row["referrer_kind"] + (f", {row['referrer']}" if row["referrer"] else "")
    hostile = next(
        (rule for name in ("agent", "target", "referrer") if (rule := row.get(f"{name}_hostile_rule"))), None
    )
    return {
        "time": f"{time.isoformat()} (day {row['day']}, {timezone})",
        "site": row["site"],
        "client": f"{client} in {row['country']}; it is not shown and not kept",
        "request": f"{row['method'] or 'not a request'}, status {row['status']}, {row['bytes'] or 0:,} bytes",
        "path": row["host_prefix"] + row["template"],
        "outcome": f"{row['outcome']} (rule: {row['rule']})",
        "traffic": f"{row['traffic']} ({_traffic_rule(row, hostile)})",
        "device": f"{row['device']} (rule: {row['device_rule'] or 'nothing known'})",
        "referrer": referrer,
    }


def _service(described: pl.DataFrame, config: Config) -> dict[str, str]:
    """Say which feature and which steps of funnels the request is, where any are configured."""
    people = described.filter((pl.col("traffic") == "human") & pl.col("page").is_not_null())
    requests = Requests.of(people)
    facts = {}
    if config.feature:
        names = [one.name for one in config.feature if fits(requests, one, one.site).any()]
        facts["feature"] = names[0] if names else "none that is configured"
    if config.funnel:
        steps = [
            f"{funnel.name}, step {number}: {step.name}"
            for funnel in config.funnel
            for number, step in enumerate(funnel.steps, start=1)
            if fits(requests, step, funnel.site).any()
        ]
        facts["funnel"] = "; ".join(steps) or "no step that is configured"
    return facts


def _traffic_rule(row: dict[str, Any], hostile: str | None) -> str:
    if row["traffic"] == "suspected":
        return f"an attack: {hostile}" if hostile else "an attack"
    if not row["user_agent_logged"]:
        return "the format has no user agent"
    return f"rule: {row['traffic_rule']}" if row["traffic_rule"] else "no list of robots knows it"


def _verdict(row: dict[str, Any]) -> str:
    outcome, traffic = row["outcome"], row["traffic"]
    counted = _VERDICTS.get((outcome, traffic))
    if counted and row["partial"]:
        return f"{counted}, unless the same visit already has a piece of this file"
    if counted:
        return counted
    why = f"it is {outcome}" if outcome not in ("page_view", "download") else f"it was sent by {traffic}"
    return f"is a hit, but no view of a person: {why}"
