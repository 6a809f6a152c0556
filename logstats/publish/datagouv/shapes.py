"""Shapes of answers: the members that are relied on. Who answers 200 may still be a page of maintenance."""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["are_named", "are_texts", "is_dataset", "is_named", "is_page", "is_resource"]


def is_named(found: object) -> TypeGuard[dict[str, Any]]:
    """An object with an id."""
    return isinstance(found, dict) and isinstance(found.get("id"), str) and bool(found["id"])


def are_named(found: object) -> bool:
    """A list of objects with an id, and at least one."""
    return isinstance(found, list) and bool(found) and all(is_named(one) for one in found)


def are_texts(found: object) -> bool:
    """A list of texts, and at least one."""
    return isinstance(found, list) and bool(found) and all(isinstance(one, str) for one in found)


def is_page(found: object) -> TypeGuard[dict[str, Any]]:
    """A part of a list of datasets, each with its extras."""
    return (
        isinstance(found, dict)
        and isinstance(found.get("data"), list)
        and all(is_named(dataset) and _objects(dataset, "extras") for dataset in found["data"])
    )


def is_resource(found: object) -> TypeGuard[dict[str, Any]]:
    """A resource with its permanent link, and what it says of itself."""
    return (
        is_named(found)
        and all(isinstance(found.get(name), str) for name in ("title", "type", "latest"))
        and _objects(found, "checksum", "schema", "extras")
    )


def is_dataset(found: object) -> TypeGuard[dict[str, Any]]:
    """A dataset with all its resources."""
    return (
        is_named(found)
        and isinstance(found.get("private"), bool)
        and isinstance(found.get("uri"), str)
        and isinstance(found.get("resources"), list)
        and all(is_resource(one) for one in found["resources"])
        and _objects(found, "extras", "temporal_coverage")
        and all(isinstance(tag, str) for tag in found.get("tags") or ())
    )


def _objects(found: dict[str, Any], *names: str) -> bool:
    """These are objects, or not there."""
    return all(isinstance(found.get(name) or {}, dict) for name in names)
