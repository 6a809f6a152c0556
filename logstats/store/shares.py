"""Shares: the hits of a day that is too large for memory, each share all hits of some of its visitors.

They are read once and shared out to a file without a name, so that nothing is left behind, however the run ends.
"""

from __future__ import annotations

import os
from io import BytesIO
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from logstats.ahead import ahead
from logstats.codes import new_codes, together
from logstats.parquet import cannot_write
from logstats.schema import HITS
from logstats.store.keys import share_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Shares"]

_TEXTS: Final = tuple(name for name, dtype in HITS.items() if dtype == pl.String)
_AT_ONCE: Final = 300_000  # hits that are shared out at a time, at most
_PIECE: Final = 5_000  # hits of a share among them that are worth a piece of their own


class Shares:
    """The hits of a day, shared out. Use it as a context; any thread may read it.

    Args:
        folder: On whose disk the file is.
        frames: The hits.
        number: How many shares there are.

    Raises:
        CannotWriteError: The disk is full.
    """

    def __init__(self, folder: Path, frames: Iterable[pl.DataFrame], number: int) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed at the end of the context
        # All pieces have the same codes, which polars remembers as long as a column has them; so the codes are written
        # alone, without what they mean.
        codes = {name: new_codes() if dtype == pl.String else dtype for name, dtype in HITS.items()}
        self._empty = pl.DataFrame(schema=codes)
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in range(number)]
        try:
            with cannot_write(folder):
                for _, pieces in ahead(self._shared_out, _batches(frames, min(_AT_ONCE, number * _PIECE))):
                    self._write(pieces)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __call__(self, share: int, columns: Sequence[str] = tuple(HITS)) -> pl.DataFrame:
        """Give the hits of a share, or some of their columns."""
        empty = self._empty.select(columns)
        read = pl.concat([_as_codes(empty), *self._read(share, columns)], rechunk=True)
        return read.select(_meant(pl.col(name), dtype) for name, dtype in empty.schema.items())

    def __len__(self) -> int:
        return len(self._pieces)

    def _shared_out(self, batch: Sequence[pl.DataFrame]) -> list[tuple[int, memoryview]]:
        """Give the pieces of some hits, each with its share."""
        hits = together(batch, {name: self._empty.schema[name] for name in _TEXTS})
        numbered = _as_codes(hits).with_columns(share_of(len(self)).alias("share"))
        shares = numbered.partition_by("share", as_dict=True, include_key=False)
        pieces = []
        for (share,), frame in shares.items():
            content = BytesIO()
            frame.write_ipc_stream(content, compression="lz4")
            pieces.append((share, content.getbuffer()))
        return pieces

    def _write(self, pieces: Iterable[tuple[int, memoryview]]) -> None:
        for share, content in pieces:
            self._pieces[share].append((self._file.tell(), content.nbytes))
            self._file.write(content)
        self._file.flush()

    def _read(self, share: int, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        for offset, size in self._pieces[share]:
            content = os.pread(self._file.fileno(), size, offset)
            yield pl.read_ipc_stream(BytesIO(content), columns=list(columns))


def _as_codes(hits: pl.DataFrame) -> pl.DataFrame:
    return hits.with_columns(pl.all().to_physical())


def _meant(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Give numbers the type that they stood for."""
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return column.cast(pl.UInt32).cat.to(dtype)
    return column.cast(dtype)


def _batches(frames: Iterable[pl.DataFrame], at_once: int) -> Iterator[list[pl.DataFrame]]:
    """Gather frames until there are enough hits to share out."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(one.height for one in waiting) >= at_once:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
