"""Store: open days and their keys.

What always holds:

- A hit is committed with the counters of the lines it came from, or neither is.
- A part is complete under its name, or absent: it is written under a temporary name and renamed.
- Parts hold HITS and nothing else; keys lie apart from them.
- When a day is closed, its parts and its key are gone.
"""

from __future__ import annotations

from logstats.store.durable import DurableStore
from logstats.store.keys import SiteDay
from logstats.store.throwaway import ThrowawayStore

__all__ = ["DurableStore", "SiteDay", "ThrowawayStore"]
