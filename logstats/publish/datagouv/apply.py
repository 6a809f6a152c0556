"""Applying: steps are done one after the other, and the platform is looked at again until there is none left."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from logstats.errors import BusyError, InputRejectedError, LogstatsError
from logstats.publish.channel import LONGEST_PAUSE
from logstats.publish.datagouv.client import UnclearError
from logstats.publish.datagouv.plan import plan, reordered
from logstats.publish.datagouv.state import State, find

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from logstats.config import Platform
    from logstats.publish.datagouv.client import Client
    from logstats.publish.datagouv.plan import Goal, Plan, Step
    from logstats.publish.datagouv.resources import Wanted

__all__ = ["Done", "publish"]

_WIPED: Final = ("private", "tags", "temporal_coverage")
"""Fields of a dataset that an update empties, or sets to false, when it does not name them (udata 17.18)."""


@dataclass
class Done:
    """What was done.

    Attributes:
        state: The platform at the end, in which nothing is left to do.
        actions: By key of a resource the most that happened to it: create, replace, metadata or keep.
        removed: Resources that had been sent twice.
        bytes: Of files that were uploaded.
        notes: What a person should know.
    """

    state: State
    actions: dict[str, str] = field(default_factory=dict)
    removed: int = 0
    bytes: int = 0
    notes: tuple[str, ...] = ()


def publish(
    goal: Goal,
    client: Client,
    platform: Platform,
    name: str,
    *,
    attempts: int,
    pause: Callable[[float], None] = time.sleep,
) -> Done:
    """Bring the platform to what is wanted.

    Args:
        goal: What is wanted.
        client: The platform.
        platform: Which dataset, of which organisation.
        name: By which a dataset is known whose id is not configured.
        attempts: How often it is tried when it is unclear whether something was done.
        pause: Waits so many seconds.

    Raises:
        BusyError: It stayed unclear; the next run goes on from there.
        InputRejectedError: The platform accepts something, and does not keep it as it was sent.
        LogstatsError: The platform refuses, or has something else than what was sent.
    """
    done = Done(State({}, {}, []))
    failure: LogstatsError = BusyError("the platform is still not as it should be", hint="run it again later")
    failures, before = 0, None
    for _ in range(2 * attempts + 1):  # once more, to see that nothing is left
        state = find(client, platform, name)
        todo = plan(goal, state)
        if state is not None and todo.nothing:
            _count(done, todo)
            done.state, done.notes = state, todo.notes
            return done
        if todo.changes == before:
            raise InputRejectedError(
                f"the platform does not keep what was sent: {'; '.join(map(str, todo.changes))}",
                hint="what does it show there? say the same in the configuration",
            )
        try:
            _Run(goal, client, platform, state, done).all(todo)
            before = todo.changes
        except UnclearError as error:
            failure, failures, before = error.error, failures + 1, None
            if failures >= attempts:
                break
            pause(max(error.wait, min(2.0 ** (failures - 1), LONGEST_PAUSE)))
    raise failure


class _Run:
    """One way through a plan."""

    def __init__(self, goal: Goal, client: Client, platform: Platform, state: State | None, done: Done) -> None:
        self._goal = goal
        self._client = client
        self._platform = platform
        self._done = done
        self._dataset = state.dataset if state else {}
        self._found = {one["id"]: one for one in self._dataset.get("resources", [])}
        self._links = {key: one["latest"] for key, one in state.keyed.items()} if state else {}

    def all(self, todo: Plan) -> None:
        for step in todo.steps:
            self._one(step)

    def _one(self, step: Step) -> None:
        match step.action:
            case "create dataset":
                payload = {**step.payload, "organization": self._platform.organisation}
                self._dataset = self._client.create(payload)
            case "create" | "replace" | "metadata":
                self._send(step)
            case "remove":
                self._client.remove(self._dataset["id"], step.ident)
                self._done.removed += 1
            case "dataset":
                kept = {name: self._dataset[name] for name in _WIPED if self._dataset.get(name) is not None}
                self._client.update(self._dataset["id"], {**kept, **step.payload})
            case "order":
                state = State.of(self._client.dataset(self._dataset["id"]))
                wanted = reordered(state)
                if wanted != [one["id"] for one in state.dataset["resources"]]:
                    self._client.reorder(self._dataset["id"], wanted)
            case "keep":
                pass

    def _send(self, step: Step) -> None:
        """Upload, if that is to be done, and say what it is: an upload has reset the title."""
        wanted = step.resource
        if wanted is None:
            return
        found = self._found.get(step.ident, {})
        if step.action != "metadata":
            _note(self._done, wanted.key, step.action)
            found = self._client.upload(self._dataset["id"], step.ident or None, wanted.name, wanted.data)
            self._done.bytes += len(wanted.data)
            _must_be_same(wanted, found)
        _note(self._done, wanted.key, "metadata")
        self._links[wanted.key] = found["latest"]
        self._client.describe(self._dataset["id"], found["id"], self._payload(wanted, found))

    def _payload(self, wanted: Wanted, found: Mapping[str, Any]) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "title": wanted.title,
            "description": wanted.description,
            "type": wanted.kind,
            "extras": {**(found.get("extras") or {}), **wanted.extras},
        }
        if link := self._links.get(wanted.schema):
            payload["schema"] = {"url": link}
        return payload


def _must_be_same(wanted: Wanted, found: Mapping[str, Any]) -> None:
    """Compare what has arrived with what was sent.

    Raises:
        LogstatsError: It is something else.
    """
    checksum = (found.get("checksum") or {}).get("value")
    if checksum != wanted.sha1 or found.get("filesize") != len(wanted.data):
        raise LogstatsError(
            f"{wanted.key}: sent {len(wanted.data):,} bytes with sha1 {wanted.sha1}, the platform has"
            f" {found.get('filesize')} with {checksum}",
            hint="run it again; if it stays so, tell the platform",
        )


def _note(done: Done, key: str, action: str) -> None:
    """Keep the most that happened to a resource."""
    order = ("keep", "metadata", "replace", "create")
    done.actions[key] = max(done.actions.get(key, "keep"), action, key=order.index)


def _count(done: Done, todo: Plan) -> None:
    for step in todo.steps:
        if step.resource:
            done.actions.setdefault(step.resource.key, "keep")
