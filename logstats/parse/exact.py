"""The exact path: what a line says, by anchored, linear-time expressions that run in polars."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.distinct import distinct
from logstats.parse.formats import is_time
from logstats.parse.json_lines import json_fields
from logstats.parse.times import instants
from logstats.schema import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from logstats.parse.formats import Format
    from logstats.parse.pieces import Field

__all__ = ["as_requests", "extract", "may_fit", "needs", "read_fields"]

_THREE_WORDS: Final = r"^([!#$%&'*+.^_`|~0-9A-Za-z\-]+) (.*) (HTTP/[0-9.]+)$"
_TWO_WORDS: Final = r"^([A-Z]+) ([^ ]+)$"  # HTTP/0.9: no protocol
_OWN_COLUMNS: Final = frozenset(("method", "target", "path"))  # of the request, beside it or instead of it
_ESCAPED: Final = r'\\(["\\])'
_STATUS: Final = "^[0-9]{3}$"
_HOST_PORT: Final = ":[0-9]+$"
_LARGEST: Final = 2.0**53  # what a Float64 still counts exactly; far more than a response has bytes
_ONE_USER_AGENT: Final = r"^\{([A-Za-z][^{}|]*/[^{}|]*)\}"
_TEXTS: Final = tuple(name for name, dtype in REQUESTS.items() if dtype == pl.String)
_DURATIONS: Final = {"seconds": 1.0, "milliseconds": 0.001, "microseconds": 0.000_001, "nanoseconds": 1e-9}

_SOURCES: Final[Mapping[str, frozenset[str]]] = {
    "method": frozenset(("method", "request")),
    "target": frozenset(("target", "path", "query", "bare_query", "request")),
    "bytes": frozenset(("body_bytes", "bytes_out")),
    "seconds": frozenset(_DURATIONS),
    "opt_out": frozenset(("gpc", "dnt")),
    "user_agent": frozenset(("user_agent", "captured")),
    "user_agent_logged": frozenset(("user_agent", "captured")),
}
"""The fields that a column is made of, where they are not of its own name."""


def read_fields(lines: pl.Series, line_format: Format) -> pl.DataFrame:
    r"""Read the text of each field.

    Args:
        lines: Text, a line each, right end stripped.
        line_format: The format they may have.

    Returns:
        One row a line: `matched`, and a String column for each field of the format, null for `-`, with the
        escapes of quotes and backslashes undone; `\xHH` is kept as it stands.
    """
    if line_format.syntax == "json":
        return json_fields(lines)
    return extract(lines, *line_format.expression)


def may_fit(lines: pl.Series, line_format: Format) -> bool:
    """Tell whether `read_fields` can match any of the lines; much sooner than it does."""
    pattern = "{" if line_format.syntax == "json" else line_format.expression[0]
    return bool(lines.str.contains(pattern, literal=line_format.syntax == "json").any())


def extract(texts: pl.Series, expression: str, groups: Sequence[Field]) -> pl.DataFrame:
    """Take texts apart: `matched`, and the text of each field, as `read_fields` gives them.

    Args:
        texts: Text.
        expression: Fits a whole text.
        groups: The field of each of its groups.
    """
    if not groups:
        return pl.DataFrame({"matched": texts.str.contains(expression)})
    raw = texts.str.extract_groups(expression).struct.unnest()
    raw.columns = [str(i) for i in range(raw.width)]
    by_name: dict[str, list[pl.Expr]] = {}
    for i in sorted(range(len(groups)), key=lambda i: groups[i].rank):
        column = pl.col(str(i))
        present = reduce(and_, (column != text for text in groups[i].absent))
        by_name.setdefault(str(groups[i].name), []).append(pl.when(present).then(column))
    columns = [pl.coalesce(choices).alias(name) for name, choices in by_name.items()]
    fields = raw.select(pl.col("0").is_not_null().alias("matched"), *columns)
    escaped = texts.str.contains("\\", literal=True).fill_null(value=False)
    if not escaped.any():
        return fields
    rows = escaped.arg_true()
    return fields.with_columns(fields[name].scatter(rows, _unescaped(fields[name].gather(rows))) for name in by_name)


def needs(column: str, fields: frozenset[str], opt_out_cookie: str) -> frozenset[str]:
    """Give the fields of a format from which a column of REQUESTS is made."""
    if column == "time":
        return frozenset(name for name in fields if is_time(name) or name.startswith("fraction_"))
    if column == "client" and "client" not in fields:
        return fields & {"forwarded_for"}
    if column == "cookie":
        return fields & {f"cookie:{opt_out_cookie}"}
    return fields & _SOURCES.get(column, frozenset((column,)))


def as_requests(
    fields: pl.DataFrame, timezone: str, opt_out_cookie: str = "", columns: Collection[str] = tuple(REQUESTS)
) -> pl.DataFrame:
    """Give the fields their types.

    Args:
        fields: Columns as `read_fields` gives them, with `line`.
        timezone: Zone of times without an offset.
        opt_out_cookie: Name of the cookie by which a person objects to being counted.
        columns: Which columns of REQUESTS to make.

    Returns:
        These columns. Null where a field is absent or is not what it should be.
    """
    have = frozenset(fields.columns)
    split = fields
    if "time" in columns:
        split = split.with_columns(instants(fields, timezone).alias("time"))
    if "method" in columns or "target" in columns:
        split = split.with_columns(_request_lines(fields))
    made = {
        "line": pl.col("line").cast(pl.UInt32),
        "time": pl.col("time"),
        "client": _client(have),
        "host": _text(have, "host").str.to_lowercase().str.replace(_HOST_PORT, ""),
        "method": pl.col("method"),
        "target": pl.col("target"),
        "status": _status(have),
        "bytes": _number(have, "body_bytes", "bytes_out").cast(pl.Int64),
        "seconds": _seconds(have),
        "user_agent": _user_agent(have),
        "user_agent_logged": _user_agent_logged(have),
        "opt_out": _opt_out(have),
        "cookie": _text(have, f"cookie:{opt_out_cookie}"),
    }
    return split.select(made.get(name, _text(have, name)).alias(name) for name in columns)


def _unescaped(text: pl.Series) -> pl.Series:
    return text.str.replace_all(_ESCAPED, "$1")


def _text(have: frozenset[str], name: str) -> pl.Expr:
    return pl.col(name) if name in have else pl.lit(None, dtype=pl.String)


def _number(have: frozenset[str], *names: str) -> pl.Expr:
    texts = [_text(have, name).str.strip_chars_start("+") for name in names]
    number = pl.coalesce(texts).cast(pl.Float64, strict=False)
    return pl.when(number.is_between(0, _LARGEST)).then(number)


def _request_lines(fields: pl.DataFrame) -> list[pl.Series]:
    """Take method and target out of requests; each distinct one is split once, and its third word is a protocol."""
    have = frozenset(fields.columns)
    if have & _OWN_COLUMNS or "request" not in have:
        return fields.with_columns(_method(have), _target(have)).select("method", "target").get_columns()
    requests = distinct(fields["request"])
    split = pl.DataFrame({"request": requests.values}).select(
        _method(frozenset(("request",))), _target(frozenset(("request",)))
    )
    return [column.gather(requests.codes) for column in split.get_columns()]


def _method(have: frozenset[str]) -> pl.Expr:
    request = _text(have, "request")
    words = [request.str.extract(pattern, 1) for pattern in (_THREE_WORDS, _TWO_WORDS)]
    return pl.coalesce(_text(have, "method"), *words).alias("method")


def _target(have: frozenset[str]) -> pl.Expr:
    """Give path and query, whatever columns they stand in."""
    query = pl.coalesce(_text(have, "query"), "?" + _text(have, "bare_query").str.strip_prefix("?"), pl.lit(""))
    path = pl.coalesce(_text(have, "target"), _text(have, "path"))
    with_query = pl.when(path.str.contains("?", literal=True)).then(path).otherwise(path + query)
    request = _text(have, "request")
    words = [request.str.extract(pattern, 2) for pattern in (_THREE_WORDS, _TWO_WORDS)]
    return pl.coalesce(with_query, *words).alias("target")


def _client(have: frozenset[str]) -> pl.Expr:
    """Give the client as logged; without such a column, the last address of X-Forwarded-For."""
    if "client" in have:
        return pl.col("client")
    return _text(have, "forwarded_for").str.split(",").list.last().str.strip_chars()


def _status(have: frozenset[str]) -> pl.Expr:
    text = _text(have, "status").replace("-1", "000")  # HAProxy: the connection ended without an answer
    return pl.when(text.str.contains(_STATUS)).then(text).cast(pl.UInt16, strict=False)


def _seconds(have: frozenset[str]) -> pl.Expr:
    known = [_number(have, name) * factor for name, factor in _DURATIONS.items() if name in have]
    return pl.coalesce(known) if known else pl.lit(None, dtype=pl.Float64)


def _user_agent(have: frozenset[str]) -> pl.Expr:
    if "captured" in have:
        return pl.col("captured").str.extract(_ONE_USER_AGENT)
    return _text(have, "user_agent")


def _user_agent_logged(have: frozenset[str]) -> pl.Expr:
    return pl.lit("user_agent" in have) if "captured" not in have else _user_agent(have).is_not_null()


def _opt_out(have: frozenset[str]) -> pl.Expr:
    """Give `1` where Global Privacy Control or Do Not Track asks not to be counted."""
    asked = (_text(have, "gpc") == "1") | (_text(have, "dnt") == "1")
    return pl.when(asked).then(pl.lit("1"))
