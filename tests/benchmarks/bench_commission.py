"""Times the Commission's file of 5,000 URLs x 60 countries x 4 devices, and checks that its parts add up.

    python tests/benchmarks/bench_commission.py

The month has 1.2 million cells, each on one of its days; their message has about 80 MB and is split into sub-periods.
Fails when building takes more than 5 s, or when the sums of the messages are not those of the cells.
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import polars as pl

from logstats import config
from logstats.cells import empty_cells
from logstats.publish.commission.build import build
from logstats.publish.commission.countries import assigned
from logstats.publish.commission.period import month
from logstats.publish.commission.send import views_of
from logstats.schema import DEVICES, TABLES
from logstats.store import DurableStore

URLS, COUNTRIES, MOST = 5_000, 60, 5.0
FIRST, DAYS = date(2026, 10, 1), 32


def main() -> None:
    """Prints the time, the number of messages and their size."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        listed = folder / "urls.txt"
        listed.write_text("".join(f"https://www.example.org/page/{_word(i)}\n" for i in range(URLS)))
        usual = config.load(environment={})
        settings = replace(usual, commission=replace(usual.commission, pages=str(listed)))
        store = folder / "store"
        views = _fill(store)
        started, used = time.perf_counter(), time.process_time()
        built = build(store, month("2026-10"), settings, "acceptance", now=datetime.now(UTC), partial=False)
        seconds, used = time.perf_counter() - started, time.process_time() - used
    sizes = [len(message.encoded) for message in built.messages]
    sums = sum(views_of(orjson.loads(message.encoded)) for message in built.messages)
    print(f"{built.rows.height:,} rows of {URLS:,} URLs in {seconds:.2f} s ({used:.2f} s of processor), with the proof")
    print(f"{len(sizes)} messages, {sum(sizes):,} bytes, the largest {max(sizes):,}; {sums:,} of {views:,} views")
    sys.exit(0 if seconds < MOST and sums == views and max(sizes) <= settings.commission.max_bytes else 1)


def _word(number: int) -> str:
    """Give a name without digits, so that no detector of identifiers takes it for one."""
    letters = ""
    for _ in range(4):
        number, rest = divmod(number, 26)
        letters += chr(97 + rest)
    return letters


def _fill(store: Path) -> int:
    """Make the store; give its views."""
    pages = pl.DataFrame({"page": [f"/page/{_word(i)}" for i in range(URLS)]})
    countries = pl.DataFrame({"country": sorted(assigned() - {"GR"})[:COUNTRIES]})
    table = pages.join(countries, how="cross").join(pl.DataFrame({"device": DEVICES}), how="cross")
    table = table.with_columns(
        pl.lit(FIRST).alias("utc_month"),
        (pl.lit(FIRST) + pl.duration(days=pl.int_range(pl.len()) * 7 % (DAYS - 1))).alias("day"),
        pl.lit("default").alias("site"),
        pl.lit("page").alias("kind"),
        (pl.int_range(pl.len()) % 97 + 1).alias("views"),
        pl.lit(1, dtype=pl.Int64).alias("visitors"),
    ).select(pl.col(name).cast(dtype) for name, dtype in TABLES["pages"].schema.items())
    with DurableStore(store) as durable:
        for offset in range(DAYS):
            day = FIRST + timedelta(days=offset)
            durable.close("default", day, empty_cells() | {"pages": table.filter(pl.col("day") == day)}, "benchmark")
    return int(table["views"].sum())


if __name__ == "__main__":
    main()
