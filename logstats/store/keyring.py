"""The keys of a store, as files.

What always holds:

- A key is 32 random bytes of mode 0600, on disk with its name before it is used.
- The hits of a day have one key: when it is lost, the day takes no more hits.
- Without the key of identities, a store that knows inputs counts nothing.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Final

from logstats.errors import LogstatsError
from logstats.store.files import create_private, destroy, entries, private_folder, read_private
from logstats.store.keys import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from pathlib import Path

    from logstats.store.keys import SiteDay

__all__ = ["Keyring"]

_FINGERPRINT: Final = b"logstats:key"


class Keyring:
    """Gives, makes and destroys keys.

    Args:
        folder: Where they are; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)
        self._known: dict[SiteDay, bytes] = {}
        self._making = Lock()

    def of_identities(self, *, in_use: bool) -> bytes:
        """Give the key by which inputs are known; the first time, make it.

        Raises:
            LogstatsError: It is lost although it is in use.
        """
        path = self._folder / "identity"
        if in_use and _stored(path) is None:
            raise LogstatsError(
                f"{path}: the key by which inputs are known is gone",
                hint="restore it; without it lines would count twice",
            )
        return _key_at(path)

    def of_day(self, site: str, day: date, *, in_use: bool) -> bytes:
        """Give the key of a day; the first time, make it. Several threads may ask.

        Raises:
            LogstatsError: It is lost although hits were counted with it: with another one, each visitor would count
                twice.
        """
        with self._making:
            known = self._known.get((site, day))
            if known is None:
                path = private_folder(self._folder / site) / day.isoformat()
                if in_use and _stored(path) is None:
                    raise LogstatsError(
                        f"{path}: the key of an open day is lost; nothing more can be counted for it",
                        hint=f"count the day anew from its logs (logstats redo --day {day}), or forget it",
                    )
                known = self._known[site, day] = _key_at(path)
            return known

    def fingerprint(self, site: str, day: date) -> str | None:
        """Give what is recorded of a key, useless for computing ids; None when there is no key."""
        key = read_private(self._folder / site / day.isoformat())
        return blake2b(_FINGERPRINT, key=key, digest_size=8).hexdigest() if key else None

    def destroy_all_but(self, days: Collection[SiteDay]) -> None:
        """Destroy the keys of all days but these."""
        kept = {(site, day.isoformat()) for site, day in days}
        for path in entries(self._folder):
            if (path.parent.name, path.name) not in kept:
                destroy(path)
        self._known = {site_and_day: key for site_and_day, key in self._known.items() if site_and_day in days}


def _stored(path: Path) -> bytes | None:
    """Read a key; a file that a crash left without all its bytes is none."""
    key = read_private(path)
    return key if key and len(key) == KEY_BYTES else None


def _key_at(path: Path) -> bytes:
    key = _stored(path)
    if key is None:
        destroy(path)
        key = secrets.token_bytes(KEY_BYTES)
        create_private(path, key)
    return key
