"""Lists of patterns as polars expressions, so that log content meets Rust's linear-time engine only.

A whole list becomes one alternation, which the engine runs in one pass over the text; which entry decided is
worked out one pattern at a time, and so only for the few texts of which somebody wants to know it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.lists import Pattern

__all__ = ["contains", "contains_any", "first_match", "name_matches"]


def contains_any(text: pl.Expr, patterns: Sequence[Pattern]) -> pl.Expr:
    """Say whether a text contains one of the patterns.

    Args:
        text: String column.
        patterns: At least one entry.

    Returns:
        Boolean column, null where the text is null.
    """
    plain = "|".join(pattern.pattern for pattern in patterns if not pattern.exception)
    guarded = [contains(text, pattern) for pattern in patterns if pattern.exception]
    return pl.any_horizontal([text.str.contains(_regex(plain)), *guarded] if plain else guarded)


def contains(text: pl.Expr, pattern: Pattern) -> pl.Expr:
    """Say whether a text contains a pattern, exceptions left out of account.

    Args:
        text: String column.
        pattern: Its exception, if it has one, must not overlap itself.

    Returns:
        Boolean column, null where the text is null.
    """
    found = text.str.contains(_regex(pattern.pattern))
    if not pattern.exception:
        return found
    # A blank, and not nothing: two pieces that were apart must not grow into a word.
    return found & text.str.replace_all(_regex(pattern.exception), " ").str.contains(_regex(pattern.pattern))


def first_match(text: pl.Expr, patterns: Sequence[Pattern]) -> pl.Expr:
    """Name the first entry of a list that a text contains.

    Args:
        text: String column.
        patterns: The entries in order.

    Returns:
        String column with the entry's name, null where none fits.
    """
    return pl.coalesce(pl.when(contains(text, entry)).then(pl.lit(entry.name)) for entry in patterns)


def name_matches(texts: pl.Series, chosen: pl.Series, patterns: Sequence[Pattern]) -> pl.Series:
    """Name the first entry that fits, for some of the texts only.

    Args:
        texts: String.
        chosen: Boolean of the same length, without nulls: the texts to look at.
        patterns: The entries in order.

    Returns:
        String of the same length: the entry's name, null where the text was not chosen.
    """
    names = texts.rename("text").filter(chosen).to_frame().select(first_match(pl.col("text"), patterns))
    nothing = pl.repeat(None, texts.len(), dtype=pl.String, eager=True)
    return nothing.scatter(chosen.arg_true(), names.to_series())


def _regex(pattern: str) -> str:
    r"""Ignore case, and let `\w`, `\d`, `\s` and `\b` mean ASCII, as in JavaScript."""
    return f"(?i-u:{pattern})"
