"""Compares country lookups with MaxMind's C reader, on the same distinct addresses, in one run.

    python tests/benchmarks/bench_country.py FILE.mmdb

Both start from texts, as a log has them, and end with a country code per address. The tables are made from
the same file beforehand; that is not timed. Each figure is the best of five.
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import ipaddress
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import maxminddb
import polars as pl

from logstats.derive.addresses import parse_addresses
from logstats.derive.country import CountryTable
from logstats.geodata import open_table, update

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESSES = 200_000
REPEATS = 5


def main() -> None:
    """Prints a line per kind of address."""
    database = Path(sys.argv[1])
    with TemporaryDirectory() as folder, maxminddb.open_database(database, maxminddb.MODE_MMAP_EXT) as reader:
        print(f"update         {seconds(lambda: update(database, Path(folder)), repeats=1):10.1f} s")
        print(f"load           {seconds(lambda: CountryTable.load(Path(folder))) * 1000:10.1f} ms")
        table = open_table(Path(folder), Path(folder))
        for kind, texts in {"IPv4": ipv4_texts(), "IPv6": ipv6_texts(table)}.items():
            compare(kind, texts, table, reader)


def compare(kind: str, texts: list[str], table: CountryTable, reader: maxminddb.Reader) -> None:
    """Prints lookups a second of both, and the ratios.

    `texts` reads the addresses first, as the reader does; `two blocks` does that for two halves at a time, as the
    program does on two cores, and the reader is given two threads as well; `numbers` starts from addresses that have
    been read, as they have been for the truncation anyway.
    """
    column = pl.Series(texts)
    text_halves = [texts[: ADDRESSES // 2], texts[ADDRESSES // 2 :]]
    halves = [column[: ADDRESSES // 2], column[ADDRESSES // 2 :]]
    numbers = parse_addresses(column)
    with ThreadPoolExecutor(2) as workers:
        ours = {
            "texts": seconds(lambda: table.lookup(parse_addresses(column))),
            "two blocks": seconds(lambda: list(workers.map(lambda half: table.lookup(parse_addresses(half)), halves))),
            "numbers": seconds(lambda: table.lookup(numbers)),
        }
        alone = seconds(lambda: countries(reader, texts))
        together = seconds(lambda: list(workers.map(lambda half: countries(reader, half), text_halves)))
    print(f"{kind} maxminddb            {len(texts) / alone:12,.0f}/s")
    print(f"{kind} maxminddb, 2 threads {len(texts) / together:12,.0f}/s")
    for start, taken in ours.items():
        theirs = min(alone, together) if start == "two blocks" else alone
        print(f"{kind} logstats, {start:11}{len(texts) / taken:12,.0f}/s   ratio {theirs / taken:.1f}")


def countries(reader: maxminddb.Reader, texts: list[str]) -> list[str]:
    """Looks texts up with MaxMind's reader."""
    return [country(reader.get(text)) for text in texts]


def country(record: object) -> str:
    """Gives the country of a record, as a program around the reader would."""
    return str(record["country_code"]) if isinstance(record, dict) else "ZZ"


def ipv4_texts() -> list[str]:
    """Gives distinct IPv4 addresses, uniformly drawn."""
    source = random.Random(1)  # noqa: S311 - a sample, not a secret
    return [str(ipaddress.IPv4Address(number)) for number in source.sample(range(2**32), ADDRESSES)]


def ipv6_texts(table: CountryTable) -> list[str]:
    """Gives distinct IPv6 addresses, each drawn from a range that has a country."""
    source = random.Random(1)  # noqa: S311 - a sample, not a secret
    ranges = table.ipv6.sample(ADDRESSES, seed=1).drop("country").rows()
    drawn = (source.randint(a << 64 | b, c << 64 | d) for a, b, c, d in ranges)
    return [str(ipaddress.IPv6Address(number)) for number in drawn]


def seconds(work: Callable[[], object], *, repeats: int = REPEATS) -> float:
    """Gives the shortest time that some work took."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
