"""What the tests of real servers share: is the program there, a port for it, and does it listen."""

from __future__ import annotations

import os
import shutil
import socket
import time
from contextlib import suppress
from typing import Final

import pytest

__all__ = ["free_port", "required", "wait_for"]

_PATIENCE: Final = 60.0  # seconds


def required(program: str) -> str:
    """Find a program, also where only root looks, or skip the test."""
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/local/sbin:/usr/sbin:/sbin")
    if not found:
        pytest.skip(f"{program} is not installed")
    return found


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens on a port of 127.0.0.1."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")
