"""Visitors: a person becomes an id that is worth nothing without the day's key.

The id is a keyed BLAKE2b over (site, truncated network, user agent), each field with its length in front so that
no two combinations give one input, cut to `id_bits` bits. The key belongs to one site and one local day and is
destroyed when the day closes; see RFC 7693 for BLAKE2b.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import polars as pl

from logstats.distinct import combinations

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Keys", "visitor_ids"]

_DIGEST_BYTES: Final = 8


class Keys(Protocol):
    """Gives the key of a site and local day: 32 random bytes, the same for the same day. Any thread may ask."""

    def __call__(self, site: str, day: date, /) -> bytes:
        """Give the key."""


def visitor_ids(identities: pl.DataFrame, keys: Keys, id_bits: int) -> pl.Series:
    """Compute the id of each distinct identity.

    Args:
        identities: `day`, `site`, `realm`, `network`, `user_agent`; distinct rows.
        keys: Gives the key of a site and day.
        id_bits: Width of an id, 24 to 64.

    Returns:
        Int64, one id a row: the first `id_bits` bits of the digest, as a signed number.
    """
    texts = identities.select(_with_lengths("realm", "network", "user_agent").cast(pl.Binary)).to_series().to_list()
    first, of_row = combinations(identities.select("day", "site"))
    # A keyed hash is begun once for each key, and copied for each identity: three times as fast.
    begun = [
        blake2b(key=keys(site, day), digest_size=_DIGEST_BYTES)
        for day, site in identities.select("day", "site")[first].rows()
    ]
    digests = []
    for text, key in zip(texts, of_row.tolist(), strict=True):
        digest = begun[key].copy()
        digest.update(text)
        digests.append(digest.digest())
    numbers = np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64) >> np.uint64(8 * _DIGEST_BYTES - id_bits)
    return pl.Series("visitor", numbers.view(np.int64))


def _with_lengths(*names: str) -> pl.Expr:
    """Join texts, each with its length in bytes in front, so that no two combinations give one text."""
    parts = [
        part for name in names for part in (pl.col(name).str.len_bytes().cast(pl.String), pl.lit(":"), pl.col(name))
    ]
    return pl.concat_str(parts)
