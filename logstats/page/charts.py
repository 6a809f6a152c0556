"""Charts: where each column, bar and band lies. Widths are shares of the place there is, so that no text is scaled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Band", "Column", "Columns", "Flow", "Node", "columns", "flow", "rem", "ticks"]

HEIGHT: Final = 200
"""Of the plot, in pixels; all pixels here are those of text of usual size."""
_TEXT: Final = 16
_GAP: Final = 10
_LEAST: Final = 26
_FLOW: Final = 300
_THICKEST: Final = 60  # on average, so that a few bands do not fill the screen
_NICE: Final = (1, 2, 2.5, 5, 10)


def rem(pixels: float) -> str:
    """Write a length so that it grows with the text of the page.

    >>> rem(44)
    '2.75rem'
    """
    return f"{round(pixels / _TEXT, 2):g}rem"


@dataclass(frozen=True)
class Column:
    """A column: its left edge and width in per cent, its top and height in pixels; `value` None is not shown."""

    name: str
    value: int | None
    x: float
    width: float
    y: float
    height: float
    marked: str = ""

    @property
    def middle(self) -> float:
        """Of the column, in per cent."""
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True)
class Columns:
    """A chart of columns; `lines` are values of the scale and where they lie, in pixels."""

    columns: list[Column]
    lines: list[tuple[int, float]]

    def renamed(self, name: Callable[[str], str]) -> Columns:
        """Give the same chart with other names below its columns."""
        return replace(self, columns=[replace(column, name=name(column.name)) for column in self.columns])


def ticks(largest: int) -> list[int]:
    """Give round values of a scale, from 0 to at least the largest.

    >>> ticks(37)
    [0, 20, 40]
    """
    step = 1.0
    power = 10 ** max(len(str(largest)) - 2, 0)
    for factor in (1, 10, 100):
        for nice in _NICE:
            step = nice * power * factor
            if step * 3 >= largest and step == int(step):
                return list(range(0, int(-(-largest // step) * step) + 1, int(step)))
    return [0, largest]


def columns(values: Sequence[tuple[str, int | None]], marked: dict[str, str] | None = None) -> Columns:
    """Lay columns out side by side, on a scale from zero.

    Args:
        values: Name and value of each.
        marked: What is remarkable of some, by name.
    """
    scale = ticks(max([value or 0 for _, value in values], default=0) or 1)
    top = scale[-1]
    pitch = 100 / max(len(values), 1)
    width = pitch * 0.72
    laid = []
    for i, (name, value) in enumerate(values):
        height = round((value or 0) / top * HEIGHT, 1)
        x = round(i * pitch + (pitch - width) / 2, 2)
        laid.append(
            Column(name, value, x, round(width, 2), round(HEIGHT - height, 1), height, (marked or {}).get(name, ""))
        )
    return Columns(laid, [(line, round(HEIGHT - line / top * HEIGHT, 1)) for line in scale])


@dataclass(frozen=True)
class Node:
    """A page at one side of a flow: its top and height in pixels."""

    name: str
    value: int
    y: float
    height: float

    @property
    def middle(self) -> float:
        """Of the node, in pixels."""
        return round(self.y + self.height / 2, 1)


@dataclass(frozen=True)
class Band:
    """A band from left to right, drawn as a path in a place 100 wide."""

    left: str
    right: str
    value: int
    path: str


@dataclass(frozen=True)
class Flow:
    """Nodes of both sides, bands between them, and how high all is."""

    left: list[Node]
    right: list[Node]
    bands: list[Band]
    height: float


def flow(links: Sequence[tuple[str, str, int]]) -> Flow:
    """Lay a flow out: nodes by size, bands as thick as what they carry."""
    scale = min(_FLOW, _THICKEST * len(links)) / max(sum(value for _, _, value in links), 1)
    left = _nodes([(one, value) for one, _, value in links], scale)
    right = _nodes([(other, value) for _, other, value in links], scale)
    height = max((node.y + node.height for node in (*left.values(), *right.values())), default=0)
    used: dict[tuple[int, str], float] = {}
    bands = []
    order = {name: place for place, name in enumerate(right)}
    for one, other, value in sorted(links, key=lambda link: (list(left).index(link[0]), order[link[1]])):
        thick = value * scale
        edges = []
        for side, name, nodes in ((0, one, left), (1, other, right)):
            carried = sum(link[2] for link in links if link[side] == name) * scale
            node = nodes[name]
            start = used.get((side, name), node.y + (node.height - carried) / 2)
            used[side, name] = start + thick
            edges.append(start)
        a, b = (round(edge, 1) for edge in edges)
        c, d = (round(edge + thick, 1) for edge in edges)
        bands.append(Band(one, other, value, f"M0 {a}C50 {a} 50 {b} 100 {b}V{d}C50 {d} 50 {c} 0 {c}Z"))
    return Flow(list(left.values()), list(right.values()), bands, round(height, 1))


def _nodes(ends: Sequence[tuple[str, int]], scale: float) -> dict[str, Node]:
    sums: dict[str, int] = {}
    for name, value in ends:
        sums[name] = sums.get(name, 0) + value
    nodes, y = {}, 0.0
    for name, value in sorted(sums.items(), key=lambda item: (-item[1], item[0])):
        height = round(max(value * scale, _LEAST), 1)
        nodes[name] = Node(name, value, round(y, 1), height)
        y += height + _GAP
    return nodes
