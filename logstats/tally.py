"""The account of a run: where every line ended up.

    lines = hits + rejected + opted_out + late

Tallies add up, in any order: over blocks, inputs and runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import polars as pl

if TYPE_CHECKING:
    from datetime import date, datetime

    from logstats.read import Lines

__all__ = ["InputResult", "Reject", "Tally", "shape"]

_SHOWN: Final = 5
_SHAPE_LENGTH: Final = 100


@dataclass(frozen=True, order=True)
class Reject:
    """A line that was not counted, without what it says.

    Attributes:
        input: Name of its input, as the user gave it.
        line: Its number there, from 1.
        reason: One of REJECT_REASONS.
        shape: Its outline: `a` for a word, `9` for a number.
    """

    input: str
    line: int
    reason: str
    shape: str


@dataclass(frozen=True)
class InputResult:
    """What became of an input.

    Attributes:
        name: As the user gave it.
        lines: How many of its lines are in the account.
        state: `complete`; `empty`; `damaged`, when what follows a broken checksum was left out; `refused`, when it
            does not read as an access log and none of it was counted.
        note: What a person should know about it; no content.
        hint: What to do about it.
    """

    name: str
    lines: int = 0
    state: str = "complete"
    note: str = ""
    hint: str = ""


@dataclass
class Tally:
    """Counts of lines, and what is known of them as a whole.

    Attributes:
        lines: Lines read for the first time.
        hits: Lines that became hits.
        opted_out: Lines of people who object to being counted.
        skipped: Lines that were counted by an earlier run; not in `lines`.
        rejects: Lines by reason of rejection.
        formats: Lines by format.
        classes: Hits by outcome and traffic class, before a day's behaviour is known.
        late_by_day: Late lines by site and day.
        hours: Hits by hour in UTC.
        without_user_agent: Hits of formats that have no user agent.
        start: Time of the first hit.
        end: Time of the last hit.
        shown: The first few rejects.
    """

    lines: int = 0
    hits: int = 0
    opted_out: int = 0
    skipped: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)
    late_by_day: Counter[tuple[str, date]] = field(default_factory=Counter)
    hours: Counter[datetime] = field(default_factory=Counter)
    without_user_agent: int = 0
    shown: list[Reject] = field(default_factory=list)
    start: datetime | None = None
    end: datetime | None = None

    @property
    def late(self) -> int:
        """Lines of closed days."""
        return self.late_by_day.total()

    @property
    def rejected(self) -> int:
        """Lines that were rejected, for whatever reason."""
        return self.rejects.total()

    @property
    def rejected_share(self) -> float:
        """Share of the lines that were rejected."""
        return self.rejected / max(self.lines, 1)

    def holds(self) -> bool:
        """Tell whether every line is accounted for, once."""
        return self.lines == self.hits + self.rejected + self.opted_out + self.late

    def count_hits(self, described: pl.DataFrame) -> None:
        """Add requests that become hits, with what they mean."""
        if described.is_empty():
            return
        self.hits += described.height
        self.without_user_agent += described.height - int(described["user_agent_logged"].sum())
        hours = described["time"].dt.truncate("1h").value_counts(name="hits")
        self.hours.update(dict(hours.iter_rows()))
        classes = described.group_by("outcome", "traffic").len()
        self.classes.update({(outcome, traffic): hits for outcome, traffic, hits in classes.iter_rows()})
        times = described.select(start=pl.col("time").min(), end=pl.col("time").max()).row(0)
        self.start, self.end = _earliest(self.start, times[0]), _latest(self.end, times[1])

    def count_rejects(self, rejects: pl.DataFrame, lines: Lines, name: str, first_line: int) -> None:
        """Add rejected lines: `line` (position in the block) and `reason`."""
        self.rejects.update(dict(rejects["reason"].cast(pl.String).value_counts().iter_rows()))
        shown = rejects.head(max(0, _SHOWN - len(self.shown)))
        texts = lines.texts(shown["line"].to_numpy())
        for (position, reason), text in zip(shown.iter_rows(), texts, strict=True):
            self.shown.append(Reject(name, first_line + position, reason, shape(text)))

    def add(self, other: Tally) -> Self:
        """Add another tally to this one."""
        self.lines += other.lines
        self.hits += other.hits
        self.opted_out += other.opted_out
        self.skipped += other.skipped
        self.without_user_agent += other.without_user_agent
        for own, others in (
            (self.rejects, other.rejects),
            (self.formats, other.formats),
        ):
            own.update(others)
        self.classes.update(other.classes)
        self.late_by_day.update(other.late_by_day)
        self.hours.update(other.hours)
        self.start, self.end = _earliest(self.start, other.start), _latest(self.end, other.end)
        self.shown = [*self.shown, *other.shown][:_SHOWN]
        return self


def shape(line: str) -> str:
    """Give the outline of a line: each word becomes `a`, each number `9`, so that nothing of it can be read.

    >>> shape('192.0.2.1 - jm [22/Nov/2026] "GET /dossier/7')
    '9.9.9.9 - a [9/a/9] "a /a/9'
    """
    outline: list[str] = []
    for character in line[: 8 * _SHAPE_LENGTH]:
        if character.isascii() and not character.isalnum():
            outline.append(character if character.isprintable() else "?")
            continue
        symbol = "9" if character.isdigit() else "a" if character.isascii() else "?"
        if not outline or outline[-1] != symbol:
            outline.append(symbol)
    text = "".join(outline)
    return text if len(text) <= _SHAPE_LENGTH else text[: _SHAPE_LENGTH - 1] + "…"


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((time for time in (one, other) if time is not None), default=None)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time is not None), default=None)
