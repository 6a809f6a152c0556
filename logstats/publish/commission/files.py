"""Files of messages: complete under their name or absent, and twins of them for people."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from logstats.errors import InputMissingError, NoPermissionError
from logstats.parquet import cannot_write, sync_folder, write_parquet
from logstats.schema import DEFINITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.publish.commission.message import Message

__all__ = ["names", "read_message", "write", "write_twin"]


def names(out: Path, count: int) -> list[Path]:
    """Give the files of so many messages: `file.json`, or `file.1of2.json` and `file.2of2.json`."""
    if count == 1:
        return [out]
    return [out.with_name(f"{out.stem}.{i}of{count}{out.suffix}") for i in range(1, count + 1)]


def write(path: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, complete or not at all; one of the name is replaced.

    Raises:
        CannotWriteError: The disk is full, or the folder is not there.
        NoPermissionError: The folder may not be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with cannot_write(path):
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_twin(path: Path, rows: pl.DataFrame, messages: Sequence[Message]) -> None:
    """Write the numbers as CSV or Parquet, by the end of the name; the periods of all messages together.

    Args:
        path: Ends with .csv or .parquet.
        rows: ROWS of count.py. Texts begin with `http` or are of a fixed list: none acts in a spreadsheet.
        messages: What is sent, for the period.
    """
    start, end = messages[0].period.start.date(), messages[-1].period.end.date()
    frame = rows.select(
        *(pl.lit(start).alias("period_start"), pl.lit(end).alias("period_end")),
        *(pl.col("url"), pl.col("country"), pl.col("device").cast(pl.String), pl.col("number").alias("nbVisits")),
    )
    if path.suffix == ".parquet":
        write_parquet(frame, path, metadata={"definition": DEFINITION})
    else:
        write(path, frame.write_csv().encode())


def read_message(file: Path) -> bytes:
    """Read a file to be checked or sent.

    Raises:
        InputMissingError: There is no such file.
        NoPermissionError: It may not be read.
    """
    try:
        return Path(file).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise InputMissingError(f"{file}: is no file") from None
    except OSError as error:
        raise NoPermissionError(f"{file}: cannot be read: {error.strerror}") from None
