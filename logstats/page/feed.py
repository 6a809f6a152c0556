"""Feed: the releases as RSS 2.0 and JSON Feed 1.1, newest first."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final

from logstats.page.render import render, visible
from logstats.page.texts import LANGUAGES, language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.config import Config
    from logstats.page.reading import Month
    from logstats.page.texts import Language

__all__ = ["feeds"]

_SHOWN: Final = ("vues", "visites")


def feeds(months: Sequence[Month], heads: Mapping[str, Mapping[str, int | None]], config: Config) -> dict[str, bytes]:
    """Give the feeds of both languages, by path."""
    files: dict[str, bytes] = {}
    for code in LANGUAGES:
        lang = language(code)
        base = config.page.base.rstrip("/") + ("/" if code == "fr" else f"/{code}/")
        title = lang.texts["feed"]["title"].format(name=config.page.name or config.release.title)
        items = [_item(month, heads[month.name], lang, base) for month in reversed(months)]
        values = {"t": lang.texts, "title": title, "home": f"{base}index.html", "items": items}
        folder = "" if code == "fr" else f"{code}/"
        files[f"{folder}feed.xml"] = render("feed.xml", {**values, "own": f"{base}feed.xml"})
        shown = [{key: visible(value) for key, value in item.items() if key != "rfc"} for item in items]
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": visible(title),
            "home_page_url": values["home"],
            "feed_url": f"{base}feed.json",
            "language": code,
            "items": shown,
        }
        files[f"{folder}feed.json"] = (json.dumps(feed, ensure_ascii=False, indent=1) + "\n").encode()
    return files


def _item(month: Month, head: Mapping[str, int | None], lang: Language, base: str) -> dict[str, Any]:
    """Give an entry; what is not known, or may not be shown, is left out of it."""
    words, url = lang.texts["feed"], f"{base}{month.name}.html"
    shown = [lang.counted(words[name], count) for name in _SHOWN if (count := head[name]) is not None]
    item = {
        "id": f"{url}#v{month.version}",
        "url": url,
        "title": words["entry"].format(of_period=lang.of_month(month.name)),
        "content_text": " ".join(
            [*([f"{', '.join(shown)}."] if shown else []), words["version"].format(version=month.version)]
        ),
    }
    if not month.published:
        return {**item, "rfc": ""}
    at = datetime.fromisoformat(month.published)
    return {**item, "date_published": at.isoformat(), "rfc": format_datetime(at)}
