"""Values as TOML text; nothing in it can act on a terminal, or end it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["comment_text", "text_value", "value_text"]

_WIDTH: Final = 80


def text_value(text: str) -> str:
    """Write a text: as it is in single quotes where that can be read more easily, else with escapes."""
    if text.isprintable() and "'" not in text and ("\\" in text or '"' in text):
        return f"'{text}'"
    plain = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in plain)


def value_text(value: Any, indent: int = 0) -> str:  # noqa: ANN401 - whatever TOML holds
    """Write a value: text, number, truth, list or table; a long list goes over several lines."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return text_value(value)
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {value_text(one, indent)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        written = [value_text(one, indent + 2) for one in value]
        short = f"[{', '.join(written)}]"
        if len(short) + indent <= _WIDTH and "\n" not in short:
            return short
        return "[\n" + "".join(f"{line}\n" for line in _filled(written, indent + 2)) + " " * indent + "]"
    return str(value)


def _filled(written: list[str], indent: int) -> Iterator[str]:
    """Put as many values on each line as fit."""
    line = ""
    for one in written:
        if line and indent + len(line) + len(one) + 2 > _WIDTH:
            yield " " * indent + line
            line = ""
        line += f"{' ' * bool(line)}{one},"
    yield " " * indent + line


def comment_text(text: str) -> str:
    """Write a text for a comment: on one line, and harmless."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
