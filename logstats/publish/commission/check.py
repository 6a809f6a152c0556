"""What is wrong with a message, each problem with its JSON path; nothing is sent that has one.

The schema says most of it. Beyond it: the number of entries, URLs and rows that stand twice, real dates in order,
codes that are countries, the size. Rows that fit are recognised without the schema's help (a test shows that both say
the same); all else goes to jsonschema, so that ten megabytes take a second and not minutes.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from functools import cache, lru_cache
from importlib import resources
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from logstats.publish.commission.countries import sent_codes
from logstats.publish.commission.message import ASSISTANCE, INFORMATION
from logstats.schema import DEVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import Draft202012Validator, ValidationError

    from logstats.config import Commission

__all__ = ["MOST_SHOWN", "Problem", "check", "check_value", "service_of"]

MOST_SHOWN: Final = 100
"""So many problems are named; then it is enough."""

_LONGEST: Final = 80
_MOST_NAMES: Final = 10
_FAR_TOO_LARGE: Final = 10  # times the largest message: nothing that is worth being read
_TOO_MANY: Final = 2**63
_DEVICES: Final = frozenset(DEVICES)
_SOURCE_NAMES: Final = frozenset(("sourceUrl", "statistics"))
_ROW_NAMES: Final = frozenset(("nbVisits", "originatingCountry", "deviceType"))
_KINDS: Final = {"array": "a list", "object": "an object", "string": "a text", "integer": "a whole number"}


class Problem(NamedTuple):
    """Something that is wrong in a message, and where."""

    path: str
    text: str


class _UnreadableError(ValueError):
    """The bytes are no message that could be looked at further."""


def check(encoded: bytes, commission: Commission) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Check the bytes of a message.

    Args:
        encoded: As they are sent.
        commission: Size, and country codes beyond ISO's.

    Returns:
        Its value (None if it is no JSON object), and what is wrong with it.
    """
    try:
        value = _read(encoded, commission)
    except _UnreadableError as error:
        return None, [Problem("$", str(error))]
    return value, [*islice(check_value(value, len(encoded), commission), MOST_SHOWN)]


def _read(encoded: bytes, commission: Commission) -> dict[str, Any]:
    """Read the bytes of a message as an object of texts and numbers.

    Raises:
        _UnreadableError: It is none; the text says why.
    """
    if len(encoded) > _FAR_TOO_LARGE * commission.max_bytes:
        raise _UnreadableError(_too_large(len(encoded), commission))
    try:
        value = json.loads(encoded.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise _UnreadableError(f"is not UTF-8 text: byte {error.start:,}") from None
    except json.JSONDecodeError as error:
        reason = f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise _UnreadableError(reason) from None
    except _UnreadableError:
        raise
    except (RecursionError, ValueError):
        raise _UnreadableError("is not JSON that can be read") from None
    if not isinstance(value, dict):
        raise _UnreadableError("must be an object")
    if rb"\u" in encoded and not _is_text(value):
        raise _UnreadableError("has half a character: a surrogate without the other one")
    return value


def check_value(value: dict[str, Any], size: int, commission: Commission) -> Iterator[Problem]:
    """Check the value of a message that has so many bytes; the problems come one by one."""
    service = service_of(value)
    sources = value.get("sources")
    envelope = value | ({"sources": []} if isinstance(sources, list) else {})
    yield from _by_schema(_validator(service), envelope, "$")
    if size > commission.max_bytes:
        yield Problem("$", _too_large(size, commission))
    yield from _dates(value)
    if isinstance(sources, list):
        entries = value.get("nbEntries")
        if type(entries) is int and entries != len(sources):
            yield Problem("$.nbEntries", f"is {entries:,}, but $.sources has {len(sources):,} items")
        yield from _sources(sources, service, commission)


def _too_large(size: int, commission: Commission) -> str:
    return f"has {size:,} bytes, more than {commission.max_bytes:,}"


def _is_text(value: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    """Tell whether all texts can be encoded: JSON can name half a character."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def service_of(value: dict[str, Any]) -> str:
    """Tell which of the two services a message is for, by its first row."""
    sources = value.get("sources")
    for source in sources if isinstance(sources, list) else []:
        rows = source.get("statistics") if isinstance(source, dict) else None
        for row in rows if isinstance(rows, list) else []:
            return ASSISTANCE if isinstance(row, dict) and "nbRequests" in row else INFORMATION
    return INFORMATION


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _UnreadableError(f"an object has {_shown(twice)} twice")
    return found


def _sources(sources: list[Any], service: str, commission: Commission) -> Iterator[Problem]:
    """Check each source, and that no URL stands twice."""
    validator, seen = _validator(service, "source"), dict[str, int]()
    codes = sent_codes(commission)
    for i, source in enumerate(sources):
        path = f"$.sources[{i}]"
        rows = source.get("statistics") if isinstance(source, dict) else None
        if not (isinstance(rows, list) and len(source) == len(_SOURCE_NAMES) and _is_url(source.get("sourceUrl"))):
            yield from _by_schema(validator, source | {"statistics": []} if isinstance(rows, list) else source, path)
        url = source.get("sourceUrl") if isinstance(source, dict) else None
        if isinstance(url, str) and (" " in url or not url.isprintable()):
            yield Problem(f"{path}.sourceUrl", f"is {_shown(url)}, which has blanks or control characters")
        if isinstance(url, str) and seen.setdefault(url, i) != i:
            yield Problem(f"{path}.sourceUrl", f"is the URL of $.sources[{seen[url]}]")
        if isinstance(rows, list):
            yield from _rows(rows, f"{path}.statistics", service, codes)


def _is_url(url: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    return isinstance(url, str) and _fits_as_url(url)


@lru_cache(maxsize=100_000)
def _fits_as_url(url: str) -> bool:
    """Tell whether the schema accepts a text as URL; the parts of a month have the same ones."""
    return _validator(INFORMATION, "source").is_valid({"sourceUrl": url, "statistics": []})


def _rows(rows: list[Any], path: str, service: str, codes: frozenset[str]) -> Iterator[Problem]:
    """Check each row, and that none counts what another one does."""
    if service == INFORMATION and _all_fit(rows, codes):
        return
    seen: dict[Any, int] = {}
    for i, row in enumerate(rows):
        found = [*_by_schema(_validator(service, "statistic"), row, f"{path}[{i}]")]
        yield from found
        if found:
            continue
        if service == INFORMATION and row["originatingCountry"] not in codes:
            text = f"is {row['originatingCountry']}, which is the code of no country"
            yield Problem(f"{path}[{i}].originatingCountry", text)
        key = _counts(row, service)
        if seen.setdefault(key, i) != i:
            yield Problem(f"{path}[{i}]", f"counts the same as {path}[{seen[key]}]: {', '.join(map(str, key))}")


def _all_fit(rows: list[Any], codes: frozenset[str]) -> bool:
    """Tell whether the schema accepts all rows of a source, their countries are known, and none counts twice.

    What does not fit is not judged here: the schema says what is wrong with it, if anything.
    """
    try:
        keys = {(row["originatingCountry"], row["deviceType"]) for row in rows}
        numbers = [row["nbVisits"] for row in rows]
        return not rows or (
            len(keys) == len(rows)
            and {*map(type, rows)} == {dict}
            and {*map(len, rows)} == {len(_ROW_NAMES)}
            and {*map(type, numbers)} == {int}
            and min(numbers) >= 1
            and max(numbers) < _TOO_MANY
            and {country for country, _ in keys} <= codes
            and {device for _, device in keys} <= _DEVICES
        )
    except (TypeError, KeyError):
        return False


def _counts(row: dict[str, Any], service: str) -> tuple[Any, ...]:
    if service == INFORMATION:
        return row["originatingCountry"], row["deviceType"]
    names = ("categoryOfUser", "subjectMatter", "sub-subjectMatter", "situationOfUser")
    return tuple(row[name] for name in names if name in row)


def _dates(value: dict[str, Any]) -> Iterator[Problem]:
    """Check that dates are real, and in order."""
    period = value.get("referencePeriod")
    period = period if isinstance(period, dict) else {}
    read: list[tuple[str, datetime]] = []
    for path, text in (
        ("$.referencePeriod.startDate", period.get("startDate")),
        ("$.referencePeriod.endDate", period.get("endDate")),
        ("$.transferDate", value.get("transferDate")),
    ):
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        except ValueError:
            yield Problem(path, "is no date that exists")
            continue
        if moment is not None and moment.tzinfo is not None:
            read.append((path, moment))
    for (earlier, first), (later, second) in pairwise(read):
        if first > second:
            yield Problem(earlier, f"is later than {later}")


def _is_whole(_: Any, value: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    """Tell whether a number is whole as it is written: 2.0 is sent as 2.0, and larger ones cannot be added up."""
    return type(value) is int and abs(value) < _TOO_MANY


@cache
def _validator(service: str, part: str = "") -> Draft202012Validator:
    """Give the validator of a message, or of one of the schema's definitions."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only this command needs it
    from jsonschema.validators import extend  # noqa: PLC0415 - the same

    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole)
    kind: type[Draft202012Validator] = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    text = resources.files(__package__ or "").joinpath(f"{service}.schema.json").read_text("utf-8")
    schema = json.loads(text)
    return kind({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]} if part else schema)


def _by_schema(validator: Draft202012Validator, value: Any, path: str) -> Iterator[Problem]:  # noqa: ANN401 - JSON
    for error in sorted(validator.iter_errors(value), key=lambda error: [*map(str, error.absolute_path)]):
        inner = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        yield Problem(path + inner, _in_words(error))


def _in_words(error: ValidationError) -> str:
    """Say what the schema finds, without more of the value than fits a line."""
    wanted: Any = error.validator_value
    shown = _shown(error.instance)
    instance: Any = error.instance
    if error.validator == "required":
        return f"lacks {', '.join(islice((name for name in wanted if name not in instance), _MOST_NAMES))}"
    if error.validator == "additionalProperties":
        known = error.schema["properties"] if isinstance(error.schema, dict) else {}
        unknown = [_shown(name) for name in instance if name not in known]
        return f"has {', '.join(unknown[:_MOST_NAMES])}{', …' * (len(unknown) > _MOST_NAMES)}, which is not allowed"
    texts = {
        "enum": f"is {shown}, not one of {', '.join(wanted) if isinstance(wanted, list) else wanted}",
        "type": f"is {shown}, not {_KINDS.get(str(wanted), wanted)}",
        "minimum": f"is {shown}, less than {wanted}",
        "minLength": "is empty",
        "pattern": f"is {shown}, which does not have the form that is asked for",
        "not": f"is {shown}, which is not sent (Greece is EL, the United Kingdom GB)",
    }
    return texts.get(str(error.validator), f"breaks the rule {error.validator}")


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
