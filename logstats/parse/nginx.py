"""nginx `log_format` strings, compiled to pieces.

Variables: nginx documentation, ngx_http_core_module, ngx_http_log_module, ngx_http_upstream_module. A site may
set variables of its own, so an unknown one is matched and not used.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from logstats.errors import FormatStringError
from logstats.parse.pieces import Field, Piece, Text

__all__ = ["VARIABLES", "likely_variable", "nginx_pieces"]

VARIABLES: Final[dict[str, Field]] = {
    "remote_addr": Field("client", "client"),
    "realip_remote_addr": Field("client", "client", rank=1),
    "binary_remote_addr": Field(None),
    "remote_user": Field("remote_user"),
    "time_local": Field("time_clf", "text"),
    "time_iso8601": Field("time_iso8601"),
    "msec": Field("epoch_seconds", "number"),
    "request": Field("request", "text"),
    "request_method": Field("method"),
    "request_uri": Field("target"),
    "uri": Field("path"),
    "document_uri": Field("path"),
    "args": Field("bare_query"),
    "query_string": Field("bare_query"),
    "is_args": Field(None, "own", pattern=r"\??"),
    "server_protocol": Field("protocol"),
    "status": Field("status"),
    "body_bytes_sent": Field("body_bytes", "number"),
    "bytes_sent": Field("bytes_out", "number"),
    "request_length": Field(None, "number"),
    "request_time": Field("seconds", "number"),
    "host": Field("host", "host"),
    "http_host": Field("host", "host", rank=1),
    "server_name": Field("host", "host", rank=2),
    "http_referer": Field("referrer", "text"),
    "http_user_agent": Field("user_agent", "text"),
    "http_x_forwarded_for": Field("forwarded_for", "text"),
    "proxy_add_x_forwarded_for": Field("forwarded_for", "text", rank=1),
    "http_purpose": Field("purpose", rank=1),
    "http_sec_purpose": Field("purpose"),
    "http_sec_gpc": Field("gpc"),
    "http_dnt": Field("dnt"),
    "http_sec_ch_ua_mobile": Field("mobile_hint"),
    "http_sec_ch_ua_platform": Field("platform_hint"),
    "http_sec_ch_ua_form_factors": Field("form_factor_hint"),
    "http_range": Field("range"),
    "sent_http_content_type": Field("content_type", "text"),
}
_TEXT_PREFIXES: Final = ("http_", "sent_http_", "upstream_http_", "cookie_", "ssl_client_")
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def nginx_pieces(string: str) -> tuple[Piece, ...]:
    """Compile a log_format string.

    Args:
        string: The quoted strings of the directive, joined.

    Returns:
        Its literals and fields.

    Raises:
        FormatStringError: A `$` without a name, or `${` without `}`.
    """
    pieces: list[Piece] = []
    position = 0
    while position < len(string):
        dollar = string.find("$", position)
        if dollar != position:
            end = len(string) if dollar < 0 else dollar
            pieces.append(Text(string[position:end]))
            position = end
        else:
            name, position = _variable(string, dollar)
            pieces.append(_field(name))
    return tuple(pieces)


def likely_variable(name: str) -> str | None:
    """Give the known variable that `name` may be a misspelling of."""
    if name in VARIABLES:
        return None
    return next(iter(get_close_matches(name, VARIABLES, n=1, cutoff=0.85)), None)


def _variable(string: str, start: int) -> tuple[str, int]:
    """Read the variable at `start`; also give the position after it."""
    if string[start + 1 : start + 2] == "{":
        closing = string.find("}", start)
        name, end = string[start + 2 : closing], closing + 1
    else:
        end = start + 1
        while end < len(string) and string[end] in _NAME:
            end += 1
        name = string[start + 1 : end]
    if end == 0 or not name or not set(name) <= _NAME:
        shown = string[start : start + 20]
        raise FormatStringError(f"log_format holds {shown!r}, which is no variable", directive=shown)
    return name, end


def _field(name: str) -> Field:
    if name in VARIABLES:
        return VARIABLES[name]
    if name.startswith("cookie_"):
        return Field(f"cookie:{name.removeprefix('cookie_')}", "text")
    if name.startswith("upstream_"):
        return Field(None, "list")
    return Field(None, "text" if name.startswith(_TEXT_PREFIXES) else "token")
