"""Cells of closed days, a file for each table and month. A file never changes; another one takes its place."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import polars as pl

from logstats.ordering import sort_rows
from logstats.parquet import write_parquet
from logstats.schema import DEFINITION, TABLES
from logstats.store.files import private_folder
from logstats.store.ledger import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from logstats.store.keys import SiteDay

__all__ = ["read_table", "write_month"]


def read_table(name: str, files: Iterable[Path]) -> pl.LazyFrame:
    """Give a table whose files the ledger names; without a closed day, the table without a row."""
    empty = pl.LazyFrame(schema=TABLES[name].schema)
    return pl.concat([empty, *(pl.scan_parquet(file) for file in sorted(files))])


def write_month(
    folder: Path,
    name: str,
    month: str,
    files: Iterable[Path],
    days: Sequence[SiteDay],
    cells: pl.DataFrame | None = None,
) -> tuple[Path, int] | None:
    """Write what a month of a table has beside some days, and the cells of those anew; the ledger decides what counts.

    Args:
        folder: Of all cells.
        name: Of the table.
        month: As in 2026-10.
        files: What the table has of the month.
        days: Those that are replaced or left away.
        cells: What takes their place.

    Returns:
        The file and its rows; None when nothing is left.
    """
    table = TABLES[name]
    replaced = [(pl.col("site") == site) & (pl.col("day") == day) for site, day in days]
    others = ~pl.any_horizontal(pl.lit(value=False), *replaced)
    kept = [pl.read_parquet(file).filter(others) for file in files]
    whole = pl.concat([pl.DataFrame(schema=table.schema), *kept, *([] if cells is None else [cells])])
    if whole.is_empty():
        return None
    whole = sort_rows(whole, table.dimensions)
    path = private_folder(private_folder(folder) / name) / f"{month}.{secrets.token_hex(4)}.parquet"
    meanings = {column.name: f"{column.english} / {column.french}" for column in table.columns}
    about = {"table": name, "schema_version": str(VERSION), "definition": DEFINITION}
    schema = pl.Schema(table.schema)  # so that it is written some rows at a time
    write_parquet(whole, path, schema=schema, descriptions=meanings, metadata=about)
    return path, whole.height
