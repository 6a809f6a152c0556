"""The connection to a service that is slow, or that wants to be left alone for a while."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Final

import pytest

from logstats.publish import channel
from logstats.publish.channel import Channel
from logstats.publish.key import Key

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY: Final = 12_000_000  # bytes: more than the system buffers between two processes
RATE: Final = 5_000_000  # bytes a second
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class SlowReader:
    """A service at the end of a thin line: it takes in so many bytes a second, and says 200 when it has all."""

    def __init__(self) -> None:
        self.received = 0
        self._listening = socket.socket()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen()
        self.base = f"http://127.0.0.1:{self._listening.getsockname()[1]}/api/1/"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection:
            while self.received < BODY and (data := connection.recv(50_000)):
                self.received += len(data)
                time.sleep(len(data) / RATE)
            if self.received >= BODY:
                connection.sendall(OK)

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()


@pytest.fixture
def slow() -> Iterator[SlowReader]:
    """Return a service that reads slowly."""
    made = SlowReader()
    yield made
    made.close()


def test_a_body_has_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch, slow: SlowReader) -> None:
    """What counts is that the line moves: sending all of it may take longer than connecting may."""
    monkeypatch.setattr(channel, "_CONNECT", 0.5)
    made = Channel(slow.base, Key(b"key", "test"), timeout=30.0, attempts=1)
    start = time.monotonic()
    answer = made.request("POST", "/datasets/", b"x" * BODY, kind="text/plain", safe=False)
    assert (answer.status, answer.text) == (200, "{}"), answer
    assert slow.received >= BODY
    assert time.monotonic() - start > 2
