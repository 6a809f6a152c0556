"""Parquet files, complete under their name or absent: parts of open days, tables of cells, country tables."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logstats.errors import CannotWriteError, NoPermissionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["cannot_write", "sync_folder", "write_parquet"]

_AT_ONCE: Final = 1 << 18  # rows of a frame
_FULL: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_REFUSED: Final = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


def write_parquet(
    frame: pl.DataFrame | pa.Table,
    path: Path,
    *,
    mode: int = 0o600,
    schema: pl.Schema | None = None,
    descriptions: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
    **encoding: Any,  # noqa: ANN401 - as pyarrow takes it
) -> None:
    """Write a frame so that the file is complete under its name, or absent.

    Args:
        frame: Any frame.
        path: Its name; the folder exists. An existing file is replaced at once.
        mode: Permissions, whatever the umask.
        schema: Types of a frame's columns in the file; it is then written some rows at a time.
        descriptions: Meaning of columns, kept with them in the file.
        metadata: What the file says of itself.
        encoding: Options of pyarrow.parquet.write_table, beside zstd.

    Raises:
        CannotWriteError: The disk is full, or the system refuses; no broken file is left.
        NoPermissionError: The folder may not be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    rows = encoding.pop("row_group_size", None)
    tables = (_described(table, descriptions or {}, metadata or {}) for table in _slices(frame, schema))
    with cannot_write(path):
        try:
            with temporary.open("xb") as file:
                temporary.chmod(mode)
                first = next(tables)
                with pq.ParquetWriter(file, first.schema, compression="zstd", **encoding) as writer:
                    for table in chain([first], tables):
                        writer.write_table(table, row_group_size=rows)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def cannot_write(path: Path) -> Iterator[None]:
    """Turn what the system says about a failed write into an error with an exit code."""
    try:
        yield
    except OSError as error:
        if error.errno in _REFUSED:
            raise NoPermissionError(f"{path}: no permission to write it") from None
        hint = "free some space; nothing was counted by halves" if error.errno in _FULL else ""
        raise CannotWriteError(f"{path}: cannot be written: {error.strerror or error}", hint=hint) from None


def _slices(frame: pl.DataFrame | pa.Table, schema: pl.Schema | None) -> Iterator[pa.Table]:
    """Give what is written at a time, at least one table: coded texts become far larger when they are written out."""
    if isinstance(frame, pa.Table):
        yield frame
        return
    at_once = _AT_ONCE if schema else max(frame.height, 1)
    for start in range(0, max(frame.height, 1), at_once):
        rows = frame.slice(start, at_once)
        # polars' own text type is not known everywhere
        yield (rows.cast(schema) if schema else rows).to_arrow(compat_level=pl.CompatLevel.oldest())


def _described(table: pa.Table, descriptions: Mapping[str, str], metadata: Mapping[str, str]) -> pa.Table:
    """Keep the meaning of the table and of each column with it."""
    fields = [
        field.with_metadata({"description": descriptions[field.name]}) if field.name in descriptions else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, {**(table.schema.metadata or {}), **metadata}))


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
