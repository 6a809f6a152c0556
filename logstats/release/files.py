"""Files: tables as Parquet and CSV, the data package, the privacy report and the read-me, each as bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logstats.release.catalogue import catalogue
from logstats.release.package import package
from logstats.release.shape import SUPPRESSED
from logstats.release.texts import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstats.release.catalogue import PublicTable

__all__ = ["DICTIONARY", "parquet_bytes", "render"]

DICTIONARY: Final = "dictionnaire.csv"
_ZSTD_LEVEL: Final = 9


def render(tables: Mapping[str, pl.DataFrame], about: Mapping[str, Any]) -> dict[str, bytes]:
    """Make the files of a release.

    Args:
        tables: As `shape` gives them.
        about: What the ledger keeps of the release: `period`, `title`, `licence`, `k` and so on; `privacy` is what
            privacy.json says.

    Returns:
        Bytes by file name. Tables without a row are left out.
    """
    known = catalogue()
    files: dict[str, bytes] = {}
    for name, frame in tables.items():
        if not frame.is_empty():
            files[f"{name}.parquet"] = parquet_bytes(frame, known.tables[name], about)
            files[f"{name}.csv"] = _csv(frame)
    files[DICTIONARY] = _dictionary(tables)
    # What the package says of the tables is in privacy.json, too, so that no table can be put beside it.
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    files["privacy.json"] = _json({**about["privacy"], "files": digests})
    files |= {name: text.encode() for name, text in texts(tables, about).items()}
    files["datapackage.json"] = _json(package(files, tables, about))
    return dict(sorted(files.items()))


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def parquet_bytes(frame: pl.DataFrame, table: PublicTable, about: Mapping[str, Any]) -> bytes:
    """Write one sorted row group; what the file says of itself goes with it."""
    meanings = catalogue().columns
    arrow: pa.Table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [
        field.with_metadata({"description": meanings[field.name][0], "description_en": meanings[field.name][1]})
        for field in arrow.schema
    ]
    metadata = {
        "title": f"{about['title']} : {table.french}",
        "title_en": table.english,
        "licence": about["licence"]["title"],
        "period": about["period"],
        "definition": about["definition"],
        "k": str(about["k"]),
        "logstats": about["logstats"],
        "lists": ", ".join(f"{name} {day}" for name, day in about["lists"].items()),
        "country_database": about["country_database"],
        "attribution": about["attribution"],
        "schema": f"datapackage.json#{table.name}",
    }
    arrow = arrow.cast(pa.schema(fields, metadata))
    target = io.BytesIO()
    order = [pq.SortingColumn(frame.columns.index(name), nulls_first=True) for name in table.key]
    pq.write_table(
        arrow,
        target,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        row_group_size=max(frame.height, 1),
        sorting_columns=order,
        write_statistics=True,
        write_page_index=True,
    )
    return target.getvalue()


def _csv(frame: pl.DataFrame) -> bytes:
    """Write UTF-8, comma, LF, quotes where they are needed; a number that is not shown is `s`."""
    numbers = [name for name, dtype in frame.schema.items() if dtype == pl.Int64()]
    shown = frame.with_columns(pl.col(name).cast(pl.String).fill_null(SUPPRESSED) for name in numbers)
    return shown.write_csv(separator=",", line_terminator="\n", null_value="").encode()


def _dictionary(tables: Mapping[str, pl.DataFrame]) -> bytes:
    """Write what each column of each table means, in two languages."""
    known = catalogue()
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(("table", "colonne", "type", "description", "description_en"))
    types = {"Int64": "integer", "String": "string", "Boolean": "boolean"}
    for name, frame in tables.items():
        if not frame.is_empty():
            for column, dtype in known.tables[name].schema.items():
                writer.writerow((name, column, types[str(dtype)], *known.columns[column]))
    return target.getvalue().encode()
