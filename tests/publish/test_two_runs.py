"""Two runs at once, and people who work on the platform while a run does."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logstats import config, folders
from logstats.errors import BusyError
from logstats.publish.datagouv.alone import _state_folder, alone
from logstats.publish.datagouv.resources import KEY

from .conftest import changed, reduced

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from .conftest import Publisher, Udata
    from .proxy import Proxy


@pytest.fixture
def run(
    logstats: Callable[..., subprocess.CompletedProcess[str]], configuration: Path, key_file: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that publishes folders by the command line."""
    return lambda *of: logstats("publish", *of, "--config", configuration, "--api-key-file", key_file)


def test_who_comes_second_never_puts_back_what_it_read_first(
    run: Callable[..., subprocess.CompletedProcess[str]],
    udata: Udata,
    organisation: str,
    proxy: Proxy,
    small: Path,
    tmp_path: Path,
) -> None:
    """While a run publishes what it has read, a newer version is not published; the next run does it."""
    folder = tmp_path / "work" / "2026"
    folders.write(folders.read(small), folder)
    second = []

    def newer() -> None:
        changed(small, folder)
        second.append(run(folder))

    proxy.meanwhile = {("GET", "/extensions/"): newer}
    first = run(folder)
    assert (first.returncode, first.stderr.count("\n")) == (0, 1)
    assert second[0].returncode == 75
    assert "another run publishes to" in second[0].stderr
    assert run(folder).returncode == 0
    [dataset] = udata.datasets(organisation)
    [report] = [one for one in dataset["resources"] if one["extras"][KEY] == "privacy/2026.json"]
    newest = hashlib.sha1((folder / "privacy.json").read_bytes(), usedforsecurity=False).hexdigest()
    assert report["checksum"]["value"] == newest


def test_two_folders_at_once_make_one_dataset(
    run: Callable[..., subprocess.CompletedProcess[str]],
    udata: Udata,
    organisation: str,
    proxy: Proxy,
    released: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    """The first has looked for the dataset and found none when the second begins: it does not make another."""
    year = reduced(released[0], tmp_path / "2026", "pages_par_jour")
    history = reduced(released[1], tmp_path / "historique", "pages_par_jour")
    second = []
    proxy.meanwhile = {("POST", "/datasets/"): lambda: second.append(run(history))}
    assert run(year).returncode == 0
    assert (second[0].returncode, second[0].stdout) == (75, "")
    assert run(history).returncode == 0
    [dataset] = udata.datasets(organisation)
    periods = {one["extras"][KEY].partition("/")[2].partition(".")[0] for one in dataset["resources"]}
    assert periods == {"2026", "historique", "schema"}


def test_the_lock_is_for_an_environment_and_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another dataset, organisation or environment is no reason to wait."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    one = config.Platform("https://www.example.org", "a" * 24, "")
    others = (("production", one), ("demo", replace(one, organisation="b" * 24)), ("demo", replace(one, dataset="c/d")))
    with alone("demo", one):
        with pytest.raises(BusyError, match=f"demo: another run publishes to {'a' * 24}"), alone("demo", one):
            raise AssertionError("two at once")
        for environment, platform in others:
            with alone(environment, platform):
                pass
    with alone("demo", replace(one, url="https://other.example.org")):
        found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(found) == 4
    assert {path.parent for path in found} == {tmp_path / "state/logstats/publish"}


def test_the_lock_lies_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the unit, of the user, or of the home; a relative folder is passed over."""
    one = config.Platform("https://www.example.org", "a" * 24, "")
    for name in ("unit", "xdg", "home"):
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("XDG_STATE_HOME", "relative" if name == "home" else str(tmp_path / "xdg"))
        monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "unit") if name == "unit" else "")
        with alone("demo", one):
            pass
        folder = tmp_path / {"unit": "unit", "xdg": "xdg", "home": "home/.local/state"}[name]
        assert [*(folder / "logstats/publish").iterdir()]
    assert not [path for path in tmp_path.rglob("*") if path.is_dir() and path.stat().st_mode & 0o077]


def test_a_resource_that_a_person_adds_while_ours_are_put_in_order(
    publisher: Publisher, udata: Udata, organisation: str, proxy: Proxy, small: Path
) -> None:
    """The platform refuses an order that misses one (400): it is looked at again, and theirs is where it was."""

    def added() -> None:
        [dataset] = udata.datasets(organisation)
        link = {"url": "https://www.example.org/a.csv", "filetype": "remote", "type": "main", "format": "csv"}
        udata.ask("POST", f"datasets/{dataset['id']}/resources/", {"title": "Autre", **link})

    proxy.meanwhile = {("PUT", "/resources/"): added}
    publisher(small, attempts=2)
    assert [one.status for one in proxy.seen if one.method == "PUT" and one.path.endswith("/resources/")] == [400, 200]
    [dataset] = udata.datasets(organisation)
    assert [one["title"] for one in dataset["resources"] if KEY not in one["extras"]] == ["Autre"]
    assert publisher(small)[1].writes == 0


def test_the_home_that_another_user_left_in_the_environment_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes the user may keep HOME=/root, where logstats may not write."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _state_folder() == tmp_path / ".local/state"
    another = os.getuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    assert _state_folder() == Path(f"/run/lock/logstats-{another}")
