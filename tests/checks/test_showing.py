"""`config show`, `config init --out`, and how commands behave on terminals of all kinds and in the journal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from logstats.config.effective import effective, toml
from logstats.config.text import value_text
from logstats.text import broken

if TYPE_CHECKING:
    from collections.abc import Callable

    Program = Callable[..., subprocess.CompletedProcess[str]]

DEFAULTS: Final = Path(__file__).resolve().parents[2] / "logstats" / "defaults.toml"
OWN: Final = """# a comment
timezone = "Europe/Madrid"

[privacy]
id_bits = 40

[[site]]
name = "one"
hosts = ["one.example"]
[[site]]
name = "two"
hosts = ["two.example"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration of one's own."""
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    return path


def terminal(columns: int, *arguments: str | Path, **variables: str) -> str:
    """Run the program on a terminal of so many columns; return what it shows."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": str(columns)} | variables
    command = [sys.executable, "-m", "logstats", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    process.wait(60)
    return shown.decode().replace("\r\n", "\n")


def test_every_value_has_its_origin(logstats: Program, file: Path) -> None:
    """File and line of one's own values, the line of defaults.toml of all others; none is left out."""
    shown = json.loads(logstats("config", "show", "--config", file, "--json").stdout)
    origin = {one["key"]: one["origin"] for one in shown["values"]}
    assert origin["timezone"] == f"{file}:2"
    assert origin["privacy.id_bits"] == f"{file}:5"
    assert origin["site"] == f"{file}:7"
    lines = DEFAULTS.read_text("utf-8").splitlines()
    for one in shown["values"]:
        if not one["origin"].startswith(str(file)):
            name, _, number = one["origin"].partition(":")
            assert name == "defaults.toml"
            assert lines[int(number) - 1].startswith(f"{one['key'].rpartition('.')[2]} = ")
    assert len(origin) > 80


def test_options_and_variables_are_origins(logstats: Program, file: Path) -> None:
    """An option comes before a variable, a variable before the file."""
    arguments = ("config", "show", "--config", file, "--json")
    variables = {"LOGSTATS_FORMAT": "main", "LOGSTATS_STORE": "/s", "LOGSTATS_DATAGOUV_DEMO_KEY": "zqxj"}
    done = logstats(*arguments, environment=variables)
    shown = json.loads(done.stdout)
    one = next(one for one in shown["values"] if one["key"] == "format")
    assert (one["value"], one["origin"]) == ("main", "$LOGSTATS_FORMAT")
    assert shown["store"] == {"folder": "/s", "origin": "$LOGSTATS_STORE"}
    assert shown["keys"]["datagouv demo"] == "set ($LOGSTATS_DATAGOUV_DEMO_KEY)"
    assert shown["keys"]["datagouv production"] == "not set"
    assert "zqxj" not in done.stdout + done.stderr
    shown = json.loads(logstats(*arguments, "--format", "json", environment=variables).stdout)
    one = next(one for one in shown["values"] if one["key"] == "format")
    assert (one["value"], one["origin"]) == ("json", "--format")


def test_the_file_is_found_by_a_variable(logstats: Program, file: Path) -> None:
    """LOGSTATS_CONFIG names it, and it is said which one it was."""
    done = logstats("config", "show", environment={"LOGSTATS_CONFIG": str(file)})
    assert done.stdout.startswith(f"# file: {file}\n")


def test_what_is_shown_is_a_configuration(logstats: Program, file: Path, tmp_path: Path) -> None:
    """Given back, it has the same values, all of them from that file."""
    first = logstats("config", "show", "--config", file)
    again = tmp_path / "again.toml"
    again.write_text(first.stdout, encoding="utf-8")
    shown = json.loads(logstats("config", "show", "--config", again, "--json").stdout)
    assert {one["key"]: one["value"] for one in shown["values"]} == {one.key: one.value for one in effective(file)}
    assert all(one["origin"].startswith(f"{again}:") for one in shown["values"])
    assert tomllib.loads("\n".join(toml(effective(None)))) == tomllib.loads(DEFAULTS.read_text("utf-8"))


@pytest.mark.parametrize(
    "value",
    (
        *("", "'", '"', "\\", "a'b\"c\\d", "\x7f", "\x1b[31m", "é\u202e", "tab\there", "line\nbreak", '^/a"\\d'),
        *(True, 3, 0.5, [], ["a"] * 40, [{"a": "'", "b": ["\\"]}], {}),
    ),
)
def test_values_come_back_from_toml(value: object) -> None:
    """Whatever a value holds, what is written reads as it, and cannot act on a terminal."""
    text = value_text(value)
    assert tomllib.loads(f"x = {text}") == {"x": value}
    assert all(character.isprintable() or character == "\n" for character in text)


def test_init_never_writes_over_a_file(logstats: Program, file: Path, tmp_path: Path) -> None:
    """A configuration that is there stays; without one, no server is an error that says what to name."""
    nginx = tmp_path / "nginx.conf"
    nginx.write_text("events {} http { server { access_log /l/a.log; } }", encoding="utf-8")
    done = logstats("config", "init", "--nginx-conf", nginx, "--out", file)
    assert (done.returncode, file.read_text("utf-8")) == (74, OWN)
    assert "is there already" in done.stderr
    done = logstats("config", "init", "--nginx-conf", nginx, "--apache-conf", nginx)
    assert done.returncode == 78
    done = logstats("config", "init", "--nginx-conf", nginx, "--timezone", "Paris")
    assert (done.returncode, "is no time zone" in done.stderr) == (78, True)
    done = logstats("config", "init", "--nginx-conf", nginx, "--out", tmp_path / "new" / "logstats.toml")
    assert (done.returncode, done.stdout) == (0, "")
    assert "then run: logstats check --config" in done.stderr
    done = logstats("config", "init", "--apache-conf", tmp_path / "none.conf", "--define", "x")
    assert done.returncode == 78


def test_a_configured_log_is_read_without_a_file(logstats: Program, samples: Path, tmp_path: Path) -> None:
    """`ingest` without a FILE reads them, `-` the pipe; a log that is not there is an error."""
    own = tmp_path / "logstats.toml"
    own.write_text(f'[input]\nlogs = ["{samples}/comm?n.log"]\n', encoding="utf-8")
    arguments = ("ingest", "--config", own, "--json")
    assert json.loads(logstats(*arguments, "--store", tmp_path / "a").stdout)["lines"]["total"] == 500
    line = (samples / "common.log").read_bytes().split(b"\n")[0] + b"\n"
    with subprocess.Popen(["/bin/echo", "waits"], stdout=subprocess.PIPE) as echo:
        echo.wait()
        command = [sys.executable, "-m", "logstats", *map(str, arguments), "--store", str(tmp_path / "d")]
        piped = subprocess.run(command, stdin=echo.stdout, capture_output=True, check=False)
    assert b"not what waits on standard input" in piped.stderr
    done = logstats(*arguments, "--store", tmp_path / "b", "-", stdin=line)
    assert json.loads(done.stdout)["lines"]["total"] == 1
    own.write_text('[input]\nlogs = ["none*.log"]\n', encoding="utf-8")
    done = logstats(*arguments, "--store", tmp_path / "c")
    assert (done.returncode, "none*.log: there is no such file (input.logs)" in done.stderr) == (66, True)
    own.write_text('[input]\nlogs = ["-"]\n', encoding="utf-8")
    assert logstats(*arguments, "--store", tmp_path / "c").returncode == 78


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    (
        (("chekc",), "check"),
        (("config", "shwo"), "show"),
        (("check", "--strcit"), "--strict"),
        (("status", "--promethus"), "--prometheus"),
        (("hook", "ngin"), "nginx"),
    ),
)
def test_did_you_mean(arguments: tuple[str, ...], suggestion: str, logstats: Program) -> None:
    """A typing error is answered with what may have been meant, and 2."""
    done = logstats(*arguments)
    assert done.returncode == 2
    assert suggestion in done.stderr.split("Error:")[1]
    assert done.stdout == ""


COMMANDS: Final = (
    ("report", "SAMPLE"),
    ("check",),
    ("config", "show"),
    ("geo", "info"),
    ("--help",),
    ("check", "--help"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("variables", "coloured"),
    (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)),
    ids=str,
)
def test_no_color(command: tuple[str, ...], variables: dict[str, str], coloured: bool, samples: Path) -> None:  # noqa: FBT001 - a case
    """Colour only on a terminal that has it, and not where NO_COLOR is set and not empty."""
    named = [str(samples / "common.log") if word == "SAMPLE" else word for word in command]
    shown = terminal(80, *named, **variables)
    assert "\x1b[" not in shown.replace("\x1b[0m", "") or coloured
    if coloured and command[0] in {"report", "check"} and "--help" not in command:
        assert "\x1b[" in shown
    if command[0] in {"report", "check", "geo"} and "--help" not in command:
        assert "\x1b[" not in terminal(80, *named, "--no-color", **variables)


@pytest.mark.parametrize("columns", (40, 60))
@pytest.mark.parametrize(
    "command", (("report", "SAMPLE"), ("check", "--store", "STORE"), ("status", "--store", "STORE")), ids=" ".join
)
def test_narrow_terminals(
    command: tuple[str, ...], columns: int, logstats: Program, samples: Path, tmp_path: Path
) -> None:
    """No line is broken by the terminal in the middle of a word, unless the word is longer than a line."""
    log = samples / "public_service.log.xz"
    logstats("ingest", "--store", tmp_path / "store", log)
    named = [{"SAMPLE": str(log), "STORE": str(tmp_path / "store")}.get(word, word) for word in command]
    shown = (
        terminal(columns, *named, NO_COLOR="1").rpartition("\r")[2]
        if command[0] == "report"
        else terminal(columns, *named, NO_COLOR="1")
    )
    lines = shown.splitlines()
    assert len(lines) > 5
    for line in lines:
        assert len(line) <= columns or len(max(line.split(), key=len)) + 12 > columns, line


def test_lines_are_broken_where_a_word_ends() -> None:
    """Nothing is lost, and what follows stands further in."""
    assert broken("  short", 10) == ["  short"]
    assert broken("  one two three four", 12) == ["  one two", "    three", "    four"]
    assert broken("averyveryverylongword", 10) == ["averyveryverylongword"]
    text = "    some figures: 1 2 3 4 5 6 7 8 9 10 and " + "x" * 50
    assert " ".join(broken(text, 20)).split() == text.split()


@pytest.mark.parametrize("ours", (True, False))
def test_priorities_in_the_journal(ours: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """Where standard error is the journal, a line begins with its priority; the result does not."""
    errors = tmp_path / "errors"
    with errors.open("wb") as stream:
        status = os.fstat(stream.fileno())
        journal = f"{status.st_dev}:{status.st_ino if ours else status.st_ino + 1}"
        command = [sys.executable, "-m", "logstats", "report", "/no/such/file"]
        subprocess.run(command, stderr=stream, check=False, env=os.environ | {"JOURNAL_STREAM": journal})
    assert errors.read_text("utf-8").startswith("<3>logstats: " if ours else "logstats: ")


def test_the_line_of_a_run_that_fails(tmp_path: Path) -> None:
    """What was committed before the disk was full is said, last and in one line; the next run counts the rest only."""
    line = '192.0.2.{} - - [22/Oct/2025:10:00:00 +0200] "GET /page/{} HTTP/1.1" 200 512 "-" "Firefox/140.{}"\n'
    (tmp_path / "1").write_text("".join(line.format(i, i, i) for i in range(100)), encoding="utf-8")
    (tmp_path / "2").write_text("".join(line.format(i % 250, i + 100, i) for i in range(60_000)), encoding="utf-8")
    command = [sys.executable, "-m", "logstats", "ingest", "--store", "store", "1", "2"]
    limited = ["bash", "-c", 'ulimit -f 100; exec "$@"', "-", *command]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 74
    assert done.stdout == (
        "lines=100 hits=100 rejected=0 opted_out=0 late=0 failed=CannotWriteError exit=74 store=store\n"
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "lines=60000 hits=60000 rejected=0 opted_out=0 late=0 skipped=100 " in done.stdout
