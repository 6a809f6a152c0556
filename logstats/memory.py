"""Memory that is not needed any more goes back to the system."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Final

__all__ = ["give_back", "keep_little"]

_ARENA_MAX: Final = -8  # M_ARENA_MAX of glibc's malloc.h
_POLARS: Final = "_RJEM_MALLOC_CONF"
_LITTLE: Final = "narenas:1,dirty_decay_ms:200"


def keep_little() -> None:
    """Tell the allocators to keep little of what they have been handed back; to be called before polars is imported.

    They keep it apart for each thread, and polars' own for ten seconds: on 20 million lines a third of all memory was
    kept for nobody. Other C libraries than glibc have no such call, and need none.
    """
    os.environ.setdefault(_POLARS, _LITTLE)
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Give back what the C library has been handed back and keeps for later.

    The blocks of an input leave more than 100 MB behind in it, and what follows them needs memory of another kind.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
