"""What the program does when it is started as its users start it: output, messages and exit codes."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import pty
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow.parquet as pq
import pytest

from logstats.explain import explain
from logstats.schema import INTERNAL, OUTCOMES, TABLES, TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from logstats.derive import Knowledge

    Program = Callable[..., subprocess.CompletedProcess[str]]

CSV_FORMAT: Final = (
    '%v,%p,%h,%l,%u,%t,%I,%O,%S,%B,%{ms}T,%D,%^FB,%>s,"%H","%m","%U","%q","%{Referer}i","%{User-Agent}i",'
    '"%{VARNAME}C",%L'
)
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LINE: Final = f'192.0.2.7 - - [22/Oct/2025:10:00:00 +0200] "GET /demarches HTTP/1.1" 200 512 "-" "{FIREFOX}"\n'
FREE_TEXT: Final = "Error line 1\n"
APACHE_ERRORS: Final = (
    "[Wed Oct 22 10:00:00.123456 2025] [core:error] [pid 1] [client 192.0.2.7:1] AH00126: Invalid URI\n"
)

# Of the figures of each sample: format, lines, hits, days with lines.
SAMPLES: Final = {
    "caddy.jsonl": ("json", 306, 306, 1),
    "combined.log.gz": ("combined", 10_000, 9_999, 4),
    "common.log": ("common", 500, 500, 1),
    "haproxy.log": ("haproxy", 290, 290, 1),
    "nginx_combined.log": ("combined", 586, 586, 2),
    "nginx_json.jsonl": ("json", 313, 313, 1),  # one request is garbage in quotes: a hit, no reject
    "nginx_main.log": ("main", 500, 500, 1),
    "public_service.log.xz": ("main", 4_942, 4_942, 14),
    "traefik.jsonl": ("json", 342, 342, 1),
    "vhost_combined.log": ("vhost_combined", 400, 400, 1),
}
LATER_MAIN: Final = "import sys; sys.argv[0] = 'logstats'; from logstats.cli import main; main()"


def figures(done: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    """Return the object that the program printed, after a look at its exit code."""
    assert done.returncode == code, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def no_traceback(done: subprocess.CompletedProcess[str]) -> None:
    """Assert that a user's mistake ended in a message."""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(("logstats: ", "Usage: ", "  hint: "))


def on_terminal(*arguments: str | Path, environment: dict[str, str] | None = None) -> tuple[str, int]:
    """Run the program with a terminal as its three streams; return what the terminal got, and the exit code."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "logstats", *map(str, arguments)]
    variables = os.environ | {"TERM": "xterm", "COLUMNS": "100"} | (environment or {})
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # how Linux says that nobody writes any more
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return shown.decode("utf-8", "surrogateescape"), process.wait()


# --- report ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_report_keeps_the_contract_for_each_sample(name: str, samples: Path, logstats: Program) -> None:
    """The keys of the contract are there with the right figures, the sums close, and nothing is said beside them."""
    done = logstats("report", "--json", samples / name)
    found = figures(done)
    line_format, lines, hits, days = SAMPLES[name]
    assert found["format"]["name"] == line_format
    assert found["format"]["share"] >= 0.9999
    assert found["lines"] == {
        "total": lines,
        "hits": hits,
        "rejected": lines - hits,
        "opted_out": 0,
        "late": 0,
        "skipped": 0,
    }
    assert sum(found["rejects"].values()) == lines - hits
    assert set(found["hits"]["outcome"]) == set(OUTCOMES)
    assert set(found["hits"]["traffic"]) == set(TRAFFIC)
    assert sum(found["hits"]["outcome"].values()) == sum(found["hits"]["traffic"].values()) == hits
    assert found["inputs"] == [{"name": str(samples / name), "lines": lines, "state": "complete"}]
    assert found["period"]["days"] == days
    assert found["period"]["start"] <= found["period"]["end"]
    assert found["page_views"] == found["hits"]["outcome_human"]["page_view"]
    assert found["downloads"] == found["hits"]["outcome_human"]["download"]
    assert found["visitor_days"] <= found["visits"] <= found["page_views"] + found["downloads"]
    assert done.stderr == ""


def test_the_public_sample_has_its_known_figures(samples: Path, logstats: Program) -> None:
    """The 10,000 lines that everybody can download: one truncated line, and a period that is known."""
    found = figures(logstats("report", "--json", samples / "combined.log.gz"))
    assert found["rejects"] == {"truncated": 1}
    assert [(shown["line"], shown["reason"]) for shown in found["rejected_examples"]] == [(8_899, "truncated")]
    assert found["period"]["start"] == "2015-05-17T12:05:00+02:00"
    assert found["period"]["end"] == "2015-05-20T23:05:59+02:00"
    assert found["period"]["gaps"] == []
    assert found["definition"] == "pageview/1"


def test_a_csv_log_is_read_with_the_servers_own_string(samples: Path, logstats: Program) -> None:
    """A format that nobody else has is read with its LogFormat string; without it the file is refused."""
    log = samples / "apache_csv.log"
    found = figures(logstats("report", "--json", "--format", CSV_FORMAT, log))
    assert found["format"] == {"name": "custom", "share": 1.0}
    assert found["lines"]["hits"] == 300
    refused = logstats("report", log)
    assert refused.returncode == 65
    assert "apache_csv.log: refused: no line fits a known format" in refused.stderr
    assert "hint: give the server's own LogFormat or log_format string with --format" in refused.stderr


@pytest.mark.parametrize("arguments", ((), ("-",)), ids=("no argument", "dash"))
def test_a_pipe_is_read(arguments: tuple[str, ...], samples: Path, logstats: Program) -> None:
    """Standard input counts as the file does, with `-` and without, decompressed by what it holds."""
    log = samples / "public_service.log.xz"
    piped = figures(logstats("report", "--json", *arguments, stdin=log.read_bytes()))
    read = figures(logstats("report", "--json", log))
    assert piped["inputs"] == [{"name": "-", "lines": 4_942, "state": "complete"}]
    kept = ("lines", "hits", "page_views", "downloads", "visits", "visitor_days", "period")
    assert {name: piped[name] for name in kept} == {name: read[name] for name in kept}
    assert piped["lines"]["total"] == len(lzma.decompress(log.read_bytes()).splitlines())


def test_several_files_are_one_report(samples: Path, logstats: Program) -> None:
    """Each input has its row, and the lines add up; formats may differ."""
    names = ["common.log", "combined.log.gz", "caddy.jsonl"]
    found = figures(logstats("report", "--json", *(samples / name for name in names)))
    assert [entry["lines"] for entry in found["inputs"]] == [500, 10_000, 306]
    assert found["lines"]["total"] == 10_806
    assert found["formats"] == {"combined": 9_999, "common": 500, "json": 306}


def test_the_summary_is_for_people(samples: Path, logstats: Program) -> None:
    """Without --json there is a text: what was read, where each line ended up, and what people did."""
    done = logstats("report", samples / "combined.log.gz")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "10,000 lines = 9,999 hits + 1 rejected + 0 opted out + 0 late" in done.stdout
    assert "combined.log.gz, 10,000 lines, complete" in done.stdout
    assert "visitor-days" in done.stdout
    assert "definition pageview/1" in done.stdout


def test_out_writes_the_tables(samples: Path, logstats: Program, tmp_path: Path) -> None:
    """--out writes each table with its documented columns, counts as Int64, compressed with zstd, for the owner."""
    out = tmp_path / "new" / "folder"
    found = figures(logstats("report", "--json", "--out", out, samples / "public_service.log.xz"))
    written = {name: table for name, table in TABLES.items() if name not in INTERNAL}
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{name}.parquet" for name in written)
    assert found["files"] == [str(out / f"{name}.parquet") for name in written]
    for name, table in written.items():
        path = out / f"{name}.parquet"
        assert dict(pl.read_parquet_schema(path)) == table.schema
        file = pq.ParquetFile(path)
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
        for column in table.columns:
            meaning = file.schema_arrow.field(column.name).metadata[b"description"].decode()
            assert column.english in meaning
            assert column.french in meaning
        assert path.stat().st_mode & 0o077 == 0
    assert pl.read_parquet(out / "traffic.parquet")["hits"].sum() == found["lines"]["hits"]
    assert pl.read_parquet(out / "days.parquet")["page_views"].sum() == found["page_views"]
    assert pl.read_parquet(out / "days.parquet")["day"].min() == date(2026, 10, 15)


def test_out_on_a_full_disk(samples: Path, tmp_path: Path) -> None:
    """A disk that is full while the tables are written: exit 74, one message, and no broken file."""
    script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); {LATER_MAIN}"
    arguments = ["report", "--out", str(tmp_path / "out"), str(samples / "common.log")]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 74
    assert "cannot be written" in done.stderr
    assert "hint: free some space" in done.stderr
    no_traceback(done)
    assert list((tmp_path / "out").iterdir()) == []


def test_out_may_not_be_a_file(samples: Path, logstats: Program, tmp_path: Path) -> None:
    """--out names a folder; a file there is a wrong use, and it stays as it is."""
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert logstats("report", "--out", tmp_path / "file", samples / "common.log").returncode == 2
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


# --- what may be wrong with an input ----------------------------------------------------------------------------


def test_a_missing_file(logstats: Program, samples: Path, tmp_path: Path) -> None:
    """A file that is not there is named, with exit 66, before anything is counted."""
    done = logstats("report", samples / "common.log", tmp_path / "nowhere.log")
    assert (done.returncode, done.stdout) == (66, "")
    assert done.stderr == f"logstats: {tmp_path / 'nowhere.log'}: no such file\n"


def test_a_directory(logstats: Program, tmp_path: Path) -> None:
    """A directory is no input: exit 66, and a hint to its files."""
    done = logstats("report", tmp_path)
    assert done.returncode == 66
    assert f"{tmp_path}: is a directory" in done.stderr
    assert "*.log" in done.stderr
    no_traceback(done)


def test_an_empty_file(logstats: Program, tmp_path: Path) -> None:
    """A log of a quiet day is empty: that is said, and is no failure."""
    (tmp_path / "quiet.log").touch()
    done = logstats("report", tmp_path / "quiet.log")
    assert done.returncode == 0
    assert "nothing was counted" in done.stdout
    assert "quiet.log: is empty" in done.stderr
    found = figures(logstats("report", "--json", tmp_path / "quiet.log"))
    assert found["lines"]["total"] == found["page_views"] == found["visits"] == 0
    assert [entry["state"] for entry in found["inputs"]] == ["empty"]


def test_a_binary_file(logstats: Program) -> None:
    """A program or a picture is refused, not counted as one long reject."""
    done = logstats("report", sys.executable)
    assert done.returncode == 65
    assert f"{sys.executable}: refused" in done.stderr
    no_traceback(done)


def test_a_truncated_gzip(logstats: Program, tmp_path: Path) -> None:
    """Of a damaged file the lines before the last good checksum count, and the file is named; exit 65."""
    log = tmp_path / "access.log.gz"
    log.write_bytes(gzip.compress((LINE * 30).encode()) + gzip.compress((LINE * 5_000).encode())[:-20])
    done = logstats("report", "--json", log)
    found = figures(done, 65)
    assert found["lines"]["total"] == found["lines"]["hits"] == 30
    assert [(entry["state"], entry["lines"]) for entry in found["inputs"]] == [("damaged", 30)]
    assert f"logstats: {log}: damaged: it ends in the middle of compressed data" in done.stderr
    no_traceback(done)


def test_a_gzip_whose_checksum_is_wrong(logstats: Program, tmp_path: Path) -> None:
    """What does not fit its checksum is not counted at all, while the other files are."""
    packed = bytearray(gzip.compress((LINE * 30).encode()))
    packed[-6] ^= 1
    (tmp_path / "bad.gz").write_bytes(packed)
    (tmp_path / "good.log").write_text(LINE, encoding="utf-8")
    done = logstats("report", "--json", tmp_path / "bad.gz", tmp_path / "good.log")
    found = figures(done, 65)
    assert [(entry["state"], entry["lines"]) for entry in found["inputs"]] == [("damaged", 0), ("complete", 1)]
    assert found["lines"]["total"] == 1
    assert "its checksum is wrong" in done.stderr


def test_an_unknown_directive(logstats: Program, samples: Path) -> None:
    """A directive without meaning is a fault of the configuration, and is named."""
    done = logstats("report", "--format", '%h %l %u %t "%r" %>s %b %Y', samples / "common.log")
    assert done.returncode == 78
    assert "%Y" in done.stderr
    no_traceback(done)


def test_a_misspelt_format(logstats: Program, samples: Path) -> None:
    """A name that no format has is answered with the nearest one."""
    done = logstats("report", "--format", "combind", samples / "common.log")
    assert done.returncode == 78
    assert "did you mean combined?" in done.stderr


@pytest.mark.parametrize(("bad", "code"), ((5, 0), (6, 65)))
def test_more_than_five_per_cent_of_rejects(bad: int, code: int, logstats: Program) -> None:
    """Exactly 5 % of rejected lines pass, more do not: the log format may have changed."""
    done = logstats("report", "--json", stdin=LINE * (100 - bad) + FREE_TEXT * bad)
    found = figures(done, code)
    assert found["rejects"] == {"unknown_format": bad}
    assert ("of the lines were rejected" in done.stderr) == bool(code)


@pytest.mark.parametrize(
    ("lines", "words"),
    (
        (APACHE_ERRORS, "an Apache error log"),
        ("2025/10/22 10:00:00 [error] 7#7: *1 open() failed, client: 192.0.2.7\n", "an nginx error log"),
        ("#Software: IIS\n#Version: 1.0\n#Fields: date time\n", "a W3C extended log"),
    ),
)
def test_another_kind_of_log(lines: str, words: str, logstats: Program) -> None:
    """An error log is refused, is recognised as what it is, and a hint says what to do."""
    done = logstats("report", stdin=lines * 5)
    assert done.returncode == 65
    assert words in done.stderr
    assert "hint: give the access log instead" in done.stderr


@pytest.mark.parametrize("line_format", ("combined", '%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"'))
def test_a_host_is_never_the_client(line_format: str, samples: Path, logstats: Program) -> None:
    """A vhost log read with a format that takes the host as the client is refused, and nothing of it counts."""
    done = logstats("report", "--json", "--format", line_format, samples / "vhost_combined.log")
    assert figures(done, 65)["lines"]["total"] == 0
    assert "hint: " in done.stderr
    no_traceback(done)


def test_a_host_without_port_is_never_the_client(logstats: Program) -> None:
    """`www.example.org 192.0.2.7 - -` is read as a host in front, whoever finds the format."""
    found = figures(logstats("report", "--json", stdin=f"www.example.org {LINE}" * 3))
    assert found["format"]["name"] == "vhost_combined_bare"
    assert found["top"]["pages"] == [{"page": "www.example.org/demarches", "views": 3, "visitors": 1}]


def test_a_line_from_the_future(logstats: Program) -> None:
    """A clock that runs ahead is named, and the line does not count."""
    found = figures(logstats("report", "--json", stdin=LINE * 30 + LINE.replace("2025", "2099")))
    assert found["rejects"] == {"future": 1}


# --- use and configuration --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    (
        (("report", "--frobnicate"), "--frobnicate"),
        (("frobnicate",), "frobnicate"),
        (("report", "--format"), "--format"),
        (("geo", "update"), "FILE.mmdb"),
    ),
)
def test_wrong_use(arguments: tuple[str, ...], words: str, logstats: Program) -> None:
    """An option or command that does not exist is named; exit 2."""
    done = logstats(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_no_argument_on_a_terminal() -> None:
    """At a terminal the program does not wait in silence for lines: it says what to do."""
    shown, code = on_terminal("report")
    assert code == 2
    assert "Name a file, or pipe lines in." in shown


@pytest.mark.parametrize("command", ("report", "explain"))
def test_closed_standard_input(command: str) -> None:
    """Started without a standard input, as some services do, the program says so: exit 66 and no traceback."""
    line = f'exec "{sys.executable}" -m logstats {command} <&-'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 66
    no_traceback(done)


def test_an_unknown_key_of_the_configuration(logstats: Program, samples: Path, tmp_path: Path) -> None:
    """A typo in the configuration is an error with file, line and the nearest key; exit 78."""
    config = tmp_path / "logstats.toml"
    config.write_text("[privacy]\nid_bit = 32\n", encoding="utf-8")
    for done in (
        logstats("report", "--config", config, samples / "common.log"),
        logstats("report", samples / "common.log", environment={"LOGSTATS_CONFIG": str(config)}),
    ):
        assert done.returncode == 78
        assert f"{config}:2: privacy.id_bit" in done.stderr
        assert "did you mean id_bits?" in done.stderr
        no_traceback(done)


def test_the_configuration_is_used(logstats: Program, tmp_path: Path) -> None:
    """Excluded paths and the time zone of the file change the figures as they say."""
    config = tmp_path / "logstats.toml"
    config.write_text('timezone = "Asia/Tokyo"\n[exclude]\npaths = ["^/demarches"]\n', encoding="utf-8")
    found = figures(logstats("report", "--json", "--config", config, stdin=LINE))
    assert found["hits"]["outcome"]["excluded"] == 1
    assert found["period"]["start"] == "2025-10-22T17:00:00+09:00"


def test_version_and_help(logstats: Program) -> None:
    """--version says one line, --help the commands and every exit code."""
    assert logstats("--version").stdout.startswith("logstats ")
    help_text = logstats("--help").stdout
    for word in ("report", "explain", "geo", "65", "66", "74", "75", "77", "78", "130"):
        assert word in help_text


def test_quiet(logstats: Program, tmp_path: Path) -> None:
    """-q leaves messages away and keeps results and errors."""
    (tmp_path / "quiet.log").touch()
    assert logstats("report", "-q", tmp_path / "quiet.log").stderr == ""
    assert "refused" in logstats("report", "--quiet", stdin=APACHE_ERRORS).stderr


# --- pipes and terminals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ((), ("--json",)), ids=("text", "json"))
def test_a_reader_that_has_enough(options: tuple[str, ...], samples: Path) -> None:
    """`| head -1` ends quietly: exit 0 and nothing on standard error, even if nobody reads at all."""
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "logstats", "report", *options, str(samples / "common.log")]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_colour_without_a_terminal(samples: Path, logstats: Program) -> None:
    """In a pipe there is no escape sequence and no progress bar."""
    done = logstats("report", samples / "common.log", environment={"TERM": "xterm-256color"})
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "environment", "escapes"),
    (
        ((), {}, 1),
        (("--no-color",), {}, 0),
        ((), {"NO_COLOR": "1"}, 0),
        ((), {"TERM": "dumb"}, 0),
    ),
    ids=("terminal", "--no-color", "NO_COLOR", "dumb"),
)
def test_colour_on_a_terminal(
    options: tuple[str, ...], environment: dict[str, str], escapes: int, samples: Path
) -> None:
    """A terminal gets colour unless an option, NO_COLOR or a dumb terminal says no."""
    shown, code = on_terminal("report", *options, samples / "common.log", environment=environment)
    assert code == 0
    assert min(shown.count("\x1b["), 1) == escapes


ATTACKS: Final = ("\x1b]0;owned\x07", "\x1b[2J", "\x9b2J", "\x7f\x08", "\u202etxt.exe")


def harmless(shown: str) -> None:
    """Assert that none of the attacks reached the terminal; colours of our own are no attack."""
    assert not [attack for attack in ATTACKS if attack in shown]
    assert not set("\x07\x08\x9b\x7f\u202e") & set(shown)


@pytest.mark.parametrize("options", ((), ("--json",)), ids=("text", "json"))
def test_nothing_in_a_log_acts_on_a_terminal(options: tuple[str, ...], tmp_path: Path) -> None:
    """Escape sequences in paths, referrers, user agents and broken lines do not reach the terminal."""
    lines = [
        LINE.replace("/demarches", f"/p{i}{attack}").replace('"-"', f'"https://x{attack}.example/"')
        for i, attack in enumerate(ATTACKS)
    ]
    lines += [LINE.replace("Firefox", attack) for attack in ATTACKS] + [f"broken {attack}\n" for attack in ATTACKS]
    log = tmp_path / "log"
    log.write_text(LINE * 200 + "".join(lines), encoding="utf-8")
    shown, _ = on_terminal("report", *options, log)
    assert "/p0" in shown
    harmless(shown)


@pytest.mark.parametrize("line", (LINE.replace("/demarches", "/" + "".join(ATTACKS)), "broken " + "".join(ATTACKS)))
def test_explain_is_harmless_on_a_terminal(line: str) -> None:
    """A line pasted from a log may hold anything."""
    shown, code = on_terminal("explain", line)
    assert code == 0
    harmless(shown)


@pytest.mark.parametrize("content", (None, "", FREE_TEXT, LINE), ids=("missing", "empty", "refused", "good"))
def test_no_file_name_acts_on_a_terminal(content: str | None, tmp_path: Path) -> None:
    """A file may have any name: in the summary and in messages its control characters are visible."""
    log = tmp_path / "\x1b]0;owned\x07\u202e.log"
    if content is not None:
        log.write_text(content, encoding="utf-8")
    shown, _ = on_terminal("report", log)
    assert r"\x1b]0;owned\x07" in shown
    harmless(shown)


def test_a_file_name_that_looks_like_an_option(tmp_path: Path) -> None:
    """A hostile name that a shell's `*` gives as an option is answered without obeying it."""
    for argument in ("--\x1b]0;owned\x07\u202e", f"--format=\x1b]0;owned\x07{tmp_path}"):
        shown, code = on_terminal("report", argument)
        assert code in (2, 78)
        harmless(shown)


def test_a_file_name_that_is_not_utf8(logstats: Program, tmp_path: Path) -> None:
    """File names are bytes: one in Latin-1 is counted and named without a traceback."""
    log = tmp_path / os.fsdecode(b"d\xe9marches.log")
    log.write_text(LINE, encoding="utf-8")
    for options in ((), ("--json",)):
        done = logstats("report", *options, log)
        assert (done.returncode, done.stderr) == (0, "")
        assert "marches.log" in done.stdout


def test_a_stream_that_is_not_utf8(logstats: Program, samples: Path) -> None:
    """On a stream that knows ASCII only the summary is printed all the same."""
    done = logstats("report", samples / "nginx_main.log", environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "500 lines = 500 hits" in done.stdout


# --- explain and geo --------------------------------------------------------------------------------------------


def explained(logstats: Program, line: str) -> dict[str, Any]:
    """Return what `explain` says of a line; neither its address nor its user agent is repeated."""
    done = logstats("explain", "--json", line)
    found = figures(done)
    assert "192.0.2.7" not in done.stdout + done.stderr
    assert FIREFOX not in done.stdout + done.stderr
    return found


def test_explain_a_page_view(logstats: Program) -> None:
    """A page view says its page, why it is one, and that it counts."""
    found = explained(logstats, LINE)
    assert found["format"] == "combined"
    assert found["time"].startswith("2025-10-22T10:00:00+02:00 (day 2025-10-22")
    assert found["path"] == "/demarches"
    assert found["outcome"] == "page_view (rule: page)"
    assert found["traffic"].startswith("human")
    assert found["device"].startswith("PC")
    assert found["verdict"] == "counts as a page view of a person"


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    (
        ("/demarches", "/form.pdf", "counts as a download by a person"),
        ("/demarches", "/style.css", "is a hit, but no view of a person: it is asset"),
        (" 200 ", " 404 ", "is a hit, but no view of a person: it is error"),
        ("GET", "POST", "is a hit, but no view of a person: it is other_method"),
        (FIREFOX, "curl/8.5.0", "is a hit, but no view of a person: it was sent by tool"),
        (FIREFOX, "Mozilla/5.0 (compatible; Googlebot/2.1)", "is a hit, but no view of a person: it was sent by bot"),
        (FIREFOX, "GPTBot/1.3", "is a hit, but no view of a person: it was sent by ai_crawler"),
        (FIREFOX, "-", "is a hit, but no view of a person: it was sent by bot"),
        ("/demarches", "/?x=${jndi:ldap://x/a}", "is a hit, but no view of a person: it was sent by suspected"),
        ("22/Oct", "31/Feb", "does not count: the line is rejected"),
    ),
)
def test_explain_what_does_not_count(old: str, new: str, verdict: str, knowledge: Knowledge) -> None:
    """Each kind of line is explained by the rule that decides about it."""
    assert explain(LINE.replace(old, new), knowledge)["verdict"] == verdict


SERVICE: Final = """
feature = [{ name = "Help", paths = ["^/aide"] }, { name = "Procedure", paths = ["^/demarches"] }]
[[funnel]]
name = "Passport"
steps = [{ name = "Read", paths = ["^/demarches$"] }, { name = "Send", paths = ["^/demarches$"], methods = ["POST"] }]
"""


@pytest.mark.parametrize(
    ("old", "new", "feature", "funnel"),
    (
        ("GET", "GET", "Procedure", "Passport, step 1: Read"),
        ("GET", "POST", "none that is configured", "Passport, step 2: Send"),
        ("/demarches", "/contact", "none that is configured", "no step that is configured"),
        ("Firefox/140.0", "Googlebot/2.1", "none that is configured", "no step that is configured"),
        ("/demarches", "/demarches.css", "none that is configured", "no step that is configured"),
    ),
)
def test_explain_names_the_feature_and_the_step(
    old: str, new: str, feature: str, funnel: str, logstats: Program, tmp_path: Path
) -> None:
    """Explain says which feature and which steps a line is, so that patterns can be tried."""
    (tmp_path / "logstats.toml").write_text(SERVICE, "utf-8")
    found = figures(logstats("explain", "--json", "--config", tmp_path / "logstats.toml", LINE.replace(old, new)))
    assert (found["feature"], found["funnel"]) == (feature, funnel)


def test_explain_a_reject(logstats: Program) -> None:
    """A rejected line is shown by its outline alone, with the reason."""
    found = explained(logstats, LINE[:60])
    assert found["rejected"].startswith("truncated: ")
    assert found["shape"].startswith("9.9.9.9 - - [9/a/9")


def test_explain_an_attack(logstats: Program) -> None:
    """An attack under a browser's name is named."""
    found = explained(logstats, LINE.replace("/demarches", "/?x=${jndi:ldap://x/a}"))
    assert found["traffic"] == "suspected (an attack: log4j)"


def test_explain_an_objection(logstats: Program) -> None:
    """Who sends Sec-GPC does not count, and nothing else is said about the line."""
    line = {"time_iso8601": "2025-10-22T10:00:00+02:00", "remote_addr": "192.0.2.7", "request": "GET / HTTP/1.1"}
    found = explained(logstats, json.dumps(line | {"status": 200, "http_sec_gpc": "1"}))
    assert list(found) == ["format", "verdict"]
    assert "opted out" in found["verdict"]


@pytest.mark.parametrize("arguments", ((), ("-",)))
def test_explain_reads_a_pipe(arguments: tuple[str, ...], logstats: Program) -> None:
    """Without LINE the first line of standard input is explained."""
    done = logstats("explain", *arguments, stdin=LINE * 2)
    assert done.returncode == 0
    assert done.stdout.count("verdict") == 1
    assert "counts as a page view of a person" in done.stdout


def test_geo_info(logstats: Program) -> None:
    """The country database says its name, licence, date and attribution."""
    found = figures(logstats("geo", "info", "--json"))
    assert {"database", "built", "licence", "attribution", "sha256"} <= set(found)
    assert date.fromisoformat(found["built"]) > date(2026, 1, 1)
    assert found["ipv4_ranges"] > 100_000
    assert "built" in logstats("geo", "info").stdout
