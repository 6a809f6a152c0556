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
from string import ascii_letters, digits, hexdigits
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.schema import OTHER_PAGE

if TYPE_CHECKING:
    from logstats.config import Pages

__all__ = ["Identifier", "identifiers", "split_targets", "template_paths"]

_ABSOLUTE: Final = r"^(?i:https?)://(?:[^/?#@]*@)?([^/?#:]*)(?::[0-9]*)?([^?#]*)"
_UNRESERVED: Final = ascii_letters + digits + "-._~"
_ENCODED: Final = {
    f"%{high}{low}": character if (character := chr(int(high + low, 16))) in _UNRESERVED else f"%{high}{low}".upper()
    for high in hexdigits
    for low in hexdigits
}
"""Every encoded byte, and how it is spelled: as it is where it need not be encoded, else in upper case."""
_ENCODED_AGAIN: Final = "%(?:25)+([0-9A-Fa-f]{2})"
_DEEPEST: Final = 3
_ENCODED_QUERY: Final = "(?s)%(?:3F|23).*|%3B[^/]*"
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
    public: str = ""


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
        The page of each path. Percent-encoding of unreserved characters is undone (also when it was done up to
        three times; more is `{other}`), a query or a fragment that was encoded is dropped, `//` and dot segments
        are resolved, index files and trailing slashes are dropped, case is kept.
    """
    frame = pl.DataFrame({"path": paths}).with_columns(_spelled_alike(pl.col("path")).alias("path"))
    dotted = pl.when(pl.col("path").str.contains("/.", literal=True)).then("path")
    resolved = dotted.map_elements(_resolve_dots, return_dtype=pl.String)  # called for these few paths only
    frame = frame.select(pl.coalesce(resolved, "path").alias("path"))
    path = _without_index(pl.col("path"), pages.index_files)
    nobodys = (path.str.len_bytes() > _LONGEST) | path.str.contains(_ENCODED_AGAIN)
    other = pl.when(nobodys).then(pl.lit(OTHER_PAGE))
    ruled = [pl.when(path.str.contains(rule.pattern)).then(pl.lit(rule.page)) for rule in pages.rules]
    return frame.select(pl.coalesce(*ruled, other, _without_identifiers(path))).to_series()


def _spelled_alike(path: pl.Expr) -> pl.Expr:
    """Undo what may be written in several ways without meaning something else."""
    decoded: pl.Expr = pl.when(path.str.contains("%", literal=True)).then(path)
    for _ in range(_DEEPEST):
        once = decoded.str.replace_all(_ENCODED_AGAIN, "%$1")
        decoded = once.str.replace_many(list(_ENCODED), list(_ENCODED.values()))
    return pl.coalesce(decoded.str.replace_all(_ENCODED_QUERY, ""), path).str.replace_all("/{2,}", "/")


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
        conditions = [segment.str.contains(pattern) for pattern in identifier.requires]
        if identifier.public:
            conditions.append(~segment.str.contains(identifier.public))
        segment = pl.when(pl.all_horizontal(conditions)).then(replaced).otherwise(segment) if conditions else replaced
    segment = pl.when(pl.element().str.len_bytes() > _LONGEST_SEGMENT).then(pl.lit("{token}")).otherwise(segment)
    return path.str.split("/").list.eval(segment).list.join("/")
