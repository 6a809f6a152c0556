"""The connection to the service: ids and posts.

An id that got lost stands for nothing, so asking again is safe. A post replaces what stands under its id, so posting
the same bytes again is safe, whether or not the first ones arrived.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from logstats.errors import BusyError, ConfigurationError, InputRejectedError, LogstatsError, NoPermissionError
from logstats.publish import channel
from logstats.publish.channel import AGAIN, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstats.config import Commission
    from logstats.publish.key import Key

__all__ = ["Answer", "Channel", "error_of"]

_LONGEST_ID: Final = 200
_REFUSED: Final = frozenset((401, 403))
_WRONG_MESSAGE: Final = frozenset((400, 409, 413, 422))
_ID_NAMES: Final = ("unique-id", "uniqueId")


class Channel(channel.Channel):
    """A connection to one environment.

    Args:
        base: Address of the service.
        key: Its key.
        settings: Paths, timeout and attempts.
        pause: Waits so many seconds.
    """

    def __init__(self, base: str, key: Key, settings: Commission, pause: Callable[[float], None] = time.sleep) -> None:
        super().__init__(base, key, timeout=float(settings.timeout_seconds), attempts=settings.attempts, pause=pause)
        self._settings = settings

    def unique_id(self) -> str:
        """Ask for an id.

        Raises:
            LogstatsError: There is none; the class tells why, as `error_of` does.
        """
        answer = self.request("GET", self._settings.unique_id_path, safe=True)
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
        return self.request("POST", path, body, safe=True)


def error_of(answer: Answer, place: str) -> LogstatsError:
    """Give the error of an answer that is none: 75 to try later, 77 for the key, 65 for the message, else 78."""
    if not answer.status:
        return BusyError(f"{place}: no answer ({answer.text})", hint="try again later: the same id is used")
    text = f"{place}: answered {answer.status}"
    if answer.status in AGAIN:
        text += f", and asks to wait {answer.wait:,.0f} seconds" if answer.wait else ""
        return BusyError(text, hint="try again later: the same id is used")
    if answer.status in _REFUSED:
        return NoPermissionError(text, hint="is it the key of this environment? acceptance and production differ")
    if answer.status in _WRONG_MESSAGE:
        return InputRejectedError(text, hint="the message was refused; the answer is kept in the store, below sent/")
    return ConfigurationError(text, hint="are the address and the paths in [commission] right?")
