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

from logstats.distinct import combinations, distinct

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
        identities: `day`, `site`, `realm`, `network`, `user_agent`; distinct rows. Texts may be coded, null is empty.
        keys: Gives the key of a site and day.
        id_bits: Width of an id, 24 to 64.

    Returns:
        Int64, one id a row: the first `id_bits` bits of the digest, as a signed number.
    """
    first, of_row = combinations(identities.select("day", "site", "realm"))
    # A keyed hash is begun once for each key, and copied for each identity: three times as fast.
    begun = [
        blake2b(_with_length(realm), key=keys(site, day), digest_size=_DIGEST_BYTES)
        for day, site, realm in identities.select("day", pl.col("site", "realm").cast(pl.String))[first].iter_rows()
    ]
    networks, agents = (_with_lengths(identities[name]) for name in ("network", "user_agent"))
    digests = []
    for known, network, agent in zip(of_row.tolist(), networks, agents, strict=True):
        digest = begun[known].copy()
        digest.update(network)
        digest.update(agent)
        digests.append(digest.digest())
    numbers = np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64) >> np.uint64(8 * _DIGEST_BYTES - id_bits)
    return pl.Series("visitor", numbers.view(np.int64))


def _with_length(text: str | None) -> bytes:
    """Give a text with its length in bytes in front, so that no two rows of such texts are one text."""
    content = (text or "").encode()
    return b"%d:" % len(content) + content


def _with_lengths(column: pl.Series) -> list[bytes]:
    """Do so with the text of each row."""
    texts = distinct(column)
    each = np.array([_with_length(text) for text in texts.values.to_list()], dtype=object)
    rows: list[bytes] = each[texts.codes.to_numpy()].tolist()
    return rows
