"""The connection to a service: requests over HTTPS that show the key, repeated only where that changes nothing.

What can be known of a request that got no answer is nothing: it may have arrived or not. So the caller says whether
making it twice is the same as making it once. An answer that says "wrong" is never repeated, a redirect never followed:
it would show the key to somebody else.
"""

from __future__ import annotations

import io
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import urllib3

from logstats import __version__
from logstats.publish.proxies import pool_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from logstats.publish.key import Key

__all__ = ["AGAIN", "LONGEST_PAUSE", "Answer", "Channel"]

AGAIN: Final = frozenset((408, 429, 500, 502, 503, 504))
"""Statuses after which a request may do better."""

LONGEST_PAUSE: Final = 60.0
"""Seconds. Who is asked to wait longer does not wait: it is for the next run."""

_TOO_MANY: Final = 429
_CONNECT: Final = 10.0  # seconds
_SUCCESS: Final = range(200, 300)


class Answer(NamedTuple):
    """What the service said. Status 0: nothing, and `text` says why. Not `whole`: the text was cut off."""

    status: int
    text: str
    headers: Mapping[str, str] = {}
    whole: bool = True

    @property
    def accepted(self) -> bool:
        """The status says so."""
        return self.status in _SUCCESS

    @property
    def wait(self) -> float:
        """Seconds that the service asks to wait (Retry-After, a number or a date); 0 if it does not."""
        text = self.headers.get("retry-after", "")
        if text.isdecimal() and text.isascii():
            return float(text)
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        return max(0.0, until.replace(tzinfo=until.tzinfo or UTC).timestamp() - time.time())


class Channel:
    """A connection to one environment of a service.

    Args:
        base: Address of the service.
        key: Its key.
        timeout: Seconds that an answer is waited for.
        attempts: How often a request is made that may be made again.
        most: Bytes of an answer that are kept.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        base: str,
        key: Key,
        *,
        timeout: float,
        attempts: int,
        most: int = 65_536,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base.rstrip("/")
        self._key = key
        self._timeout = urllib3.Timeout(connect=min(_CONNECT, timeout), read=timeout)
        self._attempts = attempts
        self._most = most
        self._pause = pause
        self._pool = pool_of(self._base)

    def place(self, path: str) -> str:
        """Name host and path, for messages."""
        parts = urlsplit(self._base + path)
        return f"{parts.hostname}{parts.path}"

    def request(
        self, method: str, path: str, body: bytes | None = None, *, kind: str = "application/json", safe: bool
    ) -> Answer:
        """Make a request; give the last answer, whatever it is.

        Args:
            method: Of HTTP.
            path: Begins with a slash.
            body: None for a request without one.
            kind: Content type of the body.
            safe: Making it twice is the same as making it once. Else it is repeated only after 429, which says that it
                was not looked at. Nor is it when the service wants to be left alone for longer than LONGEST_PAUSE.
        """
        answer = Answer(0, "not asked")
        for attempt in range(1, self._attempts + 1):
            answer = self._once(method, path, body, kind)
            if not _again(method, answer, safe=safe) or answer.wait > LONGEST_PAUSE:
                break
            if attempt < self._attempts:
                self._pause(max(answer.wait, min(2.0 ** (attempt - 1), LONGEST_PAUSE)))
        return answer

    def _once(self, method: str, path: str, body: bytes | None, kind: str) -> Answer:
        headers = self._key.headers() | {"User-Agent": f"logstats/{__version__}", "Accept": "application/json"}
        stream = None
        if body is not None:
            # As a stream, so that each block has a timeout of its own; of bytes, all would have to be sent within one.
            stream = io.BytesIO(body)
            headers |= {"Content-Type": kind, "Content-Length": str(len(body))}
        try:
            response = self._pool.request(
                method,
                self._base + path,
                body=stream,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=self._timeout,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(0, type(error).__name__)  # its own text may hold more than it should
        try:
            content, whole = response.read(self._most), True
        except (urllib3.exceptions.HTTPError, OSError):
            content, whole = b"", False  # the status came, and of a request that writes, that decides
        finally:
            response.close()
        found = {name.lower(): self._key.hidden_in(value) for name, value in response.headers.items()}
        return Answer(response.status, self._key.hidden_in(content.decode("utf-8", "replace")), found, whole)


def _again(method: str, answer: Answer, *, safe: bool) -> bool:
    """Tell whether a request may do better when it is made again."""
    if not safe:
        return answer.status == _TOO_MANY
    return not answer.status or answer.status in AGAIN or (method == "GET" and not answer.whole)
