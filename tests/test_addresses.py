"""Reading addresses, truncating them, and finding the client's behind proxies."""

from __future__ import annotations

import csv
import ipaddress
from pathlib import Path
from typing import Final, Literal

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logstats.derive.addresses import (
    client_addresses,
    is_public,
    network_key,
    parse_addresses,
    unwrap_nat64,
)
from logstats.errors import ConfigurationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CASES: Final = [
    pytest.param(case, id=case["description"])
    for case in csv.DictReader(
        (Path(__file__).parent / "cases" / "addresses.csv").read_text(encoding="utf-8").splitlines()
    )
]
# Where the releases of Python disagree with each other, as the IANA registries changed.
DISPUTED: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "2001::/23", "2002::/16", "3fff::/20", "64:ff9b:1::/48")
)
PROXIES: Final = ["10.0.0.0/8", "2001:db8:5::/48"]


def texts(*values: str | None) -> pl.Series:
    """Gives a column of texts."""
    return pl.Series("text", values, dtype=pl.String)


def read(text: str) -> Address | None:
    """Reads one text, back into Python's own type."""
    version, v4, hi, lo = parse_addresses(texts(text)).row(0)
    match version:
        case 4:
            return ipaddress.IPv4Address(v4)
        case 6:
            return ipaddress.IPv6Address((hi << 64) + lo)
        case _:
            return None


def expected(text: str) -> Address | None:
    """Reads one text as Python does, after cutting the port off an IPv4 address."""
    head, colon, port = text.rpartition(":")
    is_port = port.isascii() and port.isdigit() and len(port) <= 5
    try:
        address = ipaddress.ip_address(head if colon and is_port and ":" not in head else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address


def truncated(text: str, profile: Literal["cnil", "precise"]) -> str:
    """Gives the network that a text counts for, in CIDR notation, from its key."""
    key = network_key(parse_addresses(texts(text)), texts(text), profile).item()
    if read(text) is None:
        return str(key)
    kind, number = key.split(" ")
    version, bits = (int(part) for part in kind.split("/"))
    if version == 4:
        return f"{ipaddress.IPv4Address(int(number) << (32 - bits))}/{bits}"
    return f"{ipaddress.IPv6Address(int(number) << (128 - bits))}/{bits}"


def client(logged: str | None, header: str | None, trusted: list[str]) -> str | None:
    """Gives the client of one line."""
    found: str | None = client_addresses(texts(logged), texts(header), trusted).item()
    return found


@pytest.mark.parametrize("case", CASES)
def test_text_is_read(case: dict[str, str]) -> None:
    """A text is read as the address in the truth table, or as none."""
    address = read(case["text"])
    assert str(address or "") == case["address"]


@pytest.mark.parametrize("case", CASES)
def test_public_addresses(case: dict[str, str]) -> None:
    """Only globally routable unicast addresses are public."""
    public = is_public(parse_addresses(texts(case["text"]))).item()
    assert public is (case["public"] == "yes")


@pytest.mark.parametrize("case", CASES)
def test_truncation_profiles(case: dict[str, str]) -> None:
    """Profile cnil keeps /16 and /32, profile precise /24 and /48; a mapped or NAT64 address is its IPv4."""
    assert truncated(case["text"], "cnil") == case["cnil"]
    assert truncated(case["text"], "precise") == case["precise"]


@settings(deadline=None)  # the first call in a process is slow
@given(address=st.ip_addresses())
def test_every_spelling_is_one_address(address: Address) -> None:
    """Upper case, all groups, brackets, zone and port change nothing."""
    spellings = [str(address), address.exploded, address.exploded.upper()]
    if address.version == 6:
        spellings += [f"[{address}]", f"{address}%eth0", f"[{address}]:443", f"[{address}%eth0]:65535"]
    else:
        spellings += [f"{address}:443", f"::ffff:{address}"]
    assert {read(spelling) for spelling in spellings} == {expected(str(address))}


@settings(deadline=None)  # the first call in a process is slow
@given(
    address=st.ip_addresses().map(str),
    position=st.integers(0, 45),
    old=st.integers(0, 1),
    new=st.sampled_from(["", *"0123456789abcdefABCDEF.:/ -\n\0é"]),
)
@example(address="1.2.3.4", position=7, old=0, new="\n")
def test_damaged_texts(address: str, position: int, old: int, new: str) -> None:
    """A text one character away from an address is read exactly when Python reads it."""
    damaged = address[:position] + new + address[position + old :]
    assert read(damaged) == expected(damaged)


@settings(deadline=None)  # the first call in a process is slow
@given(addresses=st.lists(st.ip_addresses(), min_size=1))
def test_public_agrees_with_python(addresses: list[Address]) -> None:
    """Public is what Python calls global and not multicast, where Python's releases agree."""
    undisputed = [a for a in addresses if not any(a in network for network in DISPUTED)]
    unwrapped = [expected(str(address)) for address in undisputed]
    public = is_public(parse_addresses(texts(*map(str, undisputed))))
    assert public.to_list() == [a is not None and a.is_global and not a.is_multicast for a in unwrapped]


def test_columns() -> None:
    """The frame has a row per text in the same order, null for what is no address."""
    frame = parse_addresses(texts("::1", None, "0.0.0.1"))
    assert frame.schema == {"version": pl.UInt8, "v4": pl.UInt32, "hi": pl.UInt64, "lo": pl.UInt64}
    assert frame.rows() == [(6, None, 0, 1), (None, None, None, None), (4, 1, None, None)]


def test_no_texts() -> None:
    """An empty block gives empty columns of the same types."""
    nothing = parse_addresses(texts())
    assert nothing.schema == parse_addresses(texts("::1")).schema
    assert is_public(nothing).to_list() == network_key(nothing, texts(), "cnil").to_list() == []


def test_part_of_a_column() -> None:
    """A slice of a column, also one of several chunks, is read as its own texts."""
    column = pl.concat([texts("1.1.1.1", "-", "2.2.2.2"), texts("3.3.3.3:80", "::1", "4.4.4.4")], rechunk=False)
    for part in (column[1:], column[2:4], column[3:3], column[2:3]):
        addresses = parse_addresses(part)
        assert addresses["v4"].to_list() == [parse_addresses(texts(text))["v4"].item() for text in part]


def test_nat64_is_unwrapped_only_on_request() -> None:
    """A NAT64 address stays IPv6 when read, and becomes IPv4 when unwrapped; others stay what they are."""
    frame = parse_addresses(texts("64:ff9b::808:808", "64:ff9b:1::808:808", "8.8.4.4", "-"))
    assert frame["version"].to_list() == [6, 6, 4, None]
    assert unwrap_nat64(frame)["version"].to_list() == [4, 6, 4, None]
    assert unwrap_nat64(frame)["v4"].to_list() == [0x08080808, None, 0x08080404, None]


def test_networks_of_both_versions_differ() -> None:
    """No IPv4 network has the key of an IPv6 network, nor one profile's network the key of the other's."""
    column = texts("0.0.0.1", "::1")
    addresses = parse_addresses(column)
    keys = [*network_key(addresses, column, "cnil"), *network_key(addresses, column, "precise")]
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    ("logged", "header", "found"),
    (
        pytest.param("8.8.8.8", "9.9.9.9", "8.8.8.8", id="a stranger's header is not believed"),
        pytest.param("10.0.0.1", "9.9.9.9", "9.9.9.9", id="one proxy"),
        pytest.param("10.0.0.1", "9.9.9.9, 10.0.0.2", "9.9.9.9", id="two proxies"),
        pytest.param("10.0.0.1", "1.1.1.1, 9.9.9.9,10.0.0.2", "9.9.9.9", id="the client's own claim is skipped"),
        pytest.param("10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3", id="all trusted: the leftmost"),
        pytest.param("10.0.0.1", "-", "10.0.0.1", id="no header"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="empty header"),
        pytest.param("10.0.0.1", None, "10.0.0.1", id="null header"),
        pytest.param("10.0.0.1", "unknown, ,;'--", "10.0.0.1", id="garbage"),
        pytest.param("10.0.0.1", "9.9.9.9, unknown", "9.9.9.9", id="an entry that is no address is passed over"),
        pytest.param("10.0.0.1", "9.9.9.9:4711", "9.9.9.9:4711", id="with a port"),
        pytest.param("::ffff:10.0.0.1", "9.9.9.9", "9.9.9.9", id="the proxy is logged as mapped"),
        pytest.param("2001:db8:5::1", "2a01::1, [2001:db8:5::2]:80", "2a01::1", id="IPv6 proxies"),
        pytest.param("-", "9.9.9.9", "-", id="no logged client"),
        pytest.param(None, "9.9.9.9", None, id="null client"),
    ),
)
def test_client_behind_proxies(logged: str | None, header: str | None, found: str | None) -> None:
    """Behind a trusted proxy the client is the rightmost address that is not trusted."""
    assert client(logged, header, PROXIES) == found


def test_clients_keep_their_order() -> None:
    """Each line gets its own client, lines that are equal the same."""
    logged = texts("10.0.0.1", "8.8.8.8", "10.0.0.1", "10.0.0.1")
    headers = texts("1.1.1.1", "1.1.1.1", "2.2.2.2", "1.1.1.1")
    clients = client_addresses(logged, headers, PROXIES)
    assert clients.to_list() == ["1.1.1.1", "8.8.8.8", "2.2.2.2", "1.1.1.1"]


def test_no_trusted_proxy() -> None:
    """Without trusted networks the header counts for nothing."""
    assert client("10.0.0.1", "9.9.9.9", []) == "10.0.0.1"


@pytest.mark.parametrize("network", ("10.0.0.0/33", "10.0.0.1/8", "proxy.example", ""))
def test_bad_network(network: str) -> None:
    """A trusted network that is none is a mistake in the configuration; the message names its place only."""
    with pytest.raises(ConfigurationError, match="entry 2 of the trusted networks") as caught:
        client("10.0.0.1", "9.9.9.9", ["::1/128", network])
    assert not network or network not in str(caught.value)
