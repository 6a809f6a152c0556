"""The proof of a month: its bytes are read again, and the cells are added up another way than they were counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
import polars as pl

from logstats.errors import LogstatsError
from logstats.publish.commission.check import check_value
from logstats.publish.commission.countries import renamed
from logstats.publish.commission.message import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.config import Commission, Config
    from logstats.publish.commission.count import Counted, Month
    from logstats.publish.commission.message import Message
    from logstats.publish.commission.pages import Wanted

__all__ = ["prove"]

_KEY: Final = ("url", "country", "device")


def prove(
    made: Sequence[tuple[Message, pl.DataFrame]],
    rows: pl.DataFrame,
    month: Month,
    wanted: Wanted,
    counted: Counted,
    config: Config,
) -> None:
    """Show that each message is valid and has the numbers of its period, and all of them those of the cells.

    Args:
        made: Messages with their ROWS.
        rows: ROWS of the month.
        month: The cells.
        wanted: Which of them count for which URL.
        counted: The account of every view.
        config: Limits, and what countries are called.

    Raises:
        LogstatsError: A failure of the program; nothing is written.
    """
    read = []
    for message, own in made:
        encoded = message.encoded
        value = orjson.loads(encoded)
        for problem in check_value(value, len(encoded), config.commission):
            raise LogstatsError(f"the message is not valid: {problem.path}: {problem.text}")
        read.append(rows_of(value))
        if not read[-1].equals(own):
            raise LogstatsError(f"{message.period}: the message is not what was counted for it")
    cells = _of_cells(month, wanted, config.commission)
    sent = cells.filter(pl.col("country") != "")
    account = (int(sent["number"].sum()), counted.left_out, counted.unlisted)
    if not _sums(pl.concat(read)).equals(rows) or not _sums(sent).equals(rows) or sum(account) != counted.total:
        raise LogstatsError("the messages do not add up to what the cells say")


def _of_cells(month: Month, wanted: Wanted, commission: Commission) -> pl.DataFrame:
    """Add up the cells of each page, and only then say which URL it is, and what its country is called."""
    by_page = month.cells.group_by("site", "page", "country", "device").agg(pl.col("number").sum())
    names = renamed(commission)
    called = {code: names.get(code, commission.unknown_country) for code in by_page["country"].unique()}
    return (
        wanted.keys.join(by_page, on=["site", "page"])
        .with_columns(pl.col("country").replace_strict(called, return_dtype=pl.String))
        .filter(pl.col("number") > 0)
        .select(*_KEY, "number")
    )


def _sums(frame: pl.DataFrame) -> pl.DataFrame:
    """Give ROWS; texts are numbered meanwhile, which sorts them quickly."""
    numbered = {name: pl.Enum(frame[name].unique().sort()) for name in ("url", "country")}
    sums = frame.with_columns(pl.col(name).cast(dtype) for name, dtype in numbered.items())
    sums = sums.group_by(_KEY).agg(pl.col("number").sum()).sort(_KEY)
    return sums.with_columns(pl.col("url", "country").cast(pl.String))
