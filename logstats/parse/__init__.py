"""Parse: blocks of lines become requests, and rejects with a reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from logstats.parse.exact import as_requests, may_fit, read_fields
from logstats.parse.fast import Memory, read_fast
from logstats.parse.formats import Format, candidates, format_from, named_formats
from logstats.parse.plausible import implausible
from logstats.schema import REJECT_REASONS, REQUESTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from logstats.read import Lines

__all__ = [
    "Format",
    "Memory",
    "Parsed",
    "best_first",
    "candidates",
    "format_from",
    "misread_share",
    "named_formats",
    "parse",
    "parse_block",
    "shares",
]

_MAX_LINE_BYTES: Final = 65_536
_CONTROL: Final = r"[\x00-\x08\x0a-\x1f\x7f]"
_ADDRESS: Final = r"^(?:[0-9]+(?:\.[0-9]+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%.*)?)$"
_REASON: Final = pl.Enum(list(REJECT_REASONS))


@dataclass(frozen=True)
class Parsed:
    """What a block of lines says.

    Attributes:
        requests: REQUESTS, a row for each line that was read; texts may be coded (Categorical).
        rejects: `line`, `reason`: a row for each line that was not.
        formats: Lines read by each format.
    """

    requests: pl.DataFrame
    rejects: pl.DataFrame
    formats: dict[str, int]


def parse(
    lines: pl.Series,
    formats: Sequence[Format],
    *,
    timezone: str,
    latest: datetime,
    opt_out_cookie: str = "",
) -> Parsed:
    """Read the lines of a block.

    Each line is read by the first format that fits it whole; as formats exclude each other, their order
    matters for speed only.

    Args:
        lines: Text, a line each, right end stripped.
        formats: Candidates, the likeliest first.
        timezone: Zone of times without an offset.
        latest: Times after it are rejected as `future`.
        opt_out_cookie: Name of the cookie by which a person objects to being counted.

    Returns:
        Requests and rejects; every line is in one of them, once.
    """
    numbered = pl.DataFrame({"line": pl.int_range(lines.len(), dtype=pl.UInt32, eager=True), "text": lines})
    numbered = numbered.with_columns(_unreadable(pl.col("text")).alias("reason"))
    rejects = [numbered.filter(pl.col("reason").is_not_null()).select("line", "reason")]
    pending = numbered.filter(pl.col("reason").is_null()).select("line", "text")
    requests: list[pl.DataFrame] = []
    counts: dict[str, int] = {}
    for line_format in formats:
        if not may_fit(pending["text"], line_format):
            continue
        fields = read_fields(pending["text"], line_format).with_columns(pending["line"])
        if not fields["matched"].any():
            continue
        said = fields.filter("matched")
        typed = as_requests(said, timezone, opt_out_cookie)
        counts[line_format.name] = typed.height
        judged = typed.with_columns(_implausible(latest, _asked(said)).alias("reason"))
        rejects.append(judged.filter(pl.col("reason").is_not_null()).select("line", "reason"))
        requests.append(judged.filter(pl.col("reason").is_null()).drop("reason"))
        pending = pending.filter(~fields["matched"])
    rejects.append(_rest(pending, formats))
    read = pl.concat(requests) if requests else pl.DataFrame(schema=REQUESTS)
    return Parsed(read, pl.concat(rejects).sort("line"), counts)


def parse_block(
    lines: Lines,
    formats: Sequence[Format],
    *,
    timezone: str,
    latest: datetime,
    opt_out_cookie: str = "",
    memory: Memory | None = None,
) -> Parsed:
    """Read the lines of a block as `parse` does: most of them on the fast path, those it leaves on the exact one.

    Args:
        lines: The lines of a block.
        formats: As `parse` takes them, and the others.
        timezone: Zone of times without an offset.
        latest: Times after it are rejected as `future`.
        opt_out_cookie: Name of the cookie by which a person objects to being counted.
        memory: Of the blocks before, read in the same way.
    """
    likeliest, zone, cookie = formats[0], timezone, opt_out_cookie
    fast = read_fast(lines, likeliest, timezone=zone, latest=latest, opt_out_cookie=cookie, memory=memory)
    left = np.setdiff1d(np.arange(len(lines)), fast["line"].to_numpy(), assume_unique=True)
    if len(lines) and not len(left):
        return Parsed(fast, _no_rejects(), {likeliest.name: fast.height})
    exact = parse(lines.texts(left), formats, timezone=zone, latest=latest, opt_out_cookie=cookie)
    number = pl.Series(left, dtype=pl.UInt32)
    rejects = exact.rejects.with_columns(number.gather(exact.rejects["line"]).alias("line"))
    requests = exact.requests.with_columns(number.gather(exact.requests["line"]).alias("line"))
    if fast.is_empty():
        return Parsed(requests, rejects, exact.formats)
    counts = {likeliest.name: 0} | exact.formats
    counts[likeliest.name] += fast.height
    return Parsed(pl.concat([fast, requests.cast(fast.schema)]), rejects, counts)


def best_first(lines: pl.Series, formats: Sequence[Format]) -> list[Format]:
    """Order formats by the share of the lines that each of them reads; ties keep their order."""
    found = shares(lines, formats)
    return sorted(formats, key=lambda line_format: -found[line_format.name])


def shares(lines: pl.Series, formats: Sequence[Format]) -> dict[str, float]:
    """Give, for each format, the share of the lines that it reads."""
    total = max(lines.len(), 1)
    return {f.name: int(read_fields(lines, f)["matched"].sum()) / total for f in formats}


def misread_share(lines: pl.Series, line_format: Format) -> float:
    """Give the share of lines in which a host name stands as the client while another column holds an address.

    Such a reading is wrong whatever the format says: `example.org 192.0.2.1 - [time]` read as client, identity, user.
    """
    columns = sorted({"ident", "remote_user"} & line_format.fields)
    if not columns or "client" not in line_format.fields:
        return 0.0
    fields = read_fields(lines, replace(line_format, captured=frozenset(columns))).filter("matched")
    elsewhere = pl.any_horizontal(pl.col(columns).str.contains(_ADDRESS))
    misread = fields.filter(~pl.col("client").str.contains(_ADDRESS) & elsewhere)
    return misread.height / max(fields.height, 1)


def _no_rejects() -> pl.DataFrame:
    return pl.DataFrame(schema={"line": pl.UInt32, "reason": _REASON})


def _unreadable(text: pl.Expr) -> pl.Expr:
    """Give the reason why a line is not even tried."""
    return (
        pl.when(text == "")
        .then(pl.lit("empty"))
        .when(text.str.contains("\x00", literal=True))
        .then(pl.lit("not_text"))
        .when(text.str.len_bytes() > _MAX_LINE_BYTES)
        .then(pl.lit("too_long"))
        .otherwise(None)
        .cast(_REASON)
    )


def _asked(fields: pl.DataFrame) -> pl.Expr:
    """Tell which lines have a place for a request: a JSON line without one is no access line."""
    return pl.lit(fields["asked"] if "asked" in fields.columns else True)


def _implausible(latest: datetime, asked: pl.Expr) -> pl.Expr:
    """Give the reason why a line that fits its format still is no request."""
    rules = (*implausible(latest), (None, "bad_request", ~asked))
    return pl.coalesce(pl.when(applies).then(pl.lit(reason)) for _, reason, applies in rules).cast(_REASON)


def _rest(pending: pl.DataFrame, formats: Sequence[Format]) -> pl.DataFrame:
    """Say why the lines that fit no format do not."""
    text = pl.col("text")
    binary = pl.when(text.str.contains(_CONTROL)).then(pl.lit("not_text"))
    broken = [
        pl.when(text.str.contains(pattern)).then(pl.lit("truncated"))
        for line_format in formats
        if (pattern := line_format.truncated)
    ]
    reason = pl.coalesce(binary, *broken, pl.lit("unknown_format"))
    return pending.select("line", reason.cast(_REASON).alias("reason"))
