"""Pages: what is left of a request's target when nothing in it can point at a person.

A page is the template of a path. The query and the fragment go first; then equal spellings become one, the
site's own rules apply, and what looks like an identifier is replaced by `{id}`, `{uuid}`, `{email}`, `{token}` or
`{date}`. Paths are hostile: whoever sends requests chooses them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.schema import OTHER_PAGE

if TYPE_CHECKING:
    from logstats.config import Pages

__all__ = ["Identifier", "identifiers", "split_targets", "template_paths"]

_ABSOLUTE: Final = r"^(?i:https?)://(?:[^/?#@]*@)?([^/?#:]*)(?::[0-9]*)?([^?#]*)"
_UNRESERVED: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_ENCODED: Final = {f"%{ord(character):02{case}}": character for character in _UNRESERVED for case in "xX"}
_TWICE_ENCODED: Final = "%25([0-9A-Fa-f]{2})"
_LONGEST: Final = 300
_LONGEST_SEGMENT: Final = 120
_REGEX_META: Final = frozenset(r"\.+*?()|[]{}^$#&-~")


@dataclass(frozen=True)
class Identifier:
    """Something in a path that may point at a person, and what is counted instead."""

    name: str
    pattern: str
    replacement: str
    example: str
    page: str
    requires: tuple[str, ...] = ()


@cache
def identifiers() -> tuple[Identifier, ...]:
    """Give the detectors of identifiers.toml in order."""
    text = resources.files("logstats.derive").joinpath("identifiers.toml").read_text("utf-8")
    return tuple(Identifier(**entry) for entry in tomllib.loads(text)["identifier"])


def split_targets(targets: pl.Series) -> pl.DataFrame:
    """Take targets apart; the query and the fragment are dropped here.

    Args:
        targets: Text as logged, a path or a whole URL.

    Returns:
        `target_host` (String, null for a plain path) and `path` (String, begins with a slash or is empty).
    """
    target = pl.col("target")
    absolute = target.str.extract_groups(_ABSOLUTE)
    path = pl.coalesce(absolute.struct["2"], target.str.extract("^([^?#]*)"))
    return pl.DataFrame({"target": targets}).select(
        absolute.struct["1"].str.to_lowercase().alias("target_host"),
        # `;jsessionid=…` is a query in disguise
        pl.when(absolute.struct["1"].is_not_null() & (path == ""))
        .then(pl.lit("/"))
        .otherwise(path)
        .str.replace_all(";[^/]*", "")
        .alias("path"),
    )


def template_paths(paths: pl.Series, pages: Pages) -> pl.Series:
    """Make pages of paths.

    Args:
        paths: Text without query, as `split_targets` gives it.
        pages: The site's rules and index files.

    Returns:
        The page of each path. Percent-encoding of unreserved characters is undone (also when it was done twice),
        `//` and dot segments are resolved, index files and trailing slashes are dropped, case is kept.
    """
    frame = pl.DataFrame({"path": paths}).with_columns(_spelled_alike(pl.col("path")).alias("path"))
    dotted = pl.col("path").str.contains("/.", literal=True)
    frame = frame.with_columns(
        pl.when(dotted)
        .then(pl.col("path").map_elements(_resolve_dots, return_dtype=pl.String))
        .otherwise(pl.col("path"))
    )
    path = _without_index(pl.col("path"), pages.index_files)
    too_long = pl.when(path.str.len_bytes() > _LONGEST).then(pl.lit(OTHER_PAGE))
    ruled = [pl.when(path.str.contains(rule.pattern)).then(pl.lit(rule.page)) for rule in pages.rules]
    return frame.select(pl.coalesce(too_long, *ruled, _without_identifiers(path))).to_series()


def _spelled_alike(path: pl.Expr) -> pl.Expr:
    """Undo what may be written in several ways without meaning something else."""
    once = path.str.replace_all(_TWICE_ENCODED, "%$1").str.replace_all(_TWICE_ENCODED, "%$1")
    decoded = once.str.replace_many(list(_ENCODED), list(_ENCODED.values()))
    encoded = path.str.contains("%", literal=True)
    return pl.when(encoded).then(decoded).otherwise(path).str.replace_all("/{2,}", "/")


def _resolve_dots(path: str) -> str:
    """Resolve `.` and `..` segments (RFC 3986, 5.2.4); nothing is above the root."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:1] if len(kept) <= 1 else kept[:-1]
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept) or "/"


def _without_index(path: pl.Expr, index_files: tuple[str, ...]) -> pl.Expr:
    names = "|".join("".join("\\" + c if c in _REGEX_META else c for c in name) for name in index_files)
    folder = path.str.replace(f"/(?:{names})$", "/") if names else path
    bare = folder.str.strip_chars_end("/")
    return pl.when(bare == "").then(pl.lit("/")).otherwise(bare)


def _without_identifiers(path: pl.Expr) -> pl.Expr:
    """Replace identifiers segment by segment; a segment of unusual length is one."""
    segment = pl.element()
    for identifier in identifiers():
        replaced = segment.str.replace_all(identifier.pattern, identifier.replacement)
        required = [segment.str.contains(pattern) for pattern in identifier.requires]
        segment = pl.when(pl.all_horizontal(required)).then(replaced).otherwise(segment) if required else replaced
    segment = pl.when(pl.element().str.len_bytes() > _LONGEST_SEGMENT).then(pl.lit("{token}")).otherwise(segment)
    return path.str.split("/").list.eval(segment).list.join("/")
