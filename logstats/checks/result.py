"""What a check gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from logstats.errors import BusyError, LogstatsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Result", "State", "caught", "failure"]

State = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Result:
    """One result.

    Attributes:
        name: What was checked, stable: monitoring may look for it.
        state: ok; warning: look at it soon; error: a run would fail, or count wrongly.
        text: What was found; no content of a log, no address.
        next: What to do.
        code: The exit code that a run would end with.
    """

    name: str
    state: State
    text: str
    next: str = ""
    code: int = LogstatsError.exit_code


def failure(name: str, error: LogstatsError) -> Result:
    """Make a result of an error; a run that is under way is none."""
    state: State = "warning" if isinstance(error, BusyError) else "error"
    return Result(name, state, str(error), error.hint, error.exit_code)


def caught(name: str, check: Callable[[], Iterable[Result]]) -> Iterator[Result]:
    """Give the results of a check; when it cannot be made, that is one."""
    try:
        yield from list(check())
    except LogstatsError as error:
        yield failure(name, error)
