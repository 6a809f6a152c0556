"""The way from cells to what the public sees: cells ──protect──> blocks ──freeze──> the ledger ──render──> files.

The ledger comes before the files: what was frozen is what is written, now and whenever it is asked for again.

    months      which days a month has, and which of them are missing
    families    cells ──> blocks, family by family
    about       what the files say beside their rows
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats import release
from logstats.errors import InputMissingError, LogstatsError
from logstats.protect import COLUMNS, Rules, blocking, recount
from logstats.releasing.about import about_month, fixed_parameters, said_of, shares_shown
from logstats.releasing.families import Blocks, families_of, protect_families, rules_of
from logstats.releasing.months import bounds_of, gaps_of, named, refuse_incomplete
from logstats.schema import LEVELS
from logstats.store.releases import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.config import Config
    from logstats.derive.country import GeoInfo
    from logstats.store import DurableStore

__all__ = ["compare", "named", "release_month", "release_months", "verify"]

verify = release.verify
compare = release.compare

_LISTS: Final = ("keys_destroyed", "missing_days", "open_days", "funnels")


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
    cells = store.cells("prefixes").filter(pl.col("day").is_between(*bounds_of(month)))
    roots = cells.filter(pl.col("level") == 0).collect()
    rules = rules_of(config)
    if frozen is None:
        refuse_incomplete(month, days, roots, partial=partial)
        made = protect_families(cells, roots, rules)
        version = 1
    else:
        deleted = set(gaps_of(month, days)[0]) - set(frozen.about["privacy"]["missing_days"])
        if deleted or roots.is_empty() or (corrected := _corrected(frozen, cells, config, rules)) is None:
            return _files([frozen])
        refuse_incomplete(month, days, roots, partial=partial)
        made, version = (corrected, 0), frozen.version + 1
    at = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
    about = about_month(month, days, config, geo, made)
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


def _frame(rows: Mapping[str, list[Any]]) -> pl.DataFrame:
    return pl.DataFrame(dict(rows), schema=dict(COLUMNS))


def _corrected(frozen: Frozen, cells: pl.LazyFrame, config: Config, rules: Rules) -> Blocks | None:
    """Count a released month anew; None when nothing has changed.

    Raises:
        LogstatsError: It must not be published again.
    """
    if frozen.about["parameters"] != fixed_parameters(config):
        raise LogstatsError(
            f"{frozen.month}: was released with another k, dominance, hierarchy, block list or features",
            hint="they begin to hold with a month that is not released; restore them to give this one again",
        )
    families = {
        (site, name): prefixes
        for site in {site for site, _ in frozen.rows}
        for name, prefixes in families_of(cells.filter(pl.col("site") == site)).items()
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
            # What was frozen before a list was kept has none.
            **{
                name: [one for entry in privacy for one in entry.get(name, ())]
                for name in _LISTS
                if any(name in entry for entry in privacy)
            },
            **{name: sum(entry[name] for entry in privacy) for name in ("late_lines", "merged")},
            "tables": shares_shown({key[1:]: frame for key, frame in together.items()}),
        }
        about["k"] = about["privacy"]["k"]
    about["privacy"] = {**about["privacy"], "releases": [said_of(version) for version in frozen]}
    return release.render(release.shape(blocks, features), about)
