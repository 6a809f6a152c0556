"""Memory that is not needed any more goes back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

__all__ = ["give_back"]


def give_back() -> None:
    """Give back what the C library has been handed back and keeps for later.

    The blocks of an input leave about 80 MB behind in it, and what follows them needs memory of another kind. Other C
    libraries than glibc have no such call, and need none.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
