"""The fast path reads what it takes exactly as the exact path does, and leaves it what it is not certain of."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logstats.parse import Format, Memory, Parsed, fast, format_from, named_formats, parse, parse_block
from logstats.parse.fast import read_fast
from logstats.read import find_lines

SAMPLES: Final = Path(__file__).parents[1] / "sample_logs"
NOW: Final = datetime(2027, 1, 1, tzinfo=UTC)
ZONE: Final = "Europe/Paris"
WITH_LAYOUT: Final = [one for one in named_formats().values() if one.layout]
PASTED: Final = (
    '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D',
    '%v %a "%{Sec-GPC}i" "%{DNT}i" %t "%r" %>s %B %O "%{User-agent}i" %{ms}T',
    '%{%Y-%m-%dT%H:%M:%S%z}t %a "%r" %s %b "%{Referer}i" "%{User-Agent}i" "%{logstats}C"',
    '$remote_addr [$time_local] "$request_method" "$uri" "$args" $status $bytes_sent "$http_user_agent" $request_time',
    '"$http_x_forwarded_for" $time_iso8601 "$request" $status $body_bytes_sent "$http_user_agent"',
)
EXAMPLES: Final = {
    PASTED[0]: '192.0.2.1 - - [22/Nov/2026:08:00:00 +0100] "GET /a?b HTTP/1.1" 200 5120 "-" "Mozilla/5.0" 1204',
    PASTED[1]: 'a.example 192.0.2.1 "-" "1" [22/Nov/2026:08:00:00 +0100] "GET / HTTP/1.1" 200 0 12 "Mozilla/5.0" 12',
    PASTED[2]: '2026-11-22T08:00:00+0100 192.0.2.1 "GET / HTTP/1.1" 200 - "-" "Mozilla/5.0" "no"',
    PASTED[3]: '192.0.2.1 [22/Nov/2026:08:00:00 +0100] "GET" "/a" "b=c" 200 512 "Mozilla/5.0" 0.004',
    PASTED[4]: '"192.0.2.1, 198.51.100.1" 2026-11-22T08:00:00+01:00 "GET / HTTP/1.1" 200 512 "Mozilla/5.0"',
}
FORMATS: Final = {
    **{one.name: (one, one.example) for one in WITH_LAYOUT},
    **{string: (format_from(string), example) for string, example in EXAMPLES.items()},
}
PIECES: Final = ('"', " ", "\\", "\\x22", '\\"', "\0", "\r", "\t", "é", "[", "]", "-", "1", "a", ":", "", '" "', "] [")


def both(data: bytes, one: Format) -> tuple[Parsed, Parsed]:
    """Read a block on both paths."""
    lines = find_lines(data)
    read = partial(parse_block, lines), partial(parse, lines.texts())
    block, exact = (path([one], timezone=ZONE, latest=NOW, opt_out_cookie="logstats") for path in read)
    return block, exact


def same(data: bytes, one: Format) -> None:
    """Check that both paths say the same of each line."""
    block, exact = both(data, one)
    requests = block.requests.cast(exact.requests.schema).sort("line")
    assert requests.equals(exact.requests.sort("line"))
    assert block.rejects.sort("line").equals(exact.rejects)
    assert block.formats == exact.formats


def taken(data: bytes, one: Format) -> int:
    """Say how many lines the fast path takes."""
    return read_fast(find_lines(data), one, timezone=ZONE, latest=NOW).height


@pytest.mark.parametrize("name", [one.name for one in WITH_LAYOUT])
def test_an_example_is_taken(name: str) -> None:
    """The example of each named format that has quotes goes the fast way."""
    one, line = FORMATS[name]
    assert taken(line.encode() + b"\n", one) == 1
    same(line.encode() + b"\n", one)


@pytest.mark.parametrize("string", PASTED)
def test_a_pasted_format_is_taken(string: str) -> None:
    """So does a line of a format string that a user pastes."""
    one, line = FORMATS[string]
    assert taken(line.encode() + b"\n", one) == 1
    same(line.encode() + b"\n", one)


@pytest.mark.parametrize("file", sorted(path.name for path in SAMPLES.glob("*.log")))
@pytest.mark.parametrize("name", ("combined", "common", "main", "vhost_combined"))
def test_fast_and_exact_agree_on_real_logs(file: str, name: str) -> None:
    """Whatever log is read as whatever format, both paths give the same requests and rejects."""
    same((SAMPLES / file).read_bytes(), named_formats()[name])


def test_most_real_lines_go_the_fast_way() -> None:
    """Of the combined sample nearly all lines are taken; else the tests beside this one would prove little."""
    data = gzip.decompress((SAMPLES / "combined.log.gz").read_bytes())
    assert taken(data, named_formats()["combined"]) > 0.97 * data.count(b"\n")
    same(data, named_formats()["combined"])


def test_escapes_within_quotes_are_taken() -> None:
    """What Chrome's platform hint makes of our own formats does not take the slow way; two backslashes do."""
    one, line = FORMATS["combined"]
    for agent, quick in ((r"\x22a\x22 b", 1), (r"\"a\" b", 1), (r"a\\", 0), (r"a\\\"b", 0), (r"a\n", 1)):
        data = line.replace("Mozilla/5.0", agent).encode() + b"\n"
        assert taken(data, one) == quick
        same(data, one)


def test_a_quote_right_behind_a_field_is_for_the_exact_path() -> None:
    """There a backslash at the field's end would hide it."""
    assert not format_from('%a %t %u"%r" %>s').layout


def test_a_field_in_two_segments_is_for_the_exact_path() -> None:
    """Which of two columns counts depends on both."""
    assert not format_from('%a %t "%r" %>s "%{X-Forwarded-For}i" "%h"').layout


def test_a_time_in_two_segments_has_to_be_one() -> None:
    """What is made of two columns has to be as plausible as what stands in one."""
    one = format_from('%{%Y-%m-%d}t "%r" %{%H:%M:%S}t %>s %a')
    for day, quick in (("2026-11-22", 1), ("2026-99-22", 0), ("2036-11-22", 0)):
        data = f'{day} "GET / HTTP/1.1" 08:00:00 200 192.0.2.1\n'.encode()
        assert taken(data, one) == quick
        same(data, one)


def test_a_format_without_a_method_is_taken() -> None:
    """Then no segment says it."""
    one, line = format_from('%a %t "%U%q" %>s'), b'192.0.2.1 [22/Nov/2026:08:00:00 +0100] "/a?b" 200\n'
    assert taken(line * 3, one) == 3
    same(line * 3, one)


@st.composite
def mutated(draw: st.DrawFn, line: str) -> bytes:
    """Give a few lines, each changed in up to three places."""
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        text = line
        for _ in range(draw(st.integers(0, 3))):
            at, until = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
            piece = draw(st.sampled_from(PIECES))
            text = text[:at] + piece + text[draw(st.sampled_from((at, min(at + 1, len(text)), until))) :]
        lines.append(text)
    return "\n".join(lines).encode() + draw(st.sampled_from((b"\n", b"", b" \n", b"\r\n", b"\xff\n")))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_fast_and_exact_agree_on_mutated_lines(name: str) -> None:
    """Quotes, blanks, brackets, escapes and bytes in any wrong place: both paths agree, also on the reasons."""
    one, line = FORMATS[name]

    @settings(max_examples=40, deadline=None)
    @given(mutated(line))
    @example(line.replace('"', '""').encode())
    @example(f'"{line}"'.encode())
    @example(line.replace(" ", '"', 1).encode())
    @example((line + "\n").encode() * 3)
    def agree(data: bytes) -> None:
        same(data, one)

    agree()


def test_what_is_remembered_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that are read with the memory of those before say what each says alone, also when memory is short."""
    lines = gzip.decompress((SAMPLES / "combined.log.gz").read_bytes()).splitlines(keepends=True)
    one = named_formats()["combined"]
    read = partial(parse_block, formats=[one], timezone=ZONE, latest=NOW)
    for most in (100, 1_000_000):
        monkeypatch.setattr(fast, "_MOST", most)
        memory = Memory()
        for start in range(0, len(lines), 2_500):
            block = find_lines(b"".join(lines[start : start + 2_500]))
            alone, after = read(block), read(block, memory=memory)
            plain = parse(block.texts(), [one], timezone=ZONE, latest=NOW).requests.schema
            assert after.requests.cast(plain).equals(alone.requests.cast(plain))
            assert after.rejects.equals(alone.rejects)


def test_a_block_of_nothing() -> None:
    """An empty block has no lines on either path."""
    same(b"", named_formats()["combined"])
    assert both(b"", named_formats()["combined"])[0].requests.height == 0


def test_texts_are_coded() -> None:
    """What repeats comes as codes, so that later stages work per distinct value."""
    one, line = FORMATS["combined"]
    requests = both(line.encode() + b"\n", one)[0].requests
    assert all(isinstance(requests.schema[name], pl.Categorical) for name in ("client", "target", "user_agent"))
