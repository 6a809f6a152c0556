"""What the page says of figures that a release does not show: why, and never of a figure that is simply not known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from logstats import config, page
from logstats.page.texts import language
from tests.release.conftest import day_of_hits, days_of

from .conftest import page_rules
from .generate import release_hits, rules
from .reader import Tables, rows_of, table, text_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

FEATURES = (
    config.Feature("Petite", (r"^/petite$",)),
    config.Feature("Grande", (r"^/grande$",)),
    config.Feature("Accueil", (r"^/$",)),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the release of a month in which six people used a feature, and many another; its page is beside it."""
    folder = tmp_path_factory.mktemp("small")
    effective = replace(rules(), feature=FEATURES, funnel=())
    days = []
    for day in days_of("2026-10")[:25]:
        hits = day_of_hits(day, 60 if day.day != 20 else 4, 7, pages=1).filter(pl.col("outcome") == "page_view")
        few, many = pl.col("visitor") < (6 if day.day == 1 else 0), pl.col("visitor") < 30
        names = pl.when(few).then(pl.lit("/petite")).when(many).then(pl.lit("/grande")).otherwise(pl.lit("/"))
        days.append(hits.with_columns(page=names))
    made = release_hits(folder, days, effective, partial=True)
    page.build([made], folder / "out", page_rules())
    return made


@pytest.mark.parametrize(
    ("name", "says", "ranked"),
    (
        ("index.html", "réuni avec un autre chiffre rare pour le protéger", "d’après ce qui peut être montré"),
        ("en/index.html", "put together with another rare figure to protect that one", "what may be shown"),
    ),
)
def test_a_large_figure_that_protects_a_rare_one_is_not_called_rare(
    small: Path, name: str, says: str, ranked: str
) -> None:
    """`Accueil` is `s` for the sake of `Petite`: what is said of `s` holds for both, in each section that has one."""
    counts = {row["fonctionnalite"]: row["vues"] for row in rows_of(small, "fonctionnalites")}
    assert (counts["Petite"], counts["Accueil"]) == ("s", "s")
    assert int(counts["Grande"]) > 1000  # as many as `Accueil`, about
    text = (small.parent / "out" / name).read_text()
    sections = {part.partition('"')[0]: part for part in text.split('<section id="')[1:]}
    with_secret = {key for key, part in sections.items() if "<td>s</td>" in part}
    assert with_secret == {"days", "features"}
    assert {key for key, part in sections.items() if says in part} == with_secret
    assert {key for key, part in sections.items() if ranked in part} == {"features", "pages"}


def test_a_day_without_a_log_is_not_called_withheld(small: Path) -> None:
    """A day of four visitors is `s`; days that no log was read of are `–`, which is explained."""
    lang = language("fr")
    text = (small.parent / "out" / "index.html").read_text()
    rows = {row[0]: row[1:] for row in Tables(text).tables[lang.texts["days"]["chart"]][1:]}
    assert len(rows) == 31
    assert rows["mardi 20 octobre 2026"] == ["s", "s"]
    names = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi")
    missing = [f"{name} {day} octobre 2026" for day, name in enumerate(names, 26)]
    assert [day for day, row in rows.items() if row == ["–", "–"]] == missing
    chart = text.split('id="days-v-t"')[1].split("</svg>")[0]
    withheld = [day for day, (views, _) in rows.items() if views == "s"]
    assert chart.count(">s</text>") == len(withheld) > 0  # a day without a log has nothing
    assert chart.count('<rect class="') == 25 - len(withheld)
    assert "« – » : pas de journal pour ce jour." in text_of(small.parent / "out" / "index.html")


def test_nothing_is_withheld_from_the_operator(
    logstats: Callable[..., subprocess.CompletedProcess[str]], samples: Path, tmp_path: Path
) -> None:
    """`report --html` shows the days that were read, from the first to the last, and no `s`."""
    file = tmp_path / "r.html"
    assert logstats("report", samples / "public_service.log.xz", "--html", file, "--json").returncode == 0
    found = Tables(file.read_text())
    cells = [cell for rows in found.tables.values() for row in rows for cell in row]
    assert cells
    assert "s" not in cells
    assert "what may be shown" not in file.read_text()
    read = pl.Series(table(found, "Page views by day").keys())
    assert len(read) < 28
