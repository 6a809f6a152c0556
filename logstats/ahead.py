"""Work on a few things at a time, and take the results in order: polars leaves Python to the others meanwhile."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = ["WORKERS", "ahead"]

WORKERS: Final = 2
"""More gain nothing: polars is parallel itself, and Python's part is not."""

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


def ahead(
    work: Callable[[_Item], _Done],
    items: Iterable[_Item],
    waiting: int = WORKERS,
    last: tuple[type[Exception], ...] = (),
) -> Iterator[tuple[_Item, _Done]]:
    """Give each item with what came of it, in order.

    Args:
        work: Is done by threads, on two items at a time.
        items: Is asked for the next one by the thread that takes the results.
        waiting: So many items are begun before the result of one is given: with 0, each is done when it comes.
        last: Errors of `items` that are raised when all that came before them has been given.

    Raises:
        Exception: As `work` and `items` do.
    """
    begun: deque[tuple[_Item, Future[_Done]]] = deque()
    error: Exception | None = None

    def oldest() -> tuple[_Item, _Done]:
        item, future = begun.popleft()
        return item, future.result()

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                begun.append((item, pool.submit(work, item)))
                if len(begun) > waiting:
                    yield oldest()
        except last as late:
            error = late
        while begun:
            yield oldest()
    if error:
        raise error
