"""Reads the texts of addresses into numbers, many at a time: from the bytes of all of them, in numpy.

A country lookup is a search among sorted numbers and takes little; reading the texts is what it costs. Spellings that
are rare are left to the system's own `inet_pton`, one at a time.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["IPV4", "read_ipv4", "read_ipv6"]

# 0 to 255 without leading zeros: 010 is 8 to some programs and 10 to others, so it is no address here.
_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PORT: Final = "(?::[0-9]{1,5})?"
IPV4: Final = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}{_PORT}$"

# RFC 4291, section 2.2: eight groups of hexadecimal digits, or fewer and one gap.
_GROUP: Final = "[0-9A-Fa-f]{1,4}"
_FULL_IPV6: Final = f"^{_GROUP}(?::{_GROUP}){{7}}$"
_IPV6_WITH_GAP: Final = f"^(?:{_GROUP}(?::{_GROUP}){{0,5}})?::(?:{_GROUP}(?::{_GROUP}){{0,5}})?$"
_COLONS: Final = 7

# These only cut away brackets, zone index and port; inet_pton decides what is an address.
_IPV6: Final = "([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)"
_ZONE: Final = "(?:%[0-9A-Za-z._~-]+)?"  # RFC 6874: the characters of a zone index
_IPV6_BARE: Final = f"^{_IPV6}{_ZONE}$"
_IPV6_IN_BRACKETS: Final = rf"^\[{_IPV6}{_ZONE}\]{_PORT}$"

_COLON: Final = ord(":")
_DOT: Final = ord(".")


def read_ipv4(texts: pl.Series) -> pl.DataFrame:
    """Reads texts that match IPV4.

    Returns:
        Column `v4` (UInt32), a row per text.
    """
    content, bounds = _bytes_of(texts)
    ends = _ends(content, bounds, _DOT, 4)
    ends[:, 3] = _without_port(content, bounds)
    octets = _numbers(content - ord("0"), ends, bounds, base=10, digits=3).astype(np.uint8)
    return pl.DataFrame({"v4": octets.view(">u4").ravel().astype(np.uint32)}, schema={"v4": pl.UInt32})


def read_ipv6(texts: pl.Series) -> pl.DataFrame:
    """Reads texts as IPv6 addresses, also in brackets, with a zone index or with a port.

    Returns:
        Columns `hi` and `lo` (UInt64), a row per text, null where a text is no IPv6 address.
    """
    spelled = _spelled_out(texts)
    plain = spelled.is_not_null()
    hi, lo = _hexadecimal(spelled.drop_nulls())
    if plain.all():
        return pl.DataFrame({"hi": hi, "lo": lo})
    halves = np.zeros((2, len(texts)), dtype=np.uint64)
    known = plain.to_numpy(writable=True)
    halves[:, known] = hi, lo
    rest = np.flatnonzero(~known)
    for row, packed in zip(rest.tolist(), _packed_one_by_one(texts.gather(rest)), strict=True):
        if packed is not None:
            known[row] = True
            halves[:, row] = np.frombuffer(packed, dtype=">u8")
    numbers = pl.DataFrame({"hi": halves[0], "lo": halves[1], "known": known})
    return numbers.select(pl.when("known").then(pl.col("hi", "lo")))


def _bytes_of(texts: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Gives the bytes of all texts one after the other, and where each begins; the last bound is their end."""
    _, offsets, data = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[: len(texts) + 1]
    return np.frombuffer(data or b"", dtype=np.uint8)[: bounds[-1]], bounds


def _ends(content: NDArray[np.uint8], bounds: NDArray[np.int64], separator: int, count: int) -> NDArray[np.int64]:
    """Gives where each of the `count` numbers of each text ends: a row per text, each of which has all separators."""
    ends = np.empty((len(bounds) - 1, count), dtype=np.int64)
    ends[:, :-1] = np.flatnonzero(content == separator).reshape(-1, count - 1)
    ends[:, -1] = bounds[1:]
    return ends


def _without_port(content: NDArray[np.uint8], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Gives where each IPv4 address ends: a port does not belong to it."""
    ends = bounds[1:].copy()
    colons = np.flatnonzero(content == _COLON)
    ends[np.searchsorted(bounds, colons, side="right") - 1] = colons
    return ends


def _numbers(
    values: NDArray[np.uint8], ends: NDArray[np.int64], bounds: NDArray[np.int64], *, base: int, digits: int
) -> NDArray[np.uint16]:
    """Reads numbers of up to `digits` digits, each by its end.

    Args:
        values: The value of each byte as a digit.
        ends: A row per text, as `_ends` gives them; a number begins behind the one before it.
        bounds: Where each text begins.
        base: 10 or 16.
        digits: The most that a number has; one without any is 0.
    """
    length = np.empty(ends.shape, dtype=np.uint8)
    np.subtract(ends[:, 0], bounds[:-1], out=length[:, 0], casting="unsafe")
    np.subtract(ends[:, 1:], ends[:, :-1] + 1, out=length[:, 1:], casting="unsafe")
    numbers = np.zeros(ends.shape, dtype=np.uint16)
    place = ends - 1
    for i in range(digits):
        # A number without this digit looks at one that is not its own, and does not count it.
        digit = values.take(place, mode="clip") * (length > i).view(np.uint8)
        numbers += digit.astype(np.uint16) * np.uint16(base**i)
        place -= 1
    return numbers


def _spelled_out(texts: pl.Series) -> pl.Series:
    """Gives IPv6 addresses of hexadecimal groups with all their colons, so that a gap is groups without digits.

    Returns:
        String, a row per text; null for what is spelled in another way, or is no address.
    """
    full = texts.str.contains(_FULL_IPV6).fill_null(value=False)
    if full.all():
        return texts
    text, missing = pl.col("text"), _COLONS - pl.col("text").str.count_matches(":", literal=True).cast(pl.Int32)
    parts = pl.when(text.str.contains(_IPV6_WITH_GAP)).then(text).str.splitn("::", 2)
    colons = pl.when(missing >= 0).then(pl.lit(":" * (_COLONS + 2)).str.head(missing + 2))
    with_gap = pl.concat_str(parts.struct["field_0"], colons, parts.struct["field_1"])
    rows = (~full).arg_true()
    spelled = texts.gather(rows).rename("text").to_frame().select(with_gap).to_series()
    return texts.clone().scatter(rows, spelled)  # scatter writes into the series it is called on


def _hexadecimal(texts: pl.Series) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Reads IPv6 addresses that are spelled out; gives upper and lower half."""
    content, bounds = _bytes_of(texts)
    values = (content & 15) + (content >> 6) * np.uint8(9)  # of ASCII letters, 64 and up: A and a are 10
    groups = _numbers(values, _ends(content, bounds, _COLON, 8), bounds, base=16, digits=4)
    halves = groups.astype(">u2").view(">u8").astype(np.uint64)
    return halves[:, 0], halves[:, 1]


def _packed_one_by_one(texts: pl.Series) -> list[bytes | None]:
    """Gives the 16 bytes of each IPv6 address in network order, None for a text that is none."""
    bare = pl.select(pl.coalesce(texts.str.extract(_IPV6_BARE), texts.str.extract(_IPV6_IN_BRACKETS)))
    return [None if text is None else _packed(text) for text in bare.to_series()]


def _packed(text: str) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        return None
