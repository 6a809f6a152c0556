"""The page as files: each figure is the release's, nothing else is there, addresses stay, what is wrong is refused."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from logstats import folders, page
from logstats.errors import ConfigurationError, InputMissingError, LogstatsError
from logstats.page.charts import columns, flow, ticks
from logstats.page.figures import figures, union
from logstats.page.history import Past
from logstats.page.palette import DARK, LIGHT, contrast, palette
from logstats.page.reading import months_of, read
from logstats.page.site import site
from logstats.page.texts import language
from logstats.page.unprotected import tables_of_cells
from logstats.page.view import view

from .conftest import INDICATORS, LAST, page_rules
from .reader import Tables, rows_of, table, whole

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from logstats import runs

MONTHS = 14


def top(rows: list[dict[str, str]], column: str, measure: str, level: int) -> list[tuple[str, list[int | None]]]:
    """Add up a level of a tree by one of its columns, and give the ten largest, the largest first."""
    sums: Counter[str] = Counter()
    for row in rows:
        if int(row["niveau"]) == level and row[column] not in {"", "(autres)"}:
            sums[row[column]] += int(row[measure])
    ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:10]
    return [(name, [count]) for name, count in ranked]


def ranked(found: Tables, caption: str) -> list[tuple[str, list[int | None]]]:
    """Give a table's rows in their order."""
    return list(table(found, caption).items())


def root(folder: Path, name: str, measure: str) -> int:
    """Give the total of a table."""
    return next(int(row[measure]) for row in rows_of(folder, name) if row["niveau"] == "0")


@pytest.mark.parametrize("code", ("fr", "en"))
def test_every_figure_is_that_of_the_release(built: Path, releases: list[Path], code: str) -> None:
    """Headline and each table, read back from the page, equal sums over the CSV files of the release."""
    last, t, lang = releases[-1], language(code).texts, language(code)
    found = Tables((built / ("" if code == "fr" else "en") / "index.html").read_text())
    measures = [("pages", "vues"), ("visites", "visites"), ("visites", "visiteurs_jours")]
    measures += [("telechargements", "telechargements"), ("envois", "envois")]
    assert [whole(text) for text in found.big] == [root(last, *measure) for measure in measures]
    assert ranked(found, t["pages"]["chart"]) == top(rows_of(last, "pages"), "page", "vues", 2)
    assert ranked(found, t["pages"]["files_chart"]) == top(
        rows_of(last, "telechargements"), "fichier", "telechargements", 2
    )
    assert ranked(found, t["quality"]["broken_chart"]) == top(rows_of(last, "erreurs"), "page", "requetes", 1)
    by_country = {row["pays"]: int(row["vues"]) for row in rows_of(last, "pages_par_pays")}
    shown = table(found, t["countries"]["chart"])
    assert shown == {lang.name(code_, "countries"): [count] for code_, count in by_country.items()}
    order = [
        by_country[c] for c in sorted(by_country, key=lambda c: (c not in union(), -by_country[c])) if c in union()
    ]
    assert [row[0] for row in shown.values()][: len(order)] == order  # members of the Union come first
    assert table(found, t["devices"]["chart"]) == {
        lang.name(row["appareil"], "devices"): [int(row["vues"])] for row in rows_of(last, "pages_par_appareil")
    }
    assert table(found, t["features"]["chart"]) == {
        row["fonctionnalite"]: [whole(row[m]) for m in ("vues", "telechargements", "envois")]
        for row in rows_of(last, "fonctionnalites")
    }
    visits = {row["jour"]: row["visites"] for row in rows_of(last, "visites_par_jour") if row["niveau"] == "1"}
    days = {row["jour"]: row["vues"] for row in rows_of(last, "pages_par_jour") if row["niveau"] == "1"}
    assert table(found, t["days"]["chart"]) == {
        lang.weekday(day): [int(views), int(visits[day])] for day, views in days.items() if day != "(autres)"
    }
    assert ranked(found, t["origins"]["chart"]) == [
        (lang.name(name, "origins"), count)
        for name, count in top(rows_of(last, "provenances"), "provenance", "visites", 1)
    ]
    for chart, measure in (("chart", ("pages", "vues")), ("visits_chart", ("visites", "visites"))):
        months = table(found, t["history"][chart])
        assert list(months.values()) == [[root(folder, *measure)] for folder in reversed(releases[1:])]


def test_journeys_procedures_errors_and_times_are_those_of_the_release(built: Path, releases: list[Path]) -> None:
    """What is added up from leaves and steps equals the same sums over the CSV files."""
    last, lang = releases[-1], language("en")
    t = lang.texts
    found = Tables((built / "en" / "index.html").read_text())
    runs_ = [row for row in rows_of(last, "cheminements") if row["niveau"] == "3" and "(autres)" not in row.values()]
    begins = {(r["etape_2"], r["etape_3"]): int(r["passages"]) for r in runs_ if r["etape_1"] == "(start)"}
    ends: Counter[tuple[str, str]] = Counter()
    for run in runs_:
        if run["etape_3"] == "(end)" and run["etape_1"] != "(start)":
            ends[run["etape_1"], run["etape_2"]] += int(run["passages"])
    for caption, truth in (("begin", begins), ("finish", ends)):
        shown = table(found, t["journeys"][caption])
        assert len(shown) == 12
        for link, (count,) in shown.items():
            one, other = link.split(" → ")
            assert truth[one, "(end)" if other == "exit" else other] == count
        assert [row[0] for row in shown.values()] == sorted(truth.values(), reverse=True)[:12]
    steps = [r for r in rows_of(last, "parcours") if r["niveau"] == "2"]
    counts = {r["derniere_etape"]: int(r["visites"]) for r in steps}
    assert table(found, t["funnels"]["chart"].format(name="Demande")) == {
        step: [sum(n for other, n in counts.items() if other >= step)] for step in counts
    }
    leaves = [r for r in rows_of(last, "erreurs") if r["feuille"] == "true"]
    assert sum(row[0] or 0 for row in table(found, t["quality"]["errors_chart"]).values()) == sum(
        int(r["requetes"]) for r in leaves
    )
    times = [r for r in rows_of(last, "durees") if r["feuille"] == "true" and r["duree_ms"].isdecimal()]
    assert ranked(found, t["quality"]["speed_chart"]) == [
        (words, [sum(int(r["vues"]) for r in times if low <= int(r["duree_ms"]) < high)])
        for words, low, high in (
            ("under 100\u00a0ms", 0, 100),
            ("100\u00a0ms to 250\u00a0ms", 100, 250),
            ("250\u00a0ms to 500\u00a0ms", 250, 500),
            ("500\u00a0ms to 1\u00a0s", 500, 1_000),
            ("1\u00a0s to 2.5\u00a0s", 1_000, 2_500),
            ("2.5\u00a0s and more", 2_500, 10**9),
        )
    ]
    assert sum(count > 0 for (count,) in table(found, t["quality"]["speed_chart"]).values() if count) > 2
    traffic = [r for r in rows_of(last, "trafic") if r["feuille"] == "true"]
    assert table(found, t["robots"]["chart"])["People"] == [
        sum(int(r["requetes"]) for r in traffic if r["classe"] == "human")
    ]


@pytest.mark.parametrize("name", ("index.html", "en/index.html", "2026-03.html"))
def test_nothing_is_drawn_that_is_not_in_a_table(built: Path, name: str) -> None:
    """Each number beside a bar is in a table of the page, or of features; so no figure has another source."""
    found = Tables((built / name).read_text())
    numbers = {cell for rows in found.tables.values() for row in rows for cell in row}
    flows = {name for name in found.tables if "→" in found.tables[name][0][0]}
    sums: set[str] = set()
    lang = language("en" if name.startswith("en") else "fr")
    for caption in flows:
        for side in (0, 1):
            counts: Counter[str] = Counter()
            for link, count in found.tables[caption][1:]:
                counts[link.split(" → ")[side]] += whole(count) or 0
            sums |= {lang.number(count) for count in counts.values()}
    for bar in found.bars:
        for part in bar.split(" · "):
            number = part.strip().split(" ")[0]
            assert number in numbers | sums, bar


def test_a_feature_that_may_not_be_shown_is_listed_and_explained(built: Path) -> None:
    """`Jamais`, which nobody used, stands there as `s`, and what that means is said."""
    for path, says, limit in (
        ("index.html", "chiffre non montré", "rare (moins de 11 visiteurs-jours)"),
        ("en/index.html", "not shown", "rare (fewer than 11 visitor-days)"),
    ):
        text = (built / path).read_text()
        assert table(Tables(text), language(path[:2] if path[0] == "e" else "fr").texts["features"]["chart"])[
            "Jamais"
        ] == [None, None, None]
        assert says in text
        assert limit in " ".join(text.replace("\u00a0", " ").split())


def test_pages_are_light_and_few(built: Path, releases: list[Path], capsys: Any) -> None:
    """A page weighs at most 100 kB, asks for no second file; of each month there are two pages."""
    pages = sorted(built.rglob("*.html"))
    heaviest = max(page.stat().st_size for page in pages)
    with capsys.disabled():
        print(f"\nheaviest page {heaviest:,} bytes; {len(pages)} pages, {len([*built.rglob('*.*')])} files")  # noqa: T201 - the issue asks for it
    assert heaviest <= 100_000
    assert len(pages) == 2 * (MONTHS + 1)
    assert not [p for p in built.rglob("*") if p.suffix in {".js", ".css", ".tmp"}]
    assert {p.name for p in built.iterdir() if p.is_dir()} == {"en", "data"}
    for folder in releases:
        copies = {path.name: path.read_bytes() for path in (built / "data" / f"{folder.name}.v1").iterdir()}
        assert copies == folders.read(folder)


def test_a_large_service_is_light_too(releases: list[Path]) -> None:
    """200 countries and 50 features, all of them listed, still make at most 100 kB."""
    months = months_of(read([(path.name, folders.read(path)) for path in releases]), "demarches")
    codes = [first + second for first in "ABCDEFGHIJKLMNOPQRSTUVWXY" for second in "ABCDEFGH"]
    place = {"mois": LAST, "site": "demarches"}
    countries = pl.DataFrame([{**place, "pays": code, "vues": 12_345} for code in codes])
    features = pl.DataFrame(
        [
            {
                **place,
                "fonctionnalite": f"Fonctionnalité {i} du service",
                "vues": i,
                "telechargements": None,
                "envois": i,
            }
            for i in range(50)
        ]
    )
    large = replace(months[-1], tables={**months[-1].tables, "pages_par_pays": countries, "fonctionnalites": features})
    made = site([*months[:-1], large], page_rules(), INDICATORS, {})
    for name in ("index.html", "en/index.html"):
        assert len(made[name]) <= 100_000
        assert made[name].decode().count(" du service</th>") == 50
        found = table(
            Tables(made[name].decode()), language(name[:2] if name[0] == "e" else "fr").texts["countries"]["chart"]
        )
        assert len(found) == 25 + sum(code in union() for code in codes)
    assert "Hors de l’Union européenne, les 25 premiers pays. Le fichier CSV les a tous." in made["index.html"].decode()
    assert "Outside the European Union, the first 25 countries." in made["en/index.html"].decode()


def test_links_lead_somewhere(built: Path) -> None:
    """Each relative link of each page is a file, each fragment an element."""
    for path in built.rglob("*.html"):
        text = path.read_text()
        links = [part.split('"')[0] for part in text.split('href="')[1:]]
        assert len(links) > 50
        for link in links:
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in text, link
            elif not link.startswith(("https:", "mailto:", "data:")):
                assert (path.parent / link).resolve().is_file(), (path, link)


def test_a_month_keeps_its_address_and_its_figures(releases: list[Path], tmp_path: Path) -> None:
    """When a month is added, the pages before it say the same, but for where they lead; nothing is written twice."""
    out = tmp_path / "out"
    page.build(releases[:12], out, page_rules())
    before = Tables((out / "2026-08.html").read_text())
    again = page.build(releases[:12], out, page_rules())
    assert again["changed"] == 0
    page.build(releases, out, page_rules())
    after = Tables((out / "2026-08.html").read_text())
    assert (after.big, after.tables) == (before.big, before.tables)
    assert "index.html" in (out / "2026-08.html").read_text()


def test_an_incomplete_month_says_so_and_is_not_compared(built: Path) -> None:
    """All months but the last lack days: they are marked, and no change over the year is computed with one."""
    for path, words in (("2026-03.html", "Mois incomplet"), ("en/2026-03.html", "Incomplete month")):
        assert words in (built / path).read_text()
    assert "mois incomplet" in (built / "index.html").read_text()
    assert "de plus qu’en" not in (built / "index.html").read_text()


@pytest.mark.parametrize(
    ("before", "now", "incomplete", "french", "english"),
    (
        (100, 150, "", "50\u00a0% de plus qu’en octobre\u00a02025", "50% more than in October\u00a02025"),
        (200, 150, "", "25\u00a0% de moins qu’en octobre\u00a02025", "25% less than in October\u00a02025"),
        (150, 150, "", "comme en octobre\u00a02025", "the same as in October\u00a02025"),
        (1000, 1001, "", "0,1\u00a0% de plus qu’en octobre\u00a02025", "0.1% more than in October\u00a02025"),
        (None, 150, "", "pas de comparaison possible", "cannot be compared"),
        (100, 150, "2025-10", "pas de comparaison avec octobre\u00a02025\u00a0: mois incomplet", "incomplete month"),
        (100, 150, LAST, "pas de comparaison avec octobre\u00a02025\u00a0: mois incomplet", "incomplete month"),
    ),
)
def test_the_change_over_a_year(before: int | None, now: int, incomplete: str, french: str, english: str) -> None:
    """The headline is compared with the same month of the year before, where both are whole."""
    empty = figures({})
    shown = replace(empty, headline={**empty.headline, "vues": now})
    counts = {"2025-10": before, LAST: now}
    history = {month: Past({"vues": count}, partial=month == incomplete) for month, count in counts.items()}
    for code, text in (("fr", french), ("en", english)):
        (item,) = view(shown, language(code), history, LAST)["headline"]
        assert text in item["change"]
        assert not incomplete or "%" not in item["change"]


def test_feeds_name_each_release(built: Path) -> None:
    """RSS and JSON Feed in both languages have an entry for each month, newest first, with addresses that stay."""
    for folder, base in (("", "https://stats.example.fr/"), ("en/", "https://stats.example.fr/en/")):
        feed = json.loads((built / f"{folder}feed.json").read_text())
        assert feed["items"][0]["url"] == f"{base}2026-10.html"
        assert len(feed["items"]) == MONTHS
        channel = ET.fromstring((built / f"{folder}feed.xml").read_bytes()).find("channel")  # noqa: S314 - our own
        assert channel is not None
        assert [item.findtext("link") for item in channel.iter("item")] == [item["url"] for item in feed["items"]]
        assert (channel.findtext("item/pubDate") or "").startswith("Thu, 05 Nov 2026 08:00:00")


def test_without_an_address_there_are_no_feeds(releases: list[Path], tmp_path: Path) -> None:
    """A feed needs whole addresses; without page.base there is none, and a note says so."""
    usual = page_rules()
    done = page.build(releases[-1:], tmp_path / "out", replace(usual, page=replace(usual.page, base="")))
    assert not [*(tmp_path / "out").rglob("feed.*")]
    assert any("page.base" in note for note in done["notes"])


def test_indicators_stand_beside_the_figures(built: Path) -> None:
    """Value, unit, date, method and source in both languages; one without English is marked as French."""
    french, english = ((built / name).read_text() for name in ("index.html", "en/index.html"))
    for text in ("8,4\u00a0sur 10", "31 octobre 2026", "Moyenne de 412 réponses", "Équipe du service"):
        assert text in french
    assert "8.4\u00a0of 10" in english
    assert "3.10\u00a0€" in english
    assert '<div class="card" lang="fr"><h3>Coût complet par démarche</h3>' in english


def test_indicators_of_a_csv(releases: list[Path], tmp_path: Path) -> None:
    """A CSV adds indicators; a wrong one is refused with file, line and reason."""
    file = tmp_path / "indicateurs.csv"
    usual = page_rules()
    named = replace(usual, page=replace(usual.page, indicators=str(file)))
    file.write_text("name;value;unit;date;source\nDélai moyen;12;jours;2026-10-31;<Équipe>\n", encoding="utf-8")
    page.build(releases[-1:], tmp_path / "out", named)
    assert "12\u00a0jours" in (tmp_path / "out" / "index.html").read_text()
    assert "&lt;Équipe&gt;" in (tmp_path / "out" / "index.html").read_text()
    for text, reason in (
        ("name,value,date,source\nA,1,2026-13-01,x\n", "date: '2026-13-01'"),
        ("name,value,date\nA,1,2026-10-01\n", "'source' is missing"),
        ("name,value,date,source,sorce\nA,1,2026-10-01,x,y\n", "'sorce' is unknown"),
        ("name,value,date,source\nA,1,2026-10-01\n", "more or fewer"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=reason) as refused:
            page.build(releases[-1:], tmp_path / "out", named)
        assert refused.value.line in {1, 2}
    file.unlink()
    with pytest.raises(InputMissingError):
        page.build(releases[-1:], tmp_path / "out", named)


@pytest.mark.parametrize("damage", ("table", "privacy", "extra", "none"))
def test_what_is_no_good_release_is_refused(releases: list[Path], tmp_path: Path, damage: str) -> None:
    """A changed table, a missing privacy report or a foreign file: exit 1, and nothing is written."""
    copy = shutil.copytree(releases[-1], tmp_path / "release")
    if damage == "table":
        text = (copy / "pages_par_pays.csv").read_text()
        (copy / "pages_par_pays.csv").write_text(text.replace(",FR,", ",DE,", 1))
    elif damage == "privacy":
        (copy / "privacy.json").unlink()
    elif damage == "extra":
        (copy / "secret.csv").write_text("a\n")
    if damage == "none":
        page.build([copy], tmp_path / "out", page_rules())
        return
    with pytest.raises(LogstatsError, match="release") as refused:
        page.build([*releases[:2], copy], tmp_path / "out", page_rules())
    assert refused.value.exit_code == 1
    assert not (tmp_path / "out").exists()


def test_of_two_versions_the_later_counts_and_equal_ones_must_be_equal(releases: list[Path]) -> None:
    """The same month twice is shown once; two that differ under one version are refused."""
    whole_ = read([("a", folders.read(releases[-1])), ("b", folders.read(releases[-1]))])
    name = "demarches"
    assert [month.name for month in months_of(whole_, name)] == [LAST]
    later = replace(whole_[1], privacy={**whole_[1].privacy, "releases": [{"month": LAST, "version": 2}]})
    assert months_of([later, whole_[0]], name)[0].version == 2
    other = {**whole_[1].tables, "pages": whole_[1].tables["pages"].head(3)}
    with pytest.raises(LogstatsError, match="differ"):
        months_of([whole_[0], replace(whole_[1], tables=other)], name)


def test_logo_and_design_system_are_the_operators(releases: list[Path], tmp_path: Path) -> None:
    """The logo is copied under a name of ours; the State's style and fonts come from a folder of the operator."""
    (tmp_path / "dsfr" / "fonts").mkdir(parents=True)
    (tmp_path / "dsfr" / "dsfr.min.css").write_text("body{}")
    (tmp_path / "dsfr" / "fonts" / "Marianne-Regular.woff2").write_bytes(b"wOF2")
    (tmp_path / "blason.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    usual = page_rules()
    state = replace(
        usual.page, theme="dsfr", dsfr=str(tmp_path / "dsfr"), logo=str(tmp_path / "blason.svg"), colour="#000091"
    )
    page.build(releases[-1:], tmp_path / "out", replace(usual, page=state))
    text = (tmp_path / "out" / "en" / "index.html").read_text()
    assert '<link rel="stylesheet" href="../assets/dsfr.min.css">' in text
    assert '<img src="../assets/logo.svg" alt="">' in text
    assert "font-src &#39;self&#39;" in text
    assert (tmp_path / "out" / "assets" / "fonts" / "Marianne-Regular.woff2").read_bytes() == b"wOF2"
    missing = replace(usual, page=replace(state, dsfr=str(tmp_path / "nowhere")))
    with pytest.raises(InputMissingError, match="dsfr"):
        page.build(releases[-1:], tmp_path / "out2", missing)


def test_the_command(
    logstats: Callable[..., subprocess.CompletedProcess[str]], releases: list[Path], tmp_path: Path
) -> None:
    """`logstats page` prints what it wrote; errors have the documented codes and no traceback."""
    done = logstats("page", *releases[-2:], "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["months"] == 2
    assert printed["pages"] == 6
    assert (tmp_path / "out" / "2026-09.html").is_file()
    for arguments, code in (
        ((tmp_path / "nowhere", "--out", tmp_path / "o"), 66),
        ((releases[-1], "--out", tmp_path / "o", "--site", "other"), 66),
        ((tmp_path, "--out", tmp_path / "o"), 1),
        ((releases[-1],), 2),
    ):
        failed = logstats("page", *arguments)
        assert failed.returncode == code, failed.stderr
        assert "Traceback" not in failed.stderr


def test_a_wrong_page_configuration_is_refused(
    logstats: Callable[..., subprocess.CompletedProcess[str]], releases: list[Path], tmp_path: Path
) -> None:
    """Colour, theme, addresses and indicators that make no sense end with 78 and name the key."""
    file = tmp_path / "logstats.toml"
    for text, key in (
        ('[page]\ncolour = "blue"\n', "page.colour"),
        ('[page]\ntheme = "dsfr"\n', "page.dsfr"),
        ('[page]\nurl = "javascript:alert(1)"\n', "page.url"),
        ('[[indicator]]\nname = "A"\nvalue = "1"\ndate = "soon"\nsource = "x"\n', "indicator[0].date"),
        ('[[indicator]]\nname = "A"\nvalue = "1"\ndate = "2026-01-01"\n', "indicator[0].source"),
    ):
        file.write_text(text)
        failed = logstats("page", releases[-1], "--out", tmp_path / "o", "--config", file)
        assert failed.returncode == 78, text
        assert key in failed.stderr


def test_the_operators_report_is_marked(
    logstats: Callable[..., subprocess.CompletedProcess[str]], samples: Path, tmp_path: Path
) -> None:
    """`report --html` has the look and the figures, says that it is not to be published, and is its owner's alone."""
    done = logstats("report", samples / "public_service.log.xz", "--html", tmp_path / "r.html", "--json")
    assert done.returncode == 0, done.stderr
    figures_ = json.loads(done.stdout)
    text = (tmp_path / "r.html").read_text()
    found = Tables(text)
    assert "For internal use: do not publish" in text
    assert 'content="noindex, nofollow"' in text
    assert (tmp_path / "r.html").stat().st_mode & 0o777 == 0o600
    assert [whole(value) for value in found.big] == [
        figures_[name] for name in ("page_views", "visits", "visitor_days", "downloads")
    ]
    assert 'href="../' not in text
    shown = table(found, language("en").texts["pages"]["chart"])
    assert {row["page"]: [row["views"]] for row in figures_["top"]["pages"]} == shown


def test_cells_give_the_figures_of_the_report(counted: Callable[..., runs.Report], samples: Path) -> None:
    """Days, countries, devices and journeys of unprotected cells are sums of these cells."""
    cells = counted([samples / "public_service.log.xz"]).cells
    found = figures(tables_of_cells(cells, page_rules()))
    views = cells["pages"].filter(pl.col("kind") == "page")
    assert sum(count for _, count in found.devices) == views["views"].sum()
    assert sum(day.views or 0 for day in found.days) == cells["days"]["page_views"].sum()
    countries = [*found.countries.union, *found.countries.others, *found.countries.rest]
    assert sum(count for _, count in countries) == views["views"].sum()
    assert sum(count for _, count in found.traffic) == cells["traffic"]["hits"].sum()
    assert [feature.name for feature in found.features if feature.uses == 0]


@pytest.mark.parametrize("colour", ("#ffdd00", "#000000", "#ffffff", "#1d4f91", "#c9191e", "#00aa55"))
def test_any_colour_can_be_read(colour: str) -> None:
    """Text has a contrast of 4.5, what is drawn 3, on light and on dark ground."""
    made = palette(colour)
    assert contrast(made["accent"], LIGHT) >= 4.5
    assert contrast(made["accent_dark"], DARK) >= 4.5
    assert contrast(made["tint"], LIGHT) >= 3
    assert contrast(made["tint_dark"], DARK) >= 3


@pytest.mark.parametrize("largest", (1, 2, 7, 37, 99, 100, 963, 1_000, 19_344, 7_654_321))
def test_scales_are_round_and_high_enough(largest: int) -> None:
    """A scale has two to four steps, begins at zero, and holds the largest value."""
    scale = ticks(largest)
    assert scale[0] == 0
    assert scale[-1] >= largest
    assert 2 <= len(scale) <= 5
    assert scale[-1] <= 2 * largest + 1


def test_columns_and_bands_are_as_large_as_their_values() -> None:
    """Heights are proportional to values; bands of a node lie within it, one below the other."""
    laid = columns([("a", 50), ("b", 100), ("c", None)])
    assert laid.columns[1].height == pytest.approx(2 * laid.columns[0].height)
    assert laid.columns[2].height == 0
    drawn = flow([("/", "x", 60), ("/", "y", 30), ("/b", "x", 10)])
    assert [node.value for node in drawn.left] == [90, 10]
    assert [node.value for node in drawn.right] == [70, 30]
    assert sum(band.value for band in drawn.bands) == 100
    assert flow([("/", "x", 60)]).height == 60
    assert flow([("/", f"x{i}", 50) for i in range(12)]).height >= 300


@pytest.mark.parametrize(
    ("value", "french", "english"),
    (
        (7, "7", "7"),
        (99_999, "99\u202f999", "99,999"),
        (100_000, "100\u00a0k", "100\u00a0k"),
        (999_499, "999\u00a0k", "999\u00a0k"),
        (999_999, "1\u00a0M", "1\u00a0M"),
        (1_234_567, "1,2\u00a0M", "1.2\u00a0M"),
        (123_456_789, "123\u00a0M", "123\u00a0M"),
        (999_600_000, "1\u00a0Md", "1\u00a0bn"),
        (1_234_567_890, "1,2\u00a0Md", "1.2\u00a0bn"),
        (1_234_567_890_123, "1235\u00a0Md", "1235\u00a0bn"),
    ),
)
def test_short_numbers(value: int, french: str, english: str) -> None:
    """A label has at most four digits and a unit, and rounds up into the next one."""
    assert (language("fr").compact(value), language("en").compact(value)) == (french, english)


@pytest.mark.parametrize(
    ("part", "of", "french", "english"),
    (
        (0, 100, "0\u00a0%", "0%"),
        (1, 100_000, "moins de 0,1\u00a0%", "less than 0.1%"),
        (49, 100_000, "moins de 0,1\u00a0%", "less than 0.1%"),
        (50, 100_000, "0,1\u00a0%", "0.1%"),
        (1, 40, "2,5\u00a0%", "2.5%"),
        (998, 10_000, "10\u00a0%", "10%"),
        (2, 3, "67\u00a0%", "67%"),
        (3, 3, "100\u00a0%", "100%"),
    ),
)
def test_shares(part: int, of: int, french: str, english: str) -> None:
    """A share under ten per cent has a decimal, and one that is not zero does not look so."""
    assert (language("fr").percent(part, of), language("en").percent(part, of)) == (french, english)


def test_french_is_french() -> None:
    """Elision, the first of a month, one and many, names of countries, figures written by hand."""
    french, english = language("fr"), language("en")
    days = [french.of_month(f"2026-{number:02}") for number in range(1, 13)]
    assert [day for day in days if day.startswith("d’")] == [f"d’{m}\u00a02026" for m in ("avril", "août", "octobre")]
    assert days[0] == "de janvier\u00a02026"
    assert (french.date("2026-10-01"), french.date("2026-10-02")) == ("1er octobre 2026", "2 octobre 2026")
    assert (english.date("2026-10-01"), english.of_month("2026-10")) == ("1 October 2026", "of October\u00a02026")
    assert french.of_days("2026-03-01", "2026-03-07") == "du 1er mars 2026 au 7 mars 2026"
    assert french.of_days("2026-03-01", "2026-03-01") == "du 1er mars 2026"
    for lang, one, many in (
        (french, "1 autre pays est dans les données.", "2 autres pays sont dans les données."),
        (english, "1 more country is in the data.", "2 more countries are in the data."),
    ):
        assert [lang.counted(lang.texts["countries"]["more"], count) for count in (1, 2)] == [one, many]
    assert (french.counted(["visite", "visites"], 0), english.counted(["visit", "visits"], 0)) == ("visite", "visits")
    assert (french.name("(autres)", "countries"), french.name("(autres)")) == ("Pays non précisé", "Non détaillé")
    for value, shown in (("8,4", "8.4"), ("3.10", "3.10"), ("1,250", "1,250"), ("1,2,3", "1,2,3"), ("≈ 8,4", "≈ 8,4")):
        assert english.declared(value) == shown
    assert french.declared("8.4") == "8,4"


def test_both_languages_say_the_same_things() -> None:
    """Each key of one language is one of the other, and has the same places to fill in."""

    def keys(texts: Any, prefix: str = "") -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in texts.items():
            if isinstance(value, dict):
                found |= keys(value, f"{prefix}{key}.")
            else:
                parts = sorted({part.split("}")[0] for part in str(value).split("{")[1:]})
                found[prefix + key] = f"{type(value).__name__} {parts}"
        return found

    assert keys(language("fr").texts) == keys(language("en").texts)
