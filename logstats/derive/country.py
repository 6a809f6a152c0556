"""Looks up the country of an address in tables of address ranges.

The tables are made once from a MaxMind DB (`logstats.geodata`), since expanding one takes seconds and reading
the tables milliseconds. On disk they are two Parquet files, with the facts of `GeoInfo` in their metadata:

    country-ipv4.parquet   start, end (UInt32), country
    country-ipv6.parquet   start_hi, start_lo, end_hi, end_lo (UInt64), country

Ranges are sorted, include their end, do not overlap and may leave gaps. A country is an ISO 3166-1 alpha-2
code, or the user-assigned `XK` for Kosovo. Overseas territories with a code of their own (`RE`, `GP`, `NC`)
keep it. A lookup adds `ZZ`: unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import polars as pl

from logstats.derive.addresses import is_public, unwrap_nat64
from logstats.errors import ConfigurationError, InputMissingError, NoPermissionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Numbers = NDArray[np.uint32] | NDArray[np.uint64]

__all__ = [
    "IPV4_FILE",
    "IPV6_FILE",
    "UNKNOWN",
    "CountryTable",
    "GeoInfo",
    "normalise_code",
    "shipped_directory",
]

UNKNOWN: Final = "ZZ"
IPV4_FILE: Final = "country-ipv4.parquet"
IPV6_FILE: Final = "country-ipv6.parquet"

# Found in databases and in headers of content networks, but no countries: the European Union, Asia/Pacific,
# the Netherlands Antilles (dissolved 2010), anonymous proxies, satellites, others, Tor, unknown.
_NO_COUNTRY: Final = frozenset({"EU", "AP", "AN", "A1", "A2", "O1", "T1", "XX", "ZZ"})
_ISO_CODE: Final = {"UK": "GB", "FX": "FR"}
_CODE_LENGTH: Final = 2
_HALVES: Final = ("start_hi", "start_lo", "end_hi", "end_lo")

# Keys in the Parquet metadata begin with this, beside those of other programs (`ARROW:schema`).
_METADATA_PREFIX: Final = "logstats."


def normalise_code(code: object) -> str | None:
    """Turns a database's country code into an ISO 3166-1 alpha-2 code.

    `UK` becomes `GB` and `FX` becomes `FR`. `XK` stays: leaving it out is the choice of a lookup.

    Args:
        code: What the database holds, of whatever type.

    Returns:
        Two capital letters, or None for what is no country (`EU`, `A1`, `T1`, an empty text).
    """
    if not isinstance(code, str):
        return None
    code = code.strip().upper()
    if len(code) != _CODE_LENGTH or not code.isascii() or not code.isalpha() or code in _NO_COUNTRY:
        return None
    return _ISO_CODE.get(code, code)


def shipped_directory() -> Path:
    """Gives the folder of the tables that come with logstats.

    In an installed package it lies inside the package, in a working copy next to it.

    Raises:
        InputMissingError: If there is no such folder.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "geo", package.parent / "geo"):
        if (folder / IPV4_FILE).is_file():
            return folder
    raise InputMissingError("the country tables are missing", hint="run logstats geo update FILE.mmdb")


@dataclass(frozen=True)
class GeoInfo:
    """Where the tables come from: the facts that travel with every figure by country.

    Attributes:
        database: Name of the database.
        built: Day the database was built (UTC).
        licence: Licence of the data, or an empty string if unknown.
        attribution: Sentence to show wherever results are shown, or an empty string if unknown.
        sha256: SHA-256 of the database file, in hexadecimal.
        source: Name of the database file, without folder.
        ipv4_ranges: Rows of the IPv4 table.
        ipv6_ranges: Rows of the IPv6 table.
    """

    database: str
    built: date
    licence: str
    attribution: str
    sha256: str
    source: str
    ipv4_ranges: int
    ipv6_ranges: int

    def to_metadata(self) -> dict[str, str]:
        """Gives the facts as the key-value metadata of a Parquet file."""
        return {_METADATA_PREFIX + field.name: str(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """Reads the facts from the key-value metadata of a Parquet file.

        Raises:
            KeyError: If a fact is missing.
            ValueError: If a date or a number cannot be read.
        """
        facts = {field.name: metadata[_METADATA_PREFIX + field.name] for field in fields(cls)}
        return cls(
            database=facts["database"],
            built=date.fromisoformat(facts["built"]),
            licence=facts["licence"],
            attribution=facts["attribution"],
            sha256=facts["sha256"],
            source=facts["source"],
            ipv4_ranges=int(facts["ipv4_ranges"]),
            ipv6_ranges=int(facts["ipv6_ranges"]),
        )


@dataclass(frozen=True, eq=False)
class CountryTable:
    """Countries by address range, ready for lookups.

    Attributes:
        ipv4: Columns `start`, `end` (UInt32) and `country` (String), sorted by `start`.
        ipv6: Columns `start_hi`, `start_lo`, `end_hi`, `end_lo` (UInt64) and `country` (String), sorted by start.
        info: Where the ranges come from.
    """

    ipv4: pl.DataFrame
    ipv6: pl.DataFrame
    info: GeoInfo

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Reads the two tables of a folder.

        Args:
            path: The folder; None for the tables that come with logstats.

        Raises:
            InputMissingError: If a table is not there.
            NoPermissionError: If a table may not be read.
            ConfigurationError: If a file is no such table, or the two are of different databases.
        """
        folder = shipped_directory() if path is None else path
        ipv4, info = _read_table(folder / IPV4_FILE)
        ipv6, ipv6_info = _read_table(folder / IPV6_FILE)
        if info != ipv6_info:
            raise ConfigurationError(
                "the IPv4 and the IPv6 table were made from different databases",
                file=str(folder),
                hint="run logstats geo update FILE.mmdb again",
            )
        return cls(ipv4=ipv4.select("start", "end", "country"), ipv6=ipv6.select(*_HALVES, "country"), info=info)

    def lookup(self, addresses: pl.DataFrame, *, keep_kosovo: bool = False) -> pl.Series:
        """Looks up the country of each address.

        The full address is needed: look up before truncating. A NAT64 address (64:ff9b::/96) has the country
        of its IPv4 address, a 6to4 address (2002::/16) what the database says of it.

        Args:
            addresses: *addresses* of `logstats.derive.addresses`, a row per address.
            keep_kosovo: Whether `XK`, which is not in ISO 3166-1, stays; else it becomes `ZZ`.

        Returns:
            String `country`, never null, a row per address in the same order; `ZZ` for what is no public
            address, and for public addresses in none of the ranges.
        """
        addresses = unwrap_nat64(addresses)
        public = addresses.with_columns(pl.when(is_public(addresses)).then(pl.col("v4", "hi", "lo")))
        ipv4 = _find_ipv4(public["v4"], self.ipv4)
        ipv6 = _find_ipv6(public.select("hi", "lo"), self.ipv6)
        country = pl.coalesce(ipv4, ipv6, pl.lit(UNKNOWN)).alias("country")
        countries = pl.select(country).to_series()
        return countries if keep_kosovo else countries.replace("XK", UNKNOWN)


def _find_ipv4(addresses: pl.Series, ranges: pl.DataFrame) -> pl.Series:
    """Finds the country of each IPv4 address: the range that begins at it or before, unless that ends before it."""
    rows, asked = _present(addresses)
    begun = _last_begun(asked, ranges["start"].to_numpy())
    inside = (begun >= 0) & (asked <= ranges["end"].to_numpy().take(begun, mode="clip"))
    return _countries(ranges, begun[inside], rows[inside], addresses.len())


def _find_ipv6(addresses: pl.DataFrame, ranges: pl.DataFrame) -> pl.Series:
    """Finds the country of each IPv6 address by its upper half; the whole number decides where a range begins there.

    Args:
        addresses: `hi` and `lo`, null for those of the other version.
        ranges: Columns `start_hi`, `start_lo`, `end_hi`, `end_lo` and `country`, sorted.
    """
    rows, upper = _present(addresses["hi"])
    _, lower = _present(addresses["lo"])
    start_upper, start_lower, end_upper, end_lower = (ranges[name].to_numpy() for name in _HALVES)
    begun = _last_begun(upper, start_upper)
    # Several ranges may begin in one /64: back to the one that begins at the address or before.
    later = np.flatnonzero((begun >= 0) & (start_upper.take(begun, mode="clip") == upper))
    while len(later):
        later = later[
            (start_upper.take(begun[later]) == upper[later]) & (start_lower.take(begun[later]) > lower[later])
        ]
        begun[later] -= 1
        later = later[begun[later] >= 0]
    end = end_upper.take(begun, mode="clip")
    inside = (begun >= 0) & ((upper < end) | ((upper == end) & (lower <= end_lower.take(begun, mode="clip"))))
    return _countries(ranges, begun[inside], rows[inside], addresses.height)


def _present(numbers: pl.Series) -> tuple[NDArray[np.int64], Numbers]:
    """Gives the rows that are not null, and their values."""
    rows = np.flatnonzero(numbers.is_not_null().to_numpy())
    return rows, numbers.drop_nulls().to_numpy()


def _last_begun(numbers: Numbers, starts: Numbers) -> NDArray[np.int64]:
    """Gives the last range that begins at each number or before; -1 where none does.

    The numbers are sorted first: each search then begins where the last one ended, in the processor's cache.
    """
    order = np.argsort(numbers)
    begun = np.empty(len(numbers), dtype=np.int64)
    begun[order] = np.searchsorted(starts, numbers[order], side="right") - 1
    return begun


def _countries(ranges: pl.DataFrame, found: NDArray[np.int64], rows: NDArray[np.int64], height: int) -> pl.Series:
    """Gives the countries of the ranges found to their rows; null elsewhere."""
    nowhere = pl.repeat(None, height, dtype=pl.UInt32, eager=True)
    place = nowhere.scatter(rows, pl.Series(found, dtype=pl.UInt32))
    return ranges["country"].gather(place)


def _read_table(file: Path) -> tuple[pl.DataFrame, GeoInfo]:
    """Reads a table and the facts in its metadata."""
    if not file.is_file():
        raise InputMissingError(f"{file}: no such file", hint="run logstats geo update FILE.mmdb")
    try:
        info = GeoInfo.from_metadata(pl.read_parquet_metadata(file))
        return pl.read_parquet(file), info
    except PermissionError as error:
        raise NoPermissionError(f"{file}: may not be read") from error
    except (pl.exceptions.PolarsError, KeyError, ValueError) as error:
        raise ConfigurationError(
            "is no country table", file=str(file), hint="run logstats geo update FILE.mmdb"
        ) from error
