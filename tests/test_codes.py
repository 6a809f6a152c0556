"""Texts as codes: the same texts come back, in the same order, whatever codes they had; what is known of them stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstats.codes import as_numbers, coded, in_order, recoded, same_text, text_order, together
from logstats.distinct import Memo, combinations, distinct
from logstats.schema import DEVICES

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS = st.lists(st.none() | st.text(max_size=3), max_size=30)


def column(texts: Sequence[str | None], name: str = "text") -> pl.Series:
    """Give a text column."""
    return pl.Series(name, texts, dtype=pl.String)


def lengths(texts: pl.Series) -> pl.DataFrame:
    """Find something for each text."""
    return pl.DataFrame({"length": texts.str.len_chars(), "again": texts + "!"})


@given(TEXTS, st.booleans())
def test_distinct_gives_each_row_its_text(texts: list[str | None], as_codes: bool) -> None:  # noqa: FBT001 - drawn
    """Null becomes an empty text; every other text is what it was."""
    found = distinct(coded(column(texts)) if as_codes else column(texts))
    assert found.values.gather(found.codes).to_list() == [text or "" for text in texts]


@given(TEXTS, TEXTS)
def test_frames_with_other_codes_come_together(one: list[str | None], other: list[str | None]) -> None:
    """Each frame has codes of its own, or none; the texts stay, nulls too."""
    frames = [column(one).to_frame(), coded(column(other)).to_frame(), coded(column(one)).to_frame()]
    assert together(frames)["text"].cast(pl.String).to_list() == one + other + one


@given(TEXTS)
def test_numbers_have_the_order_of_the_texts(texts: list[str | None]) -> None:
    """Sorted by its numbers, a column is sorted by its texts."""
    frame = coded(column(texts)).to_frame()
    order = text_order([frame], ["(start)"])
    numbers = as_numbers(frame, order)["text"].sort(nulls_last=True)
    assert in_order(order)
    assert numbers.cast(pl.String).to_list() == column(texts).sort(nulls_last=True).to_list()


def test_not_every_enum_is_in_order() -> None:
    """The kinds of device are not listed by the alphabet."""
    assert not in_order(pl.Enum(DEVICES))


@given(TEXTS, st.data())
def test_same_text(texts: list[str | None], data: st.DataObject) -> None:
    """Equal texts are found whatever their codes; a null is like nothing."""
    others = data.draw(st.lists(st.none() | st.text(max_size=1), min_size=len(texts), max_size=len(texts)))
    expected = [one is not None and one == other for one, other in zip(texts, others, strict=True)]
    assert same_text(coded(column(texts)), coded(column(others))).to_list() == expected
    assert same_text(column(texts), coded(column(texts))).to_list() == [text is not None for text in texts]


@given(st.lists(st.tuples(TEXTS, st.sampled_from(("texts", "codes", "own codes"))), max_size=6), st.integers(0, 4))
def test_a_memo_says_what_finding_anew_would_say(blocks: list[tuple[list[str | None], str]], most: int) -> None:
    """Block after block, with codes or without, and however often the memo is full and starts anew."""
    memo, lasting = Memo(most), coded(column(["kept"]))
    for texts, kind in blocks:
        block = column(texts)
        given_as = {"texts": block, "codes": recoded(block, lasting.dtype), "own codes": coded(block)}[kind]
        found = memo.look_up(given_as, lengths).cast({"again": pl.String})
        assert found.equals(lengths(block.fill_null("")))


def test_a_memo_finds_each_text_once() -> None:
    """What is known is not found again, until it is forgotten."""
    asked: list[str] = []

    def find(texts: pl.Series) -> pl.DataFrame:
        asked.extend(texts)
        return lengths(texts)

    memo = Memo()
    for texts in (["a", "b", "a"], ["b", "c"], ["c"]):
        memo.look_up(column(texts), find)
    assert sorted(asked) == ["a", "b", "c"]
    memo.forget()
    memo.look_up(column(["a"]), find)
    assert asked[-1] == "a"


def test_threads_share_a_memo() -> None:
    """Two blocks at a time: each gets what is true of its own texts."""
    memo, lasting = Memo(500), coded(column(["kept"]))
    blocks = [column([str(i * n % 997) for i in range(2_000)]) for n in range(1, 41)]

    def right(block: pl.Series) -> bool:
        found = memo.look_up(recoded(block, lasting.dtype), lengths)
        return found.cast({"again": pl.String}).equals(lengths(block))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, blocks))


@pytest.mark.parametrize("distinct_values", (3, 3_000), ids=["few", "many"])
def test_combinations(distinct_values: int) -> None:
    """Rows with equal values have one number, and its row holds these values."""
    frame = pl.DataFrame({"a": [i % distinct_values for i in range(9_000)], "b": [i % 7_919 for i in range(9_000)]})
    rows, codes = combinations(frame)
    assert frame[rows][pl.Series(codes)].equals(frame)
    assert len(rows) == frame.n_unique()
