"""The way of the data, in three short pipelines; nothing else wires stages.

intake    lines ──read──> blocks ──parse──> requests + rejects ──withdraw──> ──derive──> hits of open days
closing   an open day ──sessionise──> visits ──aggregate──> cells; then its parts and its key are destroyed
release   cells to what the public sees (to come)
"""

from __future__ import annotations

from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

import polars as pl

from logstats import cells, derive, parse, visits
from logstats.parse import advice
from logstats.read import DamagedInputError, read_blocks
from logstats.read.lines import split_lines
from logstats.tally import InputResult, Tally
from logstats.visits import behaviour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from logstats.config import Config
    from logstats.derive import Knowledge
    from logstats.parse import Format
    from logstats.read import Block, Source
    from logstats.store import ThrowawayStore

__all__ = ["Report", "Run", "closing", "intake", "report"]

_SAMPLE: Final = 1_000
_CLOCK_SKEW: Final = timedelta(hours=1)
_MOST: Final = 0.5
_WORKERS: Final = 2  # more gain nothing: polars is parallel itself, and Python's part is not

_Done = TypeVar("_Done")


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


@dataclass(frozen=True)
class Run:
    """What a run works with.

    Attributes:
        knowledge: The rules and the country table.
        store: Where days are open meanwhile.
        now: The clock, for lines from the future.
        progress: Is told the source and the number of its lines after each block.
    """

    knowledge: Knowledge
    store: ThrowawayStore
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    progress: Callable[[Source, int], None] = lambda _source, _lines: None


def report(sources: Iterable[Source], run: Run) -> Report:
    """Count inputs in a store that does not outlive the run."""
    found = Report()
    for source in sources:
        result, tally = intake(source, run)
        found.inputs.append(result)
        found.tally.add(tally)
    closed = []
    for day in run.store.days():
        closed.append(closing(run.store.hits(day), run.knowledge.config))
        run.store.close(day)
    found.cells = cells.merge(closed)
    return found


def intake(source: Source, run: Run) -> tuple[InputResult, Tally]:
    """Bring the lines of an input into the store's open days.

    What a checksum covers counts when it has been verified; what is damaged does not.

    Returns:
        What became of the input, and the account of its lines.
    """
    blocks = read_blocks(source)
    formats: list[Format] = []
    counted, staged = Tally(), Tally()
    result = InputResult(source.label)
    try:
        first = next(blocks, None)
        if first is None:
            return replace(result, state="empty"), counted
        sample = split_lines(first.data).head(_SAMPLE)
        formats += parse.best_first(sample, _candidates(run.knowledge.config))
        if refusal := _refusal(sample, formats):
            return replace(result, state="refused", note=refusal[0], hint=refusal[1]), counted
        for block, hits, tally in _ahead(lambda block: _hits_of(block, source, formats, run), chain([first], blocks)):
            run.store.add(hits)
            staged.add(tally)
            if block.settled:
                run.store.commit()
                counted.add(staged)
                staged = Tally()
            run.progress(source, counted.lines + staged.lines)
    except DamagedInputError as damage:
        run.store.rollback()
        return replace(result, lines=counted.lines, state="damaged", note=_damage(damage, staged.lines)), counted
    finally:
        blocks.close()
    return replace(result, lines=counted.lines, note="; ".join(source.warnings)), counted


def _hits_of(block: Block, source: Source, formats: Sequence[Format], run: Run) -> tuple[Block, pl.DataFrame, Tally]:
    """Turn the lines of a block into hits, and account for each of them."""
    config = run.knowledge.config
    lines = split_lines(block.data)
    read = parse.parse(
        lines,
        formats,
        timezone=config.timezone,
        latest=run.now + _CLOCK_SKEW,
        opt_out_cookie=config.privacy.opt_out_cookie,
    )
    requests, opted_out = derive.withdraw(read.requests, config)
    hits = derive.derive(requests, run.knowledge, run.store.keys)
    tally = Tally(lines=lines.len(), opted_out=opted_out, formats=Counter(read.formats))
    tally.count_hits(requests)
    tally.count_rejects(read.rejects, lines, source.label, block.first_line)
    return block, hits, tally


def _ahead(work: Callable[[Block], _Done], blocks: Iterable[Block]) -> Iterator[_Done]:
    """Work on a few blocks at a time and give the results in order; polars leaves Python to the others meanwhile."""
    waiting: deque[Future[_Done]] = deque()
    damage = None
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="intake") as pool:
        try:
            for block in _without_torn_line(blocks):
                waiting.append(pool.submit(work, block))
                if len(waiting) > _WORKERS:
                    yield waiting.popleft().result()
        except DamagedInputError as error:
            damage = error
        while waiting:
            yield waiting.popleft().result()
    if damage:
        raise damage


def _without_torn_line(blocks: Iterable[Block]) -> Iterator[Block]:
    """Leave away the last line of a damaged input when it has no newline: nobody knows how it goes on."""
    last: Block | None = None
    try:
        for block in blocks:
            if last:
                yield last
            last = block
    except DamagedInputError:
        if last:
            yield replace(last, data=last.data[: last.data.rfind(b"\n") + 1])
        raise
    if last:
        yield last


def closing(hits: pl.DataFrame, config: Config) -> dict[str, pl.DataFrame]:
    """Turn the hits of a whole day into cells.

    Args:
        hits: HITS of one local day, in any order.
        config: How many pages a day may have, and what no person does.

    Returns:
        The tables of schema.py; no id of a visitor is in them.
    """
    hits, suspected = behaviour.mark_suspected(hits.with_row_index("row"), config.suspected)
    views = visits.sessionise(hits)
    counts = visits.first_pieces(views)
    later = views.filter(~counts)["row"]
    hits = hits.with_columns(
        pl.when(pl.col("row").is_in(later.implode())).then(pl.lit("technical")).otherwise("outcome").alias("outcome")
    )
    views = cells.bound_pages(views.filter(counts), config.pages.max_per_day)
    return cells.aggregate(hits, views, visits.summarise(views), visits.steps(views), suspected)


def _candidates(config: Config) -> list[Format]:
    if config.format == "auto":
        return list(parse.named_formats().values())
    return [parse.format_from(config.format)]


def _refusal(sample: pl.Series, formats: Sequence[Format]) -> tuple[str, str] | None:
    """Say why an input is no access log, and what to do, before anything of it is counted."""
    best = formats[0]
    filled = sample.filter(sample != "")
    if filled.is_empty():
        return None
    if not parse.shares(filled, formats[:1])[best.name]:
        looks, hint = advice.advise(filled, formats, list(parse.named_formats().values()))
        note = f"no line fits {best.name if len(formats) == 1 else 'a known format'}"
        return f"{note}; {looks}" if looks else note, hint
    if parse.misread_share(filled, best) > _MOST:
        hint = "use a format with %v or $host in front of the client"
        return f"{best.name} would read the name of a site as the client's address", hint
    return None


def _damage(damage: DamagedInputError, dropped: int) -> str:
    what = {
        "truncated": "it ends in the middle of compressed data",
        "checksum": "its checksum is wrong",
        "garbage": "its compressed data is damaged",
    }
    return f"{what.get(damage.reason, damage.reason)}; {dropped:,} lines after the last good checksum were not counted"
