"""Published logs of many servers are read as far as they are access logs.

The logs are not part of this repository: they lie in `../shared/logs`, or where LOGSTATS_SHARED says.
"""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
import pytest

from logstats.parse import Parsed, best_first, format_from, named_formats, parse
from logstats.read import split_lines

SHARED: Final = Path(os.environ.get("LOGSTATS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
LOGS: Final = SHARED / "logs"
NOW: Final = datetime(2027, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not LOGS.is_dir(), reason="the published logs are not here (LOGSTATS_SHARED)")

COMMAS: Final = (
    '%v,%p,%h,%l,%u,%t,%I,%O,%S,%B,%{ms}T,%D,%^FB,%>s,"%H","%m","%U","%q","%{Referer}i","%{User-Agent}i",'
    '"%{VARNAME}C",%L'
)
GONX: Final = (
    '$remote_addr [$time_local] "$request" $status $request_length $body_bytes_sent $request_time "$t_size" '
    "$read_time $gen_time"
)
COMBINED_AND_NUMBER: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent" $x'
)
ANOTHER_TIME: Final = '%h %l %u [%{%B %d, %YT%H:%M:%S %z}t] "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'


class Expected(NamedTuple):
    """What reading a file must give.

    Attributes:
        lines: Of the file.
        rejected: At most so many of them.
        formats: Those that read the others.
        given: The format string, where the format has no name.
    """

    lines: int
    rejected: int
    formats: set[str]
    given: str = "auto"


SETS: Final[dict[str, Expected]] = {
    "elastic-apache-10k/apache_logs.log.gz": Expected(10_000, 1, {"combined"}),
    "elastic-full-stack/apache2_access.log": Expected(3_420, 0, {"combined"}),
    "elastic-full-stack/nginx_access.log": Expected(3_420, 0, {"main"}),
    "hackers-access/hackers-access.log": Expected(3_456, 0, {"combined"}),
    "databricks/apache.access.log": Expected(1_406, 0, {"common"}),
    "farmfresh-multi/apache_combined": Expected(865, 0, {"combined"}),
    "farmfresh-multi/apache_common/farmfreshsoftware.access.log": Expected(100, 0, {"common"}),
    "farmfresh-multi/apache_common/farmwork.access.log": Expected(840, 0, {"common"}),
    "farmfresh-multi/apache_csv": Expected(19_282, 0, {"custom"}, COMMAS),
    "farmfresh-multi/apache_vhost": Expected(1_602, 0, {"vhost_combined"}),
    "farmfresh-multi/nginx_combined": Expected(21_641, 1, {"combined"}),
    "advertools/combined_no_errors.log": Expected(885, 0, {"combined"}),
    "advertools/combined_with_errors.log": Expected(889, 4, {"combined"}),
    "advertools/nginx_access.log": Expected(1_000, 0, {"combined"}),
    "advertools/dreamhost_apache_access.log": Expected(130, 1, {"combined"}),
    "advertools/nginx_custom_date.log": Expected(20, 0, {"custom"}, ANOTHER_TIME),
    "telegraf-nginx/nginx_logs.log": Expected(500, 0, {"custom"}, COMBINED_AND_NUMBER),
    "gonx/access.log": Expected(1_000, 0, {"custom"}, GONX),
    "lnav/logfile_access_log.0": Expected(3, 0, {"combined"}),
    "lnav/logfile_access_log.1": Expected(1, 0, {"combined"}),
    "lnav/logfile_access_log_dupe.0": Expected(3, 0, {"combined"}),
    "lnav/logfile_bad_access_log.0": Expected(3, 1, {"combined"}),
    "lnav/logfile_regexp_access_log.0": Expected(2, 0, {"vhost_combined_microseconds"}),
    "lnav/logfile_shop_access_log.0": Expected(1_000, 0, {"main"}),
    "lnav/logfile_haproxy.0": Expected(17, 4, {"haproxy"}),
    "lnav/logfile_caddy_log.0": Expected(39, 35, {"json"}),
    "lnav/logfile_caddy_log.1": Expected(4, 0, {"json"}),
    "fail2ban/apache-badbots": Expected(11, 7, {"combined", "vhost_combined_bare"}),
    "fail2ban/apache-fakegooglebot": Expected(7, 6, {"vhost_combined_bare"}),
    "fail2ban/nginx-bad-request": Expected(23, 15, {"main"}),
    "fail2ban/nginx-botsearch": Expected(43, 35, {"main"}),
    "fail2ban/php-url-fopen": Expected(2, 1, {"combined"}),
    "fail2ban/traefik-auth": Expected(23, 17, {"traefik"}),
    "goatcounter/combined": Expected(5, 0, {"combined"}),
    "goatcounter/combined-vhost": Expected(5, 0, {"vhost_combined_bare"}),
    "goatcounter/common": Expected(5, 0, {"common"}),
    "goatcounter/common-vhost": Expected(5, 0, {"vhost_common"}),
    "goatcounter/caddy.json": Expected(5, 0, {"json"}),
    "request-log-analyzer/apache_common.log": Expected(10, 0, {"common"}),
    "request-log-analyzer/apache_combined.log": Expected(5, 0, {"combined"}),
}
"""Access logs: a file, or all files of a folder. As good as the table of the sets says, or better."""

NO_REQUESTS: Final[dict[str, int]] = {
    "advertools/nginx_custom_date.log": 20,  # without its format string: every time is written in another way
    "advertools/apache_error.log": 12,
    "advertools/nginx_error.log": 74,
    "farmfresh-multi/apache_common/farmwork.error.log": 6,
    "farmfresh-multi/apache_error": 144,
    "farmfresh-multi/nginx_error": 2_259,
    "fail2ban/apache-auth": 158,
    "fail2ban/apache-pass": 2,  # the times have no zone
    "fail2ban/nginx-http-auth": 49,
    "fail2ban/testcase-wrong-char.log": 4,
    "lnav/logfile_syslog_with_access_log.0": 5,
    "lnav/logfile_w3c.0": 5,
}
"""Logs of which no line is a request, and their lines."""


def content(file: Path) -> bytes:
    """Return the bytes of a log, decompressed as its name says."""
    return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()


def read(name: str, given: str = "auto") -> list[Parsed]:
    """Return what the lines of a file say, or of each file of a folder."""
    found = []
    place = LOGS / name
    for file in sorted(place.iterdir()) if place.is_dir() else [place]:
        lines = split_lines(content(file))
        named = list(named_formats().values())
        formats = best_first(lines.head(1_000), named) if given == "auto" else [format_from(given)]
        found.append(parse(lines, formats, timezone="Europe/Paris", latest=NOW))
    return found


@pytest.mark.parametrize("name", SETS)
def test_an_access_log_is_read(name: str) -> None:
    """Every line is a request or a reject, and no more lines are rejected than are known to be none."""
    expected = SETS[name]
    found = read(name, expected.given)
    requests = sum(one.requests.height for one in found)
    assert requests + sum(one.rejects.height for one in found) == expected.lines
    assert requests >= expected.lines - expected.rejected
    assert set().union(*(one.formats for one in found)) == expected.formats


@pytest.mark.parametrize("name", NO_REQUESTS)
def test_another_log_has_no_requests(name: str) -> None:
    """No line of an error log, of a W3C log or of one with unknown times is a request."""
    found = read(name)
    assert sum(one.requests.height for one in found) == 0
    assert sum(one.rejects.height for one in found) == NO_REQUESTS[name]


def test_every_log_is_looked_at() -> None:
    """No published log is left out of the two tables."""
    known = [LOGS / name for name in (*SETS, *NO_REQUESTS)]
    texts = {"SOURCE.txt", "README.md", "ANOMALIES.md"}
    files = [file for file in LOGS.rglob("*") if file.is_file() and file.name not in texts]
    assert [file for file in files if not any(file == place or place in file.parents for place in known)] == []


def test_copies_say_the_same() -> None:
    """A log and its copy under another name give the same requests."""
    log, copy = read("lnav/logfile_access_log.0")[0], read("lnav/logfile_access_log_dupe.0")[0]
    assert log.requests.equals(copy.requests)


def test_the_lines_of_text_are_those_rejected() -> None:
    """Four lines of text between requests are rejected, and the requests are those of the log without them."""
    clean, mixed = (read(f"advertools/combined_{name}_errors.log")[0].requests for name in ("no", "with"))
    assert mixed.drop("line").equals(clean.drop("line"))


def test_no_cookie_is_kept() -> None:
    """The cookie values of the comma-separated logs are in no column."""
    place = LOGS / "farmfresh-multi" / "apache_csv"
    cookies = {
        line.rsplit(",", 2)[1].strip('"')
        for file in place.iterdir()
        for line in file.read_text("utf-8", errors="replace").splitlines()
    } - {"-"}
    assert cookies
    for one in read("farmfresh-multi/apache_csv", COMMAS):
        for column in one.requests.select(pl.col(pl.String)):
            assert not cookies & set(column)
