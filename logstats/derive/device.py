"""With what: PC, Tablet, Smartphone or Others, the four values of the European Commission.

A table of rules decides (`lists/devices.toml`). Client Hints come first where the log has them, because a
browser says there what its frozen user agent no longer says. What neither tells: an iPad's Safari says
Macintosh and counts as PC.
"""

from __future__ import annotations

from itertools import groupby

import polars as pl

from logstats.lists import pattern_list
from logstats.lists.match import contains_any, name_matches

__all__ = ["classify_devices"]

# Sec-CH-UA-Form-Factors may hold several values; a car or a headset that is also a tablet is no tablet.
# https://wicg.github.io/ua-client-hints/#sec-ch-ua-form-factors
FORM_FACTORS = (
    ("Automotive|XR|EInk|Watch", "Others"),
    ("Tablet", "Tablet"),
    ("Mobile", "Smartphone"),
    ("Desktop", "PC"),
)
# Sec-CH-UA-Platform. A TV may say Linux or Android, too, so that it only helps where no rule knew better.
PC_PLATFORMS = "Windows|macOS|Linux|Chrome OS|Chromium OS"


def classify_devices(
    user_agents: pl.Series,
    *,
    explain: bool = False,
    mobile_hint: pl.Series | None = None,
    platform_hint: pl.Series | None = None,
    form_factor_hint: pl.Series | None = None,
) -> pl.DataFrame:
    """Give the kind of device of each user agent.

    Args:
        user_agents: String, null where the line has none. Pass distinct values: each is looked up.
        explain: Name the rule that decided; takes several times as long.
        mobile_hint: Sec-CH-UA-Mobile of the same lines, `?1` or `?0`, where the log has it.
        platform_hint: Sec-CH-UA-Platform, for example `"Windows"`; quoted, escaped or bare.
        form_factor_hint: Sec-CH-UA-Form-Factors, for example `"Tablet"`.

    Returns:
        One row for each user agent, in order: `device` (PC, Tablet, Smartphone or Others, which stands for
        everything else, robots and the unknown) and `device_rule` (`devices: iPad` or `client hint: mobile`;
        null where nothing decided, and unless explained). Neither holds the user agent.
    """
    nothing = pl.repeat(None, user_agents.len(), dtype=pl.String, eager=True)
    columns = {
        "user_agent": user_agents,
        "mobile": mobile_hint,
        "platform": platform_hint,
        "form_factor": form_factor_hint,
    }
    frame = pl.DataFrame({name: nothing if column is None else column for name, column in columns.items()})
    opinions = frame.cast(pl.String).select(
        _by_form_factor(pl.col("form_factor")).alias("client hint: form factor"),
        pl.when(pl.col("mobile") == "?1").then(pl.lit("Smartphone")).alias("client hint: mobile"),
        _by_user_agent(pl.col("user_agent")).alias("devices"),
        pl.when(pl.col("platform").str.contains(PC_PLATFORMS)).then(pl.lit("PC")).alias("client hint: platform"),
    )
    rules = _rules(frame["user_agent"], opinions) if explain else nothing
    device = opinions.select(pl.coalesce(*opinions.columns, pl.lit("Others")))
    return pl.DataFrame({"device": device.to_series(), "device_rule": rules})


def _by_form_factor(form_factor: pl.Expr) -> pl.Expr:
    """Read Sec-CH-UA-Form-Factors; null where it is missing or says nothing known."""
    return pl.coalesce(
        pl.when(form_factor.str.contains(values)).then(pl.lit(device)) for values, device in FORM_FACTORS
    )


def _by_user_agent(user_agent: pl.Expr) -> pl.Expr:
    """Apply the rules in order; null where none fits. Neighbours with one answer are looked up together."""
    groups = groupby(pattern_list("devices").entries, key=lambda rule: rule.device)
    return pl.coalesce(pl.when(contains_any(user_agent, list(rules))).then(pl.lit(device)) for device, rules in groups)


def _rules(user_agents: pl.Series, opinions: pl.DataFrame) -> pl.Series:
    """Name the first opinion that is one, and for the table the rule of it."""
    named = name_matches(
        user_agents.cast(pl.String), opinions["devices"].is_not_null(), pattern_list("devices").entries
    )
    labels = [
        pl.when(pl.col(name).is_not_null()).then(pl.lit("devices: ") + named if name == "devices" else pl.lit(name))
        for name in opinions.columns
    ]
    return opinions.select(pl.coalesce(labels)).to_series()
