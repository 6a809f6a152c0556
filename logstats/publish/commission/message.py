"""Messages: numbers become bytes in one order, and bytes become numbers again to prove it.

Equal numbers give equal bytes, but for the unique id and the date of transfer, which stand alone on their lines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson
import polars as pl

from logstats.publish.commission.count import ROWS
from logstats.publish.commission.period import Period, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["ASSISTANCE", "INFORMATION", "NOT_SENT", "Message", "rows_of", "size_of", "sources_of"]

INFORMATION: Final = "information-services"
ASSISTANCE: Final = "assistance-services"
NOT_SENT: Final = "00000000-0000-0000-0000-000000000000"
"""Stands for the unique id in a file for which none was fetched yet; sending replaces it."""

_NUMBER: Final = '{"nbVisits":'
_COUNTRY: Final = ',"originatingCountry":"'
_DEVICE: Final = '","deviceType":"'
_END: Final = '"}'
_ROW: Final = len(_NUMBER + _COUNTRY + _DEVICE + _END) + len(",") + len("XX")
_SOURCE: Final = len('{"sourceUrl":,"statistics":[]},\n')
_ENVELOPE: Final = 1_000  # bytes that hold what is around the sources, and a long id


@dataclass(frozen=True)
class Message:
    """A message: what is around the sources, and the sources as JSON text, one a line."""

    period: Period
    entries: int
    sources: str
    unique_id: str = NOT_SENT
    transferred: str = ""
    kind: str = "API"

    @property
    def head(self) -> str:
        """The two lines that differ when a message is made again."""
        return f'"uniqueId":{_text(self.unique_id)},\n"transferDate":{_text(self.transferred)},\n'

    @property
    def encoded(self) -> bytes:
        """The bytes that are written or sent."""
        return f"{{\n{self.head}{self._rest}".encode()

    @property
    def figures(self) -> str:
        """SHA-256 of all but the unique id and the date of transfer."""
        return sha256(self._rest.encode()).hexdigest()

    @property
    def _rest(self) -> str:
        start, end = (_text(text) for text in self.period.texts)
        return (
            f'"referencePeriod":{{"startDate":{start},"endDate":{end}}},\n"transferType":{_text(self.kind)},\n'
            f'"nbEntries":{self.entries},\n"sources":[\n{self.sources}\n]\n}}\n'
        )

    def sent_as(self, unique_id: str, moment: datetime) -> Message:
        """Give the same message under an id, transferred at a moment."""
        return replace(self, unique_id=unique_id, transferred=text_of(moment))

    @classmethod
    def of(cls, value: dict[str, Any]) -> Message:
        """Take a message that has been checked from its JSON value."""
        lines = ",\n".join(orjson.dumps(source).decode() for source in value["sources"])
        period = Period.of(value["referencePeriod"]["startDate"], value["referencePeriod"]["endDate"])
        return cls(
            period, value["nbEntries"], lines, value["uniqueId"], value["transferDate"], kind=value["transferType"]
        )


def sources_of(rows: pl.DataFrame, urls: Sequence[str]) -> str:
    """Encode numbers: a source for each URL in order, also for one without a view.

    Args:
        rows: ROWS of count.py.
        urls: All that stand in the message.
    """
    one = pl.concat_str(
        *(pl.lit(_NUMBER), pl.col("number").cast(pl.String), pl.lit(_COUNTRY), "country"),
        *(pl.lit(_DEVICE), pl.col("device").cast(pl.String), pl.lit(_END)),
    )
    by_url = rows.group_by("url", maintain_order=True).agg(one.str.join(",").alias("statistics"))
    statistics = dict(by_url.iter_rows())
    return ",\n".join(f'{{"sourceUrl":{_text(url)},"statistics":[{statistics.get(url, "")}]}}' for url in urls)


def size_of(rows: pl.DataFrame, urls: Sequence[str]) -> int:
    """Give at least the bytes that these numbers will have as a message, without making it."""
    variable = pl.col("number").cast(pl.String).str.len_bytes() + pl.col("device").cast(pl.String).str.len_bytes()
    of_rows = int(rows.select(variable.sum()).item() or 0) + rows.height * _ROW
    return of_rows + sum(len(_text(url).encode()) + _SOURCE for url in urls) + _ENVELOPE


def rows_of(value: dict[str, Any]) -> pl.DataFrame:
    """Give the ROWS of a message that has been checked."""
    sources = value["sources"]
    rows = [row for source in sources for row in source["statistics"]]
    urls = pl.Series([source["sourceUrl"] for source in sources], dtype=pl.String)
    known = pl.Enum(urls.unique().sort())  # to sort by numbers in the order of the texts
    frame = pl.DataFrame(
        {
            "url": urls.cast(known).gather([i for i, source in enumerate(sources) for _ in source["statistics"]]),
            "country": [row["originatingCountry"] for row in rows],
            "device": [row["deviceType"] for row in rows],
            "number": [row["nbVisits"] for row in rows],
        },
        schema=ROWS | {"url": known},
    )
    return frame.sort("url", "country", "device").cast({"url": pl.String})


def _text(text: str) -> str:
    return orjson.dumps(text).decode()
