"""Lines become requests, or rejects with a reason: whatever the format, the server and the sender."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apachelogs
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logstats import config, derive, geodata
from logstats.errors import FormatStringError
from logstats.parse import Format, Parsed, best_first, format_from, misread_share, named_formats, parse, shares
from logstats.parse.advice import advise
from logstats.read import split_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parent.parent
SAMPLES: Final = ROOT / "sample_logs"
NOW: Final = datetime(2026, 11, 23, tzinfo=UTC)

ANOMALIES: Final = [
    pytest.param(case, id=case["description"])
    for case in map(json.loads, (Path(__file__).parent / "cases" / "anomalies.jsonl").read_text("utf-8").splitlines())
]
EVERY_FORMAT: Final = list(named_formats().values())
every_format = pytest.mark.parametrize("line_format", EVERY_FORMAT, ids=lambda line_format: line_format.name)

CLIENT_AND_TIME: Final = "192.0.2.1 - - [22/Nov/2026:08:00:00 +0100]"
GOOD: Final = f'{CLIENT_AND_TIME} "GET /demarches HTTP/1.1" 200 5120 "-" "Mozilla/5.0"'.encode()


def read(data: bytes, formats: Sequence[Format] = EVERY_FORMAT, zone: str = "Europe/Paris") -> Parsed:
    """Return what the lines in some bytes say."""
    return parse(split_lines(data), formats, timezone=zone, latest=NOW)


def request(line: str, line_format: str = "", zone: str = "Europe/Paris") -> dict[str, Any]:
    """Return the request of a line, or why it is rejected."""
    formats = [format_from(line_format)] if line_format else EVERY_FORMAT
    found = read(line.encode("latin-1"), formats, zone)
    if found.requests.is_empty():
        return {"rejected": found.rejects["reason"][0]}
    return found.requests.row(0, named=True)


def sample(name: str) -> bytes:
    """Return the bytes of a sample log, decompressed."""
    content = (SAMPLES / name).read_bytes()
    return gzip.decompress(content) if name.endswith(".gz") else content


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> derive.Knowledge:
    """Return the rules by default, and the shipped country table."""
    countries = geodata.open_table(None, tmp_path_factory.mktemp("geo"))
    return derive.Knowledge(config.load(environment={}), countries)


class TestAnomalies:
    """Strange lines of real logs."""

    @pytest.mark.parametrize("case", ANOMALIES)
    def test_verdict(self, case: dict[str, Any], knowledge: derive.Knowledge) -> None:
        """A strange line is read as the table says, or rejected for the reason it says."""
        formats = [format_from(case["format"])] if "format" in case else EVERY_FORMAT
        found = read(case["line"].encode("latin-1") + b"\n", formats)
        expected = dict(case["expect"])
        if expected.get("time"):
            expected["time"] = datetime.fromisoformat(expected["time"])
        if found.requests.is_empty():
            assert {"rejected": found.rejects["reason"][0]} == expected
            return
        said = found.requests.row(0, named=True)
        meant = derive.describe(found.requests, knowledge).row(0, named=True)
        known = {"read_by": next(iter(found.formats))} | meant | said
        assert {key: known.get(key) for key in expected} == expected

    def test_a_user_name_is_nowhere(self) -> None:
        """An e-mail address as user name is in no column."""
        line = b'192.0.2.1 - jeanne@example.org [22/Nov/2026:08:00:00 +0100] "GET /x HTTP/1.1" 200 75 "-" "Mozilla/5.0"'
        assert "jeanne" not in str(read(line).requests.rows())

    def test_a_cookie_is_nowhere(self) -> None:
        """The value of a cookie that is not the opt-out cookie is in no column."""
        line = b'192.0.2.1 - - [22/Nov/2026:08:00:00 +0100] "GET /x HTTP/1.1" 200 75 "s3cr3t"'
        found = read(line, [format_from('%h %l %u %t "%r" %>s %b "%{session}C"')])
        assert found.requests.height == 1
        assert "s3cr3t" not in str(found.requests.rows())

    def test_the_line_after_a_truncated_one_survives(self) -> None:
        """A quote that is not closed takes nothing of the next line."""
        found = read(b"\n".join((GOOD, GOOD[:-5], GOOD)))
        assert found.requests["line"].to_list() == [0, 2]
        assert dict(found.rejects.iter_rows()) == {1: "truncated"}

    def test_the_lines_around_pasted_gzip_survive(self) -> None:
        """A gzip stream in the middle of a log is rejected as no text; the lines around it are read."""
        garbage = gzip.compress(GOOD * 50, mtime=0)
        found = read(b"\n".join((GOOD, garbage, GOOD)))
        assert found.requests.height == 2
        assert set(found.rejects["reason"]) <= {"not_text", "empty", "unknown_format"}
        assert "not_text" in set(found.rejects["reason"])

    @pytest.mark.parametrize(
        ("length", "reason"),
        ((4_158, None), (65_536, None), (65_537, "too_long")),
        ids=("longer than usual", "as long as a line may be", "too long"),
    )
    def test_long_lines(self, length: int, reason: str | None) -> None:
        """A line of up to 64 KiB is read, a longer one is rejected."""
        found = read(GOOD[:-1] + b"x" * (length - len(GOOD)) + b'"')
        assert found.rejects["reason"].to_list() == ([reason] if reason else [])
        assert found.requests.height == (0 if reason else 1)

    def test_order_has_no_influence(self) -> None:
        """Lines that go back in time are read as they are."""
        earlier = GOOD.replace(b"08:00:00", b"07:59:51")
        assert read(GOOD + b"\n" + earlier).requests["time"].dt.second().to_list() == [0, 51]

    def test_the_newline_at_the_end_makes_no_line(self) -> None:
        """A file that ends with a newline has no empty line behind it."""
        assert read(GOOD + b"\n").rejects.is_empty()

    def test_every_format_of_a_mixed_file_is_used(self) -> None:
        """Each line of a file is read by the format that fits it."""
        longer = GOOD + b' "192.0.2.1"'
        error = b"2026/11/01 09:16:00 [error] 7#7: *1 open() failed"
        found = read(b"\n".join((GOOD, longer, error, GOOD)))
        assert found.formats == {"combined": 2, "main": 1}
        assert dict(found.rejects.iter_rows()) == {2: "unknown_format"}


class TestNamedFormats:
    """The formats of formats.toml."""

    EXAMPLE: Final[dict[str, Any]] = {
        "time": "2026-11-22T08:00:00+01:00",
        "client": "192.0.2.1",
        "method": "GET",
        "target": "/demarches",
        "status": 200,
        "bytes": 5120,
    }
    OTHERWISE: Final[dict[str, dict[str, Any]]] = {
        "main": {"client": "198.51.100.7", "forwarded_for": "192.0.2.1, 198.51.100.8"},
        "traefik": {"time": "2026-11-22T08:00:00+00:00"},
        "haproxy": {"time": "2026-11-22T08:00:00.143+01:00", "seconds": 0.021},
    }
    """What the example of a format says, and what some of them say otherwise."""

    @every_format
    def test_example(self, line_format: Format) -> None:
        """A format reads its own example."""
        expected = self.EXAMPLE | self.OTHERWISE.get(line_format.name, {})
        expected["time"] = datetime.fromisoformat(expected["time"])
        found = request(line_format.example, line_format.name)
        assert {key: found[key] for key in expected} == expected

    @every_format
    def test_example_is_read_by_no_other_format(self, line_format: Format) -> None:
        """Formats exclude each other; only the one with a host also takes a host with its port."""
        readers = {name for name, share in shares(pl.Series([line_format.example]), EVERY_FORMAT).items() if share}
        also = {"vhost_combined_bare"} if line_format.name == "vhost_combined" else set()
        assert readers == {line_format.name} | also

    @pytest.mark.parametrize(
        "name",
        (
            "combined.log.gz",
            "common.log",
            "vhost_combined.log",
            "nginx_main.log",
            "nginx_combined.log",
            "caddy.jsonl",
            "traefik.jsonl",
            "nginx_json.jsonl",
            "haproxy.log",
        ),
    )
    def test_formats_agree_on_a_sample(self, name: str) -> None:
        """A line is read by one format; where two read it, they read the same request."""
        lines = sample(name)
        alone = {line_format.name: read(lines, [line_format]) for line_format in EVERY_FORMAT}
        together = read(lines)
        taken = pl.concat(found.requests.select("line") for found in alone.values())
        assert set(taken["line"]) == set(together.requests["line"])
        for found in alone.values():
            mine = together.requests.filter(pl.col("line").is_in(found.requests["line"].implode()))
            assert found.requests.sort("line").equals(mine.sort("line"))

    @pytest.mark.parametrize(
        ("name", "expected"),
        (
            ("combined.log.gz", {"combined": 9_999}),
            ("common.log", {"common": 500}),
            ("vhost_combined.log", {"vhost_combined": 400}),
            ("nginx_main.log", {"main": 500}),
            ("nginx_combined.log", {"combined": 586}),
            ("caddy.jsonl", {"json": 306}),
            ("traefik.jsonl", {"json": 342}),
            ("nginx_json.jsonl", {"json": 313}),
            ("haproxy.log", {"haproxy": 290}),
        ),
    )
    def test_the_format_of_a_sample_is_found(self, name: str, expected: dict[str, int]) -> None:
        """The format that fits best is found from the lines, and each line is read."""
        lines = split_lines(sample(name))
        formats = best_first(lines.head(1_000), EVERY_FORMAT)
        found = parse(lines, formats, timezone="Europe/Paris", latest=NOW)
        assert formats[0].name == next(iter(expected))
        assert found.formats == expected
        assert found.requests.height == sum(expected.values())

    def test_a_host_read_as_client_is_noticed(self) -> None:
        """A format that takes the site's name for the client is told from the right one."""
        lines = split_lines(b"www.example.org " + GOOD.replace(b"- - ", b"- "))
        assert misread_share(lines, format_from("combined")) == 1
        assert misread_share(split_lines(GOOD), format_from("combined")) == 0

    @pytest.mark.parametrize(
        ("line", "told", "hint"),
        (
            (GOOD + b" 12060", "columns that no named format has", '"$http_user_agent" $extra'),
            (GOOD + b' "x" "y"', "columns that no named format has", '"$http_user_agent" "$extra" "$extra"'),
            (b"[Sun Nov 01 09:16:00.1 2026] [core:error] x", "an Apache error log", "the access log"),
            (b"2026/11/01 09:16:00 [error] 7#7: x", "an nginx error log", "the access log"),
            (b"#Fields: date time c-ip", "W3C", "the access log"),
            (b"nothing that is known", "", "--format"),
        ),
        ids=("one more column", "two more columns", "Apache error log", "nginx error log", "W3C", "free text"),
    )
    def test_advice(self, line: bytes, told: str, hint: str) -> None:
        """For lines that no format fits there is a guess what they are, and a hint what to do."""
        looks, what_to_do = advise(split_lines(line), EVERY_FORMAT, EVERY_FORMAT)
        assert told in looks
        assert hint in what_to_do


class TestFormatStrings:
    """Format strings as they stand in the configuration of a server."""

    COMBINED: Final = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '

    @pytest.mark.parametrize(
        "pasted",
        (
            r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined',
            r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\""',
            r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"",
            '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
            '  %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"\n',
            '    LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{referer}i\\" \\"%{user-agent}i\\"" combined\n',
            '%a %l %u %t "%m %U%q %H" %s %B "%{Referer}i" "%{User-Agent}i"',
            f'{COMBINED}"$http_user_agent"',
            f"log_format main '{COMBINED}' '\"$http_user_agent\"';",
            f"log_format  main  '{COMBINED}'\n                  '\"$http_user_agent\"';",
            f"log_format main escape=json '{COMBINED}' '\"$http_user_agent\"' ;\n",
            (
                '${remote_addr} - ${remote_user} [${time_local}] "${request}" ${status} ${body_bytes_sent} '
                '"${http_referer}" "${http_user_agent}"'
            ),
        ),
        ids=(
            "LogFormat with its name",
            "LogFormat without name",
            "Apache string with the backslashes of the file",
            "Apache string as a shell passes it",
            "Apache string with blanks around it",
            "LogFormat indented, header names in lower case",
            "Apache string with the request in parts",
            "nginx string",
            "log_format in two parts",
            "log_format over several lines",
            "log_format with escape=",
            "nginx variables in braces",
        ),
    )
    def test_pasted_string(self, pasted: str) -> None:
        """A format string is understood as it is pasted, with or without the directive around it."""
        found = request(GOOD.decode(), pasted)
        assert found | {"line": 0} == request(GOOD.decode(), "combined")

    @pytest.mark.parametrize(
        ("string", "message", "hint"),
        (
            ('%h %l %u %t "%r" %>s %Z', "'%Z' is unknown", ""),
            ('%h %l %u %t "%r" %>s %{x}Y', "'%{x}Y' is unknown", ""),
            ('%h %l %u %t "%r" %>s %{x}b', "'%{x}b' is unknown with this parameter", ""),
            ('%h %l %u %t "%r" %>s "%i"', "'%i' needs a parameter", ""),
            ('%h %l %u %t "%r" %>s %{Referer', "'%{Referer' is not closed", ""),
            ('%h %l %u %t "%r" %>s %', "'%' ends before", ""),
            ('%h %l %u [%{%d/%Q}t] "%r" %>s', "%Q", ""),
            ('$remote_addr [$time_local] "$request" $ $status', "'$ $status'", ""),
            ('$remote_addr [$time_local] "${request" $status', "no variable", ""),
            ('%h %l %u "%r" %>s %b', "no time", "at least a time"),
            ("%h %l %u %t %>s %b", "no request", "at least a time"),
            ('%h %l %u %t "%r" %b', "no status", "at least a time"),
            ("%h", "no time and no request and no status", "at least a time"),
            ('$remote_addr [$time_local] "$requets" $status', "no request", "$requets may be meant as $request"),
            ('$remote_addr [$time_locale] "$request" $status', "no time", "$time_locale may be meant as $time_local"),
            ('$remote_addr [$time_local] "$request" ${statuss}', "no status", "$statuss may be meant as $status"),
            ("LogFormat", "", ""),
            ('LogFormat "%h %l', "not whole", ""),
            ("log_format main", "", ""),
            ("combind", "neither the name of a format nor a format string", "did you mean combined?"),
            ("xyz", "neither the name of a format nor a format string", "names: combined, main"),
            ("", "neither the name of a format nor a format string", "names: combined, main"),
        ),
    )
    def test_refused_string(self, string: str, message: str, hint: str) -> None:
        """What cannot be understood is refused by name, with a hint and exit code 78."""
        with pytest.raises(FormatStringError) as refused:
            format_from(string)
        assert message in str(refused.value)
        assert hint in refused.value.hint
        assert refused.value.exit_code == 78

    def test_the_unknown_directive_is_named(self) -> None:
        """The error carries the directive as evidence."""
        with pytest.raises(FormatStringError) as refused:
            format_from('%h %l %u %t "%r" %>s %Z')
        assert refused.value.directive == "%Z"
        assert refused.value.key == "format"

    def test_a_variable_of_the_site(self) -> None:
        """A variable that nginx does not know is matched and not used."""
        found = request(GOOD.decode() + " blue", f'{self.COMBINED}"$http_user_agent" $colour_of_the_release')
        assert found == request(GOOD.decode(), "combined")

    @pytest.mark.parametrize(
        ("string", "tail", "seconds"),
        (("%T", "2", 2), ("%D", "2500000", 2.5), ("%{ms}T", "2500", 2.5), ("%{us}T", "-", None)),
    )
    def test_durations(self, string: str, tail: str, seconds: float | None) -> None:
        """Whatever the unit of the log is, a request time is in seconds."""
        line = f'{CLIENT_AND_TIME} "GET / HTTP/1.1" 200 12 {tail}'
        assert request(line, f'%h %l %u %t "%r" %>s %b {string}')["seconds"] == seconds

    @pytest.mark.parametrize(
        ("string", "words", "client"),
        (
            ("%h %a", "host.example.net 192.0.2.7", "192.0.2.7"),
            ("%a %{c}a", "192.0.2.7 198.51.100.1", "192.0.2.7"),
            ("%h %a", "192.0.2.7 -", "192.0.2.7"),
        ),
        ids=("an address rather than a name", "the client rather than the connection", "whichever is there"),
    )
    def test_of_two_columns_the_better_one_counts(self, string: str, words: str, client: str) -> None:
        """Where a format has two columns for the client, their order in the line does not matter."""
        line = f'{words} - - [22/Nov/2026:08:00:00 +0100] "GET / HTTP/1.1" 200 12'
        assert request(line, f'{string} %l %u %t "%r" %>s %b')["client"] == client

    @pytest.mark.parametrize(
        ("header", "value", "column", "said"),
        (
            ("Sec-GPC", "1", "opt_out", "1"),
            ("Sec-GPC", "0", "opt_out", None),
            ("DNT", "1", "opt_out", "1"),
            ("Sec-Purpose", "prefetch;prerender", "purpose", "prefetch;prerender"),
            ("Purpose", "prefetch", "purpose", "prefetch"),
            ("Sec-CH-UA-Mobile", "?1", "mobile_hint", "?1"),
            ("Range", "bytes=0-99", "range", "bytes=0-99"),
            ("Host", "www.example.org:8080", "host", "www.example.org"),
        ),
    )
    def test_headers(self, header: str, value: str, column: str, said: str | None) -> None:
        """The headers that matter are read from Apache and nginx alike."""
        line = f'{GOOD.decode()} "{value}"'
        variable = "$http_" + header.lower().replace("-", "_")
        apache = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%{' + header + '}i"'
        assert request(line, apache)[column] == said
        assert request(line, f'{self.COMBINED}"$http_user_agent" "{variable}"')[column] == said

    def test_the_opt_out_cookie(self) -> None:
        """The configured cookie is read, from Apache and nginx."""
        for string in (
            '%h %l %u %t "%r" %>s %b "%{no_stats}C"',
            '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$cookie_no_stats"',
        ):
            lines = split_lines(f'{CLIENT_AND_TIME} "GET / HTTP/1.1" 200 12 "yes"'.encode())
            found = parse(lines, [format_from(string)], timezone="UTC", latest=NOW, opt_out_cookie="no_stats")
            assert found.requests["cookie"].to_list() == ["yes"]


class TestTimes:
    """Instants, whatever the log states of its zone."""

    ZONELESS: Final = '%h %l %u [%{%d/%b/%Y:%H:%M:%S}t] "%r" %>s %b'

    def haproxy(self, clock: str) -> str:
        """Return a line of HAProxy with the given date and time."""
        return (
            f'192.0.2.1:53332 [{clock}.000] www~ site/web1 0/0/7/14/21 200 5120 - - ---- 2/1/0/0/0 0/0 "GET / HTTP/1.1"'
        )

    def zoneless(self, clock: str) -> str:
        """Return a line whose time has no zone."""
        return f'192.0.2.1 - - [{clock}] "GET / HTTP/1.1" 200 5120'

    @pytest.mark.parametrize(
        ("clock", "zone", "instant"),
        (
            ("22/Nov/2026:08:00:00", "Europe/Paris", "2026-11-22T07:00:00Z"),
            ("22/Nov/2026:08:00:00", "America/Martinique", "2026-11-22T12:00:00Z"),
            ("22/Nov/2026:08:00:00", "Pacific/Chatham", "2026-11-21T18:15:00Z"),
            ("25/Oct/2026:02:30:00", "Europe/Paris", "2026-10-25T00:30:00Z"),
            ("25/Oct/2026:03:00:00", "Europe/Paris", "2026-10-25T02:00:00Z"),
        ),
        ids=("winter", "the Caribbean", "45 minutes", "of an hour that comes twice the first", "after that hour"),
    )
    def test_the_configured_zone(self, clock: str, zone: str, instant: str) -> None:
        """Where the log states no zone the configured one counts, whatever the zone of this machine."""
        expected = datetime.fromisoformat(instant)
        assert request(self.haproxy(clock), "haproxy", zone)["time"] == expected
        assert request(self.zoneless(clock), self.ZONELESS, zone)["time"] == expected

    @pytest.mark.parametrize("clock", ("29/Mar/2026:02:30:00", "31/Feb/2026:10:00:00", "22/Nov/2026:24:00:00"))
    def test_an_hour_that_never_was(self, clock: str) -> None:
        """An hour that the clock skips, a day and an hour that do not exist are no times."""
        assert request(self.haproxy(clock), "haproxy") == {"rejected": "bad_time"}
        assert request(self.zoneless(clock), self.ZONELESS) == {"rejected": "bad_time"}

    @pytest.mark.parametrize(
        ("string", "text", "instant"),
        (
            ("%{sec}t", "1795330800", "2026-11-22T07:00:00Z"),
            ("%{msec}t", "1795330800123", "2026-11-22T07:00:00.123Z"),
            ("%{usec}t", "1795330800123456", "2026-11-22T07:00:00.123Z"),
            ("%{begin:sec}t", "1795330800", "2026-11-22T07:00:00Z"),
            ("%{%s}t", "1795330800", "2026-11-22T07:00:00Z"),
            ("%{end}t", "[22/Nov/2026:08:00:00 +0100]", "2026-11-22T07:00:00Z"),
            ("%{%F %T %z}t", "2026-11-22 08:00:00 +0100", "2026-11-22T07:00:00Z"),
            ("%{%Y-%m-%dT%H:%M:%S%z}t", "2026-11-22T08:00:00+0100", "2026-11-22T07:00:00Z"),
            ("%{%F %T %Z}t", "2026-11-22 08:00:00 GMT", "2026-11-22T08:00:00Z"),
            ("%{%F}t %{%T}t.%{msec_frac}t", "2026-11-22 08:00:00.123", "2026-11-22T07:00:00.123Z"),
            ("%{%D %r}t", None, None),
        ),
    )
    def test_time_directives(self, string: str, text: str | None, instant: str | None) -> None:
        """Each way in which Apache writes a time gives the same instant."""
        line_format = f'%h {string} "%r" %>s %b'
        if text is None or instant is None:
            with pytest.raises(FormatStringError):
                format_from(line_format)
            return
        found = request(f'192.0.2.1 {text} "GET / HTTP/1.1" 200 12', line_format)
        assert found["time"] == datetime.fromisoformat(instant)

    @pytest.mark.parametrize(
        ("string", "text", "instant"),
        (
            ("$time_iso8601", "2026-11-22T08:00:00+01:00", "2026-11-22T07:00:00Z"),
            ("$msec", "1795330800.123", "2026-11-22T07:00:00.123Z"),
            ("[$time_local]", "[22/Nov/2026:08:00:00 +0100]", "2026-11-22T07:00:00Z"),
        ),
    )
    def test_time_variables(self, string: str, text: str, instant: str) -> None:
        """Each way in which nginx writes a time gives the same instant."""
        found = request(
            f'192.0.2.1 {text} "GET / HTTP/1.1" 200 12', f'$remote_addr {string} "$request" $status $body_bytes_sent'
        )
        assert found["time"] == datetime.fromisoformat(instant)


class TestJson:
    """JSON lines."""

    NGINX: Final = {
        "time_iso8601": "2026-11-22T08:00:00+01:00",
        "remote_addr": "192.0.2.1",
        "request": "GET /demarches?q=1 HTTP/1.1",
        "status": 200,
        "body_bytes_sent": 5120,
        "http_referer": "https://www.example.org/",
        "http_user_agent": "Mozilla/5.0",
        "request_time": 0.021,
        "host": "www.example.org",
    }
    CADDY: Final[dict[str, Any]] = {
        "level": "info",
        "ts": 1795330800.0,
        "request": {
            "remote_ip": "192.0.2.1",
            "client_ip": "192.0.2.1",
            "proto": "HTTP/2.0",
            "method": "GET",
            "host": "www.example.org:443",
            "uri": "/demarches?q=1",
            "headers": {"User-Agent": ["Mozilla/5.0"], "Referer": ["https://www.example.org/"]},
        },
        "duration": 0.021,
        "size": 5120,
        "status": 200,
    }
    TRAEFIK: Final = {
        "ClientHost": "192.0.2.1",
        "DownstreamContentSize": 5120,
        "DownstreamStatus": 200,
        "Duration": 21_000_000,
        "RequestHost": "www.example.org",
        "RequestMethod": "GET",
        "RequestPath": "/demarches?q=1",
        "request_User-Agent": "Mozilla/5.0",
        "request_Referer": "https://www.example.org/",
        "StartUTC": "2026-11-22T07:00:00.000000123Z",
        "time": "2026-11-22T07:00:01Z",
    }
    SAYS: Final = {
        "time": datetime(2026, 11, 22, 7, tzinfo=UTC),
        "client": "192.0.2.1",
        "host": "www.example.org",
        "method": "GET",
        "target": "/demarches?q=1",
        "status": 200,
        "bytes": 5120,
        "seconds": pytest.approx(0.021),
        "referrer": "https://www.example.org/",
        "user_agent": "Mozilla/5.0",
    }

    @pytest.mark.parametrize("entry", (NGINX, CADDY, TRAEFIK), ids=("nginx", "Caddy", "Traefik"))
    @pytest.mark.parametrize("prefix", ("", "caddy  | ", "Nov 22 08:00:00 web1 nginx: "))
    def test_servers_say_the_same(self, entry: dict[str, Any], prefix: str) -> None:
        """nginx, Caddy and Traefik write the same request in their own ways, with or without a prefix."""
        found = request(prefix + json.dumps(entry))
        assert {key: found[key] for key in self.SAYS} == self.SAYS

    @pytest.mark.parametrize(
        ("change", "column", "said"),
        (
            ({"status": "200"}, "status", 200),
            ({"body_bytes_sent": "5120"}, "bytes", 5120),
            ({"body_bytes_sent": "many"}, "bytes", None),
            ({"body_bytes_sent": True}, "bytes", None),
            ({"body_bytes_sent": {"x": 1}}, "bytes", None),
            ({"http_user_agent": None}, "user_agent", None),
            ({"http_user_agent": 7}, "user_agent", "7"),
            ({"http_user_agent": ["a", "b"]}, "user_agent", "a"),
            ({"http_user_agent": []}, "user_agent", None),
            ({"http_referer": "-"}, "referrer", None),
            ({"request_time": "x"}, "seconds", None),
            ({"request": "\x16\x03"}, "method", None),
            ({"http_sec_gpc": "1"}, "opt_out", "1"),
            ({"time_iso8601": "2026-11-22 08:00:00+01:00"}, "time", datetime(2026, 11, 22, 7, tzinfo=UTC)),
        ),
        ids=str,
    )
    def test_values_of_other_types(self, change: dict[str, Any], column: str, said: object) -> None:
        """A value of another type is read where it has a meaning, and is absent where it has none."""
        assert request(json.dumps(self.NGINX | change))[column] == said

    @pytest.mark.parametrize(
        "entry",
        (
            NGINX | {"http_sec_gpc": "1"},
            NGINX | {"http_dnt": "1"},
            CADDY | {"request": CADDY["request"] | {"headers": {"Sec-Gpc": ["1"]}}},
            CADDY | {"request": CADDY["request"] | {"headers": {"Dnt": ["1"]}}},
            TRAEFIK | {"request_Sec-Gpc": "1"},
            TRAEFIK | {"request_Dnt": "1"},
        ),
        ids=("nginx, GPC", "nginx, DNT", "Caddy, GPC", "Caddy, DNT", "Traefik, GPC", "Traefik, DNT"),
    )
    def test_objections(self, entry: dict[str, Any]) -> None:
        """Sec-GPC and DNT are read however the server spells them."""
        assert request(json.dumps(entry))["opt_out"] == "1"

    @pytest.mark.parametrize(
        ("line", "reason"),
        (
            ('{"status": 200, "time_iso8601"', "unknown_format"),
            ("{", "unknown_format"),
            ("[1, 2]", "unknown_format"),
            ("{}", "unknown_format"),
            (json.dumps(NGINX)[:-9], "unknown_format"),
            (json.dumps(NGINX) + "}", "unknown_format"),
            (json.dumps(NGINX | {"status": None}), "unknown_format"),
            (json.dumps(NGINX | {"status": "twohundred"}), "bad_status"),
            (json.dumps(NGINX | {"status": 2000}), "bad_status"),
            (json.dumps(NGINX | {"time_iso8601": "yesterday"}), "bad_time"),
            (json.dumps(NGINX | {"time_iso8601": "2026-11-22T08:00:00"}), "bad_time"),
            (json.dumps(NGINX | {"remote_addr": None}), "bad_client"),
            (json.dumps(NGINX | {"remote_addr": "299.1.1.1"}), "bad_client"),
            (json.dumps(NGINX | {"request": None}), "bad_request"),
            ('{"level":"info","ts":1795330800.0,"msg":"server running","status":"ok"}', "bad_status"),
            ('{"a":' * 5_000 + "1" + "}" * 5_000, "unknown_format"),
        ),
        ids=(
            "cut off",
            "a brace",
            "a list",
            "an empty object",
            "an object cut off",
            "one brace too many",
            "no status",
            "a status in words",
            "a status of four digits",
            "no time",
            "a time without offset",
            "no client",
            "no address",
            "no request",
            "a message of the server",
            "nested very deep",
        ),
    )
    def test_rejected(self, line: str, reason: str) -> None:
        """A JSON line that is no access line is rejected, and the reason says why."""
        assert request(line, "json") == {"rejected": reason}

    @pytest.mark.parametrize("value", (float("inf"), float("nan"), 1e300, -1, 10**30))
    def test_hostile_numbers(self, value: float) -> None:
        """No number makes the reader stumble."""
        for name in ("status", "body_bytes_sent", "request_time", "msec"):
            entry = {key: text for key, text in self.NGINX.items() if key != "time_iso8601" or name != "msec"}
            found = read(json.dumps(entry | {name: value}).encode())
            assert found.requests.height + found.rejects.height == 1


class TestOracle:
    """apachelogs, an independent reading of LogFormat strings, says the same."""

    COMBINED: Final = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
    KEPT: Final = {
        # apachelogs turns \xHH back into bytes, which are no UTF-8 here; we keep what the server wrote.
        ("combined.log.gz", 5850): "referrer",
        ("combined.log.gz", 5852): "referrer",
        ("combined.log.gz", 5859): "referrer",
    }
    """Lines and the column in which we differ, each with its reason."""

    @pytest.mark.parametrize(
        ("name", "string", "lines"),
        (
            ("combined.log.gz", COMBINED, 9_999),
            ("nginx_combined.log", COMBINED, 586),
            ("vhost_combined.log", '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"', 400),
        ),
    )
    def test_same_values(self, name: str, string: str, lines: int) -> None:
        """Client, time, status, bytes, referrer and user agent of every line are those that apachelogs reads."""
        oracle = apachelogs.LogParser(string, encoding="utf-8", errors="replace")
        texts = split_lines(sample(name))
        ours = read(sample(name), [format_from(string)]).requests
        assert ours.height == lines
        for row in ours.iter_rows(named=True):
            entry = oracle.parse(texts[row["line"]])
            theirs = {
                "time": entry.request_time,
                "client": entry.remote_host,
                "status": entry.final_status,
                "bytes": entry.bytes_out if "%O" in string else entry.bytes_sent,
                "referrer": entry.headers_in["Referer"],
                "user_agent": entry.headers_in["User-Agent"],
            }
            differ = [key for key in theirs if row[key] != theirs[key]]
            assert differ == [column for place, column in self.KEPT.items() if place == (name, row["line"])]


SEEDS: Final = [line_format.example.encode() for line_format in EVERY_FORMAT]
INSERTED: Final = st.one_of(
    st.sampled_from((b'"', b"\\", b'\\"', b"\x00", b" ", b"[", b"]", b"-", b"\t", b"\r", b"{", b"}", b"\xe9", b"\xff")),
    st.binary(max_size=6),
)


@st.composite
def mutated_lines(draw: st.DrawFn) -> bytes:
    """Draw a line of a known format, damaged in up to four places; no newline."""
    line = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(line)))
        end = min(len(line), start + draw(st.integers(0, 8)))
        line[start:end] = draw(INSERTED)
    return bytes(line).replace(b"\n", b" ")


class TestHostileLines:
    """Whatever is on a line, it is counted once."""

    @given(st.lists(mutated_lines(), min_size=1, max_size=12))
    @settings(max_examples=150, deadline=None)
    def test_every_line_is_a_request_or_a_reject(self, lines: list[bytes]) -> None:
        """Damaged lines raise nothing, and each is in one of the two results, once."""
        found = read(b"\n".join(lines) + b"\n")
        assert sorted([*found.requests["line"], *found.rejects["line"]]) == list(range(len(lines)))
        assert sum(found.formats.values()) >= found.requests.height
        assert not any(found.requests[name].null_count() for name in ("time", "client", "status"))

    @given(st.lists(st.binary(max_size=60), max_size=12))
    @settings(max_examples=100, deadline=None)
    def test_any_bytes(self, lines: list[bytes]) -> None:
        """Bytes that are no log at all are rejected, each line once."""
        data = b"\n".join(lines)
        found = read(data)
        assert found.requests.height + found.rejects.height == split_lines(data).len()

    @given(st.sampled_from(EVERY_FORMAT), mutated_lines())
    @settings(max_examples=100, deadline=None)
    def test_a_line_does_not_depend_on_its_neighbours(self, line_format: Format, line: bytes) -> None:
        """A line reads the same alone and between others."""
        alone = read(line, [line_format]).requests.drop("line")
        between = read(b"\n".join((GOOD, line, GOOD)), [line_format])
        assert between.requests.filter(pl.col("line") == 1).drop("line").equals(alone)

    @pytest.mark.parametrize(
        "filling", ('"', "\\", '\\"', " ", "[", "]", "-", "{", "}", ", ", "a", "é", "- ", '" ', '{"')
    )
    @every_format
    def test_time_is_linear(self, line_format: Format, filling: str) -> None:
        """Eight times the text takes about eight times as long, alone and behind the beginning of a good line."""
        beginning = line_format.example[: line_format.example.find("GET") + 4]
        for start in ("", beginning):
            short, long = (pl.Series([(start + filling * size)[:size].rstrip()]) for size in (8_000, 64_000))
            assert self.seconds(long, line_format) < 30 * max(self.seconds(short, line_format), 0.000_5)

    @staticmethod
    def seconds(lines: pl.Series, line_format: Format) -> float:
        """Return the time that reading takes, the best of three."""
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            parse(lines, [line_format], timezone="Europe/Paris", latest=NOW)
            times.append(time.perf_counter() - begin)
        return min(times)
