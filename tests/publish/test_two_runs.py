"""Two runs at once, and people who work on the platform while a run does."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from logstats import folders
from logstats.publish.datagouv.resources import KEY

from .conftest import changed

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Udata
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
    assert "another run publishes it" in second[0].stderr
    assert run(folder).returncode == 0
    [dataset] = udata.datasets(organisation)
    [report] = [one for one in dataset["resources"] if one["extras"][KEY] == "privacy/2026.json"]
    newest = hashlib.sha1((folder / "privacy.json").read_bytes(), usedforsecurity=False).hexdigest()
    assert report["checksum"]["value"] == newest
