"""Protect and write a month of 10,000 pages by 60 countries by 4 devices: at most 20 s and 1 GB.

.venv/bin/python tests/benchmarks/bench_release.py [VISITOR_DAYS]

The input is made by a process of its own, and read as a release reads it.
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from logstats import release
from logstats.protect import Rules, protect
from logstats.release.files import parquet_bytes
from logstats.schema import LEVELS

LEAVES = 10_000 * 60 * 4
HIERARCHY = ("feature", "page", "country", "device")


def prefixes(visitor_days: int, days: int = 30) -> pl.DataFrame:
    """Make the prefixes of a month, seeded; each visitor-day views one page."""
    random = np.random.default_rng(7)
    # Each of the 2.4 million leaves once, and the rest as people are: few pages and countries have most of it.
    every = np.arange(LEAVES)
    n = LEAVES + visitor_days
    page = np.concatenate([every // 240, np.minimum(random.zipf(1.1, visitor_days) - 1, 9_999)])
    country = np.concatenate([every // 4 % 60, np.minimum(random.zipf(1.3, visitor_days) - 1, 59)])
    device = np.concatenate([every % 4, random.integers(0, 4, visitor_days)])
    people = pl.DataFrame(
        {
            "day": random.integers(1, days + 1, n).astype(np.int8),
            "page": page.astype(np.int16),
            "country": country.astype(np.int8),
            "device": device.astype(np.int8),
            "views": random.integers(1, 4, n),
        }
    )
    names = {
        "level_1": pl.lit("(none)"),
        "level_2": pl.format("/page/{}", "page"),
        "level_3": pl.format("C{}", "country"),
        "level_4": pl.format("D{}", "device"),
    }
    keys = ("level_1", "page", "country", "device")
    frames = []
    for depth in range(5):
        counted = people.group_by("day", *(key for key in keys[1:depth])).agg(
            pl.col("views").sum(), pl.len().cast(pl.Int64).alias("visitors"), pl.col("views").max().alias("max_views")
        )
        named = [names[name].alias(name) for name in LEVELS[:depth]]
        absent = [pl.lit(None, dtype=pl.String).alias(name) for name in LEVELS[depth:]]
        day = pl.date(2026, 10, "day").alias("day")
        level = pl.lit(depth, dtype=pl.Int64).alias("level")
        frames.append(
            counted.select(day, level, *named, *absent, "views", "visitors", "max_views").select(
                "day", "level", *LEVELS, "views", "visitors", "max_views"
            )
        )
    return pl.concat(frames)


def main() -> None:
    """Measure."""
    visitor_days = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    if len(sys.argv) > 2:
        prefixes(visitor_days).write_parquet(sys.argv[2])
        return
    with TemporaryDirectory() as folder:
        file = Path(folder, "prefixes.parquet")
        subprocess.run([sys.executable, __file__, str(visitor_days), file], check=True)
        started = time.perf_counter()
        frame = pl.scan_parquet(file)
        blocks = protect(frame, HIERARCHY, Rules(11, 0.85)).rows
        protected = time.perf_counter()
        tables = release.shape({("2026-10", "site", "pages"): blocks}, [])
        about = dict.fromkeys(
            ("title", "definition", "k", "logstats", "country_database", "attribution", "period"), "x"
        )
        known = release.catalogue().tables["pages"]
        size = len(parquet_bytes(tables["pages"], known, {**about, "licence": {"title": "x"}, "lists": {}}))
        written = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        leaves = frame.filter(pl.col("level") == 4).select(LEVELS).unique().select(pl.len()).collect().item()
        rows = frame.select(pl.len()).collect().item()
    print(f"{LEAVES + visitor_days:,} visitor-days on {leaves:,} leaves, {rows:,} prefix rows")
    print(f"protect {protected - started:.1f} s, {blocks.height:,} blocks; peak {peak:,.0f} MB")
    print(f"write {written - protected:.1f} s, {size:,} bytes")


if __name__ == "__main__":
    main()
