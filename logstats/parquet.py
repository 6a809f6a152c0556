"""Parquet files, complete under their name or absent: parts of open days, tables of cells, country tables."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logstats.errors import CannotWriteError, NoPermissionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["cannot_write", "sync_folder", "write_parquet"]

_FULL: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_REFUSED: Final = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


def write_parquet(
    frame: pl.DataFrame | pa.Table,
    path: Path,
    *,
    mode: int = 0o600,
    descriptions: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
    **encoding: Any,  # noqa: ANN401 - as pyarrow takes it
) -> None:
    """Write a frame so that the file is complete under its name, or absent.

    Args:
        frame: Any frame.
        path: Its name; the folder exists. An existing file is replaced at once.
        mode: Permissions, whatever the umask.
        descriptions: Meaning of columns, kept with them in the file.
        metadata: What the file says of itself.
        encoding: Options of pyarrow.parquet.write_table, beside zstd.

    Raises:
        CannotWriteError: The disk is full, or the system refuses; no broken file is left.
        NoPermissionError: The folder may not be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    if isinstance(frame, pl.DataFrame):
        frame = frame.to_arrow(compat_level=pl.CompatLevel.oldest())  # polars' own text type is not known everywhere
    table = _described(frame, descriptions or {}, metadata or {})
    with cannot_write(path):
        try:
            with temporary.open("xb") as file:
                temporary.chmod(mode)
                pq.write_table(table, file, compression="zstd", **encoding)
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
