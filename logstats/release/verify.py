"""Verify: a release judged by its files alone; and two releases, by what changes between them."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from logstats.release.catalogue import VISITORS, catalogue
from logstats.release.shape import SUPPRESSED
from logstats.schema import FOLDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from logstats.release.catalogue import PublicTable

__all__ = ["compare", "verify"]

_FILES: Final = ("datapackage.json", "privacy.json")
_LONGEST_NAME: Final = 63  # bytes, of a column in PostgreSQL
_LARGEST: Final = 50_000_000  # bytes of a Parquet file that data.gouv.fr previews


def verify(files: Mapping[str, bytes]) -> list[str]:
    """Find what is wrong with a release.

    Args:
        files: Bytes of all files of its folder, by name.

    Returns:
        One sentence for each problem; none for a good release.
    """
    missing = [name for name in _FILES if name not in files]
    if missing:
        return [f"{name}: is missing; this is no release" for name in missing]
    try:
        package, privacy = (json.loads(files[name]) for name in _FILES)
        listed = {entry["path"]: entry for entry in package["resources"]}
        k = int(privacy["k"])
        of_tables = dict(privacy["files"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["datapackage.json or privacy.json: is not what logstats writes"]
    problems = [*_digests(files, listed, of_tables)]
    tables: dict[str, pl.DataFrame] = {}
    for name, table in catalogue().tables.items():
        if f"{name}.parquet" in files and f"{name}.csv" in files:
            found, wrong = _read(files, table)
            problems += wrong
            if found is not None:
                tables[name] = found
                problems += _judge(table, found, k)
        elif f"{name}.parquet" in files or f"{name}.csv" in files:
            problems.append(f"{name}: one of its two files is missing")
    return [*problems, *_sums(tables)]


def compare(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[str]:
    """Find what the difference between two versions of a month tells about fewer than k visitor-days.

    Args:
        old: Files of the earlier release.
        new: Files of the later one.

    Returns:
        One sentence for each table with such blocks: how many, not which.
    """
    k = int(json.loads(new["privacy.json"])["k"])
    problems = []
    for name, table in catalogue().tables.items():
        path = f"{name}.parquet"
        if not table.family or path not in old or path not in new:
            continue
        before, after = (pl.read_parquet(io.BytesIO(files[path])) for files in (old, new))
        months = sorted(set(before["mois"]) & set(after["mois"]))
        before, after = (frame.filter(pl.col("mois").is_in(months)) for frame in (before, after))
        both = before.join(after, on=table.key, how="full", nulls_equal=True, coalesce=True, suffix="_new")
        measure = table.measures[0]
        change = (pl.col(f"{measure}_new").fill_null(0) - pl.col(measure).fill_null(0)).abs()
        folded = pl.any_horizontal(pl.col(level) == FOLDED for level in table.levels).fill_null(value=False)
        appeared = pl.col(measure).is_null() & ~folded
        few = (change > 0) & (change < k)
        if VISITORS in table.measures:
            visitors = (pl.col(f"{VISITORS}_new") - pl.col(VISITORS)).abs()
            few |= ((change > 0) | (visitors > 0)) & (visitors < k)
        if count := both.filter((few | appeared).fill_null(value=False)).height:
            problems.append(f"{name}: {count} blocks changed by fewer than {k} visitor-days, or appeared")
    return problems


def _digests(
    files: Mapping[str, bytes], listed: Mapping[str, Mapping[str, Any]], of_tables: Mapping[str, str]
) -> Iterator[str]:
    for name in sorted(files.keys() - listed.keys() - {"datapackage.json"}):
        yield f"{name}: is not named by datapackage.json"
    for name, entry in listed.items():
        if name not in files:
            yield f"{name}: is missing"
        elif entry.get("hash") != f"sha256:{hashlib.sha256(files[name]).hexdigest()}":
            yield f"{name}: is not what datapackage.json says (sha256)"
    for name in files:
        digest = hashlib.sha256(files[name]).hexdigest()
        if name.endswith((".parquet", ".csv")) and of_tables.get(name) != digest:
            yield f"{name}: is not what privacy.json was written for (sha256)"


def _read(files: Mapping[str, bytes], table: PublicTable) -> tuple[pl.DataFrame | None, list[str]]:
    """Read both files of a table; they must say the same, in the types that are published."""
    parquet, text = files[f"{table.name}.parquet"], files[f"{table.name}.csv"]
    problems = []
    if len(parquet) > _LARGEST:
        problems.append(f"{table.name}.parquet: is larger than {_LARGEST:,} bytes")
    try:
        frame = pl.read_parquet(io.BytesIO(parquet))
        typed = {name: pl.String() if dtype == pl.String() else dtype for name, dtype in table.schema.items()}
        twin = pl.read_csv(io.BytesIO(text), schema=typed, null_values=["", SUPPRESSED])
    except (pl.exceptions.PolarsError, OSError):
        return None, [f"{table.name}: cannot be read as its schema says"]
    if dict(frame.schema) != table.schema or any(len(name.encode()) > _LONGEST_NAME for name in frame.columns):
        return None, [*problems, f"{table.name}.parquet: has other columns or types than its schema"]
    if not frame.equals(twin):
        problems.append(f"{table.name}: Parquet and CSV differ")
    if not frame.equals(frame.sort(table.key, nulls_last=False)):
        problems.append(f"{table.name}: rows are not sorted")
    return frame, problems


def _judge(table: PublicTable, frame: pl.DataFrame, k: int) -> Iterator[str]:
    few = pl.any_horizontal(pl.col(name) < k for name in table.measures)
    if count := frame.filter(few.fill_null(value=False)).height:
        yield f"{table.name}: {count} rows hold fewer than {k}"
    if table.family and (count := frame[table.measures[0]].null_count()):
        yield f"{table.name}: {count} rows have no {table.measures[0]}"
    if not frame.select(table.key).is_unique().all():
        yield f"{table.name}: rows stand twice"
    if table.family and (count := _not_additive(table, frame)):
        yield f"{table.name}: {count} rows are not the sum of the rows below them"


def _not_additive(table: PublicTable, frame: pl.DataFrame) -> int:
    """Count the inner rows whose views are not the sum of those below them, and leaves that have some."""
    measure, root = table.measures[0], ["mois", "site"]
    rows = frame.with_row_index("row")
    above = pl.lit(None, dtype=pl.UInt32)
    joined = rows
    depth_of = pl.sum_horizontal(pl.col(level).is_not_null().cast(pl.Int64) for level in table.levels)
    for depth in range(len(table.levels)):
        path, name = [*root, *table.levels[:depth]], f"above_{depth}"
        nodes = rows.filter(depth_of == depth).select(*path, pl.col("row").alias(name))
        joined = joined.join(nodes, on=path, how="left")
        above = pl.when((depth_of > depth) & pl.col(name).is_not_null()).then(pl.col(name)).otherwise(above)
    below = joined.with_columns(above.alias("parent")).group_by("parent").agg(pl.col(measure).sum().alias("below"))
    checked = rows.join(below, left_on="row", right_on="parent", how="left")
    wrong = (
        pl.when("feuille").then(pl.col("below").is_not_null()).otherwise(pl.col("below").ne_missing(pl.col(measure)))
    )
    return checked.filter(wrong).height


def _sums(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    """Check that the tables that are sums of others are just that."""
    known = catalogue()
    for name, (source, column) in known.sums.items():
        if name not in tables or source not in tables:
            continue
        table = known.tables[name]
        leaf = tables[source].filter("feuille").with_columns(pl.col(column).fill_null(FOLDED))
        added = leaf.group_by(table.key).agg(pl.col(table.measures).sum()).sort(table.key)
        if not added.equals(tables[name]):
            yield f"{name}: is not the sum of the leaves of {source}"
