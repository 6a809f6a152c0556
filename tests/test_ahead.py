"""Working ahead: in order, never far ahead, and nothing that was done is lost to an error that comes later."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from logstats.ahead import WORKERS, ahead

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("waiting", (0, 1, WORKERS))
def test_results_come_in_order_and_items_are_not_taken_far_ahead(waiting: int) -> None:
    """The first item is done last, and still comes first; no more items are asked for than may wait."""
    taken: list[int] = []
    second_is_done = threading.Event()

    def items() -> Iterator[int]:
        for item in range(6):
            taken.append(item)
            yield item

    def work(item: int) -> int:
        if waiting and item == 0:
            assert second_is_done.wait(30)
        if item == 1:
            second_is_done.set()
        return item * item

    for place, (item, done) in enumerate(ahead(work, items(), waiting)):
        assert (item, done) == (place, place * place)
        assert len(taken) <= place + 1 + waiting


def test_an_error_of_the_items_may_come_last() -> None:
    """What came before damaged content is given first; other errors stop the work at once."""

    def damaged() -> Iterator[int]:
        yield from (1, 2)
        raise ValueError("damaged")

    given = ahead(str, damaged(), last=(ValueError,))
    assert [next(given), next(given)] == [(1, "1"), (2, "2")]
    with pytest.raises(ValueError, match="damaged"):
        next(given)
    with pytest.raises(ValueError, match="damaged"):
        list(ahead(str, damaged()))


def test_an_error_of_the_work_is_raised_in_its_place() -> None:
    """Whoever takes the results meets it where the result would be."""
    given = ahead(lambda item: 1 // item, (1, 0, 1))
    assert next(given) == (1, 1)
    with pytest.raises(ZeroDivisionError):
        next(given)
