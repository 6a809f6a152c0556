"""The bar that shows a person at a terminal how far a run is."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from logstats.text import BAR, bar, clipped, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.read import Source

__all__ = ["Progress"]

_EVERY: Final = 0.2  # seconds


class Progress:
    """How far a run is: share, lines a second and time left, on standard error."""

    def __init__(self, sources: Sequence[Source], *, shown: bool, width: int) -> None:
        sizes = [source.size for source in sources]
        self._total = sum(size or 0 for size in sizes) if all(size is not None for size in sizes) else 0
        self._sources = sources
        self._shown = shown
        self._width = width
        self._started = time.monotonic()
        self._next = 0.0
        self._lines: dict[int, int] = {}

    def __call__(self, source: Source, lines: int) -> None:
        """Show that so many lines of a source have been read."""
        self._lines[id(source)] = lines
        elapsed = time.monotonic() - self._started
        if self._shown and elapsed >= self._next:
            self._next = elapsed + _EVERY
            self._write(self._text(elapsed))

    def close(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._write("")

    def _text(self, elapsed: float) -> str:
        lines = sum(self._lines.values())
        rate = f"{lines:,} lines  {lines / max(elapsed, 0.001):,.0f} lines/s"
        if not self._total:
            return rate
        share = min(1.0, sum(source.consumed for source in self._sources) / self._total)
        left = duration(elapsed / share - elapsed) if share else "?"
        return f"{bar(share):░<{BAR}} {share:>4.0%}  {rate}  {left} left"

    def _write(self, text: str) -> None:
        sys.stderr.write("\r" + clipped(text, self._width - 1).ljust(self._width - 1) + "\r")
        sys.stderr.flush()
