"""What the tests read back from a page and from the CSV files of a release."""

from __future__ import annotations

import csv
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Tables", "rows_of", "table", "text_of", "whole"]


class Tables(HTMLParser):
    """Reads the tables of a page by caption, and its headline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.big: list[str] = []
        self.bars: list[str] = []
        self._caption, self._in, self._text = "", "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember where we are."""
        kind = dict(attrs).get("class") or ""
        if tag in {"caption", "th", "td", "b"} or (tag == "dd" and kind == "big"):
            self._in, self._text = tag, ""
        if tag == "tr" and self._caption:
            self.tables[self._caption].append([])

    def handle_data(self, data: str) -> None:
        """Take text."""
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        """Keep what has ended."""
        if tag == "table":
            self._caption = ""
        if tag != self._in:
            return
        self._in = ""
        if tag == "caption":
            self._caption = self._text
            assert self._caption not in self.tables
            self.tables[self._caption] = []
        elif tag == "dd":
            self.big.append(self._text)
        elif tag == "b":
            self.bars.append(self._text)
        elif self._caption:
            self.tables[self._caption][-1].append(self._text)


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    """Read a CSV of a release, as anybody would."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def whole(text: str) -> int | None:
    """Read a number as the page writes it, in either language; None for `s`."""
    return None if text == "s" else int(text.replace("\u202f", "").replace(",", ""))


def table(found: Tables, caption: str) -> dict[str, list[int | None]]:
    """Give a table's numbers by the name of the row, without shares."""
    return {row[0]: [whole(c) for c in row[1:] if "%" not in c] for row in found.tables[caption][1:]}


def text_of(page: Path) -> str:
    """Give what a reader sees of a page: its text, with single blanks."""
    parts = [part.rpartition(">")[2] for part in page.read_text().partition("</style>")[2].split("<")]
    return " ".join(unescape(" ".join(parts)).replace("\u00a0", " ").split())
