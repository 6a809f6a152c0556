"""What the platform refuses, as errors: 65 for what was sent, 77 for the key, 75 to try later, 1 for what is gone.

udata has three shapes of errors: `{"errors": {"field": ["text"]}}`, nested for resources; `{"message": "text"}`; and,
for uploads, `{"success": false, "error": "text"}`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from logstats.errors import BusyError, ConfigurationError, InputRejectedError, LogstatsError, NoPermissionError
from logstats.publish.channel import AGAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstats.publish.channel import Answer

__all__ = ["error_of", "reason_of"]

_REFUSED: Final = frozenset((401, 403))
_GONE: Final = frozenset((404, 410))
_WRONG: Final = frozenset((400, 409, 413, 415, 422))
_READ_ONLY: Final = 423
_TOKEN: Final = re.compile(r"udata_[\w-]+")
_LONGEST: Final = 500


def error_of(answer: Answer, place: str) -> LogstatsError:
    """Give the error of an answer that is none.

    Args:
        answer: With a status that is no success.
        place: Host and path.
    """
    if not answer.status:
        return BusyError(f"{place}: no answer ({answer.text})", hint="run it again: what is done is not done twice")
    text = ": ".join(filter(None, (f"{place}: answered {answer.status}", reason_of(answer))))
    if answer.status in AGAIN or answer.status == _READ_ONLY:
        text += f", and asks to wait {answer.wait:,.0f} seconds" if answer.wait else ""
        return BusyError(text, hint="run it again later: what is done is not done twice")
    if answer.status in _REFUSED:
        return NoPermissionError(
            text, hint="demo and production have keys of their own; the user must be a member of the organisation"
        )
    if answer.status in _GONE:
        return LogstatsError(
            text, hint="is the id in [publish] one of this platform? demo and production have their own"
        )
    if answer.status in _WRONG:
        return InputRejectedError(text)
    return ConfigurationError(text, hint="is the address in [publish] right?")


def reason_of(answer: Answer) -> str:
    """Give the reason that the platform names, with the field; and the number under which it logged a failure."""
    try:
        body = json.loads(answer.text)
    except (ValueError, RecursionError):
        body = None
    parts: list[str] = []
    if isinstance(body, dict):
        if isinstance(errors := body.get("errors"), dict):
            parts += [f"{field}: {text}" for field, text in _fields(errors)]
        parts += [text for name in ("message", "error") if isinstance(text := body.get(name), str) and text]
    trace = answer.headers.get("x-sentry-id", "")
    if trace.isalnum():
        parts.append(f"X-Sentry-ID {trace}")
    return _TOKEN.sub("[key]", "; ".join(parts))[:_LONGEST]


def _fields(errors: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - whatever the platform says
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from _fields(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(errors, list):
        for inner in errors:
            yield from _fields(inner, path)
    elif errors:
        yield path, str(errors)
