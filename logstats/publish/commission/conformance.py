"""What the schema says of a part of a message, in words that fit a line."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import Draft202012Validator, ValidationError

__all__ = ["LARGEST", "Problem", "by_schema", "shown", "validator"]

LARGEST: Final = 2**63 - 1
"""The largest number that can be added up and sent."""

_LONGEST: Final = 80
_MOST_NAMES: Final = 10
_KINDS: Final = {"array": "a list", "object": "an object", "string": "a text", "integer": "a whole number"}


class Problem(NamedTuple):
    """Something that is wrong in a message, and where."""

    path: str
    text: str


def _is_whole(_: Any, value: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    """Tell whether a number is whole as it is written: 2.0 is sent as 2.0, and larger ones cannot be added up."""
    return type(value) is int and abs(value) <= LARGEST


@cache
def validator(service: str, part: str = "") -> Draft202012Validator:
    """Give the validator of a message, or of one of the schema's definitions."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only this command needs it
    from jsonschema.validators import extend  # noqa: PLC0415 - the same

    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole)
    kind: type[Draft202012Validator] = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    text = resources.files(__package__ or "").joinpath(f"{service}.schema.json").read_text("utf-8")
    schema = json.loads(text)
    return kind({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]} if part else schema)


def by_schema(judge: Draft202012Validator, value: Any, path: str) -> Iterator[Problem]:  # noqa: ANN401 - JSON
    """Give what the schema finds wrong in a value that stands at a path."""
    for error in sorted(judge.iter_errors(value), key=lambda error: [*map(str, error.absolute_path)]):
        inner = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        yield Problem(path + inner, _in_words(error))


def _in_words(error: ValidationError) -> str:
    """Say what the schema finds, without more of the value than fits a line."""
    wanted: Any = error.validator_value
    instance: Any = error.instance
    found = shown(instance)
    if error.validator == "required":
        return f"lacks {', '.join(islice((name for name in wanted if name not in instance), _MOST_NAMES))}"
    if error.validator == "additionalProperties":
        known = error.schema["properties"] if isinstance(error.schema, dict) else {}
        unknown = [shown(name) for name in instance if name not in known]
        return f"has {', '.join(unknown[:_MOST_NAMES])}{', …' * (len(unknown) > _MOST_NAMES)}, which is not allowed"
    texts = {
        "enum": f"is {found}, not one of {', '.join(wanted) if isinstance(wanted, list) else wanted}",
        "type": f"is {found}, not {_KINDS.get(str(wanted), wanted)}",
        "minimum": f"is {found}, less than {wanted}",
        "minLength": "is empty",
        "pattern": f"is {found}, which does not have the form that is asked for",
        "not": f"is {found}, which is not sent (Greece is EL, the United Kingdom GB)",
    }
    return texts.get(str(error.validator), f"breaks the rule {error.validator}")


def shown(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Write a value so that it fits a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
