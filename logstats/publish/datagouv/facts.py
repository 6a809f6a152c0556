"""What publishing reads from the descriptions of a release, and how it must look: it becomes keys, dates and texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from logstats.errors import LogstatsError
from logstats.release.package import LICENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["facts_of"]

_END: Final = r"(?![\s\S])"  # as `$`, which lets a line break pass
_MONTH: Final = "[0-9]{4}-(0[1-9]|1[0-2])"
_TEXT: Final = {"type": "string", "minLength": 1}
_SHAPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "datapackage.json": {
        "required": ["name", "licenses", "sources", "resources"],
        "properties": {
            "name": {"type": "string", "pattern": f"^logstats-(historique|[0-9]{{4}}|{_MONTH}){_END}"},
            "licenses": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"enum": [known["name"] for known in LICENCES.values()]}},
                },
            },
            "sources": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "required": ["title"], "properties": {"title": _TEXT}},
            },
            "partial": {"type": "boolean"},
            "resources": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["path"],
                    "properties": {
                        "path": {"type": "string", "pattern": rf"^[A-Za-z0-9_-]+\.[a-z]+{_END}"},
                        "schema": {"type": "object"},
                        "title": _TEXT,
                        "title_en": _TEXT,
                    },
                    "dependentRequired": {"schema": ["title", "title_en"]},
                },
            },
        },
    },
    "privacy.json": {
        "required": ["k", "definition", "releases"],
        "properties": {
            "k": {"type": "integer", "minimum": 1},
            "definition": _TEXT,
            "releases": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["month"],
                    "properties": {"month": {"type": "string", "pattern": f"^{_MONTH}{_END}"}},
                },
            },
        },
    },
}
"""JSON Schema by file; `name` of a licence is that of SPDX."""

_LONGEST: Final = 200


def facts_of(folder: str, files: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what datapackage.json and privacy.json of a verified release say.

    Args:
        folder: Its name, for messages.
        files: Bytes by name.

    Raises:
        LogstatsError: A member that is needed is missing, or is not what it should be; file and member are named.
    """
    package, privacy = (_read(folder, name, files[name]) for name in _SHAPES)
    period = package["name"].removeprefix("logstats-")
    others = [one["month"] for one in privacy["releases"] if not one["month"].startswith(period)]
    if others and period != "historique":
        raise LogstatsError(f"{folder}: is not published: privacy.json: releases: {others[0]} is not in {period}")
    return package, privacy


def _read(folder: str, name: str, content: bytes) -> dict[str, Any]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only this needs it

    found: dict[str, Any] = json.loads(content)
    errors = sorted(Draft202012Validator({"type": "object", **_SHAPES[name]}).iter_errors(found), key=str)
    if errors:
        place = errors[0].json_path.removeprefix("$").removeprefix(".")
        raise LogstatsError(
            ": ".join(filter(None, (folder, "is not published", name, place, errors[0].message[:_LONGEST]))),
            hint="publish what logstats release wrote, unchanged",
        )
    return found
