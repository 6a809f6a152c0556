"""Site: all files of the statistics page, each as bytes, from months and the configuration.

index.html, en/index.html            the latest month
2026-10.html, en/2026-10.html        each month, at an address that stays
data/2026-10.v1/…                    the release that it is from, unchanged; a later version has its own folder
data/mois.csv                        the totals of all months
feed.xml, feed.json, en/…            the releases, where the address of the page is known
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from logstats.page.feed import feeds
from logstats.page.figures import figures, headline
from logstats.page.history import MONTHS_CSV, months_csv, past_of
from logstats.page.render import render, safe_link, style
from logstats.page.texts import LANGUAGES, Language, language
from logstats.page.view import tables_of, view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.config import Config, Indicator
    from logstats.page.reading import Month

__all__ = ["site"]

_FEW: Final = 5
_END: Final = ("data", "method")


def site(
    months: Sequence[Month], config: Config, indicators: Sequence[Indicator], assets: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Make all files.

    Args:
        months: Oldest first; at least one.
        config: The effective configuration.
        indicators: Of the configuration and of its CSV.
        assets: Logo and files of the design system, by name.

    Returns:
        Bytes by path below the folder of the page.
    """
    heads = {month.name: headline(month.tables) for month in months}
    files = {**assets, MONTHS_CSV: months_csv(months, heads)}
    for number, month in enumerate(months):
        history = past_of(months[: number + 1], heads)
        shown = figures(month.tables, month.name, month.without_log, month.procedures)
        for code in LANGUAGES:
            lang = language(code)
            values = view(shown, lang, history, month.name)
            values |= frame(lang, config, assets) | _about(month, lang) | _place(months, month, lang, config)
            values["indicators"] = [_declared(one, lang) for one in indicators]
            values["sections"] += [*(["indicators"] if indicators else []), *_END]
            folder = _folder(code)
            files[f"{folder}{month.name}.html"] = render("page.html", values)
            if month is months[-1]:
                values["other"] = f"{'en/' if code == 'fr' else '../'}index.html"
                files[f"{folder}index.html"] = render("page.html", values)
        for name, data in month.release.files.items():
            files[f"data/{month.release.folder}/{name}"] = data
    return files | (feeds(months, heads, config) if config.page.base else {})


def _folder(code: str) -> str:
    return "" if code == "fr" else f"{code}/"


def frame(lang: Language, config: Config, assets: Mapping[str, bytes] = {}) -> dict[str, Any]:
    """Give what is around the sections, whatever the month."""
    page, dsfr = config.page, config.page.theme == "dsfr"
    css, policy = style(page.colour, dsfr=dsfr)
    words = lang.texts["footer"]
    links = [("accessibility", page.accessibility), ("legal", page.legal), ("privacy", page.privacy)]
    contact = config.release.contact
    links.append(("contact", safe_link(contact) or (f"mailto:{contact}" if "@" in contact else "")))
    return {
        "style": css,
        "policy": policy,
        "dsfr": "assets/dsfr.min.css" if dsfr else "",
        "logo": next((name for name in assets if name.startswith("assets/logo.")), ""),
        "site": page.name or config.release.title,
        "about": page.about if lang.code == "fr" else page.about_en or page.about,
        "about_lang": "fr" if lang.code == "en" and page.about and not page.about_en else "",
        "url": safe_link(page.url),
        "links": [(words[name], address) for name, link in links if (address := safe_link(link))],
        "publisher": config.release.publisher,
    }


def _about(month: Month, lang: Language) -> dict[str, Any]:
    """Give what a release says of itself."""
    package = month.release.package
    licence = package["licenses"][0]
    return {
        "period": lang.month(month.name),
        "of_period": lang.of_month(month.name),
        "title": lang.texts["title_of"],
        "version": month.version,
        "published": lang.date(month.published) if month.published else "",
        "licence": {"title": licence["title"], "path": safe_link(licence["path"])},
        "k": month.said("k"),
        "definition": month.said("definition"),
        "logstats": month.said("logstats"),
        "attribution": package["sources"][0]["title"],
        "database": month.said("country_database"),
        "partial": bool(month.without_log),
        "missing": _days(month.without_log, lang),
        "files": month.release.files,
        "tables": tables_of(month.release.files, lang),
        "unprotected": False,
    }


def _days(days: list[str], lang: Language) -> str:
    """Name the days that are missing; more than a few by their number alone."""
    words = lang.texts
    if len(days) > _FEW:
        return str(words["partial_count"]).format(count=len(days))
    return str(words["partial_days"]).format(days=", ".join(map(lang.date, days))) if days else ""


def _place(months: Sequence[Month], month: Month, lang: Language, config: Config) -> dict[str, Any]:
    """Give the addresses that a page leads to; all are relative, so that it may lie anywhere."""
    root = "" if lang.code == "fr" else "../"
    by_year = {year: [m.name for m in group] for year, group in groupby(months, key=lambda m: m.name[:4])}
    folder = _folder(lang.code)
    name = config.page.name or config.release.title
    return {
        "root": root,
        "months_csv": f"{root}{MONTHS_CSV}",
        "data": f"{root}data/{month.release.folder}/",
        "other": f"{'en/' if lang.code == 'fr' else '../'}{month.name}.html",
        "years": []
        if len(months) == 1
        else [(year, f"{names[-1]}.html", year == month.name[:4]) for year, names in by_year.items()],
        "months": [(lang.short_month(one), f"{one}.html", one == month.name) for one in by_year[month.name[:4]]],
        "latest": "" if month is months[-1] else "index.html",
        "canonical": f"{config.page.base.rstrip('/')}/{folder}{month.name}.html" if config.page.base else "",
        "title": lang.texts["title_of"].format(name=name, period=lang.month(month.name)),
    }


def _declared(one: Indicator, lang: Language) -> dict[str, str]:
    """Give an indicator in a language; where it has no English, it is marked as French."""
    declared = {"value": lang.declared(one.value), "date": one.date, "source": one.source, "lang": ""}
    if lang.code == "en" and one.name_en:
        unit, method = one.unit_en or one.unit, one.method_en or one.method
        return {**declared, "name": one.name_en, "unit": unit, "method": method}
    french = {"name": one.name, "unit": one.unit, "method": one.method}
    return {**declared, **french, "lang": "" if lang.code == "fr" else "fr"}
