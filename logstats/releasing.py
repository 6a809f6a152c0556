"""The way from cells to what the public sees: cells ──protect──> blocks ──freeze──> the ledger ──render──> files.

The ledger comes before the files: what was frozen is what is written, now and whenever it is asked for again.
"""

from __future__ import annotations

import calendar
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from logstats import __version__, release
from logstats.errors import InputMissingError, LogstatsError
from logstats.lists import list_dates
from logstats.protect import COLUMNS, Rules, blocking, protect, recount
from logstats.release.package import LICENCES
from logstats.schema import DEFINITION, FAMILIES, LEVELS
from logstats.store.releases import Frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from logstats.config import Config
    from logstats.derive.country import GeoInfo
    from logstats.store import DurableStore

__all__ = ["compare", "named", "release_month", "release_months", "verify"]

verify = release.verify
compare = release.compare

_DAYS: Final = ("pages", "downloads", "visits")
_PARTS: Final = ("pages", "downloads", "journeys", "funnels", "timings")  # their visitors are some of those of visits
_VIEWED: Final = {"pages": "page_view", "downloads": "download"}  # the outcome that a family is the people's part of
_GRACE_HOURS: Final = 48
_LISTS: Final = ("keys_destroyed", "missing_days", "open_days")

Blocks = dict[tuple[str, str], pl.DataFrame]
"""By site and family."""


def release_month(
    store: DurableStore, month: str, config: Config, geo: GeoInfo, *, partial: bool = False, now: datetime | None = None
) -> dict[str, bytes]:
    """Give the files of a month, and freeze it. A month that was released before is given as it was.

    Args:
        store: Whose closed days.
        month: As in 2026-10.
        config: The effective configuration.
        geo: The country database that is named.
        partial: Release a month of which days are missing or open, and mark it so.
        now: A clock that stands still, for tests.

    Raises:
        LogstatsError: Days are missing or open; or a correction would tell about fewer than k visitor-days; or what
            must not change for a released month did.
        InputMissingError: Nothing of the month is there.
    """
    frozen = store.frozen(month)
    days = store.days_of(month)
    cells = store.cells("prefixes").filter(pl.col("day").is_between(*_bounds(month)))
    roots = cells.filter(pl.col("level") == 0).collect()
    rules = _rules(config)
    if frozen is None:
        _refuse_incomplete(month, days, roots, partial=partial)
        made = _protected(cells, roots, rules)
        version = 1
    else:
        deleted = set(_gaps(month, days)[0]) - set(frozen.about["privacy"]["missing_days"])
        if deleted or roots.is_empty() or (corrected := _corrected(frozen, cells, config, rules)) is None:
            return _files([frozen])
        _refuse_incomplete(month, days, roots, partial=partial)
        made, version = (corrected, 0), frozen.version + 1
    at = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
    about = _about(month, days, config, geo, made)
    rows = {key: frame.to_dict(as_series=False) for key, frame in made[0].items()}
    fresh = Frozen(month, version, at, about, rows)
    files = _files([fresh])
    store.freeze(fresh, {name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    return files


def release_months(store: DurableStore, period: str) -> dict[str, bytes]:
    """Give the files of several released months together: of a year (`2026`), or of all (`historique`).

    Nothing new is told: these are the blocks that were published, as they were.

    Raises:
        InputMissingError: No month of the period was released.
    """
    months = [month for month in store.released_months() if period in {month[:4], "historique"}]
    frozen = [version for month in months if (version := store.frozen(month))]
    if not frozen:
        raise InputMissingError(f"{period}: no month was released", hint="logstats release --month comes first")
    return _files(frozen, period)


def named(
    month: str | None, year: str | None, timezone: str, now: datetime | None = None
) -> tuple[str | None, str | None]:
    """Give month and year with `last` put as the month that ended last, in local time, and its year."""
    first = (now or datetime.now(UTC)).astimezone(ZoneInfo(timezone)).date().replace(day=1)
    last = (first - timedelta(days=1)).strftime("%Y-%m")
    return last if month == "last" else month, last[:4] if year == "last" else year


def _rules(config: Config) -> Rules:
    return Rules(config.protection.k, config.protection.dominance, config.protection.blocked)


def _bounds(month: str) -> tuple[date, date]:
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])


def _refuse_incomplete(month: str, days: Sequence[Mapping[str, Any]], roots: pl.DataFrame, *, partial: bool) -> None:
    """Refuse a month of which days are open, missing, or were closed before prefixes were kept."""
    if not any(day["closed"] for day in days):
        raise InputMissingError(f"{month}: no day of it is closed", hint="logstats status shows the days")
    kept = set(roots.select("site", pl.col("day").cast(pl.String)).iter_rows())
    closed = {(day["site"], day["day"]) for day in days if day["closed"] and not day["forgotten"] and day["hits"]}
    if old := closed - kept:
        raise LogstatsError(
            f"{month}: {len(old)} days were closed by a version that did not keep what protection needs",
            hint="logstats redo counts a day anew from its logs",
        )
    missing, opened = _gaps(month, days)
    if (missing or opened) and not partial:
        raise LogstatsError(
            f"{month} is not complete: {len(opened)} days are open, {len(missing)} are missing",
            hint="logstats close --all closes days; --partial releases the month as it is, and marks it so",
        )


def _gaps(month: str, days: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Give the days that are missing, and those that are open, each with its site."""
    first, last = _bounds(month)
    whole = [first.replace(day=number).isoformat() for number in range(first.day, last.day + 1)]
    by_site: dict[str, dict[str, Mapping[str, Any]]] = {}
    for day in days:
        by_site.setdefault(day["site"], {})[day["day"]] = day
    missing, opened = [], []
    for site, known in sorted(by_site.items()):
        missing += [f"{site} {day}" for day in whole if day not in known or known[day]["forgotten"]]
        opened += [f"{site} {day}" for day in whole if day in known and not known[day]["closed"]]
    return missing, opened


def _protected(cells: pl.LazyFrame, roots: pl.DataFrame, rules: Rules) -> tuple[Blocks, int]:
    """Protect every family of every site; give the blocks, and how many values are in OTHER."""
    made: Blocks = {}
    merged = 0
    for site in sorted(roots["site"].unique()):
        families = _families(cells.filter(pl.col("site") == site))
        seen = {name: _visitors(families[name]) for name in FAMILIES}
        both = seen["pages"] + seen["downloads"] - seen["visits"]
        for family, prefixes in families.items():
            found = protect(
                prefixes,
                FAMILIES.get(family, ("day",)),
                rules,
                within=seen["visits"] if family in _PARTS and seen["visits"] >= rules.k else None,
                secret=family == "downloads" and 0 < both < rules.k,
            )
            rows = _without_whole(found.rows) if family not in FAMILIES or family == "referrers" else found.rows
            if family == "traffic" and not _shows_people(rows, {name for of, name in made if of == site}):
                rows = rows.clear()
            if not rows.is_empty():
                made[site, family] = rows
                merged += found.merged
    return made, merged


def _families(cells: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """Give the prefixes of each family of a site, those by day included."""
    by_family = {name: cells.filter(pl.col("family") == name) for name in FAMILIES}
    for name in _DAYS:
        roots = by_family[name].filter(pl.col("level") == 0)
        days = roots.with_columns(pl.col("day").cast(pl.String).alias(LEVELS[0]), level=pl.lit(1, dtype=pl.Int64))
        by_family[f"days_{name}"] = pl.concat([roots, days])
    return by_family


def _visitors(prefixes: pl.LazyFrame) -> int:
    return int(prefixes.filter(pl.col("level") == 0).select(pl.col("visitors").sum()).collect().item())


def _without_whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave a one-dimensional breakdown away when one of its blocks is the whole: crossings would become exact."""
    root = rows.filter(pl.col("level") == 0)
    blocks = rows.filter(pl.col("level") == 1)
    equal = blocks.join(root, how="cross", suffix="_whole")
    whole = equal.filter((pl.col("views") == pl.col("views_whole")) | (pl.col("low") == pl.col("low_whole")))
    return root if whole.height else rows


def _shows_people(rows: pl.DataFrame, published: Collection[str]) -> bool:
    """Tell whether `traffic` shows people by themselves wherever another family tells how much they viewed.

    If they were folded, all requests of that outcome less those of people would be the few others, to the unit.
    """
    shown = set(rows.filter((pl.col("level") == 2) & ~pl.col("folded")).select(LEVELS[:2]).iter_rows())  # noqa: PLR2004
    return all((outcome, "human") in shown for family, outcome in _VIEWED.items() if family in published)


def _frame(rows: Mapping[str, list[Any]]) -> pl.DataFrame:
    return pl.DataFrame(dict(rows), schema=dict(COLUMNS))


def _corrected(frozen: Frozen, cells: pl.LazyFrame, config: Config, rules: Rules) -> Blocks | None:
    """Count a released month anew; None when nothing has changed.

    Raises:
        LogstatsError: It must not be published again.
    """
    if frozen.about["parameters"] != _parameters(config):
        raise LogstatsError(
            f"{frozen.month}: was released with another k, dominance, hierarchy, block list or features",
            hint="they begin to hold with a month that is not released; restore them to give this one again",
        )
    families = {
        (site, name): prefixes
        for site in {site for site, _ in frozen.rows}
        for name, prefixes in _families(cells.filter(pl.col("site") == site)).items()
    }
    old = {key: _frame(rows) for key, rows in frozen.rows.items()}
    new = {key: recount(rows, families[key].collect()) for key, rows in old.items()}
    public = ("level", *LEVELS, "views", "visitors")
    if all(new[key].select(public).equals(rows.select(public)) for key, rows in old.items()):
        return None
    if count := sum(blocking(rows, new[key], rules) for key, rows in old.items()):
        raise LogstatsError(
            f"{frozen.month}: the correction is refused: {count} blocks would change in a way that tells about fewer"
            f" than {rules.k} visitor-days",
            hint="what was published stays; a correction by more visitor-days may pass",
        )
    return new


def _parameters(config: Config) -> dict[str, Any]:
    """Give what must not change for a released month."""
    features = [[f.name, *map(list, (f.paths, f.methods, f.statuses)), f.site] for f in config.feature]
    secret = json.dumps([features, sorted(config.protection.blocked)])
    return {
        "k": config.protection.k,
        "dominance": config.protection.dominance,
        "hierarchies": {name: list(levels) for name, levels in FAMILIES.items()},
        "features_and_blocked": hashlib.sha256(secret.encode()).hexdigest(),
    }


def _about(
    month: str, days: Sequence[Mapping[str, Any]], config: Config, geo: GeoInfo, made: tuple[Blocks, int]
) -> dict[str, Any]:
    """Give all that the files say beside their rows."""
    blocks, merged = made
    missing, opened = _gaps(month, days)
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
        "parameters": _parameters(config),
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
        "tables": _shown(blocks),
    }
    return about


def _shown(blocks: Blocks) -> dict[str, dict[str, Any]]:
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


def _files(frozen: Sequence[Frozen], period: str = "") -> dict[str, bytes]:
    """Make the files of frozen months; what they say beside their rows is that of the last one."""
    last = frozen[-1]
    blocks = {
        (version.month, site, family): _frame(rows)
        for version in frozen
        for (site, family), rows in version.rows.items()
    }
    features = [tuple(entry) for version in frozen for entry in version.about["features"]]
    privacy = [version.about["privacy"] for version in frozen]
    about = {
        **last.about,
        "period": period or last.month,
        "version": last.version,
        "at": last.at,
        "partial": any(version.about["partial"] for version in frozen),
    }
    if len(frozen) > 1 or period:
        together = {("", f"{month} {site}", family): frame for (month, site, family), frame in blocks.items()}
        about["privacy"] = {
            **last.about["privacy"],
            "k": min(entry["k"] for entry in privacy),
            "months": [version.month for version in frozen],
            **{name: [one for entry in privacy for one in entry[name]] for name in _LISTS},
            **{name: sum(entry[name] for entry in privacy) for name in ("late_lines", "merged")},
            "tables": _shown({key[1:]: frame for key, frame in together.items()}),
        }
        about["k"] = about["privacy"]["k"]
    checked = [{"month": version.month, "version": version.version} for version in frozen]
    about["privacy"] = {**about["privacy"], "releases": checked}
    return release.render(release.shape(blocks, features), about)
