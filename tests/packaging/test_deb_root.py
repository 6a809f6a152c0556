"""The Debian package in a clean Debian root: installed, run, upgraded, removed, purged. Each step is printed (-s).

It takes minutes and root, and a mirror, which is read from apt's own sources at run time: LOGSTATS_SLOW=1 asks for it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from logstats import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[2]
STORE: Final = "/var/lib/logstats"
EDITED: Final = 'timezone = "Europe/Brussels"\n'

pytestmark = pytest.mark.skipif(
    not os.environ.get("LOGSTATS_SLOW"), reason="takes minutes: LOGSTATS_SLOW=1 asks for it; NO INSTALLATION IS TESTED"
)


def mirror() -> tuple[str, str]:
    """Ask apt where it has this machine's release from: the address and the release's name."""
    release = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    if release:
        for address, name in (line.split() for line in known if line):
            if name == release[1]:
                return address, name
    pytest.skip("apt has no source for the release of this machine")


class Machine:
    """A Debian in a folder. Its processes have a view of their own on file systems and processes."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command in it; give what it said."""
        sys.stdout.write(f"# {' '.join(command)}\n")
        folder = str(self.folder)
        enter = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={folder}/proc", "chroot", folder]
        plain = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HOME": "/root", "SYSTEMD_COLORS": "0"}
        environment = self.environment | plain
        done = subprocess.run(
            [*enter, *command], env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        said: str = done.stdout + done.stderr
        sys.stdout.write(f"{said}\n")
        assert done.returncode == code, said
        return said

    def path(self, place: str) -> Path:
        """Give a place in it as it is seen from outside."""
        return self.folder / place.lstrip("/")


@pytest.fixture
def machine(tmp_path: Path, builder: dict[str, str]) -> Machine:
    """Return a new Debian of this release, with the machine's own sources of packages."""
    for tool in ("debootstrap", "unshare", "chroot"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            pytest.skip(f"{tool} is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root can make a Debian root")
    address, release = mirror()
    folder = tmp_path / "root"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", release, folder, address],
        env=builder,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
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
    return Machine(folder, builder)


def installed(machine: Machine, package: Path) -> str:
    """Install a package with what it depends on, as an operator would: with apt, from a file."""
    shutil.copy(package, machine.path("/root"))
    return machine.run("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", f"/root/{package.name}")


def check_that_it_runs(machine: Machine) -> None:
    """Check program, user, folders, units and manual of an installation."""
    assert machine.run("logstats", "--version") == f"logstats {__version__}\n"
    said = machine.run("logstats", "report", "/srv/access.log.xz")
    assert "4,942 lines = 4,942 hits + 0 rejected + 0 opted out + 0 late" in said
    assert machine.run("getent", "passwd", "logstats").strip().endswith(f":{STORE}:/usr/sbin/nologin")
    assert machine.run("stat", "--format=%U:%G %a", STORE) == "logstats:logstats 700\n"
    units = [
        line for line in machine.run("dpkg", "--listfiles", "logstats").split() if line.endswith((".service", ".timer"))
    ]
    assert len(units) >= 6
    assert machine.run("systemd-analyze", "verify", "--man=no", *units) == ""
    states = machine.run("systemctl", "list-unit-files", "--no-legend", "logstats*.timer").splitlines()
    assert states
    assert not [line for line in states if line.split()[1] != "disabled"]


def count(machine: Machine, *options: str) -> str:
    """Count the sample into the store, as the user of the service."""
    command = ["runuser", "-u", "logstats", "--", "logstats", "ingest", "--store", STORE, *options]
    return machine.run(*command, "/srv/access.log.xz")


def test_installed_upgraded_purged(machine: Machine, deb: Path, build_deb: Callable[..., Path], tmp_path: Path) -> None:
    """It installs and runs; an upgrade keeps configuration and figures; a removal warns; a purge leaves the store."""
    shutil.copy(ROOT / "sample_logs/public_service.log.xz", machine.path("/srv/access.log.xz"))
    machine.run("apt-get", "update", "--quiet")
    installed(machine, deb)
    check_that_it_runs(machine)
    assert "lines=4942 " in count(machine)
    machine.path("/etc/logstats/logstats.toml").write_text(EDITED, encoding="utf-8")

    (tmp_path / "2").mkdir()
    newer = build_deb(tmp_path / "2", REVISION="2")
    said = installed(machine, newer)
    assert "-2+" in machine.run("dpkg-query", "--show", "--showformat=${Version}", "logstats"), said
    check_that_it_runs(machine)
    assert machine.path("/etc/logstats/logstats.toml").read_text(encoding="utf-8") == EDITED
    assert "skipped=4942 " in count(machine)
    ledger = machine.path(f"{STORE}/ledger.sqlite").stat().st_mtime_ns

    said = machine.run("apt-get", "remove", "--quiet", "--yes", "logstats")
    assert "there are open days in /var/lib/logstats" in said
    assert not machine.path("/opt/logstats").exists()
    assert not machine.path("/usr/bin/logstats").is_symlink()
    assert machine.path("/etc/logstats/logstats.toml").is_file()

    said = machine.run("apt-get", "purge", "--quiet", "--yes", "logstats")
    assert "stay in /var/lib/logstats" in said
    assert not machine.path("/etc/logstats").exists()
    assert machine.path(f"{STORE}/ledger.sqlite").stat().st_mtime_ns == ledger
    left = machine.run("find", "/etc", "/usr", "/var/cache", "/var/lib/systemd", "-iname", "*logstats*")
    assert left == ""
