"""What the files of a release say beside their rows: rules, versions, days, and what is shown at each depth."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats import __version__, release
from logstats.lists import list_dates
from logstats.release.package import LICENCES
from logstats.releasing.months import gaps_of
from logstats.schema import DEFINITION, FAMILIES, LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.config import Config
    from logstats.derive.country import GeoInfo
    from logstats.releasing.families import Blocks
    from logstats.store.releases import Frozen

__all__ = ["about_month", "fixed_parameters", "said_of", "shares_shown"]

_GRACE_HOURS: Final = 48
_OF_A_MONTH: Final = ("k", "definition", "logstats", "country_database")


def about_month(
    month: str, days: Sequence[Mapping[str, Any]], config: Config, geo: GeoInfo, made: tuple[Blocks, int]
) -> dict[str, Any]:
    """Give all that the files say beside their rows."""
    blocks, merged = made
    missing, opened = gaps_of(month, days)
    sites = sorted({day["site"] for day in days})
    features = [[month, s, f.name] for s in sites for f in config.feature if f.site in {"", s}]
    about: dict[str, Any] = {
        "title": config.release.title,
        "publisher": config.release.publisher,
        "contact": config.release.contact,
        "licence": dict(LICENCES[config.release.licence]),
        "k": config.protection.k,
        "dominance": config.protection.dominance,
        "timezone": config.timezone,
        "definition": DEFINITION,
        "logstats": __version__,
        "lists": {name: day.isoformat() for name, day in list_dates().items()},
        "country_database": f"{geo.database}, {geo.built}",
        "attribution": geo.attribution,
        "partial": bool(missing or opened),
        "parameters": fixed_parameters(config),
        "features": features,
    }
    about["privacy"] = {
        "unit": "visitor-days",
        "k": about["k"],
        "dominance_limit": about["dominance"],
        "blocked_patterns": len(config.protection.blocked),
        "truncation": config.privacy.truncation,
        "id_bits": config.privacy.id_bits,
        "key_period": "site and local day",
        "key_grace_hours": _GRACE_HOURS,
        "keys_destroyed": [
            {"site": day["site"], "day": day["day"], "at": day["destroyed"]} for day in days if day["destroyed"]
        ],
        "late_lines": sum(day["late"] for day in days),
        "partial": about["partial"],
        "missing_days": missing,
        "open_days": opened,
        "merged": merged,
        "hierarchies": about["parameters"]["hierarchies"],
        "logstats": __version__,
        "definition": DEFINITION,
        "lists": about["lists"],
        "country_database": about["country_database"],
        "tables": shares_shown(blocks),
        "funnels": _funnels_shown(month, blocks, config),
    }
    return about


def said_of(version: Frozen) -> dict[str, Any]:
    """Say of a month in a release which version it is, when that was made, and by which rules."""
    rules = {name: version.about[name] for name in _OF_A_MONTH if name in version.about}
    return {"month": version.month, "version": version.version, "at": version.at, **rules}


def _funnels_shown(month: str, blocks: Blocks, config: Config) -> list[dict[str, Any]]:
    """List the steps of each funnel that is shown; without them, nobody knows which ones a visit must have passed."""
    found = []
    for site in sorted({site for site, family in blocks if family == "funnels"}):
        rows = blocks[site, "funnels"]
        shown = set(rows.filter((pl.col("level") == 1) & ~pl.col("folded"))[LEVELS[0]])
        for funnel in config.funnel:
            if funnel.name in shown and funnel.site in {"", site}:
                steps = [{"name": step.name, "optional": step.optional} for step in funnel.steps]
                found.append({"month": month, "site": site, "funnel": funnel.name, "steps": steps})
    return found


def shares_shown(blocks: Blocks) -> dict[str, dict[str, Any]]:
    """Say of each table how many blocks it has, and which share of its whole is shown at each depth."""
    names = {table.family: table for table in release.catalogue().tables.values() if table.family}
    found = {}
    for family, table in names.items():
        rows = [frame for (_, name), frame in blocks.items() if name == family]
        if not rows:
            continue
        together = pl.concat(rows)
        whole = max(int(together.filter(pl.col("level") == 0)["views"].sum()), 1)
        named = together.filter(~pl.col("folded"))
        by_level = [int(named.filter(pl.col("level") == n)["views"].sum()) for n in range(len(table.levels) + 1)]
        found[table.name] = {
            "blocks": together.height,
            "other_blocks": int(together["folded"].sum()),
            "shown_by_level": [round(views / whole, 4) for views in by_level],
        }
    return found


def fixed_parameters(config: Config) -> dict[str, Any]:
    """Give what must not change for a released month."""
    features = [[f.name, *map(list, (f.paths, f.methods, f.statuses)), f.site] for f in config.feature]
    secret = json.dumps([features, sorted(config.protection.blocked)])
    return {
        "k": config.protection.k,
        "dominance": config.protection.dominance,
        "hierarchies": {name: list(levels) for name, levels in FAMILIES.items()},
        "features_and_blocked": hashlib.sha256(secret.encode()).hexdigest(),
    }
