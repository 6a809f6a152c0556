"""The way of the data, in three short pipelines; nothing else wires stages. Who runs them, and on what, is in runs.py.

intake    lines ──read──> blocks ──parse──> requests + rejects ──withdraw──> ──derive──> hits of open days
closing   an open day ──sessionise──> visits ──aggregate──> cells; then its parts and its key are destroyed
release   cells ──protect──> blocks ──freeze──> the ledger ──render──> files: in releasing/
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import polars as pl

from logstats import cells, derive, parse, visits
from logstats.ahead import WORKERS, ahead
from logstats.codes import as_numbers, coded, text_order, together
from logstats.parse import advice
from logstats.read import DamagedInputError, read_blocks
from logstats.read.lines import find_lines, split_lines
from logstats.schema import END, HITS, NO_FEATURE, OTHER_PAGE, START
from logstats.tally import InputResult, Tally
from logstats.visits import behaviour, features, funnels, journeys, quality
from logstats.visits.patterns import Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from logstats.config import Config
    from logstats.parse import Format
    from logstats.read import Block, Source
    from logstats.runs import Run
    from logstats.store import DurableStore, SiteDay, ThrowawayStore

__all__ = ["closing", "closing_by_visitors", "count_day", "intake", "intake_whole", "parts_of"]

_SAMPLE: Final = 1_000
_CLOCK_SKEW: Final = timedelta(hours=1)
_MOST: Final = 0.5
_BEFORE: Final = ("day", "site", "visitor", "outcome", "traffic", "page", "country", "referrer")
_NAMES: Final = (START, END, OTHER_PAGE)  # that stand in the place of a page
_MOST_ROWS: Final = 300_000  # hits that are counted at once, at about 400 bytes each

# polars looks for numpy when it first needs it, which two threads must not do at once.
_NUMPY_FOUND: Final = pl.lit(np.int64(0))

_Position = TypeVar("_Position")
_Store = TypeVar("_Store", bound="ThrowawayStore | DurableStore")


def intake_whole(source: Source, run: Run[ThrowawayStore]) -> tuple[InputResult, Tally]:
    """Bring all of an input into a store that does not outlive the run and so knows no input."""
    blocks = read_blocks(source)
    marked = ((block, None) for block in _without_torn_line(blocks))
    try:
        return intake(source, marked, lambda _position, _tally: run.store.commit(), run)
    finally:
        blocks.close()


def count_day(run: Run[_Store], site: str, day: date) -> dict[str, pl.DataFrame]:
    """Turn an open day into cells, in parts of its visitors when it is too large for memory."""
    config, parts = run.knowledge.config, parts_of(run.store, site, day)
    if parts > 1:
        with run.store.shares(site, day, parts) as shares:
            return closing_by_visitors(shares, parts, config, kept=run.store.keeps_cells)
    return closing(run.store.hits(site, day), config, kept=run.store.keeps_cells)


def parts_of(store: ThrowawayStore | DurableStore, site: str, day: date) -> int:
    """Say in how many parts a day is counted."""
    return -(-store.rows(site, day) // _MOST_ROWS)


def intake(
    source: Source,
    blocks: Iterator[tuple[Block, _Position]],
    commit: Callable[[_Position, Tally], None],
    run: Run[_Store],
    known: Callable[[], bool] = lambda: False,
) -> tuple[InputResult, Tally]:
    """Bring the lines of an input into the store's open days.

    What a checksum covers counts when it has been verified; what is damaged does not.

    Args:
        source: The input, for its name and its warnings.
        blocks: What is new of it, each block with the position after it.
        commit: Makes true what is staged up to a position, with the account of its lines.
        run: What to work with.
        known: Tells whether lines of the input were counted before: then it is an access log, whatever comes now.

    Returns:
        What became of the input, and the account of its lines.
    """
    formats: list[Format] = []
    counted, staged = Tally(), Tally()
    result = InputResult(source.label)
    try:
        first = next(blocks, None)
        if first is None:
            return replace(result, state="empty" if not source.consumed else "complete"), counted
        sample = split_lines(first[0].data).head(_SAMPLE)
        formats += parse.best_first(
            sample, parse.candidates(run.knowledge.config.format, run.knowledge.config.input.formats)
        )
        if not known() and (refusal := _refusal(sample, formats)):
            return replace(result, state="refused", note=refusal[0], hint=refusal[1]), counted
        work = partial(_hits_of, source=source, formats=formats, memory=parse.Memory(), run=run)
        # What comes slowly is not held back to work on the next block meanwhile.
        waiting = 0 if source.patience else WORKERS
        for (block, position), (hits, tally) in ahead(work, chain([first], blocks), waiting, (DamagedInputError,)):
            run.store.add(hits)
            staged.add(tally)
            if block.settled:
                commit(position, staged)
                counted.add(staged)
                staged = Tally()
            run.progress(source, counted.lines + staged.lines)
    except DamagedInputError as damage:
        run.store.rollback()
        return replace(result, lines=counted.lines, state="damaged", note=_damage(damage, staged.lines)), counted
    finally:
        run.knowledge.clients.forget()
    return replace(result, lines=counted.lines, note="; ".join(source.warnings)), counted


def _hits_of(
    marked: tuple[Block, object], *, source: Source, formats: Sequence[Format], memory: parse.Memory, run: Run[_Store]
) -> tuple[pl.DataFrame, Tally]:
    """Turn the lines of a block into hits, and account for each of them."""
    (block, _), config, store = marked, run.knowledge.config, run.store
    lines = find_lines(block.data)
    read = parse.parse_block(
        lines,
        formats,
        timezone=config.timezone,
        latest=run.time() + _CLOCK_SKEW,
        opt_out_cookie=config.privacy.opt_out_cookie,
        memory=memory,
    )
    requests, opted_out = derive.withdraw(read.requests, config)
    described, late = _on_time(derive.describe(requests, run.knowledge), store.closed)
    hits = derive.pseudonymise(described, store.keys, config.privacy.id_bits)
    tally = Tally(lines=len(lines), opted_out=opted_out, formats=Counter(read.formats), late_by_day=late)
    tally.count_hits(described)
    tally.count_rejects(read.rejects, lines, source.label, block.first_line)
    return hits, tally


def _on_time(described: pl.DataFrame, closed: frozenset[SiteDay]) -> tuple[pl.DataFrame, Counter[SiteDay]]:
    """Take out the requests of closed days: their key is gone, and their cells do not change."""
    if not closed:
        return described, Counter()
    described = described.with_columns(pl.col("site").cast(pl.String))
    days = described.select("site", "day").unique()
    too_late = days.filter(pl.Series([site_and_day in closed for site_and_day in days.iter_rows()], dtype=pl.Boolean))
    if too_late.is_empty():
        return described, Counter()
    late = described.join(too_late, on=["site", "day"], how="semi").group_by("site", "day").len()
    on_time = described.join(too_late, on=["site", "day"], how="anti", maintain_order="left")
    return on_time, Counter({(site, day): lines for site, day, lines in late.iter_rows()})


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


def closing(hits: pl.DataFrame, config: Config, *, kept: bool = True) -> dict[str, pl.DataFrame]:
    """Turn the hits of a whole day into cells.

    Args:
        hits: HITS of one local day, in any order.
        config: How many pages a day may have, and what no person does.
        kept: Whether the cells may be released later: what only that needs is not counted otherwise.

    Returns:
        The tables of schema.py; no id of a visitor is in them.
    """
    hits = as_numbers(hits, text_order([hits], _NAMES))
    return cells.declared(_cells_of(*_views_of(hits, config), config, kept=kept))


def closing_by_visitors(
    hits: Callable[[int, Sequence[str]], pl.DataFrame], parts: int, config: Config, *, kept: bool = True
) -> dict[str, pl.DataFrame]:
    """Turn the hits of a day that is too large for memory into the same cells.

    It is counted in parts, each of all hits of some of its visitors, two at a time, and added up. Three things need the
    whole day first: whether its visitors fetch assets, which pages are viewed most, and which fail most.

    Args:
        hits: Gives some columns of part i; no visitor is in two of them.
        parts: How many there are.
        config: As `closing` takes it.
        kept: The same.
    """
    order, use, distinct_pages = _before_parts(lambda part: hits(part, _BEFORE), parts)

    def views_of(part: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        return _views_of(as_numbers(hits(part, tuple(HITS)), order), config, use)

    whole: tuple[pl.DataFrame | None, pl.DataFrame | None] = None, None
    if distinct_pages > config.pages.max_per_day:
        counts = [counted for _, counted in ahead(lambda part: _page_counts(*views_of(part)[:2]), range(parts))]
        whole = _sums(pages for pages, _ in counts), _sums(failed for _, failed in counts)
    of_parts = ahead(lambda part: _cells_of(*views_of(part), config, whole, kept=kept), range(parts))
    return cells.declared(cells.add(counted for _, counted in of_parts))


def _before_parts(hits: Callable[[int], pl.DataFrame], parts: int) -> tuple[pl.Enum, pl.DataFrame, int]:
    """Give the order of all texts of a day, who of its visitors fetch assets, and how many pages it has."""

    def look(part: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
        of_some = hits(part)
        return behaviour.asset_use(of_some), of_some.select(pl.col("page").unique()), text_order([of_some]).categories

    found = [seen for _, seen in ahead(look, range(parts))]
    order = text_order((texts.to_frame() for _, _, texts in found), _NAMES)
    use = _sums(as_numbers(of_use, order) for of_use, _, _ in found)
    return order, use, together([pages for _, pages, _ in found]).n_unique()


def _page_counts(hits: pl.DataFrame, views: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Count the pages that are viewed, and those that fail."""
    return cells.count_pages(views), cells.count_pages(quality.errors(visits.find_acts(hits, views)))


def _views_of(
    hits: pl.DataFrame, config: Config, use: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Give the hits with what the whole day says of them, what people viewed in visits, and who is suspected."""
    hits, suspected = behaviour.mark_suspected(hits.with_row_index("row"), config.suspected, use)
    views = visits.sessionise(hits)
    counts = visits.first_pieces(views)
    later = views.filter(~counts)["row"]
    outcome = pl.when(pl.col("row").is_in(later.implode())).then(pl.lit("technical")).otherwise("outcome")
    return hits.with_columns(outcome.alias("outcome")), views.filter(counts), suspected


def _cells_of(
    hits: pl.DataFrame,
    views: pl.DataFrame,
    suspected: pl.DataFrame,
    config: Config,
    whole: tuple[pl.DataFrame | None, pl.DataFrame | None] = (None, None),
    *,
    kept: bool,
) -> dict[str, pl.DataFrame]:
    """Count a day; `whole` is how often its pages are viewed and fail, if the hits are only of some visitors."""
    most, (pages, failed) = config.pages.max_per_day, whole
    days, acts = hits.select("day", "site").unique(), visits.find_acts(hits, views)
    errors = quality.errors(acts)
    named = acts if config.feature or config.funnel else acts.clear()
    requests = Requests.of(named)
    feature = features.names(requests, config.feature)
    views = cells.bound_pages(_with_feature(views, feature), most, pages)
    moved = journeys.moves(views)
    reached = funnels.reach(named, requests, config.funnel)
    return cells.aggregate(
        cells.Day(
            days=days,
            hits=hits,
            views=views,
            visits=visits.summarise(views).join(quality.findings(views, errors), on="visit", maintain_order="left"),
            runs=journeys.runs(moved),
            suspects=suspected,
            uses=features.uses(named, feature),
            declared=features.declared(days, config.feature, config.site),
            reached=reached,
            left=funnels.exits(reached, views, moved),
            errors=cells.bound_pages(errors, most, failed),
            timed=quality.timed(views),
        ),
        kept=kept,
    )


def _with_feature(views: pl.DataFrame, feature: pl.Series) -> pl.DataFrame:
    """Give each view the feature that it uses; of what people asked for, the views come first."""
    if feature.is_empty():
        return views.with_columns(coded(pl.Series("feature", [NO_FEATURE])).new_from_index(0, views.height))
    return views.with_columns(feature.head(views.height).fill_null(NO_FEATURE).alias("feature"))


def _sums(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Add up counts of different visitors."""
    together = pl.concat(frames)
    keys = [name for name in ("day", "site", "page") if name in together.columns]
    return together.group_by(keys).sum()


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
