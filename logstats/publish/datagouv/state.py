"""What the platform has: the dataset, and which of its resources are ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from logstats.errors import ConfigurationError, LogstatsError
from logstats.publish.datagouv.resources import KEY

if TYPE_CHECKING:
    from logstats.config import Platform
    from logstats.publish.datagouv.client import Client

__all__ = ["DATASET", "State", "find"]

DATASET: Final = "logstats:dataset"


@dataclass(frozen=True)
class State:
    """A dataset as the platform has it.

    Attributes:
        dataset: As its interface gives it.
        keyed: Our resources by their key.
        unkeyed: The others, in order.
    """

    dataset: dict[str, Any]
    keyed: dict[str, dict[str, Any]]
    unkeyed: list[dict[str, Any]]

    @classmethod
    def of(cls, dataset: dict[str, Any]) -> State:
        """Sort the resources of a dataset.

        Raises:
            LogstatsError: Two of them have one key.
        """
        keyed: dict[str, dict[str, Any]] = {}
        unkeyed = []
        for resource in dataset["resources"]:
            key = (resource.get("extras") or {}).get(KEY)
            if not isinstance(key, str):
                unkeyed.append(resource)
            elif key in keyed:
                raise LogstatsError(
                    f"two resources have the key {key}: {keyed[key]['id']} and {resource['id']}",
                    hint="remove one of them on the platform; nothing was written",
                )
            else:
                keyed[key] = resource
        return cls(dataset, keyed, unkeyed)


def find(client: Client, platform: Platform, name: str) -> State | None:
    """Find the dataset: by its id, or the one of the organisation that was created under this name; None for none.

    Raises:
        LogstatsError: There is no dataset of this id, or it was deleted, or there are two of this name.
        ConfigurationError: Neither a dataset nor an organisation is named.
    """
    if platform.dataset:
        dataset = client.dataset(platform.dataset)
        if dataset.get("deleted"):
            raise LogstatsError(f"the dataset {platform.dataset} was deleted", hint="restore it on the platform")
        return State.of(dataset)
    if not platform.organisation:
        raise ConfigurationError(
            "no organisation and no dataset is named",
            key="publish",
            hint="organisation (24 hex digits) in [publish.demo] or [publish.production]",
        )
    ours = [
        one
        for one in client.datasets(platform.organisation)
        if (one.get("extras") or {}).get(DATASET) == name and not one.get("deleted")
    ]
    if len(ours) > 1:
        raise LogstatsError(
            f"two datasets were created under this name: {ours[0]['id']} and {ours[1]['id']}",
            hint="name the one that counts in [publish], and delete the other",
        )
    return State.of(client.dataset(ours[0]["id"])) if ours else None
