"""Makes the country tables from a MaxMind DB, once, so that no run has to.

Any `.mmdb` file that knows countries will do: DB-IP, MaxMind's country and city databases and others of
their layout. `logstats.derive.country` says what the tables look like and reads them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import maxminddb
import pyarrow as pa

from logstats.derive.country import (
    IPV4_FILE,
    IPV6_FILE,
    CountryTable,
    GeoInfo,
    normalise_code,
    shipped_directory,
)
from logstats.errors import ConfigurationError, InputMissingError, NoPermissionError
from logstats.parquet import cannot_write, write_parquet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from ipaddress import IPv4Network, IPv6Network

    from maxminddb.reader import Metadata

__all__ = ["built_on", "cache_directory", "open_table", "shipped_directory", "update"]


@dataclass(frozen=True)
class _Terms:
    """The terms of a well-known database.

    Attributes:
        marker: Part of the type in its metadata, or of its file name, in lower case.
        database: Its name.
        licence: The licence of its data.
        attribution: The sentence its licence asks for.
    """

    marker: str
    database: str
    licence: str
    attribution: str


_GEOLITE2_LICENCE: Final = "GeoLite2 End User License Agreement"
_GEOLITE2_ATTRIBUTION: Final = (
    "This product includes GeoLite2 Data created by MaxMind, available from https://www.maxmind.com/"
)
_DBIP_LICENCE: Final = "CC BY 4.0"
_DBIP_ATTRIBUTION: Final = "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0"
_KNOWN_TERMS: Final = (
    _Terms("dbip-country-lite", "DB-IP Lite Country", _DBIP_LICENCE, _DBIP_ATTRIBUTION),
    _Terms("dbip-city-lite", "DB-IP Lite City", _DBIP_LICENCE, _DBIP_ATTRIBUTION),
    _Terms("geolite2-country", "GeoLite2 Country", _GEOLITE2_LICENCE, _GEOLITE2_ATTRIBUTION),
    _Terms("geolite2-city", "GeoLite2 City", _GEOLITE2_LICENCE, _GEOLITE2_ATTRIBUTION),
)

_HASH: Final = "sha256"
_COMPRESSION_LEVEL: Final = 19  # written once a month, read at every start

_Range = tuple[int, int, str]  # first address, last address, country


def update(mmdb: Path, directory: Path) -> GeoInfo:
    """Expands a MaxMind DB to the two country tables of a folder.

    Takes a few seconds. The tables that were there before are replaced at the end, or left untouched if
    anything fails. Of each record `country_code` is taken, else `country.iso_code`, else
    `registered_country.iso_code`. Networks that the database only lists as another name of its IPv4
    networks (6to4, Teredo, in MaxMind's own files) are left out.

    Args:
        mmdb: The database file.
        directory: The folder of the tables; made if missing.

    Returns:
        What was read, as written to the metadata of both tables.

    Raises:
        InputMissingError: If there is no such file.
        NoPermissionError: If the file may not be read, or the folder not be written.
        ConfigurationError: If the file is no MaxMind DB, is damaged, or knows no countries.
        CannotWriteError: If a table cannot be written, for example because the disk is full.
    """
    digest = _digest(mmdb)
    metadata, ipv4, ipv6 = _expand(mmdb)
    if not ipv4 and not ipv6:
        raise ConfigurationError("holds no countries", file=str(mmdb))
    terms = _terms(metadata.database_type, mmdb.name)
    info = GeoInfo(
        database=terms.database,
        built=datetime.fromtimestamp(metadata.build_epoch, UTC).date(),
        licence=terms.licence,
        attribution=terms.attribution,
        sha256=digest,
        source=mmdb.name,
        ipv4_ranges=len(ipv4),
        ipv6_ranges=len(ipv6),
    )
    _write({IPV4_FILE: _ipv4_table(ipv4), IPV6_FILE: _ipv6_table(ipv6)}, info, directory)
    return info


def open_table(database: Path | None, cache: Path) -> CountryTable:
    """Opens the country table that the configuration names.

    Args:
        database: None for the tables that come with logstats, a folder of tables made by `update`, or a
            MaxMind DB. That is expanded at first use and kept in the cache, known by its content.
        cache: The folder for expanded databases.

    Raises:
        LogstatsError: As `update` and `CountryTable.load` say.
    """
    if database is None or database.is_dir():
        return CountryTable.load(database)
    directory = cache / _digest(database)
    with contextlib.suppress(InputMissingError, ConfigurationError):  # not made yet, or damaged since
        return CountryTable.load(directory)
    update(database, directory)
    return CountryTable.load(directory)


def built_on(database: Path | None) -> date:
    """Gives the day a database was built, and writes nothing: a MaxMind DB is not expanded.

    Args:
        database: As `open_table` takes it.

    Raises:
        LogstatsError: As `open_table` does.
    """
    if database is None or database.is_dir():
        return CountryTable.load(database).info.built
    _digest(database)  # says what is wrong with a file that is not there, or may not be read
    try:
        with maxminddb.open_database(database) as reader:
            return datetime.fromtimestamp(reader.metadata().build_epoch, UTC).date()
    except (maxminddb.InvalidDatabaseError, ValueError) as error:
        raise ConfigurationError("is no MaxMind DB, or damaged", file=str(database)) from error


def cache_directory() -> Path:
    """Gives the folder for expanded databases: always safe to delete."""
    base = os.environ.get("CACHE_DIRECTORY") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "logstats" / "geo"


def _digest(mmdb: Path) -> str:
    """Gives the SHA-256 of a database file, in hexadecimal."""
    if not mmdb.is_file():
        raise InputMissingError(f"{mmdb}: no such file")
    try:
        with mmdb.open("rb") as file:
            return hashlib.file_digest(file, _HASH).hexdigest()
    except PermissionError as error:
        raise NoPermissionError(f"{mmdb}: may not be read") from error


def _expand(mmdb: Path) -> tuple[Metadata, list[_Range], list[_Range]]:
    """Reads a database: its metadata, its IPv4 and its IPv6 ranges."""
    try:
        with maxminddb.open_database(mmdb) as reader:
            ipv4, ipv6 = _ranges(reader)
            return reader.metadata(), ipv4, ipv6
    except (maxminddb.InvalidDatabaseError, ValueError) as error:
        raise ConfigurationError("is no MaxMind DB, or damaged", file=str(mmdb)) from error


def _ranges(
    networks: Iterable[tuple[IPv4Network | IPv6Network, object]],
) -> tuple[list[_Range], list[_Range]]:
    """Turns networks in ascending order into ranges, IPv4 and IPv6; neighbours of one country become one."""
    ranges: dict[int, list[_Range]] = {4: [], 6: []}
    for network, record in networks:
        country = _country(record)
        if country is None:
            continue
        found = ranges[network.version]
        start, end = int(network.network_address), int(network.broadcast_address)
        if found and found[-1][1:] == (start - 1, country):
            start = found.pop()[0]
        found.append((start, end, country))
    return ranges[4], ranges[6]


def _country(record: object) -> str | None:
    """Finds the country of a record, in any of the layouts in use."""
    if not isinstance(record, dict):
        return None
    codes = (
        record.get("country_code"),
        _iso_code(record.get("country")),
        _iso_code(record.get("registered_country")),
    )
    return next((country for country in map(normalise_code, codes) if country), None)


def _iso_code(country: object) -> object:
    """Gives the code of a country that is a record of its own."""
    return country.get("iso_code") if isinstance(country, dict) else None


def _terms(database_type: str, file_name: str) -> _Terms:
    """Finds the terms of a database; of an unknown one only the type is known."""
    names = f"{database_type} {file_name}".lower()
    unknown = _Terms(marker="", database=database_type, licence="", attribution="")
    return next((terms for terms in _KNOWN_TERMS if terms.marker in names), unknown)


def _ipv4_table(ranges: list[_Range]) -> pa.Table:
    """Gives the IPv4 ranges as a table."""
    return pa.table(
        {
            "start": pa.array((start for start, _, _ in ranges), pa.uint32()),
            "end": pa.array((end for _, end, _ in ranges), pa.uint32()),
            "country": pa.array((country for _, _, country in ranges), pa.string()),
        }
    )


def _ipv6_table(ranges: list[_Range]) -> pa.Table:
    """Gives the IPv6 ranges as a table; Parquet has no numbers of 128 bits, so in halves."""
    return pa.table(
        {
            "start_hi": pa.array((start >> 64 for start, _, _ in ranges), pa.uint64()),
            "start_lo": pa.array((start % 2**64 for start, _, _ in ranges), pa.uint64()),
            "end_hi": pa.array((end >> 64 for _, end, _ in ranges), pa.uint64()),
            "end_lo": pa.array((end % 2**64 for _, end, _ in ranges), pa.uint64()),
            "country": pa.array((country for _, _, country in ranges), pa.string()),
        }
    )


def _write(tables: dict[str, pa.Table], info: GeoInfo, directory: Path) -> None:
    """Puts the tables into a folder, each complete or not at all.

    A crash between the two leaves tables of two databases; `CountryTable.load` refuses these.
    """
    with cannot_write(directory):
        directory.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        numbers = [column for column in table.column_names if column != "country"]
        write_parquet(
            table,
            directory / name,
            mode=0o644,
            metadata=info.to_metadata(),
            compression_level=_COMPRESSION_LEVEL,
            use_dictionary=["country"],
            column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        )
