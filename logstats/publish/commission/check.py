"""What is wrong with a message, each problem with its JSON path; nothing is sent that has one.

The schema says most of it. Beyond it: the number of entries, URLs and rows that stand twice, real dates in order,
codes that are countries, the size. Rows that fit are recognised without the schema's help (a test shows that both say
the same); all else goes to jsonschema, so that ten megabytes take a second and not minutes.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final

from logstats.publish.commission.conformance import LARGEST, Problem, by_schema, shown, validator
from logstats.publish.commission.countries import sent_codes
from logstats.publish.commission.decode import UnreadableError, decode, too_large
from logstats.publish.commission.message import ASSISTANCE, INFORMATION
from logstats.schema import DEVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstats.config import Commission

__all__ = ["MOST_SHOWN", "Problem", "check", "check_value", "service_of"]

MOST_SHOWN: Final = 100
"""So many problems are named; then it is enough."""

_DEVICES: Final = frozenset(DEVICES)
_SOURCE_NAMES: Final = frozenset(("sourceUrl", "statistics"))
_ROW_NAMES: Final = frozenset(("nbVisits", "originatingCountry", "deviceType"))


def check(encoded: bytes, commission: Commission) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Check the bytes of a message.

    Args:
        encoded: As they are sent.
        commission: Size, and country codes beyond ISO's.

    Returns:
        Its value (None if it is no JSON object), and what is wrong with it.
    """
    try:
        value = decode(encoded, commission.max_bytes)
    except UnreadableError as error:
        return None, [Problem("$", str(error))]
    return value, [*islice(check_value(value, len(encoded), commission), MOST_SHOWN)]


def check_value(value: dict[str, Any], size: int, commission: Commission) -> Iterator[Problem]:
    """Check the value of a message that has so many bytes; the problems come one by one."""
    service = service_of(value)
    sources = value.get("sources")
    envelope = value | ({"sources": []} if isinstance(sources, list) else {})
    yield from by_schema(validator(service), envelope, "$")
    if size > commission.max_bytes:
        yield Problem("$", too_large(size, commission.max_bytes))
    yield from _dates(value)
    if isinstance(sources, list):
        entries = value.get("nbEntries")
        if type(entries) is int and entries != len(sources):
            yield Problem("$.nbEntries", f"is {entries:,}, but $.sources has {len(sources):,} items")
        yield from _sources(sources, service, commission)


def service_of(value: dict[str, Any]) -> str:
    """Tell which of the two services a message is for, by its first row."""
    sources = value.get("sources")
    for source in sources if isinstance(sources, list) else []:
        rows = source.get("statistics") if isinstance(source, dict) else None
        for row in rows if isinstance(rows, list) else []:
            return ASSISTANCE if isinstance(row, dict) and "nbRequests" in row else INFORMATION
    return INFORMATION


def _sources(sources: list[Any], service: str, commission: Commission) -> Iterator[Problem]:
    """Check each source, and that no URL stands twice."""
    judge, seen = validator(service, "source"), dict[str, int]()
    codes = sent_codes(commission)
    for i, source in enumerate(sources):
        path = f"$.sources[{i}]"
        rows = source.get("statistics") if isinstance(source, dict) else None
        if not (isinstance(rows, list) and len(source) == len(_SOURCE_NAMES) and _is_url(source.get("sourceUrl"))):
            yield from by_schema(judge, source | {"statistics": []} if isinstance(rows, list) else source, path)
        url = source.get("sourceUrl") if isinstance(source, dict) else None
        if isinstance(url, str) and (" " in url or not url.isprintable()):
            yield Problem(f"{path}.sourceUrl", f"is {shown(url)}, which has blanks or control characters")
        if isinstance(url, str) and seen.setdefault(url, i) != i:
            yield Problem(f"{path}.sourceUrl", f"is the URL of $.sources[{seen[url]}]")
        if isinstance(rows, list):
            yield from _rows(rows, f"{path}.statistics", service, codes)


def _is_url(url: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    return isinstance(url, str) and _fits_as_url(url)


@lru_cache(maxsize=100_000)
def _fits_as_url(url: str) -> bool:
    """Tell whether the schema accepts a text as URL; the parts of a month have the same ones."""
    return validator(INFORMATION, "source").is_valid({"sourceUrl": url, "statistics": []})


def _rows(rows: list[Any], path: str, service: str, codes: frozenset[str]) -> Iterator[Problem]:
    """Check each row, and that none counts what another one does."""
    if service == INFORMATION and _all_fit(rows, codes):
        return
    seen: dict[Any, int] = {}
    for i, row in enumerate(rows):
        found = [*by_schema(validator(service, "statistic"), row, f"{path}[{i}]")]
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
            and max(numbers) <= LARGEST
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
