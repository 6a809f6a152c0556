"""Making the country tables, and looking up countries in them."""

from __future__ import annotations

import csv
import errno
import hashlib
import ipaddress
import os
import random
from datetime import date
from pathlib import Path
from typing import Any, Final

import maxminddb
import polars as pl
import pytest

from logstats import geodata
from logstats.derive.addresses import is_public, parse_addresses, unwrap_nat64
from logstats.derive.country import CountryTable, GeoInfo, normalise_code, shipped_directory
from logstats.errors import (
    CannotWriteError,
    ConfigurationError,
    InputMissingError,
    NoPermissionError,
)

ROOT: Final = Path(__file__).parent.parent
SHARED: Final = Path(os.environ.get("LOGSTATS_SHARED", ROOT.parent / "shared"))
SHIPPED_DATABASE: Final = SHARED / "geo" / "dbip-country-lite-2026-06.mmdb"

CASES: Final = [
    pytest.param(case["text"], case["country"], id=case["description"])
    for case in csv.DictReader(
        (Path(__file__).parent / "cases" / "addresses.csv").read_text(encoding="utf-8").splitlines()
    )
]

OVERSEAS: Final = ("GP", "MQ", "RE", "GF", "YT", "PM", "BL", "MF", "NC", "PF", "WF")

# A small database: a country in each of the layouts in use, codes to normalise, neighbours, gaps, and ranges
# finer than /64.
NETWORKS: Final[dict[str, dict[str, Any]]] = {
    "1.0.0.0/24": {"country_code": "FR"},
    "1.0.1.0/24": {"country": {"iso_code": "FR"}},
    "1.0.2.0/24": {"registered_country": {"iso_code": "RE"}},
    "1.0.3.0/24": {"country": {}, "registered_country": {"iso_code": "DE"}},
    "1.0.4.0/24": {"country": {"iso_code": "IT"}, "registered_country": {"iso_code": "DE"}},
    "1.0.5.0/24": {"country_code": "UK"},
    "1.0.6.0/24": {"country_code": "EU"},
    "1.0.8.0/24": {"country_code": "XK"},
    "1.0.9.0/24": {"city": "Ghost town"},
    "2a00::/64": {"country_code": "AT"},
    "2a00:0:0:1::/65": {"country_code": "BE"},
    "2a00:0:0:1:8000::/66": {"country_code": "CZ"},
    "2a00:0:0:2::/64": {"country_code": "CZ"},
    "2a00:0:0:3::/64": {"country_code": "CZ"},
    "ffff::/16": {"country_code": "SE"},
}


def looked_up(table: CountryTable, *texts: str, keep_kosovo: bool = False) -> list[str]:
    """Looks up the countries of some texts."""
    return table.lookup(parse_addresses(pl.Series(texts, dtype=pl.String)), keep_kosovo=keep_kosovo).to_list()


def encoded(value: object) -> bytes:
    """Encodes a value as the MaxMind DB format 2.0 says; short texts, small maps and numbers only."""
    match value:
        case str():
            return bytes([2 << 5 | len(value)]) + value.encode("ascii")
        case dict():
            return bytes([7 << 5 | len(value)]) + b"".join(encoded(k) + encoded(v) for k, v in value.items())
        case bytes():  # a number whose type was chosen by `uint`
            return value
        case _:
            message = f"cannot encode {type(value)}"
            raise TypeError(message)


def uint(number: int, size: int) -> bytes:
    """Encodes a number of 2, 4 or 8 bytes; that of 8 has an extended type, 7 + 2."""
    control = {2: bytes([5 << 5 | 2]), 4: bytes([6 << 5 | 4]), 8: bytes([8, 2])}[size]
    return control + number.to_bytes(size, "big")


def write_database(file: Path, networks: dict[str, dict[str, Any]], kind: str = "Test-Country") -> Path:
    """Writes a MaxMind DB: a binary tree of address bits, its leaves pointing to records."""
    tree: list[list[int | bytes | None]] = [[None, None]]
    for text, record in networks.items():
        network = ipaddress.ip_network(text)
        depth = network.prefixlen + (96 if network.version == 4 else 0)
        bits = f"{int(network.network_address):0128b}"[:depth]
        node = 0
        for bit in bits[:-1]:
            branch = tree[node][int(bit)]
            if not isinstance(branch, int):
                branch = tree[node][int(bit)] = len(tree)
                tree.append([None, None])
            node = branch
        tree[node][int(bits[-1])] = encoded(record)

    data, pointers = b"", b""
    for branch in (branch for node in tree for branch in node):
        match branch:
            case None:
                pointer = len(tree)
            case int():
                pointer = branch
            case bytes():
                pointer = len(tree) + 16 + len(data)
                data += branch
        pointers += pointer.to_bytes(4, "big")
    metadata = {
        "binary_format_major_version": uint(2, 2),
        "binary_format_minor_version": uint(0, 2),
        "build_epoch": uint(1_780_272_000, 8),  # 2026-06-01
        "database_type": kind,
        "description": {},
        "ip_version": uint(6, 2),
        "languages": bytes([0, 4]),  # an empty array, of the extended type 7 + 4
        "node_count": uint(len(tree), 4),
        "record_size": uint(32, 2),
    }
    file.write_bytes(pointers + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encoded(metadata))
    return file


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A small MaxMind DB."""
    return write_database(tmp_path / "small.mmdb", NETWORKS)


@pytest.fixture
def table(tmp_path: Path, database: Path) -> CountryTable:
    """The tables made from it."""
    geodata.update(database, tmp_path / "tables")
    return CountryTable.load(tmp_path / "tables")


@pytest.fixture(scope="module")
def shipped() -> CountryTable:
    """The tables that come with logstats."""
    return CountryTable.load()


@pytest.mark.parametrize(("text", "country"), CASES)
def test_shipped_tables(shipped: CountryTable, text: str, country: str) -> None:
    """The shipped tables give each address of the truth table its country."""
    assert looked_up(shipped, text) == [country]


@pytest.mark.parametrize("text", NETWORKS)
def test_lookup_agrees_with_the_database(table: CountryTable, database: Path, text: str) -> None:
    """Around the edges of every network the tables say what the database says."""
    network = ipaddress.ip_network(text)
    edges = [network[0] - 1, network[0], network[-1]]
    if int(network[-1]) + 1 < 2**network.max_prefixlen:
        edges.append(network[-1] + 1)
    with maxminddb.open_database(database) as reader:
        expected = [oracle(reader.get(edge)) for edge in edges]
    if network[0].is_global and not network[0].is_multicast:
        assert looked_up(table, *map(str, edges), keep_kosovo=True) == expected
    else:
        assert looked_up(table, *map(str, edges)) == ["ZZ"] * len(edges)


def oracle(record: object) -> str:
    """Gives the country that a record of the small or of the shipped database means."""
    if not isinstance(record, dict):
        return "ZZ"
    nested = record.get("country") or record.get("registered_country") or {}
    code = record.get("country_code") or nested.get("iso_code", "ZZ")
    return {"UK": "GB", "EU": "ZZ"}.get(code, str(code))


def test_neighbours_of_one_country_become_one_range(table: CountryTable) -> None:
    """Adjacent networks of one country are merged, across the /64 as well; others are not."""
    first, *_ = table.ipv4.rows()
    assert first == (0x01000000, 0x010001FF, "FR")
    assert table.ipv4["country"].to_list() == ["FR", "RE", "DE", "IT", "GB", "XK"]
    assert table.ipv6["country"].to_list() == ["AT", "BE", "CZ", "CZ", "SE"]
    assert table.ipv6.row(3)[2:4] == (0x2A00_0000_0000_0003, 2**64 - 1)


def test_ranges_finer_than_64_bits(table: CountryTable) -> None:
    """Both halves of an IPv6 address count."""
    texts = ["2a00:0:0:1:7fff::", "2a00:0:0:1:8000::", "2a00:0:0:1:bfff::", "2a00:0:0:1:c000::"]
    assert looked_up(table, *texts) == ["BE", "CZ", "CZ", "ZZ"]


def test_gap_is_unknown(table: CountryTable) -> None:
    """An address behind the end of a range does not belong to it."""
    assert looked_up(table, "1.0.5.255", "1.0.6.0", "1.0.7.1", "0.255.255.255", "9.9.9.9") == [
        "GB",
        "ZZ",
        "ZZ",
        "ZZ",
        "ZZ",
    ]


def test_kosovo(table: CountryTable) -> None:
    """Kosovo is shown only if asked for, since XK is not in ISO 3166-1."""
    assert looked_up(table, "1.0.8.1") == ["ZZ"]
    assert looked_up(table, "1.0.8.1", keep_kosovo=True) == ["XK"]


def test_order_and_type(table: CountryTable) -> None:
    """The result has a country per row, in the order of the addresses, repeated ones too."""
    addresses = parse_addresses(pl.Series(["2a00::1", "-", "1.0.2.1", None, "1.0.0.1", "2a00::1", "::1"]))
    countries = table.lookup(addresses)
    assert countries.to_list() == ["AT", "ZZ", "RE", "ZZ", "FR", "AT", "ZZ"]
    assert countries.dtype == pl.String
    assert countries.name == "country"


def test_no_addresses(table: CountryTable) -> None:
    """An empty block has no countries."""
    assert looked_up(table) == []


@pytest.mark.parametrize(
    ("code", "country"),
    (
        *[(code, code) for code in ("FR", "XK", *OVERSEAS)],
        *[("UK", "GB"), ("FX", "FR"), ("fr", "FR"), (" FR ", "FR")],
        *[(code, None) for code in ("EU", "AP", "AN", "A1", "A2", "O1", "T1", "XX", "ZZ", "", "eu")],
        *[
            (None, None),
            ("None", None),
            (33, None),
            ({}, None),
            ("FRA", None),
            ("F", None),
            ("É1", None),
            ("12", None),
        ],
    ),
)
def test_codes(code: object, country: str | None) -> None:
    """Codes become ISO 3166-1; what is no country becomes none; overseas territories keep their own."""
    assert normalise_code(code) == country


def test_facts_travel_with_the_tables(table: CountryTable, database: Path) -> None:
    """The tables say what they were made from; of an unknown database no licence is claimed."""
    assert table.info == GeoInfo(
        database="Test-Country",
        built=date(2026, 6, 1),
        licence="",
        attribution="",
        sha256=hashlib.sha256(database.read_bytes()).hexdigest(),
        source="small.mmdb",
        ipv4_ranges=6,
        ipv6_ranges=5,
    )


@pytest.mark.parametrize(
    ("kind", "file", "database", "attribution"),
    (
        ("DBIP-Country-Lite", "country.mmdb", "DB-IP Lite Country", "IP Geolocation by DB-IP"),
        ("country", "dbip-country-lite-2026-06.mmdb", "DB-IP Lite Country", "IP Geolocation by DB-IP"),
        ("GeoLite2-City", "city.mmdb", "GeoLite2 City", "This product includes GeoLite2 Data"),
        ("GeoIP2-Country", "country.mmdb", "GeoIP2-Country", ""),
    ),
)
def test_terms(tmp_path: Path, kind: str, file: str, database: str, attribution: str) -> None:
    """Well-known databases are recognised by type or file name, and bring their attribution."""
    info = geodata.update(write_database(tmp_path / file, NETWORKS, kind), tmp_path)
    assert info.database == database
    assert info.attribution.startswith(attribution)
    assert bool(info.licence) is bool(attribution)


def test_shipped_attribution(shipped: CountryTable) -> None:
    """The shipped tables carry the attribution their licence asks for, as does the file beside them."""
    readme = (shipped_directory() / "README.md").read_text(encoding="utf-8")
    assert shipped.info.attribution == "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0"
    assert shipped.info.licence == "CC BY 4.0"
    for fact in (shipped.info.attribution, shipped.info.sha256, str(shipped.info.built), shipped.info.source):
        assert fact in readme


def test_shipped_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables are looked for in the installed package first, then beside it as in a working copy."""
    monkeypatch.setattr("logstats.derive.country.__file__", str(tmp_path / "logstats/derive/country.py"))
    with pytest.raises(InputMissingError):
        shipped_directory()
    for folder in (tmp_path / "geo", tmp_path / "logstats" / "geo"):
        folder.mkdir(parents=True)
        (folder / "country-ipv4.parquet").touch()
        assert shipped_directory() == folder


def test_shipped_sizes(shipped: CountryTable) -> None:
    """The shipped tables have as many rows as they say."""
    assert (shipped.ipv4.height, shipped.ipv6.height) == (shipped.info.ipv4_ranges, shipped.info.ipv6_ranges)


@pytest.mark.parametrize("content", (b"", b"hello\n" * 100, b"\xab\xcd\xefMaxMind.com"))
def test_no_database(tmp_path: Path, content: bytes) -> None:
    """A file that is no MaxMind DB is refused."""
    file = tmp_path / "text.mmdb"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="is no MaxMind DB"):
        geodata.update(file, tmp_path)


def test_database_without_countries(tmp_path: Path) -> None:
    """A database that knows no countries does not replace the tables there are."""
    file = write_database(tmp_path / "asn.mmdb", {"1.0.0.0/24": {"asn": "AS1"}})
    with pytest.raises(ConfigurationError, match="holds no countries"):
        geodata.update(file, tmp_path / "tables")
    assert not (tmp_path / "tables").exists()


def test_missing_database(tmp_path: Path) -> None:
    """A database that is not there, or is a folder, is missing."""
    for path in (tmp_path / "none.mmdb", tmp_path):
        with pytest.raises(InputMissingError):
            geodata.update(path, tmp_path)


@pytest.mark.parametrize(("number", "error"), ((errno.ENOSPC, CannotWriteError), (errno.EACCES, NoPermissionError)))
def test_failed_write(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    """When the disk is full the tables of before stay, and nothing is left behind."""
    geodata.update(database, tmp_path / "tables")
    before = {file.name: file.read_bytes() for file in (tmp_path / "tables").iterdir()}

    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    other = write_database(tmp_path / "other.mmdb", {"1.0.0.0/24": {"country_code": "NL"}})
    with pytest.raises(error):
        geodata.update(other, tmp_path / "tables")
    assert {file.name: file.read_bytes() for file in (tmp_path / "tables").iterdir()} == before


def test_missing_tables(tmp_path: Path) -> None:
    """A folder without tables is missing its tables."""
    with pytest.raises(InputMissingError, match=r"country-ipv4\.parquet"):
        CountryTable.load(tmp_path)


def test_tables_of_two_databases(tmp_path: Path, database: Path) -> None:
    """Tables of two databases, as a crash between two renames leaves them, are refused."""
    geodata.update(database, tmp_path / "tables")
    other = write_database(tmp_path / "other.mmdb", {"1.0.0.0/24": {"country_code": "NL"}})
    geodata.update(other, tmp_path / "other")
    (tmp_path / "other" / "country-ipv4.parquet").replace(tmp_path / "tables" / "country-ipv4.parquet")
    with pytest.raises(ConfigurationError, match="different databases"):
        CountryTable.load(tmp_path / "tables")


def test_foreign_tables(tmp_path: Path, table: CountryTable) -> None:
    """A Parquet file that logstats did not make, or that is damaged, is no country table."""
    table.ipv4.write_parquet(tmp_path / "tables" / "country-ipv4.parquet")
    with pytest.raises(ConfigurationError, match="is no country table"):
        CountryTable.load(tmp_path / "tables")
    (tmp_path / "tables" / "country-ipv4.parquet").write_bytes(b"PAR1")
    with pytest.raises(ConfigurationError, match="is no country table"):
        CountryTable.load(tmp_path / "tables")


def test_own_database_is_expanded_once(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's database is expanded at first use, found again under any name, and renewed when it changes."""
    first = geodata.open_table(database, tmp_path / "cache")
    renamed = database.rename(tmp_path / "renamed.mmdb")
    with monkeypatch.context() as patch:
        patch.setattr(geodata, "update", lambda *_: pytest.fail("expanded again"))
        assert geodata.open_table(renamed, tmp_path / "cache").info == first.info
    write_database(renamed, {"1.0.0.0/24": {"country_code": "NL"}})
    assert looked_up(geodata.open_table(renamed, tmp_path / "cache"), "1.0.0.1") == ["NL"]


def test_damaged_cache_is_made_again(tmp_path: Path, database: Path) -> None:
    """Damaged tables in the cache are made again from the database."""
    geodata.open_table(database, tmp_path)
    (damaged,) = tmp_path.glob("*/country-ipv6.parquet")
    damaged.write_bytes(b"")
    assert looked_up(geodata.open_table(database, tmp_path), "2a00::1") == ["AT"]


def test_other_tables(tmp_path: Path, table: CountryTable, shipped: CountryTable) -> None:
    """The configuration may name a folder of tables, or nothing: then the shipped ones are opened."""
    assert geodata.open_table(tmp_path / "tables", tmp_path / "cache").info == table.info
    assert geodata.open_table(None, tmp_path / "cache").info == shipped.info
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(not SHIPPED_DATABASE.exists(), reason=f"needs {SHIPPED_DATABASE.name} (LOGSTATS_SHARED)")
def test_shipped_tables_agree_with_their_database(shipped: CountryTable) -> None:
    """200,000 random IPv4 and 50,000 IPv6 addresses have the country that the MaxMind reader gives."""
    source = random.Random(20260601)  # noqa: S311 - a sample, not a secret
    ipv4 = [source.getrandbits(32) for _ in range(150_000)] + edges(shipped.ipv4, 50_000, 2**32)
    ipv6 = [source.getrandbits(128) for _ in range(10_000)]
    ipv6 += [0x2 << 124 | source.getrandbits(124) for _ in range(10_000)]  # where allocated addresses are
    ipv6 += edges(shipped.ipv6, 30_000, 2**128)
    texts = pl.Series([str(ipaddress.IPv4Address(n)) for n in ipv4] + [str(ipaddress.IPv6Address(n)) for n in ipv6])
    addresses = parse_addresses(texts)
    public = is_public(unwrap_nat64(addresses))
    with maxminddb.open_database(SHIPPED_DATABASE) as reader:
        expected = [
            oracle(reader.get(text)) if is_known else "ZZ" for text, is_known in zip(texts, public, strict=True)
        ]
    countries = shipped.lookup(addresses, keep_kosovo=True)
    assert (countries != pl.Series(expected)).sum() == 0
    assert countries.n_unique() > 200


def edges(ranges: pl.DataFrame, count: int, limit: int) -> list[int]:
    """Gives addresses at the start, at the end and just behind the end of randomly chosen ranges."""
    chosen = ranges.drop("country").sample(count // 3 + 1, seed=1)
    halves = chosen.width // 2  # an IPv6 address has two of them
    starts, ends = (
        [sum(n << 64 * i for i, n in enumerate(row[::-1])) for row in part.iter_rows()]
        for part in (chosen[:, :halves], chosen[:, halves:])
    )
    return (starts + ends + [(end + 1) % limit for end in ends])[:count]
