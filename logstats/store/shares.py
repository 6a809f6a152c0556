"""Shares: the hits of a day that is too large for memory, each share all hits of some of its visitors.

They are read once and shared out to a file without a name, so that nothing is left behind, however the run ends.
"""

from __future__ import annotations

from io import BytesIO
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from logstats.codes import new_codes, together
from logstats.parquet import cannot_write
from logstats.schema import HITS
from logstats.store.keys import share_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Shares"]

_TEXTS: Final = tuple(name for name, dtype in HITS.items() if dtype == pl.String)
_AT_ONCE: Final = 300_000  # hits that are shared out at a time


class Shares:
    """The hits of a day, shared out. Use it as a context.

    Args:
        folder: On whose disk the file is.
        frames: The hits.
        number: How many shares there are.

    Raises:
        CannotWriteError: The disk is full.
    """

    def __init__(self, folder: Path, frames: Iterable[pl.DataFrame], number: int) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed at the end of the context
        # All pieces have the same codes, which polars remembers as long as a column has them.
        codes = {name: new_codes() if dtype == pl.String else dtype for name, dtype in HITS.items()}
        self._empty = pl.DataFrame(schema=codes)
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in range(number)]
        try:
            with cannot_write(folder):
                for batch in _batches(frames):
                    self._share_out(together(batch, {name: codes[name] for name in _TEXTS}))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __call__(self, share: int) -> pl.DataFrame:
        """Give the hits of a share."""
        return pl.concat([self._empty, *self._read(share)], rechunk=True)

    def __len__(self) -> int:
        return len(self._pieces)

    def _share_out(self, hits: pl.DataFrame) -> None:
        numbered = hits.with_columns(share_of(len(self)).alias("share"))
        shares = numbered.partition_by("share", as_dict=True, include_key=False)
        for (share,), frame in shares.items():
            content = BytesIO()
            frame.write_ipc(content, compression="lz4")
            self._pieces[share].append((self._file.seek(0, 2), content.getbuffer().nbytes))
            self._file.write(content.getbuffer())

    def _read(self, share: int) -> Iterator[pl.DataFrame]:
        for offset, size in self._pieces[share]:
            self._file.seek(offset)
            yield pl.read_ipc(BytesIO(self._file.read(size)))


def _batches(frames: Iterable[pl.DataFrame]) -> Iterator[list[pl.DataFrame]]:
    """Gather frames until there are enough hits to share out."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(one.height for one in waiting) >= _AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
