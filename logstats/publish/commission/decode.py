"""The bytes of a message as an object of texts and numbers."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from logstats.publish.commission.conformance import shown

__all__ = ["UnreadableError", "decode", "too_large"]

_FAR_TOO_LARGE: Final = 10  # times the largest message: nothing that is worth being read


class UnreadableError(ValueError):
    """The bytes are no message that could be looked at further."""


def decode(encoded: bytes, most: int) -> dict[str, Any]:
    """Read a message.

    Args:
        encoded: Its bytes.
        most: How many may be sent.

    Raises:
        UnreadableError: It is none; the text says why.
    """
    if len(encoded) > _FAR_TOO_LARGE * most:
        raise UnreadableError(too_large(len(encoded), most))
    try:
        value = json.loads(encoded.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is not UTF-8 text: byte {error.start:,}") from None
    except json.JSONDecodeError as error:
        reason = f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise UnreadableError(reason) from None
    except UnreadableError:
        raise
    except (RecursionError, ValueError):
        raise UnreadableError("is not JSON that can be read") from None
    if not isinstance(value, dict):
        raise UnreadableError("must be an object")
    if rb"\u" in encoded and not _is_text(value):
        raise UnreadableError("has half a character: a surrogate without the other one")
    return value


def too_large(size: int, most: int) -> str:
    """Say that a message is too large."""
    return f"has {size:,} bytes, more than {most:,}"


def _is_text(value: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    """Tell whether all texts can be encoded: JSON can name half a character."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise UnreadableError(f"an object has {shown(twice)} twice")
    return found
