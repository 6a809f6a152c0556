"""HAProxy's HTTP log (`option httplog`), as pieces.

Source: HAProxy configuration manual, 8.2.3 HTTP log format. Which headers are captured is the site's choice and
not in the log; a single captured request header is taken for the user agent when it has the form of one.
"""

from __future__ import annotations

from typing import Final

from logstats.parse.pieces import Field, Piece, Text

__all__ = ["haproxy_pieces"]

_SYSLOG: Final = r"(?:[^\[\]]* )?(?:[A-Za-z_\-]+\[[0-9]+\]: )?"
_TIMERS: Final = r"-?[0-9]+/-?[0-9]+/-?[0-9]+/-?[0-9]+/"


def haproxy_pieces() -> tuple[Piece, ...]:
    """Give the pieces of an HTTP log line, with or without the syslog prefix."""
    return (
        Field(None, "own", pattern=_SYSLOG),
        Field("client", "own", pattern=r"[0-9A-Fa-f.:]+"),
        Text(":"),
        Field(None, "own", pattern="[0-9]+"),
        Text(" ["),
        Field("time_text:%d/%b/%Y:%H:%M:%S", "own", pattern=r"[^.\]]*"),
        Text("."),
        Field("fraction_milliseconds", "own", pattern="[0-9]{3}"),
        Text("] "),
        Field(None),  # frontend
        Text(" "),
        Field(None),  # backend and server
        Text(" "),
        Field(None, "own", pattern=_TIMERS),
        Field("milliseconds", "own", pattern=r"[0-9]+"),
        Text(" "),
        Field("status", "own", pattern=r"-1|[0-9]{3}"),
        Text(" "),
        Field("body_bytes", "own", pattern=r"\+?[0-9]+"),
        Text(" "),
        Field(None, "own", pattern=r"[^ ]+ [^ ]+ [^ ]{4} [0-9/+]+ [0-9/]+ "),
        Field("captured", "own", pattern=r"(?:\{[^{}]*\} ){0,2}"),
        Text('"'),
        Field("request", "text"),
        Text('"'),
    )
