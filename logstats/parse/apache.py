"""Apache `LogFormat` strings, compiled to pieces.

Grammar and meaning of the directives: Apache HTTP Server 2.4, mod_log_config, mod_logio; time formats: strftime(3).
"""

from __future__ import annotations

from typing import Final

from logstats.errors import FormatStringError
from logstats.parse.pieces import Field, Piece, Text
from logstats.parse.strftime import strftime_pattern

__all__ = ["apache_pieces"]

_PLAIN: Final[dict[str, Field]] = {
    "a": Field("client", "client"),
    "A": Field(None),
    "b": Field("body_bytes", "number"),
    "B": Field("body_bytes", "number"),
    "D": Field("microseconds", "number"),
    "f": Field(None, "text"),
    "h": Field("client", "client", rank=1),
    "H": Field("protocol"),
    "I": Field(None, "number"),
    "k": Field(None, "number"),
    "l": Field("ident"),
    "L": Field(None),
    "m": Field("method"),
    "O": Field("bytes_out", "number"),
    "p": Field(None),
    "P": Field(None),
    "q": Field("query", "query"),
    "r": Field("request", "text"),
    "R": Field(None),
    "s": Field("status", rank=1),
    "S": Field(None, "number"),
    "t": Field("time_clf", "own", pattern=r"\[[^\]]*\]"),
    "T": Field("seconds", "number"),
    "u": Field("remote_user"),
    "U": Field("path", "path"),
    "v": Field("host", "host", rank=1),
    "V": Field("host", "host"),
    "X": Field(None),
    "^FB": Field(None, "number"),
}
"""Directives without a parameter."""

_WITH_PARAMETER: Final[dict[str, dict[str, Field]]] = {
    "a": {"c": Field("client", "client", rank=2)},
    "h": {"c": Field("client", "client", rank=3)},
    "p": dict.fromkeys(("canonical", "local", "remote"), Field(None)),
    "P": dict.fromkeys(("pid", "tid", "hextid"), Field(None)),
    "T": {
        "s": Field("seconds", "number"),
        "ms": Field("milliseconds", "number"),
        "us": Field("microseconds", "number"),
    },
    "i": {
        "referer": Field("referrer", "text"),
        "user-agent": Field("user_agent", "text"),
        "x-forwarded-for": Field("forwarded_for", "text"),
        "host": Field("host", "host"),
        "purpose": Field("purpose", rank=1),
        "sec-purpose": Field("purpose"),
        "sec-gpc": Field("gpc"),
        "dnt": Field("dnt"),
        "sec-ch-ua-mobile": Field("mobile_hint"),
        "sec-ch-ua-platform": Field("platform_hint"),
        "sec-ch-ua-form-factors": Field("form_factor_hint"),
        "range": Field("range"),
    },
    "o": {"content-type": Field("content_type", "text")},
}
"""Directives whose parameter decides what they hold."""

_ANY_PARAMETER: Final = frozenset(("i", "o", "e", "n", "x", "^ti", "^to"))
"""Directives that take any parameter; what is not listed above is matched and not used."""

_EPOCHS: Final = {
    "sec": Field("epoch_seconds", "own", pattern="[0-9]+"),
    "msec": Field("epoch_milliseconds", "own", pattern="[0-9]+"),
    "usec": Field("epoch_microseconds", "own", pattern="[0-9]+"),
    "msec_frac": Field("fraction_milliseconds", "own", pattern="[0-9]{3}"),
    "usec_frac": Field("fraction_microseconds", "own", pattern="[0-9]{6}"),
}


def apache_pieces(string: str) -> tuple[Piece, ...]:
    """Compile a LogFormat string.

    Args:
        string: As the server uses it, without the backslashes of the configuration file.

    Returns:
        Its literals and fields.

    Raises:
        FormatStringError: A directive is malformed or unknown; the error names it.
    """
    pieces: list[Piece] = []
    position = 0
    while position < len(string):
        percent = string.find("%", position)
        if percent != position:
            end = len(string) if percent < 0 else percent
            pieces.append(Text(string[position:end]))
            position = end
        else:
            piece, position = _directive(string, percent)
            pieces.append(piece)
    return tuple(pieces)


def _directive(string: str, start: int) -> tuple[Piece, int]:
    """Read the directive at `start`; also give the position after it."""
    position = start + 1
    parameter: str | None = None
    conditional, original, final = False, False, False
    while position < len(string) and string[position] in "<>!,{0123456789":
        character = string[position]
        if character == "{":
            closing = string.find("}", position)
            if closing < 0:
                raise _refused(string[start:], "is not closed by }")
            parameter, position = string[position + 1 : closing], closing
        conditional |= character.isdigit()
        original |= character == "<"
        final |= character == ">"
        position += 1
    length = 3 if string[position : position + 1] == "^" else 1
    name, end = string[position : position + length], position + length
    shown = string[start:end]
    if len(name) < length or name == " ":
        raise _refused(shown, "ends before it names a directive")
    if name == "%":
        return Text("%"), end
    field = _field(name, parameter, shown)
    rank = field.rank * 8 + conditional * 4 + (0 if final else 2 if original else 1)
    return Field(field.name, field.kind, rank, field.pattern, optional=conditional or field.optional), end


def _field(name: str, parameter: str | None, shown: str) -> Field:
    if name == "t" and parameter:
        return _time(parameter, shown)
    if parameter is None or (name == "t" and not parameter):
        if name not in _PLAIN:
            wants = name in _ANY_PARAMETER or name == "C"
            raise _refused(shown, "needs a parameter, as in %{NAME}" + name if wants else "is unknown")
        return _PLAIN[name]
    if name == "C":
        return Field(f"cookie:{parameter}", "text")
    known = _WITH_PARAMETER.get(name, {})
    if name in _ANY_PARAMETER:
        return known.get(parameter.lower(), Field(None, "text"))
    if parameter.lower() not in known:
        raise _refused(shown, "is unknown with this parameter" if name in _PLAIN else "is unknown")
    return known[parameter.lower()]


def _time(parameter: str, shown: str) -> Field:
    """Compile `%{...}t`: a strftime format, an epoch or a fraction, of the request's begin or end."""
    stage, colon, rest = parameter.partition(":")
    if stage in ("begin", "end") and (colon or not rest):
        parameter = rest
    if not parameter:
        return _PLAIN["t"]
    if parameter in _EPOCHS:
        return _EPOCHS[parameter]
    try:
        pattern = strftime_pattern(parameter)
    except ValueError as error:
        raise _refused(shown, str(error)) from None
    return Field(f"time_text:{parameter}", "own", pattern=pattern)


def _refused(directive: str, reason: str) -> FormatStringError:
    return FormatStringError(f"LogFormat directive {directive!r} {reason}", directive=directive)
