"""Says what an address is: whose, how coarse, public or not.

Everything works on frames of four columns, one row per text, called *addresses* below:

    version   UInt8    4, 6, or null: the text is no address (a host name, `-`, `unix:`)
    v4        UInt32   the IPv4 address, else null
    hi, lo    UInt64   upper and lower half of the IPv6 address, else null

Give the functions the distinct texts of a block, not every line. No message or exception raised here holds
an address.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from logstats.derive.address_text import IPV4, read_ipv4, read_ipv6
from logstats.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["are_inside", "client_addresses", "is_public", "network_key", "parse_addresses", "unwrap_nat64"]

# IPv6 networks whose last 32 bits are an IPv4 address: RFC 4291 section 2.5.5.2 and RFC 6052.
_IPV4_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")

# Not globally reachable by the IANA special-purpose address registries, and multicast, which no client has.
# 6to4 (2002::/16) is not listed: the registry says "N/A", and country databases know its networks.
_SPECIAL: Final = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),  # shared by the customers of one provider (CGNAT)
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),  # documentation, as 198.51.100.0/24 and 203.0.113.0/24
    IPv4Network("192.168.0.0/16"),
    IPv4Network("198.18.0.0/15"),  # benchmarking
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/4"),  # multicast
    IPv4Network("240.0.0.0/4"),
    IPv6Network("::/128"),
    IPv6Network("::1/128"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("100::/64"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),  # documentation, as 3fff::/20
    IPv6Network("3fff::/20"),
    IPv6Network("fc00::/7"),
    IPv6Network("fe80::/10"),
    IPv6Network("ff00::/8"),  # multicast
)
_PUBLIC_INSIDE_SPECIAL: Final = (
    IPv4Network("192.0.0.9/32"),
    IPv4Network("192.0.0.10/32"),
    IPv6Network("2001:1::1/128"),
    IPv6Network("2001:1::2/128"),
    IPv6Network("2001:3::/32"),
    IPv6Network("2001:4:112::/48"),
    IPv6Network("2001:20::/28"),
    IPv6Network("2001:30::/28"),
)

# Leading bits that stay, IPv4 and IPv6: the profiles of `privacy.truncation`.
_KEPT_BITS: Final = {"cnil": (16, 32), "precise": (24, 48)}


def parse_addresses(texts: pl.Series) -> pl.DataFrame:
    """Reads texts as addresses.

    Read are dotted IPv4 without leading zeros, and IPv6 in any spelling, also in brackets or with a zone
    index, each with or without a port: `192.0.2.1:41844`, `[2001:db8::1]:443`, `fe80::1%eth0`. An
    IPv4-mapped address (`::ffff:192.0.2.1`) becomes the IPv4 address it stands for.

    Args:
        texts: String, one text per row; null is no address.

    Returns:
        *addresses* (see the module), a row per text, in the same order.
    """
    is_ipv4 = texts.str.contains(IPV4).fill_null(value=False)
    ipv4 = _spread(read_ipv4(texts.filter(is_ipv4)), is_ipv4)
    ipv6 = _spread(read_ipv6(texts.filter(~is_ipv4)), ~is_ipv4)
    numbers = pl.concat([ipv4, ipv6], how="horizontal")
    return _unwrap(numbers.select(_version(), "v4", "hi", "lo"), _IPV4_MAPPED)


def unwrap_nat64(addresses: pl.DataFrame) -> pl.DataFrame:
    """Turns the NAT64 addresses (64:ff9b::/96, RFC 6052) into the IPv4 addresses they stand for.

    Args:
        addresses: *addresses* (see the module).

    Returns:
        The same rows and columns.
    """
    return _unwrap(addresses, _NAT64)


def network_key(addresses: pl.DataFrame, texts: pl.Series, profile: Literal["cnil", "precise"]) -> pl.Series:
    """Truncates addresses to their network, as a text that is only good for hashing.

    The truncation comes before the keyed hash of the visitor, so that an address is never an identifier:
    `cnil` keeps 16 bits of IPv4 and 32 of IPv6, `precise` 24 and 48. A NAT64 address counts as its IPv4.

    Args:
        addresses: *addresses* (see the module).
        texts: String, the texts that the addresses were read from.
        profile: How much stays.

    Returns:
        String, for example `4/16 52224`: version, bits, number of the network. The blank keeps it apart from
        host names. A text that is no address is returned as it stands.
    """
    ipv4_bits, ipv6_bits = _KEPT_BITS[profile]
    ipv4_network = pl.col("v4") // 2 ** (32 - ipv4_bits)
    ipv6_network = pl.col("hi") // 2 ** (64 - ipv6_bits)
    key = pl.coalesce(
        pl.concat_str(pl.lit(f"4/{ipv4_bits} "), ipv4_network),
        pl.concat_str(pl.lit(f"6/{ipv6_bits} "), ipv6_network),
        texts,
    )
    return unwrap_nat64(addresses).select(key.alias("network_key")).to_series()


def is_public(addresses: pl.DataFrame) -> pl.Series:
    """Says which addresses are globally routable unicast addresses.

    Private, loopback, link-local, shared (CGNAT), documentation, benchmarking, multicast and reserved
    addresses are not, by the IANA special-purpose address registries (RFC 6890 and its updates).

    Args:
        addresses: *addresses* (see the module).

    Returns:
        Boolean, never null: a text that is no address is not public.
    """
    public = pl.col("version").is_not_null() & (_inside(_PUBLIC_INSIDE_SPECIAL) | ~_inside(_SPECIAL))
    return addresses.select(public.alias("is_public")).to_series()


def are_inside(addresses: pl.DataFrame, networks: Sequence[str]) -> pl.Series:
    """Says which addresses are inside one of the networks.

    Args:
        addresses: *addresses* (see the module).
        networks: In CIDR notation, for example `192.0.2.0/24`.

    Returns:
        Boolean, never null: a text that is no address is in no network.

    Raises:
        ConfigurationError: If an entry of `networks` is no network.
    """
    return addresses.with_columns(inside=_inside(_networks(networks)))["inside"]


def client_addresses(clients: pl.Series, forwarded_for: pl.Series, trusted: Sequence[str]) -> pl.Series:
    """Says whose address counts when a reverse proxy or load balancer stands before the server.

    Every proxy appends the address it was called from to X-Forwarded-For, so only the right end of the
    header is known to be true. Where the logged client is a trusted proxy, the header is walked from the
    right: the first address outside the trusted networks is the client's; if all are inside, the leftmost.
    Entries that are no address are passed over.

    Args:
        clients: String, the logged client of each line.
        forwarded_for: String, the logged X-Forwarded-For header of each line, `-` or null without one.
        trusted: Networks of the trusted proxies in CIDR notation, for example `10.0.0.0/8`.

    Returns:
        String, the text of the client's address for each line; the logged client where it is not trusted, or
        where the header names no address.

    Raises:
        ConfigurationError: If an entry of `trusted` is no network.
    """
    if not trusted:
        return clients
    networks = _networks(trusted)
    lines = pl.DataFrame({"client": clients, "header": forwarded_for})
    pairs = lines.unique()
    by_proxy = pairs.filter(are_inside(parse_addresses(pairs["client"]), trusted))
    named = by_proxy.join(_clients_named(by_proxy["header"].unique(), networks), on="header")
    found = lines.join(named, on=["client", "header"], how="left", maintain_order="left")
    return found.select(pl.coalesce("address", "client").alias(clients.name)).to_series()


def _spread(values: pl.DataFrame, where: pl.Series) -> pl.DataFrame:
    """Puts rows back to where they were filtered from; null elsewhere."""
    if values.height == where.len():
        return values
    position = pl.select(pl.when(where).then(where.cum_sum() - 1)).to_series()
    return values.select(pl.all().gather(position))


def _version() -> pl.Expr:
    """Gives 4, 6 or null, as UInt8."""
    ipv4 = pl.when(pl.col("v4").is_not_null()).then(4)
    return ipv4.when(pl.col("hi").is_not_null()).then(6).cast(pl.UInt8).alias("version")


def _unwrap(addresses: pl.DataFrame, network: IPv6Network) -> pl.DataFrame:
    """Makes the addresses of a network IPv4 addresses, from their last 32 bits."""
    if addresses["hi"].null_count() == addresses.height:
        return addresses
    wrapped = _inside([network])
    numbers = addresses.with_columns(
        v4=pl.when(wrapped).then(pl.col("lo") & (2**32 - 1)).otherwise("v4").cast(pl.UInt32),
        hi=pl.when(~wrapped).then("hi"),
        lo=pl.when(~wrapped).then("lo"),
    )
    return numbers.with_columns(_version())


def _inside(networks: Iterable[IPv4Network | IPv6Network]) -> pl.Expr:
    """Says which addresses are inside one of the networks; never null."""
    return pl.any_horizontal(pl.lit(value=False), *map(_in_network, networks)).fill_null(value=False)


def _in_network(network: IPv4Network | IPv6Network) -> pl.Expr:
    """Says which addresses are inside the network; null for those of the other version."""
    address, mask = int(network.network_address), int(network.netmask)
    if isinstance(network, IPv4Network):
        return (pl.col("v4") & mask) == address
    upper = (pl.col("hi") & (mask >> 64)) == address >> 64
    lower = (pl.col("lo") & (mask % 2**64)) == address % 2**64
    return upper & lower


def _networks(texts: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    """Reads networks in CIDR notation."""
    networks = []
    for number, text in enumerate(texts, start=1):
        try:
            networks.append(ip_network(text))
        except ValueError:
            reason = f"entry {number} of the trusted networks is no network in CIDR notation"
            raise ConfigurationError(reason, hint="write it like 10.0.0.0/8") from None
    return networks


def _clients_named(headers: pl.Series, networks: Sequence[IPv4Network | IPv6Network]) -> pl.DataFrame:
    """Finds the client in each X-Forwarded-For header.

    Returns:
        Columns `header` and `address`; headers that name no address have no row.
    """
    hops = pl.DataFrame({"header": headers, "hop": headers.str.split(",")}).explode("hop")
    hops = hops.with_columns(pl.col("hop").str.strip_chars())
    addresses = parse_addresses(hops["hop"]).with_columns(trusted=_inside(networks))
    hops = pl.concat([hops, addresses], how="horizontal").filter(pl.col("version").is_not_null())
    last_untrusted = pl.col("hop").filter(~pl.col("trusted")).last()
    client = pl.coalesce(last_untrusted, pl.col("hop").first())
    return hops.group_by("header", maintain_order=True).agg(address=client)
