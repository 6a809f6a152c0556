"""logstats: exact figures from access logs, and nobody identifiable in them.

`read_cells(store, table)` gives a table of a store's closed days as a polars LazyFrame.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

__all__ = ["__version__", "read_cells"]

__version__: Final = "0.1.0"


def read_cells(store: str | Path, table: str) -> pl.LazyFrame:
    """Read a table of the closed days of a store.

    Args:
        store: Folder of the store.
        table: Its name, for example `pages`.

    Raises:
        InputMissingError: There is no such store, or no such table.
    """
    from logstats.store.reader import read_cells as read  # noqa: PLC0415 - `--version` needs no polars

    return read(Path(store), table)
