"""What the tests of releases share: a month of a seeded population, closed in a store."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from logstats import config, pipeline, runs
from logstats.read import open_source
from logstats.schema import HITS
from logstats.store import DurableStore, ThrowawayStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from logstats.derive import Knowledge

COUNTRIES = ("FR", "BE", "DE", "ES", "IT", "CH", "MA", "DZ", "US", "CA", "PT", "SN", "GB", "LU", "ZZ")
DEVICES = ("PC", "Smartphone", "Tablet", "Others")
FEATURES = (
    config.Feature("Accueil", (r"^/$",)),
    config.Feature("Démarches", (r"^/demarches/[1-4]$",)),
    config.Feature("Envoyer", (r"^/demarches",), methods=("POST",)),
    config.Feature("Jamais", (r"^/jamais$",)),
)
FUNNELS = (
    config.Funnel("Demande", (config.Step("Lire", (r"^/demarches/1$",)), config.Step("Remplir", (r"^/demarches/2$",)))),
)


def page_names(pages: int) -> list[str]:
    """Name the pages: the home page, some procedures, articles."""
    return ["/", *(f"/demarches/{i}" for i in range(1, 10)), *(f"/articles/{i}" for i in range(10, pages))]


def day_of_hits(day: date, visitors: int, seed: int, *, pages: int = 300, first: int = 0) -> pl.DataFrame:
    """Make HITS of one day: visitors with a country and a device, who view pages by a Zipf law, and a few robots.

    Args:
        day: The local day.
        visitors: How many.
        seed: Of the generator; equal seeds give equal hits.
        pages: How many pages there are.
        first: Id of the first visitor.
    """
    random = np.random.default_rng([seed, day.toordinal()])
    views = random.geometric(0.4, visitors)
    who = np.repeat(np.arange(visitors), views)
    n = len(who)
    weights = 1 / np.arange(1, len(COUNTRIES) + 1) ** 2
    country = random.choice(len(COUNTRIES), visitors, p=weights / weights.sum())
    device = random.choice(4, visitors, p=(0.5, 0.4, 0.07, 0.03))
    page = np.minimum(random.zipf(1.4, n) - 1, pages - 1)
    kind = random.choice(4, n, p=(0.88, 0.06, 0.03, 0.03))  # page, download, form, error
    start = datetime(day.year, day.month, day.day, 8, tzinfo=UTC).timestamp()
    seconds = start + random.integers(0, 36_000, visitors)[who] + random.integers(0, 900, n)
    searched = random.choice(3, visitors, p=(0.5, 0.4, 0.1))
    names = page_names(pages)
    hits = pl.DataFrame(
        {
            "day": pl.repeat(day, n, eager=True),
            "time": pl.Series((seconds * 1000).astype(np.int64)).cast(pl.Datetime("ms", "UTC")),
            "site": pl.repeat("demarches", n, eager=True),
            "visitor": who + first,
            "outcome": [("page_view", "download", "other_method", "error")[i] for i in kind],
            "traffic": ["bot" if v % 50 == 49 else "human" for v in who],
            "status": [(200, 200, 303, 404)[i] for i in kind],
            "bytes": random.integers(100, 9_000, n),
            "page": [f"/fichiers/{p}.pdf" if i == 1 else names[p] for p, i in zip(page, kind, strict=True)],
            "country": [COUNTRIES[country[v]] for v in who],
            "device": [DEVICES[device[v]] for v in who],
            "referrer_kind": [("search", "direct", "public")[searched[v]] for v in who],
            "partial": pl.repeat(False, n, eager=True),  # noqa: FBT003 - the value
            "robots_txt": pl.repeat(False, n, eager=True),  # noqa: FBT003 - the same
            "method": ["POST" if i == 2 else "GET" for i in kind],
            "milliseconds": [int(m) if i == 0 else None for m, i in zip(random.lognormal(5, 1, n), kind, strict=True)],
            "searched": pl.repeat(False, n, eager=True),  # noqa: FBT003 - the same
        }
    )
    absent = [pl.lit(None).alias(name) for name in HITS if name not in hits.columns]
    return hits.with_columns(absent).select(pl.col(name).cast(dtype) for name, dtype in HITS.items())


def alike(day: date, visitors: int, *, page: str = "/", first: int = 900_000) -> pl.DataFrame:
    """Make HITS of so many visitors who are all of one kind, each with one view of a page."""
    hits = day_of_hits(day, visitors, 2, first=first).unique("visitor")
    return hits.with_columns(
        page=pl.lit(page),
        outcome=pl.lit("page_view", dtype=hits.schema["outcome"]),
        traffic=pl.lit("human", dtype=hits.schema["traffic"]),
        method=pl.lit("GET", dtype=hits.schema["method"]),
        country=pl.lit("FR"),
        device=pl.lit("PC", dtype=hits.schema["device"]),
        referrer_kind=pl.lit("search", dtype=hits.schema["referrer_kind"]),
        milliseconds=pl.lit(None, dtype=pl.Int32),
        status=pl.lit(200, dtype=pl.UInt16),
    )


def days_of(month: str) -> list[date]:
    """Give the days of a month."""
    year, number = map(int, month.split("-"))
    return [date(year, number, day) for day in range(1, calendar.monthrange(year, number)[1] + 1)]


def rules_of(knowledge: Knowledge, **protection: Any) -> config.Config:
    """Give a configuration with features and a funnel."""
    from dataclasses import replace  # noqa: PLC0415 - used here alone

    usual = replace(knowledge.config, feature=FEATURES, funnel=FUNNELS)
    return replace(usual, protection=replace(usual.protection, **protection))


def hits_of_logs(files: Iterable[Path], knowledge: Knowledge, month: str) -> dict[date, pl.DataFrame]:
    """Read real logs, and lay their days over those of a month: HITS by day, of the same site, no visitor twice."""
    days = days_of(month)
    found: dict[date, pl.DataFrame] = {}
    with ThrowawayStore() as opened:
        run = runs.Run(knowledge, opened)
        for file in files:
            pipeline.intake_whole(open_source(str(file)), run)
        for number, (site, day) in enumerate(opened.open_days()):
            target = days[day.toordinal() % len(days)]
            who = pl.col("visitor").rank("dense") + 1_000_000 * (number + 10)
            hits = opened.hits(site, day).with_columns(
                day=pl.lit(target),
                site=pl.lit("demarches"),
                visitor=who,
                time=pl.col("time") + (target - day),
            )
            fitting = hits.select(pl.col(name).cast(dtype) for name, dtype in HITS.items())
            found[target] = pl.concat([found[target], fitting]) if target in found else fitting
    return found


def fill(
    folder: Path,
    rules: config.Config,
    month: str,
    *,
    visitors: int,
    seed: int = 1,
    real: Mapping[date, pl.DataFrame] | None = None,
) -> None:
    """Make a store with a closed month."""
    with DurableStore(folder) as store:
        for day in days_of(month):
            made = day_of_hits(day, visitors, seed)
            hits = pl.concat([made, real[day]]) if real and day in real else made
            store.close("demarches", day, pipeline.closing(hits, rules), "test")


@pytest.fixture(scope="session")
def small_month(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge) -> Path:
    """Return a store with a closed month of 6,200 visitor-days."""
    folder = tmp_path_factory.mktemp("small") / "store"
    fill(folder, rules_of(knowledge), "2026-10", visitors=200)
    return folder


@pytest.fixture(scope="session")
def real_month(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge, samples: Path) -> Path:
    """Return a store with a closed month of 52,700 simulated visitor-days, and all sample logs laid over it."""
    folder = tmp_path_factory.mktemp("real") / "store"
    real = hits_of_logs(sorted(path for path in samples.iterdir() if path.suffix != ".md"), knowledge, "2026-10")
    assert sum(map(len, real.values())) > 10_000
    fill(folder, rules_of(knowledge), "2026-10", visitors=1_700, real=real)
    return folder


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path], Path]:
    """Return a function that copies a store, so that a test may change it."""
    import shutil  # noqa: PLC0415 - used here alone

    def copy(store: Path) -> Path:
        target = tmp_path / f"store{len(list(tmp_path.iterdir()))}"
        shutil.copytree(store, target)
        return target

    return copy
