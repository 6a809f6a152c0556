"""Each line once: what happens to logs between two runs, and how many of 1,000 requests each tool counts.

python tests/benchmarks/counting.py [TOOL…]    logstats and goaccess, if they are installed; 1,000 is right everywhere

The table in docs/comparison.md is made of this, but for AWStats and Webalizer, which were measured by hand.
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ALL: Final = 1_000
CUT: Final = 502  # inside a second
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def line(number: int) -> bytes:
    """Give a request: four a second, and all of them pages."""
    second = number // 4
    moment = f"22/Oct/2025:10:{second // 60:02}:{second % 60:02} +0200"
    return f'192.0.2.{number % 50 + 1} - - [{moment}] "GET /p{number % 20} HTTP/1.1" 200 512 "-" "{_AGENT}"\n'.encode()


LINES: Final = [line(number) for number in range(ALL)]


@dataclass
class Tool:
    """A tool with what it remembers, below a folder of its own."""

    folder: Path

    def read(self, *files: Path, stdin: bytes | None = None) -> None:
        """Count logs, or a pipe."""
        raise NotImplementedError

    def counted(self) -> int:
        """Give the number of requests counted so far."""
        raise NotImplementedError


class Logstats(Tool):
    """This program."""

    def read(self, *files: Path, stdin: bytes | None = None) -> None:
        """Count into a store."""
        given = [str(file) for file in files] or ["-"]
        _run([sys.executable, "-m", "logstats", "ingest", "--quiet", "--store", self.folder / "store", *given], stdin)

    def counted(self) -> int:
        """Ask the store for what its runs counted."""
        state = _run([sys.executable, "-m", "logstats", "status", "--json", "--store", self.folder / "store"], None)
        return int(json.loads(state)["totals"]["hits"])


class GoAccess(Tool):
    """GoAccess with --persist and --restore."""

    def read(self, *files: Path, stdin: bytes | None = None) -> None:
        """Count into its database."""
        (self.folder / "db").mkdir(exist_ok=True)
        if any(file.suffix == ".gz" for file in files):  # its manual's way: zcat access.log.*.gz | goaccess -
            stdin = b"".join(map(_plain, files))
            files = ()
        kept = ["--persist", "--restore", f"--db-path={self.folder / 'db'}"]
        given = [str(file) for file in files] or ["-"]
        said = ["--log-format=COMBINED", "--no-progress", "--no-global-config", "-o", str(self.folder / "out.json")]
        _run(["goaccess", *given, *kept, *said], stdin)

    def counted(self) -> int:
        """Read its report."""
        return int(json.loads((self.folder / "out.json").read_bytes())["general"]["valid_requests"])


def _plain(file: Path) -> bytes:
    data = file.read_bytes()
    return gzip.decompress(data) if file.suffix == ".gz" else data


def _run(command: list[str | Path], stdin: bytes | None) -> bytes:
    return subprocess.run(command, input=stdin or b"", stdout=subprocess.PIPE, check=True).stdout


def write(file: Path, first: int, last: int) -> None:
    """Append the requests from one number to another, both included, counted from 1."""
    with file.open("ab") as opened:
        opened.writelines(LINES[first - 1 : last])


def _grew(tool: Tool, log: Path) -> None:
    write(log, CUT + 1, ALL)
    tool.read(log)


def _renamed(tool: Tool, log: Path) -> None:
    log.rename(log.with_suffix(".1"))
    write(log, CUT + 1, ALL)
    tool.read(log)


def _renamed_unread(tool: Tool, log: Path) -> None:
    write(log, CUT + 1, 600)
    log.rename(log.with_suffix(".1"))
    write(log, 601, ALL)
    tool.read(log.with_suffix(".1"), log)


def _copytruncated(tool: Tool, log: Path) -> None:
    write(log, CUT + 1, 600)
    shutil.copy(log, log.with_suffix(".1"))
    os.truncate(log, 0)
    write(log, 601, ALL)
    tool.read(log.with_suffix(".1"), log)


def _compressed(tool: Tool, log: Path) -> None:
    log.with_suffix(".1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    write(log, CUT + 1, ALL)
    tool.read(log.with_suffix(".1.gz"), log)


def _copied(tool: Tool, log: Path) -> None:
    write(log, CUT + 1, ALL)
    tool.read(log)
    shutil.copy(log, log.with_suffix(".copy"))
    tool.read(log.with_suffix(".copy"))


def _torn(tool: Tool, log: Path) -> None:
    with log.open("ab") as opened:
        opened.write(LINES[CUT][:40])
    tool.read(log)
    with log.open("ab") as opened:
        opened.write(LINES[CUT][40:])
    write(log, CUT + 2, ALL)
    tool.read(log)


def _piped(tool: Tool, _log: Path) -> None:
    tool.read(stdin=b"".join(LINES[:CUT]))
    tool.read(stdin=b"".join(LINES[CUT:]))


def _two_servers(tool: Tool, _log: Path) -> None:
    tool.read(stdin=b"".join(LINES[::2]))
    tool.read(stdin=b"".join(LINES[1::2]))


def _older_later(tool: Tool, log: Path) -> None:
    write(log, CUT + 1, ALL)
    tool.read(log)
    write(log.with_suffix(".1"), 1, CUT)
    tool.read(log.with_suffix(".1"))


SCENARIOS: Final[dict[str, tuple[Callable[[Tool, Path], None], bool]]] = {
    "the file grew": (_grew, True),
    "renamed, and a new one begun": (_renamed, True),
    "renamed with unread lines, both given": (_renamed_unread, True),
    "copied and truncated, both given": (_copytruncated, True),
    "compressed, and given with the new one": (_compressed, True),
    "a pipe in two batches": (_piped, False),
    "two servers, one pipe each": (_two_servers, False),
    "a line was half written": (_torn, True),
    "a copy under another name": (_copied, True),
    "an older file came later": (_older_later, False),
}
"""What happens; and whether the first 502 lines have been read before, from the log."""


def count(tool: type[Tool], scenario: str) -> int:
    """Play a scenario with a tool; give what it counted."""
    play, begun = SCENARIOS[scenario]
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "tool").mkdir()
        made = tool(folder / "tool")
        log = folder / "access.log"
        if begun:
            write(log, 1, CUT)
            made.read(log)
        play(made, log)
        return made.counted()


def main() -> None:
    """Print the table."""
    known: dict[str, type[Tool]] = {"logstats": Logstats, "goaccess": GoAccess}
    named = sys.argv[1:] or [name for name in known if name == "logstats" or shutil.which(name)]
    print(f"{'':42}", *(f"{name:>10}" for name in named))
    for scenario in SCENARIOS:
        print(f"{scenario:42}", *(f"{count(known[name], scenario):>10,}" for name in named))


if __name__ == "__main__":
    main()
