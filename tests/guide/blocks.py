"""The fenced blocks of the documents.

What stands behind three backticks says what a block is. `sh`: commands for the server, typed by root; `sh logstats`: by
the user logstats; `sh source`: in a folder with the source. `toml` is a configuration, `python` a program, `text` what
is printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENTS: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
KINDS: Final = ("sh", "sh logstats", "sh source", "toml", "python", "text")
_FENCE: Final = "```"


@dataclass(frozen=True)
class Block:
    """A block.

    Attributes:
        document: Its document, from the root of the project.
        line: Where it begins.
        kind: What stands behind the fence.
        text: What is in it.
    """

    document: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        """Name the place."""
        return f"{self.document}:{self.line}"


def blocks(document: Path) -> Iterator[Block]:
    """Give the fenced blocks of a document."""
    opened: tuple[int, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
        if opened and line == _FENCE:
            yield Block(str(document.relative_to(ROOT)), *opened, "\n".join(inside))
            opened, inside = None, []
        elif opened:
            inside.append(line)
        elif line.startswith(_FENCE):
            opened = number + 1, line.removeprefix(_FENCE)
    assert opened is None, f"{document}: a block is not closed"


def commands(name: str) -> list[Block]:
    """Give the blocks of commands of a document."""
    return [block for block in blocks(ROOT / name) if block.kind.split()[0] == "sh"]
