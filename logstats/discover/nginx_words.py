"""The grammar of nginx.conf: words, quotes, blocks, comments, as `ngx_conf_read_token` of nginx 1.22 reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from logstats.discover.found import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Directive", "parse"]

_BLANKS: Final = frozenset(" \t\r\n")
_UNESCAPED: Final = {'"': '"', "'": "'", "\\": "\\", "t": "\t", "r": "\r", "n": "\n"}
_OTHER_LANGUAGE: Final = "_by_lua_block"


@dataclass
class Directive:
    """A directive: its words, and what is in its block; None where it has none."""

    words: list[str]
    place: Place
    block: list[Directive] | None = field(default=None)

    @property
    def name(self) -> str:
        """Its first word."""
        return self.words[0]


def parse(text: str, file: Path) -> list[Directive]:
    """Read a configuration file.

    Raises:
        ConfigurationError: A quote, a block or a directive has no end.
    """
    found, closed = _directives(_Reader(text, file), inner=False)
    assert closed  # noqa: S101 - at the end of the file, the outermost level is closed
    return found


def _directives(reader: _Reader, *, inner: bool) -> tuple[list[Directive], bool]:
    found: list[Directive] = []
    words: list[str] = []
    start = reader.place()
    for word, is_sign, place in reader.words():
        if not words:
            start = place
        if not is_sign:
            words.append(word)
        elif word == ";" and words:
            found.append(Directive(words, start))
            words = []
        elif word == "{" and words:
            if words[0].endswith(_OTHER_LANGUAGE):
                reader.skip_block()
                found.append(Directive(words, start))
            else:
                found.append(Directive(words, start, _directives(reader, inner=True)[0]))
            words = []
        elif word == "}" and inner and not words:
            return found, True
        else:
            raise place.error(f"unexpected {word!r}", "does `nginx -t` accept this file?")
    if inner or words:
        raise start.error("ends within a directive or block", "does `nginx -t` accept this file?")
    return found, True


class _Reader:
    """Cuts a text into words and signs."""

    def __init__(self, text: str, file: Path) -> None:
        self._text, self._file = text, file
        self._at, self._line = 0, 1

    def place(self) -> Place:
        """Say where it is."""
        return Place(self._file, self._line)

    def words(self) -> Iterator[tuple[str, bool, Place]]:
        """Give each word, whether it is one of `;`, `{` and `}`, and its place."""
        while self._skip_blanks():
            place, character = self.place(), self._text[self._at]
            if character in ";{}":
                self._at += 1
                yield character, True, place
            elif character in "\"'":
                yield self._quoted(character), False, place
            else:
                yield self._bare(), False, place

    def skip_block(self) -> None:
        """Pass over a block of Lua: its braces are balanced, but for those in its texts and comments."""
        place, depth = self.place(), 1
        while depth:
            if self._at >= len(self._text):
                raise place.error("ends within a block")
            if self._text.startswith("--", self._at):
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at] in "\"'":
                self._quoted(self._text[self._at])
            else:
                depth += {"{": 1, "}": -1}.get(self._next(), 0)

    def _next(self) -> str:
        character = self._text[self._at]
        self._at += 1
        self._line += character == "\n"
        return character

    def _skip_blanks(self) -> bool:
        """Go to the next word; tell whether there is one."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at] in _BLANKS:
                self._next()
            else:
                return True
        return False

    def _quoted(self, quote: str) -> str:
        place = self.place()
        self._at += 1
        word = ""
        while self._at < len(self._text):
            character = self._next()
            if character == quote:
                return word
            word += self._escaped() if character == "\\" else character
        raise place.error("a quote has no end")

    def _bare(self) -> str:
        word = ""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in _BLANKS or character == ";" or (character == "{" and not word.endswith("$")):
                break
            self._next()
            word += self._escaped() if character == "\\" else character
        return word

    def _escaped(self) -> str:
        if self._at >= len(self._text):
            return "\\"
        character = self._next()
        return _UNESCAPED.get(character, "\\" + character)
