"""Nothing that tells who asked leaves the program: planted values are searched in every byte it lets out."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pytest

from logstats.schema import INTERNAL, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

ADDRESSES: Final = (  # documentation addresses, as clients, in chains, paths, queries and referrers
    "203.0.113.201",
    "198.51.100.202",
    "192.0.2.203",
    "203.0.113.204",
    "198.51.100.205",
    "2001:db8:cafe:1::77",
    "2001:db8:beef:2:3:4:5:78",
    "2001:db8:f00d::79",
)
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 qjxAgentPerson"
ROBOT: Final = "Googlebot/2.1 (+http://www.google.com/bot.html) qjxAgentRobot"
WORDS: Final = (
    "qjxAgentPerson",
    "qjxAgentRobot",
    "rv:140.0",
    "qjxuser",
    "qjxpassword",
    "qjxquery",
    "qjxfragment",
    "qjxcookie",
    "qjxsecretpath",
    "qjxmail",
    "jeanne.qjxmartin",
    "0612345678",
    "06-12-34-56-78",
    "612345678",
    "185057800608436",
    "0F8FAD5B-d9cb-469f-a165-70867728950e",
    "eyJhbGciOiJIUzI1NiJ9",
    "d41d8cd98f00b204e9800998ecf8427e",
)
IN_PATHS: Final = (
    "203.0.113.204",
    "192.0.2.3",
    "::ffff:192.0.2.3",
    "2001:db8:cafe:1::77",
    "2001%3Adb8%3Acafe%3A1%3A%3A77",
    "2001%3adb8%3acafe%3a1%3a%3a77",
    "[2001:db8:cafe:1::77]",
    "2001:0db8:cafe:0001:0000:0000:0000:0077",
)
TRUNCATED: Final = (
    "203.0.113.0",
    "203.0.0.0",
    "198.51.100.0",
    "198.51.0.0",
    "192.0.0.0",
    "2001:db8:cafe::",
    "2001:db8:cafe:1::/",
)

SPELLINGS: Final = (  # of clients: plain, mapped, in brackets, upper case, with zone and port, exploded
    "203.0.113.201",
    "::ffff:198.51.100.202",
    "::FFFF:c000:2cb",  # 192.0.2.203
    "2001:db8:cafe:1::77",
    "2001:DB8:BEEF:2:3:4:5:78",
    "2001:0db8:f00d:0000:0000:0000:0000:0079",
)
TARGETS: Final = (
    "/demarches",
    "/demarches?mail=qjxmail@example.org&ip=203.0.113.204&q=qjxquery#qjxfragment",
    "/lookup/203.0.113.204",
    "/profil/jeanne.qjxmartin%40example.org",
    "/profil/qjxmail%2540example.org/edit",
    "/profil/qjxmail@example.org",
    "/tel/0612345678",
    "/tel/06-12-34-56-78",
    "/tel/+33612345678",
    "/tel/06%2012%2034%2056%2078",
    "/nir/185057800608436",
    "/suivi/0F8FAD5B-d9cb-469f-a165-70867728950e",
    "/jeton/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJxanh1c2VyIn0.c2lnbmF0dXJl",
    "/fichier/d41d8cd98f00b204e9800998ecf8427e.pdf",
    "/page;jsessionid=qjxquery",
    "http://qjxuser:qjxpassword@203.0.113.204/demarches",
)
REFERRERS: Final = (
    "-",
    "https://qjxuser:qjxpassword@www.example.org:8443/qjxsecretpath?q=qjxquery#qjxfragment",
    "http://203.0.113.204/qjxsecretpath",
    "http://[2001:db8:cafe:1::77]:8080/qjxsecretpath",
    "https://www.google.com/search?q=qjxquery",
    "qjxsecretpath is no URL",
    "android-app://qjxuser.example",
)
DAY: Final = "22/Oct/2025:10:00:00 +0200"


def corpus() -> list[str]:
    """Lines in every format that can hold something personal, good ones and broken ones."""
    lines = []
    for i, target in enumerate(TARGETS):
        client, agent = SPELLINGS[i % len(SPELLINGS)], ROBOT if i % 5 == 4 else FIREFOX
        for j, referrer in enumerate(REFERRERS):
            chain = "203.0.113.204, 198.51.100.205, [2001:db8:f00d::79]:443"
            who = f'{client} - qjxuser [22/Oct/2025:10:{i:02}:{j:02} +0200] "GET {target} HTTP/1.1"'
            lines.append(f'{who} 200 5 "{referrer}" "{agent}" "{chain}"')
        # What is no view keeps its page as well: errors and forms of people.
        lines += [f'{who} 404 5 "{REFERRERS[1]}" "{FIREFOX}" "{chain}"']
        lines += [f'{who.replace("GET", "POST")} {status} 5 "-" "{FIREFOX}" "{chain}"' for status in (303, 500)]
    usual = {"time_iso8601": "2025-10-22T10:00:00+02:00", "request": f"GET {TARGETS[1]} HTTP/1.1", "status": 200}
    headers = {"Authorization": ["Basic qjxpassword"], "Cookie": ["id=qjxcookie"], "User-Agent": [FIREFOX]}
    for client in SPELLINGS:
        entry = usual | {"remote_addr": client, "remote_user": "qjxuser", "http_user_agent": FIREFOX}
        lines.append(json.dumps(entry | {"http_cookie": "qjxcookie", "http_x_forwarded_for": "203.0.113.204"}))
        lines.append(json.dumps(entry | {"http_sec_gpc": "1"}))
        lines.append(json.dumps({**usual, "request": {"remote_ip": client, "method": "GET", "headers": headers}}))
    return lines


BROKEN: Final = (
    f'203.0.113.201 - qjxuser [{DAY}] "GET /qjxsecretpath?qjxquery',
    f'203.0.113.201 - qjxuser [31/Feb/2025:10:00:00 +0200] "GET /qjxsecretpath HTTP/1.1" 200 5 "-" "{FIREFOX}" "-"',
    f'299.0.113.201 - qjxuser [{DAY}] "GET /qjxsecretpath HTTP/1.1" 200 5 "-" "{FIREFOX}" "-"',
    f'203.0.113.201 - qjxuser [{DAY}] "GET /qjxsecretpath HTTP/1.1" - 5 "-" "{FIREFOX}" "-"',
    f'203.0.113.201 - qjxuser [{DAY}] "GET /demarches HTTP/1.1" 200 {"9" * 30} "-" "{FIREFOX}" "-"',
    f'203.0.113.201 - - [{DAY}] "\\x16\\x03qjxquery" 400 5 "-" "-" "-"',
    "connect() to 203.0.113.201 failed for qjxuser qjxmail@example.org",
    '{"remote_addr": "203.0.113.201", "user": "qjxuser"',
    "qjxuser\x00203.0.113.201",
)
REFUSED: Final = "[error] client 203.0.113.201, user qjxuser, request GET /qjxsecretpath?qjxquery\n"

# The program with a small store, whose parts and temporary files are copied before they are cleaned away. A stage
# may be replaced by one that fails: with words of ours, or as polars does, which names the values it stumbles over.
PROGRAM: Final = """
import importlib, os, shutil, sys
from pathlib import Path
import polars
from logstats.store import throwaway
copies, failing, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.argv = ["logstats", *sys.argv[4:]]

def keep(folder):
    for path in Path(folder).rglob("*"):
        if path.is_file():
            shutil.copy(path, copies / str(len(list(copies.iterdir()))))

write = throwaway.write_part
def watched_write(hits, path):
    rows = write(hits, path)
    keep(path.parent)
    return rows
throwaway.write_part = watched_write
throwaway.ThrowawayStore.__init__.__defaults__ = (None, 10)
leave = throwaway.ThrowawayStore.__exit__
def watched_leave(store, *what):
    keep(os.environ["TMPDIR"])
    return leave(store, *what)
throwaway.ThrowawayStore.__exit__ = watched_leave

def fail(*arguments, **named):
    if how == "plain":
        raise RuntimeError("provoked")
    for argument in (*arguments, *named.values()):
        if isinstance(argument, bytes):
            argument = polars.Series("line", argument.decode("utf-8", "replace").split("\\n"))
        if isinstance(argument, polars.Series):
            argument = argument.to_frame()
        if isinstance(argument, dict):
            argument = next(iter(argument.values()))
        if isinstance(argument, polars.DataFrame):
            texts = argument.select(polars.col(polars.String))
            texts.select(polars.all().cast(polars.Int64))
    raise RuntimeError("provoked")

if failing:
    module, _, name = failing.rpartition(".")
    owner = importlib.import_module(module)
    assert hasattr(owner, name), failing
    setattr(owner, name, fail)
from logstats.cli import main
main()
"""

STAGES: Final = (
    "logstats.pipeline.split_lines",
    "logstats.parse.best_first",
    "logstats.parse.parse",
    "logstats.derive.withdraw",
    "logstats.derive.pseudonymise",
    "logstats.visits.sessionise",
    "logstats.visits.find_acts",
    "logstats.visits.quality.errors",
    "logstats.visits.journeys.runs",
    "logstats.visits.funnels.reach",
    "logstats.visits.features.uses",
    "logstats.cells.bound_pages",
    "logstats.cells.aggregate",
    "logstats.summary.summarise",
    "logstats.tables.write",
)


@dataclass
class Outcome:
    """Everything that a run let out: its streams, its output folder and its temporary files."""

    code: int
    stdout: bytes
    stderr: bytes
    files: list[Path] = field(default_factory=list)

    @property
    def parquet(self) -> list[Path]:
        """The files that are tables or parts."""
        return [path for path in self.files if path.read_bytes()[:4] == b"PAR1"]

    def everything(self) -> bytes:
        """Every byte, and every text and number of the tables decompressed."""
        pieces = [self.stdout, self.stderr, *(path.read_bytes() for path in self.files)]
        for path in self.parquet:
            frame = pl.read_parquet(path)
            pieces += [str(frame.schema).encode()]
            for column in frame.select(pl.selectors.exclude(pl.selectors.temporal())).iter_columns():
                pieces.append("\n".join(map(str, column.unique().to_list())).encode())
        return b"\n".join(pieces)


def forms_of(address: str) -> dict[str, bytes]:
    """Write an address in every form in which it could be kept."""
    parsed = ip_address(address)
    texts = {
        "text": address,
        "exploded": parsed.exploded,
        "hexadecimal": parsed.packed.hex(),
        "number": str(int(parsed)),
        "reversed": ".".join(reversed(address.split("."))) if parsed.version == 4 else parsed.reverse_pointer,
        "with dashes": address.replace(".", "-").replace(":", "-"),
        "mapped": str(ip_address(f"::ffff:{address}")) if parsed.version == 4 else address,
    }
    texts |= {name: hashlib.new(name, address.encode()).hexdigest() for name in ("md5", "sha1", "sha256", "blake2b")}
    return {name: text.lower().encode() for name, text in texts.items()} | {"packed": parsed.packed}


NEEDLES: Final = {f"{address} ({name})": form for address in ADDRESSES for name, form in forms_of(address).items()} | {
    word: word.lower().encode() for word in (*WORDS, *TRUNCATED)
}


def found_in(haystack: bytes) -> list[str]:
    """Name the planted values that stand in bytes, whatever their case."""
    lower = haystack.lower()
    return sorted(name for name, form in NEEDLES.items() if form in (haystack if "packed" in name else lower))


@pytest.fixture
def watched(tmp_path: Path) -> Callable[..., Outcome]:
    """Return a function that runs the program and keeps all that it lets out, temporary files included."""

    def run(
        *arguments: str | Path, stdin: bytes = b"", out: Path | None = None, failing: str = "", how: str = "plain"
    ) -> Outcome:
        copies, temporary = tmp_path / "copies", tmp_path / "tmp"
        for folder in (copies, temporary):
            folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, copies, failing, how, *arguments],
            input=stdin,
            env=os.environ | {"TMPDIR": str(temporary)},
            capture_output=True,
            check=False,
            timeout=60,
        )
        folders = [copies, temporary, *([out] if out else [])]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert not list(temporary.iterdir()), "temporary files were left behind"
        return Outcome(done.returncode, done.stdout, done.stderr, files)

    return run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of which almost every field holds something that must not leave the program."""
    path = tmp_path / "access.log"
    path.write_text("\n".join([*corpus(), *BROKEN]) + "\n", encoding="utf-8")
    return path


def lines_of(items: Iterable[str]) -> bytes:
    """Join lines to what a pipe brings."""
    return "".join(f"{item}\n" for item in items).encode()


# --- the search itself ------------------------------------------------------------------------------------------


def test_the_search_finds_what_is_planted() -> None:
    """The search is worth something: in the corpus itself it finds every word, and each address in some form."""
    found = found_in(lines_of((*corpus(), *BROKEN, REFUSED)))
    assert set(WORDS) <= set(found)
    assert {address for address in ADDRESSES if any(name.startswith(address) for name in found)} == set(ADDRESSES)


@pytest.mark.parametrize("form", sorted(forms_of("203.0.113.201")))
def test_the_search_knows_every_form_of_an_address(form: str) -> None:
    """Dotted, hexadecimal, packed, as a number, with dashes, hashed: each is found."""
    assert f"203.0.113.201 ({form})" in found_in(b"x" + forms_of("203.0.113.201")[form] + b"x")


# --- report, explain and their messages -------------------------------------------------------------------------


@pytest.mark.parametrize("options", ((), ("--json",)), ids=("text", "json"))
def test_a_report_holds_nothing_personal(
    options: tuple[str, ...], watched: Callable[..., Outcome], log: Path, tmp_path: Path
) -> None:
    """Streams, tables and parts of a report hold no address, user agent, query, name or number of a person."""
    out = tmp_path / "out"
    outcome = watched("report", *options, "--out", out, log, out=out)
    assert b"refused" not in outcome.stderr
    assert len(outcome.parquet) > len(TABLES) - len(INTERNAL)  # with a part that was caught while it existed
    assert b"google.com" in outcome.everything()  # what may be kept is there, so the search looks at the right bytes
    assert b"/demarches" in outcome.everything()
    assert found_in(outcome.everything()) == []


def test_rejects_are_shown_without_what_they_say(watched: Callable[..., Outcome]) -> None:
    """Broken lines appear as outlines; the reasons are named, and nothing can be read."""
    for options in ((), ("--json",)):
        outcome = watched("report", *options, stdin=lines_of([corpus()[0], *BROKEN]))
        assert outcome.code == 65
        assert b"truncated" in outcome.stdout
        assert found_in(outcome.everything()) == []


def test_refusals_and_damage_are_named_without_content(watched: Callable[..., Outcome], tmp_path: Path) -> None:
    """A refused file, a damaged one and a format that does not fit: messages name the file and no line of it."""
    (tmp_path / "damaged.gz").write_bytes(gzip.compress(lines_of(corpus() * 9))[:-300])
    (tmp_path / "refused.log").write_text(REFUSED * 20, encoding="utf-8")
    outcome = watched("report", tmp_path / "damaged.gz", tmp_path / "refused.log")
    assert outcome.code == 65
    assert b"damaged.gz: damaged" in outcome.stderr
    assert b"refused.log: refused" in outcome.stderr
    assert found_in(outcome.everything()) == []
    misread = watched("report", "--format", "vhost_combined", stdin=lines_of(corpus()))
    assert misread.code == 65
    assert found_in(misread.everything()) == []


@pytest.mark.parametrize("what", ("a target", "a client", "a broken line", "a JSON line"))
def test_explain_repeats_nothing_personal(
    what: str, watched: Callable[..., Outcome], knowledge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """`explain` says how a line is read without its address, user agent, query or names."""
    from logstats.explain import explain  # noqa: PLC0415 - one call goes through the program, the others are quick

    lines = {
        "a target": corpus()[:: len(REFERRERS)],
        "a client": corpus()[1 : len(REFERRERS)],
        "a broken line": list(BROKEN),
        "a JSON line": [line for line in corpus() if line.startswith("{")],
    }[what]
    leaks = {line: leak for line in lines if (leak := found_in(str(explain(line, knowledge)).encode()))}
    assert leaks == {}
    assert capsys.readouterr() == ("", "")
    if what != "a target":
        return
    outcome = watched("explain", stdin=lines_of(lines[1:]))
    assert outcome.code == 0
    assert found_in(outcome.everything()) == []


def failure(watched: Callable[..., Outcome], log: Path, out: Path, stage: str, how: str) -> list[str]:
    """Let a stage fail, and name the planted values that are to be seen then."""
    outcome = watched("report", "--out", out, log, out=out, failing=stage, how=how)
    assert outcome.code == 1
    assert outcome.stderr
    return found_in(outcome.everything())


@pytest.mark.parametrize("stage", ("logstats.parse.parse", "logstats.cells.aggregate"))
def test_a_failure_tells_nothing(stage: str, watched: Callable[..., Outcome], log: Path, tmp_path: Path) -> None:
    """A failure of the program exits 1 and says so; no value of a line stands in what is written."""
    assert failure(watched, log, tmp_path / "out", stage, "plain") == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_failure_of_polars_tells_nothing(
    stage: str, watched: Callable[..., Outcome], log: Path, tmp_path: Path
) -> None:
    """A library names the values it stumbles over in its errors: whatever the stage, none of them gets out."""
    assert failure(watched, log, tmp_path / "out", stage, "polars") == []


@pytest.mark.parametrize("address", IN_PATHS)
def test_an_address_in_a_path_is_no_page(address: str, counted: Callable[..., Any], tmp_path: Path) -> None:
    """Paths hold addresses, too (`/lookup/…`): what becomes a page does not, however it is written."""
    path = tmp_path / "log"
    request = f"GET /lookup/{address}/plan HTTP/1.1"
    path.write_text(f'203.0.113.201 - - [{DAY}] "{request}" 200 5 "-" "{FIREFOX}"\n', encoding="utf-8")
    [page] = counted([path]).cells["pages"]["page"]
    assert page.startswith("/lookup/{")
    assert page.endswith("}/plan")


# --- objections, parts, samples ---------------------------------------------------------------------------------


CADDY: Final = {
    "ts": 1761120000.0,
    "request": {"remote_ip": "203.0.113.201", "method": "GET", "host": "www.example.org", "uri": "/demarches"},
    "status": 200,
    "size": 5,
}
TRAEFIK: Final = {
    "StartUTC": "2025-10-22T08:00:00Z",
    "ClientHost": "203.0.113.201",
    "RequestMethod": "GET",
    "RequestPath": "/demarches",
    "DownstreamStatus": 200,
    "request_User-Agent": FIREFOX,
}
OBJECTIONS: Final = {
    "nginx, Sec-GPC": {"time_iso8601": "2025-10-22T10:00:00Z", "remote_addr": "203.0.113.201", "http_sec_gpc": "1"},
    "nginx, DNT": {"time_iso8601": "2025-10-22T10:00:00Z", "remote_addr": "203.0.113.201", "http_dnt": "1"},
    # Go writes header names in its own way: Sec-Gpc and Dnt, whatever the browser sent.
    "Caddy, Sec-GPC": CADDY | {"request": CADDY["request"] | {"headers": {"Sec-Gpc": ["1"]}}},  # type: ignore[operator]
    "Caddy, DNT": CADDY | {"request": CADDY["request"] | {"headers": {"Dnt": ["1"]}}},  # type: ignore[operator]
    "Traefik, Sec-GPC": TRAEFIK | {"request_Sec-Gpc": "1"},
    "Traefik, DNT": TRAEFIK | {"request_Dnt": "1"},
}


@pytest.mark.parametrize("server", OBJECTIONS)
def test_an_objection_is_honoured(server: str, counted: Callable[..., Any], tmp_path: Path) -> None:
    """Sec-GPC: 1 and DNT: 1 count as opted out and nowhere else, as each server writes these headers."""
    line = {"request": "GET /demarches HTTP/1.1", "status": 200} | OBJECTIONS[server]
    path = tmp_path / "log"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    found = counted([path])
    assert (found.tally.lines, found.tally.opted_out, found.tally.hits) == (1, 1, 0)
    assert all(frame.is_empty() for frame in found.cells.values())


def test_a_cookie_states_an_objection(logstats: Callable[..., Any], tmp_path: Path) -> None:
    """The configured opt-out cookie, where the format logs it, is an objection."""
    config = tmp_path / "logstats.toml"
    config.write_text('[privacy]\nopt_out_cookie = "nostats"\n', encoding="utf-8")
    line_format = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%{nostats}C"'
    line = f'203.0.113.201 - - [{DAY}] "GET / HTTP/1.1" 200 5 "-" "{FIREFOX}" '
    done = logstats("report", "--json", "--config", config, "--format", line_format, stdin=f'{line}"1"\n{line}"-"\n')
    found = json.loads(done.stdout)
    assert (found["lines"]["opted_out"], found["lines"]["hits"]) == (1, 1)


def texts_of_samples(samples: Path) -> tuple[set[str], set[str]]:
    """Return the user agents and the query strings that stand in the samples that need no format string."""
    from logstats import parse  # noqa: PLC0415 - only here
    from logstats.read import open_source, read_blocks, split_lines  # noqa: PLC0415

    agents: set[str] = set()
    queries: set[str] = set()
    formats = list(parse.named_formats().values())
    for path in sorted(samples.iterdir()):
        for block in read_blocks(open_source(str(path))):
            read = parse.parse(
                split_lines(block.data), formats, timezone="Europe/Paris", latest=datetime(2100, 1, 1, tzinfo=UTC)
            )
            agents |= set(read.requests["user_agent"].drop_nulls())
            queries |= set(read.requests["target"].str.extract(r"\?(.*)$").drop_nulls())
    return agents, queries


def test_samples_leave_no_user_agent_and_no_query(
    watched: Callable[..., Outcome], samples: Path, tmp_path: Path
) -> None:
    """Of all samples, no user agent and no query string stands in the summary, the tables or the parts."""
    agents, queries = texts_of_samples(samples)
    assert len(agents) > 500
    assert len(queries) > 200
    out = tmp_path / "out"
    logs = [path for path in sorted(samples.iterdir()) if path.suffix != ".md" and path.name != "apache_csv.log"]
    everything = watched("report", "--out", out, *logs, out=out).everything().decode("utf-8", "replace")
    # A text of a few letters, such as `b` or `A=1`, stands in any text by chance.
    assert [agent for agent in agents if len(agent) > 12 and agent in everything] == []
    assert [query for query in queries if len(query) > 12 and query in everything] == []
