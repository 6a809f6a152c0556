"""Promise 2: a power cut loses nothing committed. The order of the system calls, as strace saw them, is the proof."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS: Final = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
STARTED: Final = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
RESUMED: Final = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
WHOLE: Final = re.compile(r"^(\d+) +(\w+)\((.*)$")


@dataclass(frozen=True)
class Call:
    """A call of the system that succeeded, with the files that it names."""

    name: str
    files: list[Path]
    creates: bool


def calls_of(trace: str, store: Path) -> list[Call]:
    """Read what strace wrote: calls below the store, in the order in which they were done."""
    begun: dict[str, str] = {}
    calls = []
    for line in trace.splitlines():
        if found := STARTED.match(line):
            begun[found[1]] = found[3]
            continue
        found = RESUMED.match(line)
        name, rest = (found[2], begun.pop(found[1]) + found[3]) if found else ("", "")
        if not found and (found := WHOLE.match(line)):
            name, rest = found[2], found[3]
        arguments, _, result = rest.rpartition(" = ")
        if not name or result.startswith("-1"):
            continue
        opened = re.findall(r"(?:^|, )\d+<(/[^>]*)>", arguments)
        named = re.findall(r'"(/[^"]*)"', arguments)
        files = [Path(path) for path in (named if name.startswith(("rename", "unlink", "open")) else opened[:1])]
        below = all(path == store or store in path.parents for path in files)
        if files and below and store / "scratch" not in {*files, *files[0].parents}:  # what redo throws away
            calls.append(Call(name, files, "O_CREAT" in arguments))
    return calls


def violations(calls: list[Call], store: Path) -> list[str]:
    """Name what a power cut could undo: what a commit, or a key that is destroyed, relies on and was not synced.

    SQLite commits by taking its journal away. Until then each file below keys/, open/ and cells/ must be synced after
    it was last written, renamed only then, and its folder synced after it got its name.
    """
    journal = store / "ledger.sqlite-journal"
    unsynced: set[Path] = set()  # files with bytes that are not on disk
    nameless: set[Path] = set()  # files whose name is not on disk
    committing = False  # the journal is gone, and its folder is not synced
    found = []
    for call in calls:
        path = call.files[-1]
        ours = path.suffix != ".sqlite" and path not in {journal, store / "lock"}
        match call.name:
            case "openat" if call.creates and ours:
                nameless.add(path)
                unsynced.add(path)
            case "write" | "pwrite64" if ours:
                unsynced.add(path)
            case "fsync" | "fdatasync":
                unsynced.discard(path)
                nameless = {file for file in nameless if file.parent != path}
                committing &= path != store
            case "rename" | "renameat" | "renameat2":
                if call.files[0] in unsynced:
                    found.append(f"{path.name} is renamed before it is synced")
                nameless.discard(call.files[0])
                nameless.add(path)
            case "unlink" | "unlinkat" if path == journal:
                found += [f"{file} is not on disk at a commit" for file in sorted(unsynced | nameless)]
                committing = True
            case "unlink" | "unlinkat":
                if committing and path.parent.parent == store / "keys":
                    found.append(f"{path.name}: a key is destroyed before the commit is on disk")
                unsynced.discard(path)
                nameless.discard(path)
            case _:
                pass
    return found


@pytest.mark.parametrize("command", ("ingest", "close", "redo", "forget"))
def test_a_power_cut_loses_nothing_committed(tmp_path: Path, request_line: Callable[..., bytes], command: str) -> None:
    """Each rename comes after the sync of that file and before that of its folder, and all before the commit."""
    if not shutil.which("strace"):
        pytest.skip("strace is not there")
    store, log, trace = tmp_path / "store", tmp_path / "x.log", tmp_path / "trace"
    log.write_bytes(b"".join(request_line(n, day=22 + n % 2) for n in range(300)))
    if command != "ingest":
        run("ingest", "--store", store, "-q", log, *(["--close"] if command == "redo" else []))
    options: dict[str, list[str | Path]] = {
        "ingest": ["-q", "--close", log],
        "close": ["--all", "--yes"],
        "redo": ["--day", "2025-10-22", log],
        "forget": ["--yes", "--before", "2025-10-23"],
    }
    traced: list[str | Path] = ["strace", "-f", "-y", "-s", "1", "-e", f"trace={CALLS}", "-o", trace]
    done = run(command, "--store", store, *options[command], before=traced)
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("no right to trace")
    assert done.returncode == 0, done.stderr
    calls = calls_of(trace.read_text(encoding="utf-8", errors="replace"), store)
    names = [call.name for call in calls]
    assert names.count("rename") >= (5 if command != "forget" else 0)  # five tables have rows, each has a file
    assert sum(call.files[-1].name == "ledger.sqlite-journal" for call in calls if call.name == "unlink") >= 1
    assert violations(calls, store) == []


def test_the_order_is_looked_at(tmp_path: Path) -> None:
    """A sync that is missing, or comes too late, is found."""
    store = tmp_path
    part, temporary = store / "open" / "day" / "a.parquet", store / "open" / "day" / ".a.tmp"
    commit = Call("unlink", [store / "ledger.sqlite-journal"], creates=False)
    right = [
        Call("openat", [temporary], creates=True),
        Call("write", [temporary], creates=False),
        Call("fsync", [temporary], creates=False),
        Call("rename", [temporary, part], creates=False),
        Call("fsync", [part.parent], creates=False),
        commit,
        Call("fsync", [store], creates=False),
        Call("unlink", [store / "keys" / "site" / "day"], creates=False),
    ]
    assert violations(right, store) == []
    for missing in (2, 4, 6):
        assert violations(right[:missing] + right[missing + 1 :], store), missing
    assert violations([*right[:2], right[3], right[2], *right[4:]], store)


def run(*arguments: str | Path, before: list[str | Path] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program, behind another one if there is one."""
    command = [*(before or []), sys.executable, "-m", "logstats", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
