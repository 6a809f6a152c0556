"""Plausible: whether the descriptions of a release have what a page says of it, each value of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["implausible"]

_HISTORY: Final = "historique"


@dataclass(frozen=True)
class _Kind:
    """A kind of value, in words, and whether a value is of it."""

    words: str
    fits: Callable[[Any], bool]


def _is_month(value: object) -> bool:
    return isinstance(value, str) and len(value) == len("2026-10") and _is_day(f"{value}-01")


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_moment(value: object) -> bool:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return moment is not None and moment.tzinfo is not None and moment.isoformat(timespec="seconds") == value


def _is_name(value: object) -> bool:
    """Tell whether a release is named after a period: it becomes the name of a folder."""
    period = value.removeprefix("logstats-") if isinstance(value, str) else ""
    return value != period and (period == _HISTORY or _is_month(period) or _is_month(f"{period}-01"))


def _is_gap(value: object) -> bool:
    return isinstance(value, str) and " " in value and _is_day(value.rpartition(" ")[2])


_TEXT: Final = _Kind("a text", lambda value: isinstance(value, str))
_TRUTH: Final = _Kind("true or false", lambda value: isinstance(value, bool))
_COUNT: Final = _Kind("a whole number from 1 on", lambda value: type(value) is int and value >= 1)
_MONTH: Final = _Kind("a month, as in 2026-10", _is_month)
_MOMENT: Final = _Kind("a time with its zone, as in 2026-11-05T08:00:00+00:00", _is_moment)
_NAME: Final = _Kind("logstats- and a period", _is_name)
_GAP: Final = _Kind("a site and a day", _is_gap)

_PACKAGE: Final = {
    "name": _NAME,
    "title": _TEXT,
    "created": _MOMENT,
    "licenses": [{"title": _TEXT, "path": _TEXT}],
    "sources": [{"title": _TEXT}],
}
_RULES: Final = {"k": _COUNT, "definition": _TEXT, "logstats": _TEXT}
_PRIVACY: Final = {
    **_RULES,
    "country_database?": _TEXT,
    "missing_days?": [_GAP],
    "open_days?": [_GAP],
    "releases": [
        {
            "month": _MONTH,
            "version": _COUNT,
            "at?": _MOMENT,
            "country_database?": _TEXT,
            **{f"{name}?": kind for name, kind in _RULES.items()},
        }
    ],
    "funnels?": [
        {"month": _MONTH, "site": _TEXT, "funnel": _TEXT, "steps": [{"name": _TEXT, "optional": _TRUTH}]},
    ],
}
"""Shapes: a `?` is behind the name of what may be absent, as early versions did not write it."""
_NEVER_EMPTY: Final = ("licenses", "sources", "releases")


def implausible(package: object, privacy: object) -> list[str]:
    """Find what of the two descriptions cannot be used; each sentence names the file and the place in it.

    Args:
        package: What datapackage.json holds.
        privacy: What privacy.json holds.
    """
    return [
        f"{file}: {problem}"
        for file, value, shape in (
            ("datapackage.json", package, _PACKAGE),
            ("privacy.json", privacy, _PRIVACY),
        )
        for problem in _problems(value, shape, "")
    ]


def _problems(value: Any, shape: Any, place: str) -> Iterator[str]:  # noqa: ANN401 - as JSON has it
    if isinstance(shape, _Kind):
        if not shape.fits(value):
            yield f"{place} is not {shape.words}"
    elif isinstance(shape, list):
        if not isinstance(value, list) or (not value and place in _NEVER_EMPTY):
            yield f"{place} is no list, or empty"
            return
        for number, one in enumerate(value):
            yield from _problems(one, shape[0], f"{place}[{number}]")
    elif not isinstance(value, dict):
        yield f"{place or 'it'} is no object"
    else:
        for name, below in shape.items():
            key = name.removesuffix("?")
            inside = f"{place}.{key}" if place else key
            if key in value:
                yield from _problems(value[key], below, inside)
            elif key == name:
                yield f"{inside} is missing"
