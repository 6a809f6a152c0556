"""The Debian package in a clean Debian root: installed, run, upgraded, removed, purged. Each step is printed (-s).

It takes minutes and root, and a mirror: LOGSTATS_SLOW=1 asks for it. tests/guide has the first installation by default.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from logstats import __version__
from tests.machine import Machine, new_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
STORE: Final = "/var/lib/logstats"
EDITED: Final = 'timezone = "Europe/Brussels"\n'

pytestmark = pytest.mark.skipif(
    not os.environ.get("LOGSTATS_SLOW"), reason="takes minutes: LOGSTATS_SLOW=1 asks for it; NO INSTALLATION IS TESTED"
)


@pytest.fixture
def machine(tmp_path: Path, builder: dict[str, str]) -> Iterator[Machine]:
    """Return a new Debian of this release."""
    yield from new_machine(tmp_path / "root", builder)


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
    return machine.run("logstats", "ingest", "--store", STORE, *options, "/srv/access.log.xz", user="logstats")


def test_installed_upgraded_purged(machine: Machine, deb: Path, build_deb: Callable[..., Path], tmp_path: Path) -> None:
    """It installs and runs; an upgrade keeps configuration and figures; a removal warns; a purge leaves the store."""
    shutil.copy(ROOT / "sample_logs/public_service.log.xz", machine.path("/srv/access.log.xz"))
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
