"""JSON lines on the fast path: layouts learned from the lines, and the same requests as on the exact path."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logstats.parse import Memory, fast, named_formats, parse, parse_block
from logstats.parse.formats import json_keys
from logstats.parse.json_shapes import json_layouts
from logstats.read import find_lines
from tests.test_fast import NOW, SAMPLES, ZONE, same, taken

JSON: Final = named_formats()["json"]
NGINX: Final[dict[str, Any]] = json.loads(JSON.example) | {"request_time": 0.021, "host": "www.example.org"}
CADDY: Final[dict[str, Any]] = {
    "level": "info",
    "ts": 1795330800.125,
    "request": {
        "remote_ip": "192.0.2.1",
        "client_ip": "192.0.2.1",
        "method": "GET",
        "host": "www.example.org:443",
        "uri": "/demarches?q=1",
        "headers": {"User-Agent": ["Mozilla/5.0"], "Referer": ["https://www.example.org/", "x"], "Accept": []},
        "tls": {"resumed": False, "version": 772},
    },
    "duration": 0.021,
    "size": 5120,
    "status": 200,
}
TRAEFIK: Final = {
    "ClientHost": "192.0.2.1",
    "DownstreamContentSize": 5120,
    "DownstreamStatus": 200,
    "Duration": 21_000_123,
    "OriginStatus": 200,
    "RequestHost": "www.example.org",
    "RequestMethod": "GET",
    "RequestPath": "/demarches?q=1",
    "request_User-Agent": "Mozilla/5.0",
    "StartUTC": "2026-11-22T07:00:00.000000123Z",
    "time": "2026-11-22T07:00:01Z",
}
MANY: Final = {
    "msec": "1795330800.125",
    "time_local": "22/Nov/2026:08:00:00 +0100",
    "time_iso8601": "2026-11-22T08:00:00+01:00",
    "request_id": "90fe54",
    "remote_addr": "192.0.2.1",
    "request": "GET /a?b=c HTTP/1.1",
    "request_method": "GET",
    "request_uri": "/a?b=c",
    "args": "b=c",
    "status": "200",
    "body_bytes_sent": "512",
    "request_time": "0.004",
    "http_referer": "-",
    "http_user_agent": "Mozilla/5.0",
    "http_sec_gpc": "",
    "http_dnt": "1",
}
LOCAL: Final = {
    "time_local": "22/Nov/2026:08:00:00 +0100",
    "remote_addr": "192.0.2.1",
    "status": 200,
    "method": "GET",
    "uri": "/a",
    "args": "?b=c",
    "cached": None,
    "numbers": [1, -2.5, {"a": True}, []],
    "http_user_agent": "Mozilla/5.0",
}
LISTS: Final = LOCAL | {"uri": [["/b"], "/c"], "referer": [{"x": "y"}], "vhost": ["a.example", "b.example"]}
SERVERS: Final = {"nginx": NGINX, "Caddy": CADDY, "Traefik": TRAEFIK, "many": MANY, "local": LOCAL, "lists": LISTS}
PREFIX: Final = "Nov 22 08:00:00 web1 nginx: "
VALUES: Final[tuple[Any, ...]] = (
    *(0, -1, 7, 200.0, 1e300, 10**17, 10**18, 10**20, -0.0, 0.1, 1e-9, True, None),
    *("", "-", "--", "a", "é", "\x16", '"', '"Windows"', "\\", "a\nb", "\x7f", "{", "2026-11-22T08:00:00", "299.1.1.1"),
    *([], {}, ["a", "b"], [["a"]], [{"a": "b"}], {"x": 1}),
)
PIECES: Final = (
    *('"', "\\", '\\"', "\\\\", "\\n", "\\u0041", "{", "}", "[", "]", ",", ":", " ", "\t", "\x01", "\x7f", "\0", "é"),
    *("0", "-", "-0", "1e3", ".5", ".50", "00", "null", "true", '""', '"-"', '":"', '","', ',"status":404'),
    *('"status":404,', '"request":{},', '"a":{"a":1},', "", "1"),
)


def as_line(entry: dict[str, Any]) -> str:
    """Write an object as nginx and Go do, without blanks."""
    return json.dumps(entry, separators=(",", ":"))


@pytest.mark.parametrize("entry", SERVERS.values(), ids=SERVERS)
@pytest.mark.parametrize("prefix", ("", "caddy  | ", PREFIX))
def test_the_lines_of_servers_are_taken(entry: dict[str, Any], prefix: str) -> None:
    """With or without blanks, with or without a prefix; nested objects and lists as well."""
    for line in (as_line(entry), json.dumps(entry), "{ " + json.dumps(entry)[1:-1] + " }"):
        assert taken(f"{prefix}{line}\n".encode(), JSON) == 1
        same(f"{prefix}{line}\n".encode(), JSON)


@pytest.mark.parametrize("file", sorted(path.name for path in SAMPLES.glob("*.jsonl")))
def test_most_sample_lines_are_taken(file: str) -> None:
    """Of the JSON samples nearly all lines are taken, and both paths agree."""
    data = (SAMPLES / file).read_bytes()
    assert taken(data, JSON) > 0.95 * data.count(b"\n")
    same(data, JSON)


@pytest.mark.parametrize("file", sorted(path.name for path in SAMPLES.glob("*.log")))
def test_no_other_log_is_taken(file: str) -> None:
    """Lines that are no JSON have no shape."""
    assert not json_layouts(find_lines((SAMPLES / file).read_bytes()))
    same((SAMPLES / file).read_bytes(), JSON)


@pytest.mark.parametrize(
    ("old", "new", "quick"),
    (
        ('"Mozilla/5.0"', '""', 1),
        ('"Mozilla/5.0"', '"-"', 1),
        ('"Mozilla/5.0"', r'"\"a\" b\""', 1),
        ('"Mozilla/5.0"', r'"a\\"', 0),
        ('"Mozilla/5.0"', r'"a\n"', 0),
        ('"Mozilla/5.0"', r'"a\u0041"', 0),
        ('"Mozilla/5.0"', '"a\tb"', 0),
        ('"Mozilla/5.0"', '"a\x7fb"', 1),
        ('"Mozilla/5.0"', '"é"', 0),
        ('"Mozilla/5.0"', '["Mozilla/5.0"]', 0),
        ('"Mozilla/5.0"', "7", 0),
        ("5120", "0", 1),
        ("5120", "05120", 0),
        ("5120", "-5120", 0),
        ("5120", "5120.50", 1),
        ("5120", "5e3", 0),
        ("5120", "null", 0),
        ("5120", "99999999999999999999", 0),
        ("0.021", "0.120", 1),
        ("0.021", "2", 1),
        ("0.021", "2.", 0),
        ("0.021", "+2", 0),
        ("200", "200.0", 0),
        ("200", '"200"', 0),
        ("200", "2000", 0),
        ("200", "20", 0),
        ("2026-11-22T08:00:00+01:00", "2026-11-22T23:59:59+05:30", 1),
        ("2026-11-22T08:00:00+01:00", "2026-11-22T08:00:60+01:00", 0),
        ("2026-11-22T08:00:00+01:00", "2026-11-22T08:00:00Z", 0),
        ("2026-11-22T08:00:00+01:00", "2026-11-22 08:00:00+01:00", 1),
        ("2026-11-22T08:00:00+01:00", "2026-11-31T08:00:00+01:00", 0),
        ("2026-11-22T08:00:00+01:00", "2036-11-22T08:00:00+01:00", 0),
        ("192.0.2.1", "299.0.2.1", 0),
        ("192.0.2.1", "", 0),
        ('"status"', '"status" ', 0),
        ('"status":200,', "", 0),
        ('"status":200', '"status":200,"status":404', 0),
        ('"status":200', '"status":200,"OriginStatus":"404"', 0),
        ("}", "}}", 0),
        ("}", ",}", 0),
        ("}", "} x", 0),
        ("}", "} ", 0),
        ("}", "", 0),
        ("{", "x {", 0),
        ('"remote_addr":', '"remote_addr":x', 0),
        ('"remote_addr":', '"remote_addr": ', 0),
        ('"remote_addr"', '"remote_adds"', 0),
        ("{", "{{", 0),
    ),
)
def test_what_fits_the_learned_shape(old: str, new: str, quick: int) -> None:
    """Of a log in one shape, a line that differs a little is taken if it surely says the same on the exact path."""
    fits(as_line(NGINX), old, new, quick)


@pytest.mark.parametrize(
    ("entry", "old", "new", "quick"),
    (
        (NGINX | {"server_name": "b.example"}, "www.example.org", "", 0),
        (NGINX | {"server_name": "b.example"}, "www.example.org", "-", 0),
        (NGINX | {"server_name": "b.example"}, "www.example.org", "--", 1),
        (NGINX | {"server_name": "b.example"}, "b.example", "", 1),
        (MANY | {"Duration": 5}, "0.004", "0.005", 1),
        (MANY | {"Duration": 5}, "0.004", "", 0),
        (MANY | {"Duration": 5}, "0.004", "late", 1),
        (MANY, '"GET"', '"PUT"', 1),
        (MANY, '"GET"', '""', 0),
        (MANY, '"/a?b=c"', '"-"', 0),
        (MANY, '"1795330800.125"', '""', 0),
        (MANY, '"1795330800.125"', '"x"', 0),
        (MANY, '"90fe54"', '"\\""', 1),
        (MANY, '"90fe54"', '"\\n"', 0),
        (MANY, '"90fe54"', '"\x1f"', 0),
        (MANY, '"90fe54"', "90", 0),
        (LOCAL, "null", "true", 1),
        (LOCAL, "null", "-12.50", 1),
        (LOCAL, "null", "1e5", 0),
        (LOCAL, "null", "01", 0),
        (LOCAL, "null", "nul", 0),
        (LOCAL, "null", "", 0),
        (LOCAL, "-2.5", "- 2.5", 0),
        (LOCAL, '"?b=c"', '"?"', 1),
    ),
)
def test_which_value_counts(entry: dict[str, Any], old: str, new: str, quick: int) -> None:
    """Where another key would count instead, a line is for the exact path; values that nobody wants have to be JSON."""
    fits(as_line(entry), old, new, quick)


@pytest.mark.parametrize(("prefix", "quick"), (("a: ", 1), ("", 0), ("{", 0), ('"', 0), ("\\", 0), ("\t", 1), ("[", 1)))
def test_prefixes(prefix: str, quick: int) -> None:
    """Whatever stands before the first brace is left away, but the first brace it is."""
    fits(PREFIX + as_line(NGINX), PREFIX, prefix, quick)


def fits(line: str, old: str, new: str, quick: int) -> None:
    """Check whether a line that is changed fits the shape of what it was, and that both paths agree."""
    assert old in line
    (layout,) = json_layouts(find_lines(line.encode()))
    data = f"{line}\n{line.replace(old, new)}\n".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "json_layouts", lambda _: [layout])
        assert taken(data, JSON) == 1 + quick
        same(data, JSON)


@pytest.mark.parametrize(
    "line",
    (
        as_line(NGINX).replace('"status":200', '"status":200,"a":{},"a":1'),
        as_line(NGINX).replace('"status":200', '"a":{},"status":404,"a":"x","status":200'),
        as_line(CADDY).replace('"method":"GET"', '"method":"PUT","method":"GET"'),
        as_line({key: value for key, value in NGINX.items() if key != "http_user_agent"}),
        as_line(
            {key: value for key, value in NGINX.items() if key != "remote_addr"} | {"x_forwarded_for": "192.0.2.1"}
        ),
        as_line(NGINX | {"list": list(range(200))}),
        as_line(NGINX | {"list": [[]] * 100}),
        as_line(NGINX | {"k" * 10_000: 1}),
        '{"a":' * 5_000 + "1" + "}" * 5_000,
    ),
    ids=("twice", "twice and late", "twice within", "no agent", "no client", "many", "nested", "long", "deep"),
)
def test_shapes_that_are_not_simple(line: str) -> None:
    """A key that is there twice, a column that is missing, and what is large or deep is for the exact path."""
    assert not json_layouts(find_lines(line.encode()))
    same(f"{line}\n".encode(), JSON)


@pytest.mark.parametrize("lacks", ("method", "uri", "args"))
def test_parts_of_a_request(lacks: str) -> None:
    """Method, path and query may each be missing; lines without a method or a path are hits, if odd ones."""
    text = as_line({key: value for key, value in LOCAL.items() if key != lacks}) + "\n"
    assert taken(text.encode() * 3, JSON) == 3
    same(text.encode() * 3, JSON)


def test_several_shapes_are_taken() -> None:
    """A log in which lines of a few servers and prefixes are mixed is quickly read; a line is read once."""
    texts = [as_line(NGINX), PREFIX + as_line(NGINX), json.dumps(TRAEFIK), as_line(CADDY)]
    data = "".join(f"{text}\n" for text in texts * 8 + texts[:2]).encode()
    assert taken(data, JSON) == 34
    same(data, JSON)


def test_what_is_remembered_belongs_to_the_layout() -> None:
    """Blocks of other shapes, read with one memory, say what each says alone; also of more shapes than it holds."""
    memory, shapes = Memory(), (NGINX, CADDY, TRAEFIK, MANY, LOCAL, dict(reversed(NGINX.items())))
    for entry in shapes * 2:
        for text in (as_line(entry), json.dumps(entry)):
            block = find_lines(f"{text}\n{text.replace('200', '404')}\n".encode())
            after = parse_block(block, [JSON], timezone=ZONE, latest=NOW, memory=memory)
            alone = parse(block.texts(), [JSON], timezone=ZONE, latest=NOW)
            assert after.requests.cast(alone.requests.schema).equals(alone.requests)


def test_a_key_means_one_field() -> None:
    """Else a value would have two, which a segment cannot hold."""
    keys = [key for keys in json_keys().values() for key in keys]
    assert len(keys) == len(set(keys))


def test_blocks_without_a_shape() -> None:
    """Nothing, an empty line, and lines of which none is whole."""
    for data in (b"", b"\n", b"{}\n", b"{", b"\xff\n", as_line(NGINX)[:-1].encode()):
        assert taken(data, JSON) == 0
        same(data, JSON)


@st.composite
def changed(draw: st.DrawFn) -> str:
    """Give a line of some server, in which values and then characters may be others."""
    entry = dict(draw(st.sampled_from(list(SERVERS.values()))))
    for _ in range(draw(st.integers(0, 2))):
        entry[draw(st.sampled_from(sorted(entry)))] = draw(st.sampled_from(VALUES))
    text = draw(st.sampled_from((as_line(entry), json.dumps(entry))))
    for _ in range(draw(st.integers(0, 2))):
        at, until = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        text = (
            text[:at]
            + draw(st.sampled_from(PIECES))
            + text[draw(st.sampled_from((at, min(at + 1, len(text)), until))) :]
        )
    return draw(st.sampled_from(("", "", PREFIX))) + text


@settings(max_examples=200, deadline=None)
@given(st.lists(changed(), min_size=1, max_size=6), st.booleans(), st.sampled_from(("\n", "", " \n", "\r\n")))
def test_fast_and_exact_agree(lines: list[str], whole: bool, end: str) -> None:  # noqa: FBT001 - drawn
    """Whatever is in a line, and whichever lines the shapes are learned from: both paths agree, also on the reasons."""
    plain = [as_line(entry) for entry in SERVERS.values()] if whole else []
    same("\n".join(plain + lines).encode() + end.encode(), JSON)


@pytest.mark.parametrize(
    ("path", "query", "target"),
    (
        ("/a", "b=c", "/a?b=c"),  # as nginx writes $uri and $args
        ("/a", "?b=c", "/a?b=c"),
        ("/a?b=c", "b=c", "/a?b=c"),
        ("/a", "", "/a"),
        ("/a", "-", "/a"),
    ),
)
def test_a_query_beside_the_path(path: str, query: str, target: str) -> None:
    """Path and query in columns of their own make the target that was asked for, on both paths."""
    entry = {name: value for name, value in NGINX.items() if name not in {"request", "method", "target"}}
    line = json.dumps(entry | {"request_method": "GET", "uri": path, "args": query}).encode() + b"\n"
    lines = find_lines(line * 3)
    read = parse(lines.texts(), [JSON], timezone=ZONE, latest=NOW)
    assert read.requests["target"].to_list() == [target] * 3
    same(line * 3, JSON)
