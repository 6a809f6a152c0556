"""Procedures: each step has the visits that got so far, also where steps may be left out or nobody stopped at one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from logstats import config, page, pipeline, releasing
from logstats.page.funnels import funnels
from logstats.store import DurableStore
from tests.release.conftest import day_of_hits, days_of

from .conftest import page_rules
from .generate import release_hits, rules
from .reader import Tables, rows_of, table, text_of

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

NAMES = ("Lire", "Aide", "Remplir", "Envoyer")
PASSPORT = config.Funnel("Passeport", tuple(config.Step(n, (f"^/{n.lower()}$",), optional=n == "Aide") for n in NAMES))
WALKS = [("/lire", "/remplir", "/envoyer")] * 30 + [("/lire", "/aide")] * 4 + [("/lire",)] * 6
"""What the visitors of a day do: 30 leave the optional step out, nobody stops where the form is filled in."""
DAYS = 31
TRUTH = {"1. Lire": [40 * DAYS], "3. Remplir": [30 * DAYS], "4. Envoyer": [30 * DAYS]}


def walks(day: date) -> pl.DataFrame:
    """Make HITS of a day from WALKS."""
    rows = [
        (visitor, name, datetime(day.year, day.month, day.day, 9, minute, tzinfo=UTC))
        for visitor, walk in enumerate(WALKS)
        for minute, name in enumerate(walk)
    ]
    views = day_of_hits(day, 40, 1, pages=1).filter((pl.col("outcome") == "page_view") & (pl.col("traffic") == "human"))
    one = views.head(1)
    laid = one.drop("visitor", "page", "time").join(
        pl.DataFrame(rows, schema=["visitor", "page", "time"], orient="row"), how="cross"
    )
    return laid.select(pl.col(name).cast(dtype) for name, dtype in one.schema.items())


@pytest.fixture(scope="module")
def passport(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the release of a month of walks."""
    effective = replace(rules(), feature=(), funnel=(PASSPORT,))
    return release_hits(tmp_path_factory.mktemp("passport"), map(walks, days_of("2026-10")), effective)


def test_an_optional_step_is_not_taken_for_a_required_one(passport: Path, tmp_path: Path) -> None:
    """Required steps have all visits that passed them, also one at which nobody stopped; the optional one is named."""
    assert {row["derniere_etape"] for row in rows_of(passport, "parcours")} == {"", "1. Lire", "2. Aide", "4. Envoyer"}
    page.build([passport], tmp_path / "out", page_rules())
    for name, caption, says in (
        ("index.html", "Parcours\u00a0: Passeport", "Étapes facultatives, dont le passage n’est pas compté : Aide."),
        ("en/index.html", "Procedure: Passeport", "Optional steps, for which it is not counted who came by: Aide."),
    ):
        found = Tables((tmp_path / "out" / name).read_text())
        assert table(found, caption) == TRUTH
        assert says in text_of(tmp_path / "out" / name)


def test_a_release_says_the_steps_of_the_funnels_that_it_shows(passport: Path, tmp_path: Path) -> None:
    """privacy.json has names and order of the steps, of a month and of a year; what was frozen without has none."""
    own = shutil.copytree(passport.parent / "store", tmp_path / "store")
    steps = [{"name": name, "optional": name == "Aide"} for name in NAMES]
    entry = {"month": "2026-10", "site": "demarches", "funnel": "Passeport", "steps": steps}
    assert json.loads((passport / "privacy.json").read_text())["funnels"] == [entry]
    with DurableStore(own) as store:
        year = releasing.release_months(store, "2026")
        frozen = store.frozen("2026-10")
        assert frozen
        early = {name: value for name, value in frozen.about["privacy"].items() if name != "funnels"}
        about = json.dumps({**frozen.about, "privacy": early})
    assert json.loads(year["privacy.json"])["funnels"] == [entry]
    assert releasing.verify(year) == []
    (ledger,) = own.glob("*.sqlite")
    with sqlite3.connect(ledger) as opened:
        opened.execute("UPDATE releases SET about = ?", (about,))
    with DurableStore(own) as store:
        old = releasing.release_months(store, "2026")
    assert "funnels" not in json.loads(old["privacy.json"])
    assert releasing.verify(old) == []


def test_where_the_steps_are_not_known_the_last_ones_are_shown(passport: Path) -> None:
    """Without a list, with one that has other steps, and where steps are folded, no visit is added up."""
    rows = pl.read_parquet(passport / "parcours.parquet")
    last = [("1. Lire", 6 * DAYS), ("2. Aide", 4 * DAYS), ("4. Envoyer", 30 * DAYS)]
    renamed = [("Lire", False), ("Aide", True), ("Remplir", False), ("Payer", False)]
    for known in ({}, {"Passeport": renamed}):
        (one,) = funnels({"parcours": rows}, known)
        assert (one.reached, one.steps, one.optional) == (False, last, [])
    folded = rows.with_columns(pl.col("derniere_etape").replace("2. Aide", "(autres)"))
    (one,) = funnels({"parcours": folded}, {"Passeport": [(step.name, step.optional) for step in PASSPORT.steps]})
    assert (one.reached, one.steps) == (False, [last[0], last[2], ("(autres)", 4 * DAYS)])


def test_the_operators_report_knows_the_steps_too() -> None:
    """`report --html` takes them from the configuration."""
    effective = replace(rules(), feature=(), funnel=(PASSPORT,))
    cells = pipeline.closing(walks(days_of("2026-10")[0]), effective)
    facts = {"period": {}, "country_database": {"attribution": "", "name": "", "built": ""}}
    found = Tables(page.report(cells, effective, facts).decode())
    assert table(found, "Procedure: Passeport") == {step: [count // DAYS] for step, (count,) in TRUTH.items()}
