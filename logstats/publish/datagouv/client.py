"""The platform's interface: udata, API 1.

Reading, and writing what is named by its id, changes nothing when it is done twice, and is repeated. Creating and
uploading would make a second one, so they are not: without an answer they raise UnclearError, and who asked must look.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import orjson

from logstats.errors import BusyError, LogstatsError
from logstats.publish.channel import AGAIN, LONGEST_PAUSE
from logstats.publish.datagouv.refusals import error_of
from logstats.publish.datagouv.shapes import are_named, are_texts, is_dataset, is_named, is_page, is_resource
from logstats.publish.datagouv.upload import PART_BYTES, bodies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from logstats.publish.channel import Answer, Channel

__all__ = ["Client", "Lists", "UnclearError"]

_GONE: Final = 404
_WRONG: Final = 400
_TOO_MANY: Final = 429
_PAGE: Final = 100


class UnclearError(Exception):
    """Nobody knows whether it was done.

    Attributes:
        error: What to say when it stays so.
        wait: Seconds that the platform asks to wait.
    """

    def __init__(self, error: LogstatsError, wait: float = 0.0) -> None:
        super().__init__(str(error))
        self.error, self.wait = error, wait


class Lists(NamedTuple):
    """What the platform knows: extensions of files, ids of licences and frequencies."""

    extensions: frozenset[str]
    licences: frozenset[str]
    frequencies: frozenset[str]


class Client:
    """The interface.

    Args:
        channel: The connection to its base address.
        say: Gets a line for each request: method, path, status.
        part_bytes: Files above this size are sent in parts.

    Attributes:
        writes: How many requests would have changed something.
    """

    def __init__(self, channel: Channel, say: Callable[[str], None], part_bytes: int = PART_BYTES) -> None:
        self._channel = channel
        self._say = say
        self._part_bytes = part_bytes
        self.writes = 0

    def lists(self) -> Lists:
        """Ask what the platform knows."""
        extensions = self._read("/datasets/extensions/", "list of extensions", are_texts)
        licences = self._read("/datasets/licenses/", "list of licences", are_named)
        frequencies = self._read("/datasets/frequencies/", "list of frequencies", are_named)
        return Lists(
            frozenset(extensions),
            frozenset(one["id"] for one in licences),
            frozenset(one["id"] for one in frequencies),
        )

    def dataset(self, ident: str) -> dict[str, Any]:
        """Give a dataset by its id or slug."""
        found: dict[str, Any] = self._read(f"/datasets/{quote(ident, safe='')}/", "dataset", is_dataset)
        return found

    def datasets(self, organisation: str) -> list[dict[str, Any]]:
        """Give all datasets of an organisation, the private ones included."""
        found: dict[str, dict[str, Any]] = {}
        for page in count(1):
            path = f"/organizations/{quote(organisation, safe='')}/datasets/?page={page}&page_size={_PAGE}"
            answer = self._read(path, "list of datasets", is_page)
            news = {one["id"]: one for one in answer["data"] if one["id"] not in found}
            found |= news
            if not (news and answer.get("next_page")):
                break
        return [*found.values()]

    def create(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Create a dataset."""
        return self._write("POST", "/datasets/", payload, is_dataset, safe=False)

    def update(self, dataset: str, payload: Mapping[str, Any]) -> None:
        """Change some fields of a dataset; `private`, `tags` and `temporal_coverage` are emptied unless named."""
        self._write("PUT", f"/datasets/{dataset}/", payload, is_named, safe=True)

    def upload(self, dataset: str, resource: str | None, name: str, data: bytes) -> dict[str, Any]:
        """Upload a file: as a new resource, or in place of the one of a resource."""
        inner = f"resources/{resource}/" if resource else ""
        path = f"/datasets/{dataset}/{inner}upload/"
        answer: Answer | None = None
        for body in bodies(name, data, self._part_bytes):
            answer = self._request("POST", path, body.content, body.kind, safe=False)
            _must_be_clear(answer, self._channel.place(path))
        return self._object(answer, path, is_resource)

    def describe(self, dataset: str, resource: str, payload: Mapping[str, Any]) -> None:
        """Change what a resource says of itself."""
        self._write("PUT", f"/datasets/{dataset}/resources/{resource}/", payload, is_named, safe=True)

    def remove(self, dataset: str, resource: str) -> None:
        """Remove a resource; one that is not there any more is removed."""
        path = f"/datasets/{dataset}/resources/{resource}/"
        answer = self._request("DELETE", path, None, safe=True)
        if not answer.accepted and answer.status != _GONE:
            raise error_of(answer, self._channel.place(path))

    def reorder(self, dataset: str, resources: Sequence[str]) -> None:
        """Bring all resources of a dataset into an order.

        Raises:
            UnclearError: It has others by now.
        """
        path = f"/datasets/{dataset}/resources/"
        answer = self._request("PUT", path, orjson.dumps([{"id": one} for one in resources]), safe=True)
        if answer.status == _WRONG:
            raise UnclearError(error_of(answer, self._channel.place(path)))
        if not answer.accepted:
            raise error_of(answer, self._channel.place(path))

    def _read(self, path: str, what: str, good: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - as `good` says
        answer = self._request("GET", path, None, safe=True)
        if not answer.accepted:
            raise error_of(answer, self._channel.place(path))
        found = _json(answer)
        if not good(found):
            raise BusyError(
                f"{self._channel.place(path)}: answered with something that is no {what}", hint="run it again later"
            )
        return found

    def _write(
        self, method: str, path: str, payload: Mapping[str, Any], good: Callable[[Any], bool], *, safe: bool
    ) -> dict[str, Any]:
        answer = self._request(method, path, orjson.dumps(payload), safe=safe)
        if not safe:
            _must_be_clear(answer, self._channel.place(path))
        return self._object(answer, path, good)

    def _object(self, answer: Answer | None, path: str, good: Callable[[Any], bool]) -> dict[str, Any]:
        """Give the object of an answer that says success; one that was cut off, or says nothing of it, is unclear."""
        place = self._channel.place(path)
        if answer is None or not answer.accepted:
            raise error_of(answer, place) if answer else LogstatsError(f"{place}: nothing was sent")
        found = _json(answer)
        if not good(found):
            raise UnclearError(BusyError(f"{place}: does not say what was done", hint="run it again later"))
        return dict(found)

    def _request(
        self, method: str, path: str, body: bytes | None, kind: str = "application/json", *, safe: bool
    ) -> Answer:
        self.writes += method != "GET"
        answer = self._channel.request(method, path, body, kind=kind, safe=safe)
        self._say(f"{method} {path} {answer.status or answer.text}")
        return answer


def _json(answer: Answer) -> Any:  # noqa: ANN401 - whatever is there
    """Give the value of an answer; None if it is no JSON."""
    try:
        return json.loads(answer.text)
    except (ValueError, RecursionError):
        return None


def _must_be_clear(answer: Answer, place: str) -> None:
    """Stop when it is not known whether the platform did it, or when it did not.

    After 429 it did not, and was asked as often as it may be; and who wants to be left alone for long, is.
    """
    if not answer.status or (answer.status in AGAIN - {_TOO_MANY} and answer.wait <= LONGEST_PAUSE):
        raise UnclearError(error_of(answer, place), answer.wait)
    if not answer.accepted:
        raise error_of(answer, place)
