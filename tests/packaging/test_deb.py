"""The Debian package, unpacked beside the system: what it holds, and that it works. test_deb_root.py installs it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from logstats import __version__, config
from logstats.ops import SERVERS, files, snippet

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[2]
SLOW: Final = bool(os.environ.get("LOGSTATS_SLOW"))
UNIT_FOLDERS: Final = ("lib/systemd/system", "usr/lib/systemd/system")


@pytest.fixture(scope="session")
def unpacked(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of the package."""
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "--extract", deb, folder], check=True)
    return folder


@pytest.fixture(scope="session")
def control(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the control files of the package."""
    folder = tmp_path_factory.mktemp("control")
    subprocess.run(["dpkg-deb", "--control", deb, folder], check=True)
    return folder


def fields(deb: Path) -> dict[str, str]:
    """Read the fields of the package."""
    text = subprocess.run(["dpkg-deb", "--field", deb], capture_output=True, text=True, check=True).stdout
    return dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(" "))


def units(unpacked: Path) -> dict[str, str]:
    """Read the units of the package, wherever its release has them."""
    folders = [unpacked / folder for folder in UNIT_FOLDERS if (unpacked / folder).is_dir()]
    return {path.name: path.read_text(encoding="utf-8") for folder in folders for path in folder.iterdir()}


def run(unpacked: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program of the package where it was unpacked: its first line names the Python of the installed one."""
    python = unpacked / "opt/logstats/bin/python"
    command = [python, "-I", unpacked / "opt/logstats/bin/logstats", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_fields(deb: Path) -> None:
    """The version names the release that it is for; it needs that release's Python and C library, and nothing else."""
    found = fields(deb)
    assert found["Package"] == "logstats"
    assert found["Version"].startswith(f"{__version__}-1+")
    assert found["Architecture"] != "all"
    needed = {entry.split()[0] for entry in found["Depends"].split(", ")}
    python = {entry for entry in needed if entry.startswith("python3.")}
    assert len(python) == 1
    assert needed - python == {"libc6", "libgcc-s1", "libstdc++6", "zlib1g", "systemd"}


def test_it_works(unpacked: Path) -> None:
    """Version, report and country database, by Debian's Python and the libraries of the package."""
    assert run(unpacked, "--version").stdout == f"logstats {__version__}\n"
    done = run(unpacked, "report", ROOT / "sample_logs/public_service.log.xz")
    assert done.returncode == 0, done.stderr
    assert "4,942 lines = 4,942 hits + 0 rejected + 0 opted out + 0 late" in done.stdout
    python = (unpacked / "opt/logstats/bin/python3").readlink()
    assert (unpacked / "opt/logstats/bin" / python).readlink() == Path("/usr/bin", python.name)


def test_the_program_is_in_the_path(unpacked: Path) -> None:
    """/usr/bin/logstats leads to the environment, whose Python ignores the caller's variables."""
    assert (unpacked / "usr/bin/logstats").readlink() == Path("/opt/logstats/bin/logstats")
    first = (unpacked / "opt/logstats/bin/logstats").read_text(encoding="utf-8").splitlines()[0]
    assert first == "#!/opt/logstats/bin/python -I"
    assert sorted(path.name for path in (unpacked / "opt/logstats/bin").iterdir() if not path.is_symlink()) == [
        "logstats"
    ]


def test_the_units_are_those_of_the_hook(unpacked: Path, control: Path) -> None:
    """One source: units, user and examples are what `logstats hook` prints; all units stop before a removal."""
    printed = {Path(place).name: text for place, text in files("systemd", program="/usr/bin/logstats").items()}
    user = printed.pop("logstats.conf")
    assert units(unpacked) == printed
    assert (unpacked / "usr/lib/sysusers.d/logstats.conf").read_text(encoding="utf-8") == user
    examples = unpacked / "usr/share/doc/logstats/examples"
    for server in SERVERS:
        assert (examples / f"{server}.conf").read_text(encoding="utf-8") == snippet(server)
        assert (examples / f"logrotate-{server}").read_text(encoding="utf-8") == snippet("logrotate", server=server)
    (stop,) = [line for line in (control / "prerm").read_text(encoding="utf-8").splitlines() if "invoke stop" in line]
    assert set(printed) <= set(stop.split())


def test_nothing_starts_by_itself(control: Path) -> None:
    """The scripts of the package enable no unit that was not enabled, and start none."""
    script = (control / "postinst").read_text(encoding="utf-8")
    assert "deb-systemd-invoke" not in script
    enabled = [line for line in script.splitlines() if "helper enable" in line]
    guarded = script.count("debian-installed")
    assert len(enabled) == guarded


def test_the_configuration_is_the_operators(unpacked: Path, control: Path, tmp_path: Path) -> None:
    """logstats.toml is the one conffile, changes nothing as it comes, and each of its examples is valid."""
    assert (control / "conffiles").read_text(encoding="utf-8").split() == ["/etc/logstats/logstats.toml"]
    text = (unpacked / "etc/logstats/logstats.toml").read_text(encoding="utf-8")
    assert all(line.startswith("#") for line in text.splitlines() if line)
    filled = "\n".join(line.removeprefix("#") for line in text.splitlines() if not line.startswith("# "))
    (tmp_path / "logstats.toml").write_text(filled, encoding="utf-8")
    loaded = config.load(tmp_path / "logstats.toml")
    assert loaded.format == "combined"
    assert [site.name for site in loaded.site] == ["demarches"]
    assert list(loaded.trusted_proxies) == ["192.0.2.0/24"]


def test_manual_and_completions(unpacked: Path, installed: Path) -> None:
    """They lie where Debian's shells and man look, and are those of the wheel."""
    wheel = {path.name for path in (installed / "share/man/man1").iterdir()}
    assert {path.name for path in (unpacked / "usr/share/man/man1").iterdir()} == {f"{name}.gz" for name in wheel}
    for ours, debians in (
        ("bash-completion/completions/logstats", "bash-completion/completions/logstats"),
        ("fish/vendor_completions.d/logstats.fish", "fish/vendor_completions.d/logstats.fish"),
        ("zsh/site-functions/_logstats", "zsh/vendor-completions/_logstats"),
    ):
        assert (unpacked / "usr/share" / debians).read_bytes() == (installed / "share" / ours).read_bytes()


def test_no_file_tells_where_it_was_built(unpacked: Path, builder: dict[str, str]) -> None:
    """No text and no compiled module holds a path of the builder; nobody but root may write."""
    marks = [place.encode() for place in (str(ROOT), str(unpacked.parent), "/debian/logstats/", builder["HOME"] + "/.")]
    paths = list(unpacked.rglob("*"))
    assert len(paths) > 1_000
    for path in paths:
        if path.is_symlink():
            continue
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path
        if path.is_file() and ".so" not in path.suffixes and "numpy" not in path.parts:  # numpy's makers built theirs
            content = path.read_bytes()
            assert not [mark for mark in marks if mark in content], path


def test_what_is_in_it_is_named(unpacked: Path) -> None:
    """The SBOM lists the libraries that lie in the environment, with their versions."""
    bill = json.loads((unpacked / "usr/share/doc/logstats/logstats.cdx.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    listed = {(part["name"].lower().replace("-", "_"), part["version"]) for part in bill["components"]}
    folders = (unpacked / "opt/logstats/lib").glob("python3.*/site-packages/*.dist-info")
    there = {tuple(folder.name.removesuffix(".dist-info").lower().split("-")) for folder in folders}
    assert listed == there
    assert len(there) > 10


def test_the_user_is_made(unpacked: Path, tmp_path: Path) -> None:
    """`systemd-sysusers` and `systemd-tmpfiles` make user and store of the files as packed."""
    for tool in ("systemd-sysusers", "systemd-tmpfiles"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    (tmp_path / "etc").mkdir()
    user = unpacked / "usr/lib/sysusers.d/logstats.conf"
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", user], check=True, timeout=60)
    assert "\nlogstats:" in "\n" + (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    if os.geteuid() != 0:
        pytest.skip("only root may give a folder to another user")
    place = unpacked / "usr/lib/tmpfiles.d/logstats.conf"
    subprocess.run(["systemd-tmpfiles", f"--root={tmp_path}", "--create", place], check=True, timeout=60)
    assert stat.S_IMODE((tmp_path / "var/lib/logstats").stat().st_mode) == 0o700


@pytest.mark.skipif(not SLOW, reason="takes a minute: LOGSTATS_SLOW=1 asks for it")
def test_lintian_finds_nothing(deb: Path) -> None:
    """No error and no warning but those that debian/logstats.lintian-overrides gives a reason for."""
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    command = ["lintian", "--allow-root", "--fail-on=error,warning", "--tag-display-limit=0", str(deb)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not SLOW, reason="builds it a second time: LOGSTATS_SLOW=1 asks for it")
def test_the_same_bytes_again(deb: Path, build_deb: Callable[..., Path], tmp_path: Path) -> None:
    """Built again, the package has the same bytes."""
    again = build_deb(tmp_path, TZ="Asia/Tokyo", LC_ALL="C")
    assert again.name == deb.name
    assert again.read_bytes() == deb.read_bytes()
