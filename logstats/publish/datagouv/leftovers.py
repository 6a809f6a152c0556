"""What a run left behind that ended between an upload and its metadata: a resource without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.publish.datagouv.resources import Wanted
    from logstats.publish.datagouv.state import State

__all__ = ["Leftovers", "left_behind"]

_PLATFORMS_OWN: Final = ("analysis:", "check:", "csv-export:", "validation-report:")
"""Extras with which the platform marks each resource by itself."""


class Leftovers(NamedTuple):
    """What was found.

    Attributes:
        adopted: By the key that they are to get.
        strays: Copies of what is there.
        notes: On what has the name of an upload, and is none of ours.
    """

    adopted: dict[str, dict[str, Any]]
    strays: list[dict[str, Any]]
    notes: list[str]


def left_behind(resources: Sequence[Wanted], state: State) -> Leftovers:
    """Find uploads that got no key. All else without one is of people, and stays.

    Args:
        resources: What is wanted.
        state: What the platform has.
    """
    names = {wanted.name: wanted for wanted in resources}
    adopted: dict[str, dict[str, Any]] = {}
    strays, notes = [], []
    for one in state.unkeyed:
        wanted = names.get(one["title"])
        if wanted is None:
            continue
        if not _just_uploaded(one, wanted):
            notes.append(f"{one['title']} ({one['id']}) is not of logstats, or of another version: it stays as it is")
        elif wanted.key in state.keyed or wanted.key in adopted:
            strays.append(one)
        else:
            adopted[wanted.key] = one
    return Leftovers(adopted, strays, notes)


def _just_uploaded(resource: Mapping[str, Any], wanted: Wanted) -> bool:
    """Tell whether a resource of this name has the very bytes, and nobody has said anything of it since."""
    if resource.get("filetype") != "file" or (resource.get("checksum") or {}).get("value") != wanted.sha1:
        return False
    marks = [name for name in resource.get("extras") or {} if not name.startswith(_PLATFORMS_OWN)]
    return not (marks or resource.get("description") or (resource.get("schema") or {}).get("url"))
