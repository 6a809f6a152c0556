"""A proxy between logstats and the platform, in which one request goes wrong."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAULTS", "Proxy", "Seen", "wait_until"]

FAULTS: Final = (
    "drop before",  # the connection is cut, and the platform has heard nothing
    "drop after",  # the platform has done it, and the answer is lost
    "cut answer",  # the platform has done it, and half of the answer arrives
    "429",
    "500",
    "500 done",  # the platform has done it, and something in front of it says 500
    "timeout",  # nothing is sent on, and nobody answers
    "timeout done",  # the platform has done it, and nobody answers
)
_STALL: Final = 60.0


@dataclass(frozen=True)
class Seen:
    """A request, and how the platform answered; 0 when it has not heard of it."""

    method: str
    path: str
    size: int
    status: int


@dataclass
class Proxy:
    """A proxy; its `base` is what logstats is configured with.

    Attributes:
        upstream: Base address of the platform.
        faults: By the number of a request, from 1, what goes wrong with it.
        late: Numbers of requests that are passed on only after so many seconds, and not answered.
        seen: All requests.
        command_lines: Of all processes, while requests came.
        bodies: Of answers by the number of a request, as (status, text), in place of the platform's.
        altered: Changes what the platform answers to a request, by its number.
        headers: Added to each answer.
        meanwhile: What happens elsewhere before a request is passed on, by method and end of the path; each once.
    """

    upstream: str
    base: str = ""
    faults: dict[int, str] = field(default_factory=dict)
    late: dict[int, float] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    command_lines: set[bytes] = field(default_factory=set)
    bodies: dict[int, tuple[int, str]] = field(default_factory=dict)
    altered: dict[int, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    meanwhile: dict[tuple[str, str], Callable[[], object]] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)
    number: int = 0

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.base = f"http://127.0.0.1:{self._server.server_port}{urlsplit(self.upstream).path}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def writes(self) -> list[Seen]:
        """Requests that would change something."""
        return [one for one in self.seen if one.method != "GET"]

    def again(self) -> None:
        """Forget what was seen, and let nothing go wrong any more."""
        self.faults, self.late, self.bodies, self.seen, self.number = {}, {}, {}, [], 0
        self.altered, self.headers = {}, {}


class _Server(ThreadingHTTPServer):
    proxy: Proxy
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that have gone."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_any(self) -> None:
        """Pass a request on, or not."""
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy.number += 1
        number = proxy.number
        _look_at_processes(proxy)
        self._let_happen()
        fault = proxy.faults.get(number, "")
        if number in proxy.bodies:
            self._say(*proxy.bodies[number])
            return
        if number in proxy.late:
            proxy.ended.wait(proxy.late[number])
            self._pass_on(body, number)
            self.close_connection = True
            return
        if fault in {"drop before", "timeout", "429", "500"}:
            proxy.seen.append(Seen(self.command, self.path, len(body), 0))
            if fault == "timeout":
                proxy.ended.wait(_STALL)
            elif fault != "drop before":
                self._say(int(fault), '{"message": "fault"}')
            self.close_connection = True
            return
        status, kind, content = self._pass_on(body, number)
        if fault == "timeout done":
            proxy.ended.wait(_STALL)
        elif fault == "500 done":
            self._say(500, '{"message": "fault"}')
        elif fault == "cut answer":
            self._say(status, content.decode(), kind, half=True)
        elif fault != "drop after":
            self._say(status, content.decode(), kind)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815 - the names that the base class looks for

    def _let_happen(self) -> None:
        meanwhile = self.server.proxy.meanwhile
        for method, end in [*meanwhile]:
            if self.command == method and urlsplit(self.path).path.endswith(end):
                meanwhile.pop((method, end))()

    def _pass_on(self, body: bytes, number: int) -> tuple[int, str, bytes]:
        proxy = self.server.proxy
        address = urlsplit(proxy.upstream).netloc
        connection = http.client.HTTPConnection(address, timeout=_STALL)
        # Host too: links that the platform gives are its own, whatever stands before it.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
        connection.request(self.command, self.path, body or None, headers | {"Host": address})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if number in proxy.altered:
            altered = json.loads(content)
            proxy.altered[number](altered)
            content = json.dumps(altered).encode()
        proxy.seen.append(Seen(self.command, self.path, len(body), answer.status))
        return answer.status, answer.headers.get("Content-Type") or "application/json", content

    def _say(self, status: int, text: str, kind: str = "application/json", *, half: bool = False) -> None:
        content = text.encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            for name, value in self.server.proxy.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if half else content)


def _look_at_processes(proxy: Proxy) -> None:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            proxy.command_lines.add(process.read_bytes())


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)
