"""Visitors: a person becomes an id that is worth nothing without the day's key.

The id is a keyed BLAKE2b over (site, truncated network, user agent), each field with its length in front so that
no two combinations give one input, cut to `id_bits` bits. The key belongs to one site and one local day and is
destroyed when the day closes; see RFC 7693 for BLAKE2b.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

__all__ = ["Keys", "visitor_id", "visitor_ids"]

if TYPE_CHECKING:
    Keys = Callable[[str, date], bytes]
    """Gives the key of a site and local day: 32 random bytes."""

_DIGEST_BYTES: Final = 8
_LENGTH_BYTES: Final = 4


def visitor_ids(identities: pl.DataFrame, keys: Keys, id_bits: int) -> pl.Series:
    """Compute the id of each distinct identity.

    Args:
        identities: `day`, `site`, `realm`, `network`, `user_agent`; distinct rows.
        keys: Gives the key of a site and day.
        id_bits: Width of an id, 24 to 64.

    Returns:
        Int64, one id a row.
    """
    ids = [
        visitor_id(keys(site, day), (realm, network, user_agent), id_bits)
        for day, site, realm, network, user_agent in identities.select(
            "day", "site", "realm", "network", "user_agent"
        ).iter_rows()
    ]
    return pl.Series("visitor", ids, dtype=pl.Int64)


def visitor_id(key: bytes, identity: tuple[str, ...], id_bits: int) -> int:
    """Compute one id: the first `id_bits` bits of the digest, as a signed 64-bit number."""
    digest = blake2b(key=key, digest_size=_DIGEST_BYTES)
    for part in identity:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(_LENGTH_BYTES, "big"))
        digest.update(encoded)
    value = int.from_bytes(digest.digest(), "big") >> (8 * _DIGEST_BYTES - id_bits)
    return value - 2**64 if value >= 2**63 else value
