"""The cell tables as Parquet files, each column with its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logstats.parquet import cannot_write, write_parquet
from logstats.schema import INTERNAL, TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["write"]


def write(cells: Mapping[str, pl.DataFrame], folder: Path, provenance: Mapping[str, str]) -> list[Path]:
    """Write each table to a file of its name; rows are sorted, so equal cells give equal bytes.

    These are cells, not a release: they may tell about single visitors and are not for publication.

    Args:
        cells: Tables of schema.py by name.
        folder: Where to; it is made if it is not there.
        provenance: What each file says of itself.

    Returns:
        The files.

    Raises:
        CannotWriteError: The disk is full, or the system refuses.
        NoPermissionError: The folder may not be written.
    """
    with cannot_write(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in cells.items():
        if name in INTERNAL:
            continue
        path = folder / f"{name}.parquet"
        meanings = {column.name: f"{column.english} / {column.french}" for column in TABLES[name].columns}
        about = {"table": TABLES[name].english, "table_fr": TABLES[name].french, **provenance}
        schema = pl.Schema(TABLES[name].schema)
        write_parquet(frame, path, schema=schema, descriptions=meanings, metadata=about)
        written.append(path)
    return written
