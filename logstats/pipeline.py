"""The way of the data, in three short pipelines; nothing else wires stages.

    intake    lines ──read──> blocks ──parse──> requests + rejects ──withdraw──> ──derive──> hits of open days
    closing   an open day ──sessionise──> visits ──aggregate──> cells; then its parts and its key are destroyed
    release   cells to what the public sees (to come)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats import cells, derive, parse, visits
from logstats.derive import Knowledge
from logstats.parse import advice
from logstats.read import DamagedInputError, read_blocks
from logstats.read.lines import split_lines
from logstats.store import ThrowawayStore
from logstats.tally import InputResult, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from logstats.config import Config
    from logstats.parse import Format
    from logstats.read import Source

__all__ = ["Report", "closing", "intake", "report"]

_SAMPLE: Final = 1_000
_CLOCK_SKEW: Final = timedelta(hours=1)
_MOST: Final = 0.5

Progress = "Callable[[Source, int], None]"


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
    cells: dict[str, pl.DataFrame] = field(default_factory=cells.empty_cells)


def report(
    sources: Iterable[Source],
    knowledge: Knowledge,
    store: ThrowawayStore,
    *,
    now: datetime | None = None,
    progress: Callable[[Source, int], None] = lambda _source, _lines: None,
) -> Report:
    """Count inputs in a store that does not outlive the run.

    Args:
        sources: The inputs.
        knowledge: The rules and the country table.
        store: Where days are open meanwhile.
        now: The clock, for lines from the future.
        progress: Is told the source and the number of lines after each block.
    """
    found = Report()
    latest = (now or datetime.now(UTC)) + _CLOCK_SKEW
    for source in sources:
        result = intake(source, knowledge, store, found.tally, latest, progress)
        found.inputs.append(result)
    closed = []
    for day in store.days():
        closed.append(closing(store.hits(day), knowledge.config))
        store.close(day)
    found.cells = cells.merge(closed)
    return found


def intake(
    source: Source,
    knowledge: Knowledge,
    store: ThrowawayStore,
    tally: Tally,
    latest: datetime,
    progress: Callable[[Source, int], None],
) -> InputResult:
    """Bring the lines of an input into the store's open days.

    What a checksum covers counts when it has been verified; what is damaged does not.
    """
    config = knowledge.config
    formats = _candidates(config)
    counted, staged = Tally(), Tally()
    try:
        for block in read_blocks(source):
            lines = split_lines(block.data)
            if not counted.lines and not staged.lines:
                formats = parse.best_first(lines.head(_SAMPLE), formats)
                if refusal := _refusal(source, lines.head(_SAMPLE), formats):
                    return refusal
            read = parse.parse(
                lines,
                formats,
                timezone=config.timezone,
                latest=latest,
                opt_out_cookie=config.privacy.opt_out_cookie,
            )
            requests, opted_out = derive.withdraw(read.requests, config)
            store.add(derive.derive(requests, knowledge, store.keys))
            _count(staged, block.first_line, source, lines, read, requests, opted_out)
            if block.settled:
                store.commit()
                counted.add(staged)
                staged = Tally()
            progress(source, counted.lines + staged.lines)
    except DamagedInputError as damage:
        store.rollback()
        tally.add(counted)
        return InputResult(source.name, counted.lines, "damaged", _damage(damage, staged.lines))
    tally.add(counted)
    state = "complete" if counted.lines else "empty"
    return InputResult(source.name, counted.lines, state, "; ".join(source.warnings))


def closing(hits: pl.DataFrame, config: Config) -> dict[str, pl.DataFrame]:
    """Turn the hits of a whole day into cells.

    Args:
        hits: HITS of one local day, in any order.
        config: How many pages a day may have.

    Returns:
        The tables of schema.py; no id of a visitor is in them.
    """
    hits = hits.with_row_index("row")
    views = visits.sessionise(hits)
    counts = visits.first_pieces(views)
    later = views.filter(~counts)["row"]
    hits = hits.with_columns(
        pl.when(pl.col("row").is_in(later.implode())).then(pl.lit("technical")).otherwise("outcome").alias("outcome")
    )
    views = cells.bound_pages(views.filter(counts), config.pages.max_per_day)
    return cells.aggregate(hits, views, visits.summarise(views), visits.steps(views))


def _candidates(config: Config) -> list[Format]:
    if config.format == "auto":
        return list(parse.named_formats().values())
    return [parse.format_from(config.format)]


def _refusal(source: Source, sample: pl.Series, formats: Sequence[Format]) -> InputResult | None:
    """Refuse an input that does not read as an access log, before anything of it is counted."""
    best = formats[0]
    filled = sample.filter(sample != "")
    if filled.is_empty():
        return None
    known = list(parse.named_formats().values())
    if not parse.shares(filled, formats[:1])[best.name]:
        looks, hint = advice.advise(filled, formats, known)
        note = f"no line fits {best.name if len(formats) == 1 else 'a known format'}"
        return InputResult(source.name, 0, "refused", "; ".join(part for part in (note, looks) if part), hint)
    if parse.misread_share(filled, best) > _MOST:
        note = f"{best.name} would read the name of a site as the client's address"
        return InputResult(source.name, 0, "refused", note, "use a format with %v or $host in front of the client")
    return None


def _count(  # noqa: PLR0913, PLR0917 - the one place where a block's figures come together
    tally: Tally,
    first_line: int,
    source: Source,
    lines: pl.Series,
    read: parse.Parsed,
    requests: pl.DataFrame,
    opted_out: int,
) -> None:
    tally.lines += lines.len()
    tally.opted_out += opted_out
    tally.formats.update(read.formats)
    tally.count_hits(requests)
    tally.count_rejects(read.rejects, lines, source.name, first_line)


def _damage(damage: DamagedInputError, dropped: int) -> str:
    what = {
        "truncated": "it ends in the middle of compressed data",
        "checksum": "its checksum is wrong",
        "garbage": "its compressed data is damaged",
    }
    return f"{what.get(damage.reason, damage.reason)}; {dropped:,} lines after the last good checksum were not counted"
