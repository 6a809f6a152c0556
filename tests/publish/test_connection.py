"""The connection to a service that is slow, or that wants to be left alone for a while."""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import inf
from typing import TYPE_CHECKING, Final

import pytest

from logstats.errors import BusyError
from logstats.publish import channel
from logstats.publish.channel import Channel
from logstats.publish.key import Key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Publisher
    from .proxy import Proxy

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


class Busy(BaseHTTPRequestHandler):
    """A service that wants to be left alone."""

    wish = ""

    def do_GET(self) -> None:
        """Say 429."""
        self.send_response(429)
        self.send_header("Retry-After", self.wish)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("wish", "least", "most", "pauses"),
    (
        ("7", 7, 7, 3),
        ("1", 1, 4, 3),
        ("60", 60, 60, 3),
        ("61", 61, 61, 0),
        ("9" * 400, inf, inf, 0),
        ("in 30 seconds", 27, 30, 3),
        ("in 300 seconds", 297, 300, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 4, 3),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0, 4, 3),
        ("soon", 0, 4, 3),
        ("", 0, 4, 3),
    ),
)
def test_a_service_that_wants_to_be_left_alone_is(wish: str, least: float, most: float, pauses: int) -> None:
    """As long as it says; if that is long, it is not asked again in this run."""
    if wish.startswith("in "):
        wish = format_datetime(datetime.now(UTC) + timedelta(seconds=int(wish.split()[1])), usegmt=True)
    handler = type("Handler", (Busy,), {"wish": wish})
    waited: list[float] = []
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        answer = Channel(base, Key(b"key", "test"), timeout=5.0, attempts=4, pause=waited.append).request(
            "GET", "/", safe=True
        )
        server.shutdown()
        thread.join()
    assert answer.status == 429
    assert least <= answer.wait <= most
    assert len(waited) == pauses
    assert all(max(least, 1) <= seconds <= max(most, 1) for seconds in waited)


@pytest.mark.parametrize("status", (429, 503))
@pytest.mark.parametrize("number", (1, 2, 3, 4))
def test_what_the_platform_wants_is_named(
    status: int, number: int, publisher: Publisher, proxy: Proxy, small: Path
) -> None:
    """Reading, creating, uploading or describing: 75 with the seconds, and no further request."""
    proxy.bodies, proxy.headers = {number: (status, "{}")}, {"Retry-After": "3600"}
    with pytest.raises(BusyError, match=f"answered {status}, and asks to wait 3,600 seconds"):
        publisher(small, attempts=3)
    assert proxy.number == number


@pytest.mark.parametrize(("status", "uploads"), ((429, (3, 4, 5)), (500, (3, 6, 9))))
def test_attempts_do_not_multiply(
    status: int, uploads: tuple[int, ...], publisher: Publisher, proxy: Proxy, small: Path
) -> None:
    """An upload is made as often as configured: after 429 by itself, else each time after looking whether it came."""
    proxy.bodies = dict.fromkeys(uploads, (status, "{}"))
    with pytest.raises(BusyError, match=f"answered {status}"):
        publisher(small, attempts=3)
    assert proxy.number == uploads[-1]
