"""Runs: what a command does with inputs and a store, by the pipelines of pipeline.py.

report    count inputs in a store that does not outlive the run
ingest    count what is new in them, each line exactly once, into one that does
close     turn open days into cells; redo counts a day anew
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from logstats import cells, pipeline
from logstats.ahead import WORKERS, ahead
from logstats.errors import ImplausibleFormatError
from logstats.memory import give_back
from logstats.read import read_blocks
from logstats.read.source import STANDARD_INPUT
from logstats.store.reading import Reading
from logstats.tally import InputResult, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    import polars as pl

    from logstats.derive import Knowledge
    from logstats.read import Source
    from logstats.store import DurableStore, SiteDay, ThrowawayStore
    from logstats.store.identity import InputRecord

__all__ = ["Report", "Run", "close", "close_days", "ingest", "redo", "report"]


_Store = TypeVar("_Store", bound="ThrowawayStore | DurableStore")


@dataclass
class Report:
    """What a run found.

    Attributes:
        tally: Where every line ended up.
        inputs: What became of each input.
        cells: The tables of schema.py.
    """

    tally: Tally = field(default_factory=Tally)
    inputs: list[InputResult] = field(default_factory=list)
    cells: Mapping[str, pl.DataFrame] = field(default_factory=cells.empty_cells)


@dataclass(frozen=True)
class Run(Generic[_Store]):
    """What a run works with.

    Attributes:
        knowledge: The rules and the country table.
        store: Where days are open.
        now: A clock that stands still, for tests; None is the real one.
        progress: Is told the source and the number of its lines after each block.
    """

    knowledge: Knowledge
    store: _Store
    now: datetime | None = None
    progress: Callable[[Source, int], None] = lambda _source, _lines: None

    def time(self) -> datetime:
        """Give the time, for lines from the future and for days that are due."""
        return self.now or datetime.now(UTC)


def report(sources: Iterable[Source], run: Run[ThrowawayStore]) -> Report:
    """Count inputs in a store that does not outlive the run: with it, its days, parts, keys and cells are gone."""
    found = Report()
    for source in sources:
        result, tally = pipeline.intake_whole(source, run)
        found.inputs.append(result)
        found.tally.add(tally)
    give_back()
    days = run.store.open_days()
    # A large day is itself counted in two parts at a time.
    waiting = 0 if any(pipeline.parts_of(run.store, *day) > 1 for day in days) else WORKERS
    for _, of_day in ahead(lambda day: close(run, day[0], day[1], "reported"), days, waiting):
        run.store.cells.keep(of_day)
        if not waiting:
            give_back()
    found.cells = run.store.cells
    return found


def ingest(sources: Iterable[Source], source_name: str, run: Run[DurableStore], number: int) -> Report:
    """Count what is new in the inputs into a store that outlives the run, each line exactly once.

    Args:
        sources: The inputs.
        source_name: Where they come from: equal content of one source is one input.
        run: What to work with.
        number: The run's number in the store.
    """
    found = Report()
    before = run.store.known_inputs(source_name)
    readings: list[Reading] = []
    for source in sources:
        reading = Reading(
            run.store,
            number,
            source=source_name,
            name=source.label,
            open_blocks=partial(read_blocks, source),
            rereadable=source.size is not None,
            endless=source.patience is not None,
        )
        found.inputs.append(_read(source, reading, run))
        found.tally.add(reading.tally)
        readings.append(reading)
    run.store.saw(set().union(*(reading.numbers for reading in readings)))
    found.inputs = [_with_lost_end(*pair, readings, before) for pair in zip(found.inputs, readings, strict=True)]
    return found


def _with_lost_end(
    result: InputResult, reading: Reading, readings: Sequence[Reading], before: Sequence[InputRecord]
) -> InputResult:
    """Warn when another file had this name, and is not among the inputs: its last lines may never be counted."""
    given = set().union(*(other.numbers for other in readings))
    gone = [record for record in before if record.name == result.name and record.id not in given]
    if reading.recognised or result.state != "complete" or not gone or result.name == STANDARD_INPUT:
        return result
    note = "another file had this name before, and is not given now: its last lines may not be counted"
    hint = "give the rotated file as well, for example access.log.1"
    return replace(result, note="; ".join(part for part in (result.note, note) if part), hint=hint)


def _read(source: Source, reading: Reading, run: Run[DurableStore]) -> InputResult:
    """Count what is new of an input; say what became of it."""
    commit = partial(_commit_and_close, reading, run) if source.patience else reading.commit
    try:
        result, _ = pipeline.intake(source, reading.blocks(), commit, run, known=lambda: reading.recognised)
        reading.finish()
        if reading.refusal:
            result = replace(result, state="refused", note=reading.refusal.note, hint=reading.refusal.hint)
    except ImplausibleFormatError as error:
        run.store.discard()
        result = InputResult(source.label, state="refused", note=str(error), hint=error.hint)
    reading.tally.skipped = reading.skipped
    return replace(result, lines=reading.tally.lines)


def _commit_and_close(reading: Reading, run: Run[DurableStore], mark: int, tally: Tally) -> None:
    """Commit lines of a pipe that never ends, and close the days that have become due meanwhile."""
    reading.commit(mark, tally)
    close_days(run, every=False, reason="grace is over")


def close_days(run: Run[DurableStore], *, every: bool, reason: str) -> list[SiteDay]:
    """Close the days whose grace is over, or every open day; give those that were closed."""
    due = run.store.open_days() if every else run.store.due_days(run.knowledge.config.timezone, run.time())
    for site, day in due:
        close(run, site, day, reason)
    old = run.store.closed_before(_months_before(run.time(), run.knowledge.config.privacy.retention_months))
    if old:
        run.store.forget(old, reason="retention")
    run.store.forget_inputs(run.time() - timedelta(days=run.knowledge.config.store.forget_inputs_after_days))
    return due


def redo(day: date, sources: Iterable[Source], run: Run[DurableStore]) -> Report:
    """Count a day anew from its logs, and put its cells in place of those that the store has, each site at once.

    Args:
        day: The local day; lines of other days in the inputs are left alone.
        sources: All logs of the day.
        run: What to work with.

    Returns:
        What was found; its cells are those of the day. Nothing has changed when they are empty, or when an input
        could not be read to its end.
    """
    with run.store.scratch() as store:
        scratch = replace(run, store=store)
        found = ingest(sources, "redo", scratch, store.begin("redo"))
        anew = {site: close(scratch, site, open_day, "redo") for site, open_day in store.open_days() if open_day == day}
    if all(result.state in {"complete", "empty"} for result in found.inputs):
        for site, counted in anew.items():
            run.store.close(site, day, counted, "redo")
        found.cells = cells.merge(anew.values())
    return found


def _months_before(moment: datetime, months: int) -> datetime:
    """Give the same time so many months before, on the first of the month."""
    index = moment.year * 12 + moment.month - 1 - months
    return moment.replace(year=index // 12, month=index % 12 + 1, day=1)


def close(run: Run[Any], site: str, day: date, reason: str) -> dict[str, pl.DataFrame]:
    """Close a day: its cells are kept, its parts and its key are destroyed."""
    counted = pipeline.count_day(run, site, day)
    run.store.close(site, day, counted, reason)
    return counted
