"""What the tests of packaging share: the wheel, and an environment in which it alone is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[2]
EPOCH: Final = "1790000000"
"""When everything that is built here was made, in seconds."""


@pytest.fixture(scope="session")
def builder() -> dict[str, str]:
    """Return the environment of whoever builds and installs: his own home, where his registry is configured."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "LOGSTATS_", "PYTHON", "VIRTUAL_ENV"))
    }
    return kept | {"HOME": pwd.getpwuid(os.getuid()).pw_dir, "SOURCE_DATE_EPOCH": EPOCH}


@pytest.fixture(scope="session")
def build_wheel(builder: dict[str, str]) -> Callable[..., Path]:
    """Return a function that builds the wheel of this source into a folder."""

    def build(folder: Path, **environment: str) -> Path:
        command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
        done = subprocess.run(command, env=builder | environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        (wheel,) = folder.glob("*.whl")
        return wheel

    return build


@pytest.fixture(scope="session")
def wheel(build_wheel: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this source."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, builder: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new virtual environment, outside the source, with the wheel and what it needs, and nothing else."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], env=builder, check=True)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", str(place / "bin/python"), str(wheel)],
        env=builder,
        cwd=place.parent,
        check=True,
    )
    return place


@pytest.fixture(scope="session")
def build_deb(builder: dict[str, str]) -> Callable[..., Path]:
    """Return a function that builds the Debian package into a folder, quickly and not small."""
    for tool in ("dpkg-buildpackage", "dh_installsysusers"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    quick = {"PYTHON": sys.executable, "DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1"}

    def build(folder: Path, **environment: str) -> Path:
        command = [str(ROOT / "scripts/build-deb"), str(folder)]
        done = subprocess.run(command, env=builder | quick | environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        (package,) = folder.glob("*.deb")
        return package

    return build


@pytest.fixture(scope="session")
def deb(build_deb: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Debian package of this source."""
    return build_deb(tmp_path_factory.mktemp("deb"))
