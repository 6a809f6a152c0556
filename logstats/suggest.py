"""Suggest features: a list to begin with, made from the tree of the pages that people view.

A branch of the tree becomes a feature, or is parted into its own branches where two or more of these are each a notable
part of it. What is left of a parted branch is a feature of its own, after its branches: the first that fits counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Suggestion", "suggest", "toml"]

_NOTABLE: Final = 0.1  # share of its parent that makes a branch one of its own
_SMALLEST: Final = 0.002  # share of all views below which nothing is suggested
_DEEPEST: Final = 3
_MOST: Final = 50
_OTHER: Final = "{other}"
_LONGEST: Final = 100  # of a name, as the configuration has it
_REGEX_META: Final = frozenset(r"\.+*?()|[]{}^$#&~")


@dataclass(frozen=True)
class Suggestion:
    """A feature that the site may have.

    Attributes:
        name: From the path.
        pattern: Of its pages.
        views: How often these were viewed.
        pages: How many they are.
    """

    name: str
    pattern: str
    views: int
    pages: int


@dataclass
class _Branch:
    """A place in the tree: the views of the page there, and of all below."""

    path: tuple[str, ...] = ()
    own: int = 0
    branches: dict[str, _Branch] = field(default_factory=dict)

    @property
    def views(self) -> int:
        return self.own + sum(branch.views for branch in self.branches.values())

    @property
    def pages(self) -> int:
        return (self.own > 0) + sum(branch.pages for branch in self.branches.values())


def suggest(pages: pl.DataFrame) -> list[Suggestion]:
    """Suggest features for the pages of a site.

    Args:
        pages: The table `pages` of schema.py.

    Returns:
        In an order in which the first that fits is right: what lies deeper comes first.
    """
    path_of = pl.col("page").cast(pl.String).str.extract("(?s)(/.*)$").alias("path")
    counts = pages.group_by(path_of).agg(pl.col("views").sum())
    root = _Branch()
    for path, views in counts.drop_nulls().sort("path").iter_rows():
        branch = root
        for segment in path.split("/")[1:] if path != "/" else ():
            branch = branch.branches.setdefault(segment, _Branch((*branch.path, segment)))
        branch.own += views
    least = max(1.0, _SMALLEST * root.views)
    found = [Suggestion("home", "^/$", root.own, 1)] if root.own >= least else []
    for branch in _by_views(root):
        found += _features(branch, least)
    usable = [
        one
        for one in found
        if one.name.isprintable() and one.name.strip() == one.name != "" and len(one.name) <= _LONGEST
    ]
    largest = sorted(usable, key=lambda one: -one.views)[:_MOST]
    return [suggestion for suggestion in usable if suggestion in largest]


def _features(branch: _Branch, least: float) -> Iterator[Suggestion]:
    """Give the features of a branch: of its notable branches first, then of what is left."""
    if branch.views < least or _OTHER in branch.path:
        return
    below = _by_views(branch)
    if len(below) == 1 and not branch.own:
        yield from _features(below[0], least)
        return
    notable = [one for one in below if one.views >= max(least, _NOTABLE * branch.views)]
    left_views, left_pages = branch.views, branch.pages
    if len(branch.path) < _DEEPEST and len(notable) > 1:
        for one in notable:
            yield from _features(one, least)
            left_views, left_pages = left_views - one.views, left_pages - one.pages
    if left_views >= least:
        pattern = "^/" + "/".join(map(_literal, branch.path)) + "(?:/|$)"
        yield Suggestion("/".join(branch.path), pattern, left_views, left_pages)


def _by_views(branch: _Branch) -> list[_Branch]:
    return sorted(branch.branches.values(), key=lambda below: (-below.views, below.path))


def toml(suggestions: list[Suggestion]) -> str:
    """Write suggestions as configuration; no character of a page can act on a terminal or end its text."""
    blocks = [
        f"# {one.views:,} views, {one.pages:,} page{'s' * (one.pages != 1)}\n"
        f"[[feature]]\nname = {_text(one.name)}\npaths = [{_text(one.pattern)}]\n"
        for one in suggestions
    ]
    return "\n".join(blocks)


def _literal(text: str) -> str:
    return "".join("\\" + c if c in _REGEX_META else c for c in text)


def _text(text: str) -> str:
    """Write a TOML text: as it is in single quotes, or with every unusual character escaped."""
    if text.isprintable() and "'" not in text:
        return f"'{text}'"
    plain = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return '"' + "".join(plain) + '"'
