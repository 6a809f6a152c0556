"""Advice on lines that no format fits: what they may be, and which format string may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logstats.parse.exact import read_fields
from logstats.parse.formats import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

__all__ = ["advise"]

_MOST: Final = 0.4
_KINDS: Final = (
    (r"^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]{2} [0-9:.]+ [0-9]{4}\] \[", "an Apache error log"),
    (r"^[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} \[[a-z]+\] [0-9]+#", "an nginx error log"),
    (r"^#(?:Software|Version|Fields|Date):", "a W3C extended log (IIS)"),
    (r"[\x00-\x08]", "no text"),
)
_MORE_COLUMNS: Final = (  # those in quotes first: without quotes, a column fits as well while it holds no blank
    ' "$extra"',
    " $extra",
    ' "$extra" "$extra"',
    ' "$extra" $extra',
    ' $extra "$extra"',
    " $extra $extra",
)
_COMBINED: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
_COMMON: Final = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'


def advise(lines: pl.Series, tried: Sequence[Format], known: Sequence[Format]) -> tuple[str, str]:
    """Say what lines may be that cannot be read.

    Args:
        lines: A sample.
        tried: The formats that do not fit.
        known: All formats with a name.

    Returns:
        What they look like (or an empty text), and a hint what to do.
    """
    for pattern, kind in _KINDS:
        if _share(lines.str.contains(pattern)) > _MOST:
            return f"it looks like {kind}", "give the access log instead"
    for line_format in known:
        if line_format not in tried and _reads(lines, line_format):
            return (
                f"its lines read as {line_format.name}",
                f"use --format {line_format.name}, or leave --format away",
            )
    for base in (_COMBINED, _COMMON):
        for columns in _MORE_COLUMNS:
            if _reads(lines, Format("proposed", "nginx", base + columns)):
                return (
                    "its lines have columns that no named format has",
                    f"if you know them, use --format '{base}{columns}'",
                )
    return "", "give the server's own LogFormat or log_format string with --format"


def _reads(lines: pl.Series, line_format: Format) -> bool:
    return _share(read_fields(lines, line_format)["matched"]) > _MOST


def _share(found: pl.Series) -> float:
    return int(found.sum()) / max(found.len(), 1)
