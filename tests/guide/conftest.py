"""What the tests of the guide share: the server of the story, a folder with the source, and the services."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.commission.conftest import service
from tests.machine import new_machine
from tests.packaging.conftest import builder
from tests.publish.conftest import udata

from .blocks import ROOT, commands
from .server import PACKAGES, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .blocks import Block

__all__ = ["builder", "service", "udata"]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the source as it would be cloned."""
    folder = tmp_path_factory.mktemp("source") / "logstats"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which pipx and uv put programs, in `pipx-bin` and `uv-bin`, instead of the home."""
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="session")
def at_home(source: Path, programs: Path, builder: dict[str, str]) -> Callable[..., str]:
    """Return a function that types blocks of commands in the folder with the source; it gives what they print."""
    own = {
        "PIPX_HOME": str(programs / "pipx"),
        "PIPX_BIN_DIR": str(programs / "pipx-bin"),
        "PIPX_MAN_DIR": str(programs / "man"),
        "UV_TOOL_DIR": str(programs / "uv"),
        "UV_TOOL_BIN_DIR": str(programs / "uv-bin"),
        "DPKG_DEB_COMPRESSOR_TYPE": "gzip",  # quickly, and not small
        "DPKG_DEB_COMPRESSOR_LEVEL": "1",
        "PATH": f"{os.path.dirname(sys.executable)}:{builder['PATH']}",  # noqa: PTH120 - pipx and uv lie there
    }

    def type_in(blocks: list[Block]) -> str:
        script = "\n".join(["set -euo pipefail", *(block.text for block in blocks)])
        sys.stdout.write(f"# {script}\n")
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=source,
            env=builder | own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said: str = done.stdout
        sys.stdout.write(said)
        assert done.returncode == 0, said[-3_000:]
        return said

    return type_in


@pytest.fixture(scope="session")
def package(at_home: Callable[..., str], source: Path) -> Path:
    """Return the Debian package, built as the guide says."""
    (block,) = (block for block in commands("docs/server.md") if "build-deb" in block.text)
    at_home([block])
    (found,) = (source / "dist").glob("*.deb")
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, builder: dict[str, str]) -> Iterator[Server]:
    """Return the server of the story."""
    for machine in new_machine(tmp_path_factory.mktemp("server") / "root", builder, PACKAGES):
        yield Server(machine)
