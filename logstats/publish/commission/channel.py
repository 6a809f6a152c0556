"""The connection to the service: ids and posts over HTTPS, repeated only where that changes nothing.

An id that got lost stands for nothing, so asking again is safe. A post replaces what stands under its id, so posting
the same bytes again is safe, whether or not the first ones arrived. An answer that says "wrong" is never repeated, a
redirect never followed: it would show the key to somebody else.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import urllib3

from logstats import __version__
from logstats.errors import BusyError, ConfigurationError, InputRejectedError, LogstatsError, NoPermissionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstats.config import Commission
    from logstats.publish.commission.key import Key

__all__ = ["Answer", "Channel", "error_of"]

_CONNECT: Final = 10.0  # seconds
_MOST: Final = 65_536  # bytes of an answer that are kept
_LONGEST_ID: Final = 200
_LONGEST_PAUSE: Final = 60.0
_AGAIN: Final = frozenset((408, 429, 500, 502, 503, 504))
_REFUSED: Final = frozenset((401, 403))
_SUCCESS: Final = range(200, 300)
_WRONG_MESSAGE: Final = frozenset((400, 409, 413, 422))
_ID_NAMES: Final = ("unique-id", "uniqueId")


class Answer(NamedTuple):
    """What the service said. Status 0: nothing, and `text` says why."""

    status: int
    text: str

    @property
    def accepted(self) -> bool:
        """The status says so; the body is not reliably JSON."""
        return self.status in _SUCCESS


class Channel:
    """A connection to one environment.

    Args:
        base: Address of the service.
        key: Its key.
        settings: Paths, timeout and attempts.
        pause: Waits so many seconds.
    """

    def __init__(self, base: str, key: Key, settings: Commission, pause: Callable[[float], None] = time.sleep) -> None:
        self._base = base.rstrip("/")
        self._key = key
        self._settings = settings
        self._pause = pause
        self._pool = _pool(self._base)

    def unique_id(self) -> str:
        """Ask for an id.

        Raises:
            LogstatsError: There is none; the class tells why, as `error_of` does.
        """
        answer = self._request("GET", self._settings.unique_id_path, None)
        if not answer.accepted:
            raise error_of(answer, self.place(self._settings.unique_id_path))
        try:
            value = json.loads(answer.text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            value = next((value[name] for name in _ID_NAMES if name in value), None)
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_ID or not value.isprintable():
            raise BusyError(f"{self.place(self._settings.unique_id_path)}: answered with something that is no id")
        return value

    def post(self, path: str, body: bytes) -> Answer:
        """Post a message; give the last answer, whatever it is."""
        return self._request("POST", path, body)

    def place(self, path: str) -> str:
        """Name host and path, for messages."""
        parts = urlsplit(self._base + path)
        return f"{parts.hostname}{parts.path}"

    def _request(self, method: str, path: str, body: bytes | None) -> Answer:
        for attempt in range(1, self._settings.attempts + 1):
            answer, wait = self._once(method, path, body)
            if answer.status and answer.status not in _AGAIN:
                break
            if attempt < self._settings.attempts:
                self._pause(min(max(wait, 2.0 ** (attempt - 1)), _LONGEST_PAUSE))
        return answer

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[Answer, float]:
        """Make one request; give the answer, and how long the service asks to wait."""
        headers = self._key.headers() | {"User-Agent": f"logstats/{__version__}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._pool.request(
                method,
                self._base + path,
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=_CONNECT, read=float(self._settings.timeout_seconds)),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(0, type(error).__name__), 0.0  # its own text may hold more than it should
        try:
            content = response.read(_MOST)
        except (urllib3.exceptions.HTTPError, OSError):
            content = b""  # the status came, and that decides
        finally:
            response.close()
        pause = response.headers.get("Retry-After", "")
        text = self._key.hidden_in(content.decode("utf-8", "replace"))
        return Answer(response.status, text), float(pause) if pause.isdecimal() and pause.isascii() else 0.0


def error_of(answer: Answer, place: str) -> LogstatsError:
    """Give the error of an answer that is none: 75 to try later, 77 for the key, 65 for the message, else 78."""
    if not answer.status:
        return BusyError(f"{place}: no answer ({answer.text})", hint="try again later: the same id is used")
    text = f"{place}: answered {answer.status}"
    if answer.status in _AGAIN:
        return BusyError(text, hint="try again later: the same id is used")
    if answer.status in _REFUSED:
        return NoPermissionError(text, hint="is it the key of this environment? acceptance and production differ")
    if answer.status in _WRONG_MESSAGE:
        return InputRejectedError(text, hint="the message was refused; the answer is kept in the store, below sent/")
    return ConfigurationError(text, hint="are the address and the paths in [commission] right?")


def _pool(base: str) -> urllib3.PoolManager:
    """Make connections, through the proxy that https_proxy names unless no_proxy says otherwise."""
    parts = urlsplit(base)
    proxy = getproxies_environment().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()
