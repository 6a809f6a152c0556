"""A Debian in a folder: what an operator's machine is to a test. Its processes end with it.

It needs root, debootstrap and a mirror, which is read from apt's own sources at run time; where one is missing, the
test is skipped, with the reason. systemd is not started in it: `systemctl` enables units, and says that it starts none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import pytest

from tests.servers import required

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PLAIN: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "RUNLEVEL": "1",  # servers are installed, not started
    "LC_ALL": "C.UTF-8",
    "SYSTEMD_COLORS": "0",
}
_PATIENCE: Final = 600  # seconds
_SAYS_AGAIN: Final = 30  # lines of a command that failed


class Machine:
    """A Debian. Its processes have a view of their own on file systems and processes, and end with it.

    Attributes:
        folder: Its root.
        environment: What each of its processes gets, beside the usual.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = _PLAIN | dict(environment)

    def __enter__(self) -> Self:
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.folder}/proc"]
        self._space = subprocess.Popen([*command, "sleep", "infinity"])
        children = Path(f"/proc/{self._space.pid}/task/{self._space.pid}/children")
        while not (found := children.read_text(encoding="ascii").split()):
            if self._space.poll() is not None:
                pytest.skip("a machine may have no space of its own here: unshare failed")
            time.sleep(0.01)
        self._first = found[0]
        return self

    def __exit__(self, *_: object) -> None:
        self._space.kill()
        self._space.wait()

    def entered(self, command: Sequence[str], user: str = "root") -> list[str]:
        """Give the command line that runs a command in it, as one of its users, who may read logs."""
        become = [] if user == "root" else ["runuser", "-u", user, "-G", "adm", "--"]
        home = "/root" if user == "root" else "/"
        given = [f"{name}={value}" for name, value in (self.environment | {"HOME": home}).items()]
        inside = ["nsenter", "--target", self._first, "--mount", "--pid", "chroot", str(self.folder)]
        return [*inside, "env", "--ignore-environment", *given, *become, *command]

    def run(self, *command: str, code: int = 0, user: str = "root", show: bool = True) -> str:
        """Run a command in it, and print both; give what it said."""
        if show:
            sys.stdout.write(f"# {' '.join(command)}\n")
        done = subprocess.run(
            self.entered(command, user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        said: str = done.stdout
        if show:
            sys.stdout.write(f"{said}\n")
        assert done.returncode == code, "\n".join(said.splitlines()[-_SAYS_AGAIN:])
        return said

    def path(self, place: str) -> Path:
        """Give a place in it as it is seen from outside."""
        return self.folder / place.lstrip("/")


def new_machine(folder: Path, builder: Mapping[str, str], packages: Sequence[str] = ()) -> Iterator[Machine]:
    """Make a Debian of this machine's release in a folder, with the machine's own sources of packages."""
    for tool in ("debootstrap", "unshare", "nsenter", "chroot"):
        required(tool)
    if os.geteuid() != 0:
        pytest.skip("only root can make a Debian root")
    address, release = _mirror()
    command = ["debootstrap", "--variant=minbase", release, str(folder), address]
    made = subprocess.run(
        command, env=dict(builder), capture_output=True, text=True, check=False, timeout=2 * _PATIENCE
    )
    if made.returncode:
        pytest.skip(f"debootstrap cannot make a root here: {made.stdout[-300:]}")
    (folder / "etc/apt/sources.list").unlink()  # what debootstrap has written; ours come in its place
    for part in ("sources.list", "sources.list.d", "apt.conf.d", "auth.conf.d", "trusted.gpg.d", "keyrings"):
        found = Path("/etc/apt", part)
        if found.is_dir():
            shutil.copytree(found, folder / "etc/apt" / part, dirs_exist_ok=True)
        elif found.is_file():
            shutil.copy(found, folder / "etc/apt" / part)
    with Machine(folder, {}) as machine:
        machine.run("apt-get", "update", "--quiet", show=False)
        if packages:
            machine.run("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages, show=False)
        yield machine


def _mirror() -> tuple[str, str]:
    """Ask apt where it has this machine's release from: the address and the release's name."""
    release = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    if release:
        for address, name in (line.split() for line in known if line):
            if name == release[1]:
                return address, name
    pytest.skip("apt has no source for the release of this machine")
