"""The plan: from what is wanted and what the platform has, to what there is to do. Nothing is sent here."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from logstats.publish.datagouv.leftovers import left_behind
from logstats.publish.datagouv.resources import Wanted, in_order
from logstats.publish.datagouv.state import DATASET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.publish.datagouv.state import State

__all__ = ["Goal", "Plan", "Step", "plan", "reordered"]

Action = Literal["create dataset", "create", "replace", "metadata", "keep", "remove", "dataset", "order"]
_OURS: Final = ("title", "description", "description_short", "tags", "frequency", "license")


@dataclass(frozen=True)
class Goal:
    """What is wanted.

    Attributes:
        resources: In the order in which they are sent.
        held: All that the releases hold, tables in formats that are not sent included.
        fields: What the dataset says of itself; written when it is created, and later only with `describe`.
        extras: Of the dataset.
        describe: Write `fields` again.
        public: Make the dataset public; else it stays what it is, and a new one is private.
    """

    resources: Sequence[Wanted]
    held: Sequence[Wanted]
    fields: Mapping[str, Any]
    extras: Mapping[str, str]
    describe: bool = False
    public: bool = False


@dataclass(frozen=True)
class Step:
    """Something to do, or for `keep` nothing.

    Attributes:
        action: What.
        why: In a few words.
        resource: Which is wanted; None for the dataset.
        ident: Id of a resource that the platform has.
        payload: Fields of the dataset to write.
    """

    action: Action
    why: str = ""
    resource: Wanted | None = None
    ident: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        what = self.resource.key if self.resource else self.ident or "dataset"
        return f"{what}: {self.why}"


@dataclass(frozen=True)
class Plan:
    """All steps, those that keep included, and what a person should know."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """There is nothing to do."""
        return not self.changes

    @property
    def changes(self) -> list[Step]:
        """The steps that do something."""
        return [step for step in self.steps if step.action != "keep"]


def plan(goal: Goal, state: State | None) -> Plan:
    """Find what there is to do.

    Args:
        goal: What is wanted.
        state: None when there is no dataset.
    """
    if state is None:
        created = {**goal.fields, "extras": dict(goal.extras), "private": True, **_coverage(goal, None)}
        steps = [Step("create", "is not there", wanted) for wanted in goal.resources]
        first = Step("create dataset", "private until --public", payload=created)
        last = [Step("dataset", "public", payload={"private": False})] if goal.public else []
        return Plan((first, *steps, *last, Step("order", "as in the release")))
    adopted, strays, notes = left_behind(goal.resources, state)
    steps = [_of_resource(wanted, state, adopted.get(wanted.key)) for wanted in goal.resources]
    steps += [Step("remove", f"sent twice: {one['title']}", ident=one["id"]) for one in strays]
    if payload := _of_dataset(goal, state):
        steps.append(Step("dataset", ", ".join(sorted(payload)), payload=payload))
    news = any(step.action == "create" for step in steps)
    present = [one["id"] for one in state.dataset["resources"]]
    if news or reordered(state) != present:
        steps.append(Step("order", "as in the release"))
    return Plan(tuple(steps), (*_left(goal, state), *notes, *_differences(goal, state)))


def reordered(state: State) -> list[str]:
    """Give the ids of all resources with ours in order, and those of others where they were."""
    ours = iter(sorted(state.keyed, key=in_order))
    known = {one["id"] for one in state.keyed.values()}
    return [state.keyed[next(ours)]["id"] if one["id"] in known else one["id"] for one in state.dataset["resources"]]


def _of_resource(wanted: Wanted, state: State, adopted: Mapping[str, Any] | None) -> Step:
    found = state.keyed.get(wanted.key) or adopted
    if found is None:
        return Step("create", "is not there", wanted)
    checksum = found.get("checksum") or {}
    if checksum.get("type") != "sha1" or checksum.get("value") != wanted.sha1:
        return Step("replace", "its content is new", wanted, found["id"])
    schema = state.keyed.get(wanted.schema, {}).get("latest") if wanted.schema else None
    here = {
        "title": found["title"],
        "description": found.get("description"),
        "type": found["type"],
        "schema": (found.get("schema") or {}).get("url"),
    }
    want = {"title": wanted.title, "description": wanted.description, "type": wanted.kind, "schema": schema}
    differ = [name for name, value in want.items() if value != here[name]]
    if wanted.schema and not schema and "schema" not in differ:
        differ.append("schema")
    extras = found.get("extras") or {}
    if any(extras.get(name) != value for name, value in wanted.extras.items()):
        differ.append("extras")
    return Step("metadata" if differ else "keep", ", ".join(differ), wanted, found["id"])


def _of_dataset(goal: Goal, state: State) -> dict[str, Any]:
    """Give the fields of the dataset that must change. Others go with every request, too (apply.py)."""
    here = state.dataset
    found: dict[str, Any] = {}
    extras = here.get("extras") or {}
    if any(extras.get(name) != value for name, value in goal.extras.items()):
        found["extras"] = {**extras, **goal.extras}
    coverage = _coverage(goal, state)["temporal_coverage"]
    known = here.get("temporal_coverage") or {}
    if any(str(known.get(edge))[:10] != day for edge, day in coverage.items()):
        found["temporal_coverage"] = coverage
    if goal.describe:
        found |= {name: value for name, value in goal.fields.items() if not _same(here.get(name), value)}
    if goal.public and here["private"]:
        found["private"] = False
    return found


def _same(here: object, wanted: object) -> bool:
    return sorted(here) == wanted if isinstance(here, list) else here == wanted


def _coverage(goal: Goal, state: State | None) -> dict[str, dict[str, str]]:
    """Give the time from the first to the last month of all our resources, those of other releases included."""
    carried: list[Mapping[str, Any]] = [wanted.extras for wanted in goal.resources]
    carried += [one["extras"] for one in state.keyed.values()] if state else []
    first = min(str(extras["logstats:start"]) for extras in carried if "logstats:start" in extras)
    last = max(str(extras["logstats:end"]) for extras in carried if "logstats:end" in extras)
    days = calendar.monthrange(int(last[:4]), int(last[5:7]))[1]
    return {"temporal_coverage": {"start": f"{first}-01", "end": f"{last}-{days:02}"}}


def _left(goal: Goal, state: State) -> list[str]:
    """Name resources of the same periods that no release has any more, or that `--format` leaves behind."""
    periods = {wanted.key.partition("/")[2].rpartition(".")[0] for wanted in goal.held} - {"schema"}
    sent, held = {wanted.key for wanted in goal.resources}, {wanted.key: wanted for wanted in goal.held}
    notes = []
    for key, found in state.keyed.items():
        if key not in held and key.partition("/")[2].rpartition(".")[0] in periods:
            notes.append(f"{key} is on the platform, and not in the release: remove it there if it shall not stay")
        elif key in held and key not in sent and (found.get("checksum") or {}).get("value") != held[key].sha1:
            notes.append(f"{key} is on the platform in another version, which --format leaves there")
    return notes


def _differences(goal: Goal, state: State) -> list[str]:
    """Say which fields of the dataset are not as the configuration says; people may have edited them."""
    differ = [name for name in _OURS if name in goal.fields and not _same(state.dataset.get(name), goal.fields[name])]
    if not differ or goal.describe or DATASET not in (state.dataset.get("extras") or {}):
        return []
    return [f"the dataset's {', '.join(differ)} differ from the configuration and stay so: --describe writes them"]
