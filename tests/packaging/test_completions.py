"""The completions that the wheel brings complete, in real shells, found where each shell looks by itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pexpect
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADER: Final = Path("/usr/share/bash-completion/bash_completion")
PATIENCE: Final = 30

COMPLETED: Final = (
    ("logstats rel", "logstats release "),
    ("logstats ingest --fol", "logstats ingest --follow "),
    ("logstats hook sys", "logstats hook systemd "),
    ("logstats geo u", "logstats geo update "),
    ("logstats report --out fol", "logstats report --out folder/"),
    ("logstats report --config mine", "logstats report --config mine.toml "),
)
"""What is typed before the tabulator, and what stands there afterwards."""


@pytest.fixture
def environment(installed: Path, tmp_path: Path) -> dict[str, str]:
    """Return an environment with the installed program and its share/, in a folder with something to complete."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "mine.toml").touch()
    return os.environ | {
        "PATH": f"{installed / 'bin'}:{os.environ['PATH']}",
        "XDG_DATA_DIRS": f"{installed / 'share'}:/usr/local/share:/usr/share",
        "HOME": str(tmp_path),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
    }


def required(program: str) -> str:
    """Find a shell, or skip the test."""
    found = shutil.which(program)
    if not found:
        pytest.skip(f"{program} is not installed")
    return found


def typed(shell: pexpect.spawn[str], keys: str) -> str:
    """Type and complete; give what then stands on the line, by letting the shell print its words."""
    shell.sendline(":")
    shell.expect_exact("READY> ", timeout=PATIENCE)
    shell.send(f"{keys}\t")
    # To the beginning of the line, then in front of it what makes it a text and no command.
    shell.send("$\x01print_line '\x05'\r")
    shell.expect(r"LINE=\[(.*?)\$'?\]", timeout=PATIENCE)
    assert isinstance(shell.match, re.Match)
    return str(shell.match.group(1))


@pytest.fixture
def bash(environment: dict[str, str], tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """Return a bash at its prompt that loads completions as Debian's does, when they are first asked for."""
    if not LOADER.is_file():
        pytest.skip("bash-completion is not installed")
    shell = pexpect.spawn(
        required("bash"), ["--norc", "--noprofile", "-i"], env=environment, cwd=tmp_path, encoding="utf-8"
    )
    shell.sendline("bind 'set enable-bracketed-paste off'; print_line() { printf 'LINE=[%s]\\n' \"$1\"; }")
    shell.sendline(f". {LOADER}; PS1='REA''DY> '")
    shell.expect_exact("READY> ", timeout=PATIENCE)
    yield shell
    shell.close(force=True)


@pytest.fixture
def zsh(environment: dict[str, str], installed: Path, tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """Return a zsh at its prompt that finds the completion on its path for functions."""
    shell = pexpect.spawn(required("zsh"), ["-f", "-i"], env=environment, cwd=tmp_path, encoding="utf-8")
    shell.sendline("print_line() { printf 'LINE=[%s]\\n' \"$1\"; }; bindkey -e; unsetopt zle_bracketed_paste")
    shell.sendline(f"fpath=({installed}/share/zsh/site-functions $fpath); autoload -U compinit")
    shell.sendline(f"compinit -u -d {tmp_path}/dump; PS1='REA''DY> '")
    shell.expect_exact("READY> ", timeout=PATIENCE)
    yield shell
    shell.close(force=True)


@pytest.mark.parametrize(("keys", "line"), COMPLETED, ids=[keys for keys, _ in COMPLETED])
def test_bash_completes(keys: str, line: str, bash: pexpect.spawn[str]) -> None:
    """Commands, options, choices, files and folders are completed when the tabulator is pressed."""
    assert typed(bash, keys) == line


@pytest.mark.parametrize(("keys", "line"), COMPLETED, ids=[keys for keys, _ in COMPLETED])
def test_zsh_completes(keys: str, line: str, zsh: pexpect.spawn[str]) -> None:
    """The same in zsh."""
    assert typed(zsh, keys) == line


def test_bash_offers_nothing_that_is_not_there(bash: pexpect.spawn[str]) -> None:
    """What no command begins with stays as it was typed."""
    assert typed(bash, "logstats xyz") == "logstats xyz"


@pytest.mark.parametrize(("keys", "line"), COMPLETED, ids=[keys for keys, _ in COMPLETED])
def test_fish_completes(keys: str, line: str, environment: dict[str, str], tmp_path: Path) -> None:
    """Fish, which tells what it would offer, offers this and nothing else."""
    done = subprocess.run(
        [required("fish"), "-c", f"complete -C {keys!r}"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    offered = [offer.split("\t")[0] for offer in done.stdout.splitlines()]
    assert offered == [line.strip().rpartition(" ")[2]]
