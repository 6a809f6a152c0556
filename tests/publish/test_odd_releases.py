"""Releases that verify finds good, and whose descriptions lack what publishing needs of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from logstats import folders, release
from logstats.errors import LogstatsError
from logstats.publish.datagouv.command import Options, goal_of

from .conftest import rewritten

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from logstats.config import Config

    from .proxy import Proxy

REMOVED = object()


def odd(small: Path, out: Path, package: dict[str, Any], privacy: dict[str, Any]) -> Path:
    """Write the release with other descriptions."""
    files = folders.read(small)
    changed = json.loads(files["datapackage.json"]) | package
    changed = {name: value for name, value in changed.items() if value is not REMOVED}
    kept = {name: data for name, data in files.items() if name != "datapackage.json"}
    return rewritten({**files, "datapackage.json": json.dumps(changed).encode()}, kept, out, **privacy)


@pytest.mark.parametrize(
    ("package", "privacy", "words"),
    (
        ({"name": "logstats-../../x y"}, {}, "datapackage.json: name: "),
        ({"name": "logstats-2026-13"}, {}, "datapackage.json: name: "),
        ({"name": "logstats-2026\n"}, {}, "datapackage.json: name: "),
        ({"name": REMOVED}, {}, "datapackage.json: 'name' is a required property"),
        ({"licenses": REMOVED}, {}, "datapackage.json: 'licenses' is a required property"),
        ({"licenses": []}, {}, "datapackage.json: licenses: "),
        ({"licenses": [{"name": "CC-BY-4.0"}]}, {}, "datapackage.json: licenses[0].name: 'CC-BY-4.0' is not one of"),
        ({"sources": REMOVED}, {}, "datapackage.json: 'sources' is a required property"),
        ({"sources": [{"title": 7}]}, {}, "datapackage.json: sources[0].title: 7 is not of type 'string'"),
        ({"partial": "no"}, {}, "datapackage.json: partial: "),
        ({}, {"definition": None}, "privacy.json: definition: None is not of type 'string'"),
        ({}, {"releases": []}, "privacy.json: releases: "),
        ({}, {"releases": [{"x": 1}]}, "privacy.json: releases[0]: 'month' is a required property"),
        ({}, {"releases": [{"month": "2026-1"}]}, "privacy.json: releases[0].month: "),
        ({}, {"releases": [{"month": "2026-10"}, {"month": "2025-10"}]}, "privacy.json: releases: 2025-10 is not"),
        ({}, {"k": "11"}, "privacy.json: k: '11' is not of type 'integer'"),
    ),
    ids=str,
)  # fmt: skip
def test_a_release_without_what_is_published_of_it(
    package: dict[str, Any], privacy: dict[str, Any], words: str, rules: Config, small: Path, tmp_path: Path
) -> None:
    """One error names the folder, the file and the member."""
    folder = odd(small, tmp_path / "release", package, privacy)
    assert release.verify(folders.read(folder)) == []
    with pytest.raises(LogstatsError) as refused:
        goal_of(Options((folder,)), rules)
    assert f"{folder}: is not published: {words}" in str(refused.value)
    assert refused.value.exit_code == 1


def test_the_command_asks_the_platform_nothing(
    logstats: Callable[..., subprocess.CompletedProcess[str]],
    configuration: Path,
    key_file: Path,
    small: Path,
    tmp_path: Path,
    proxy: Proxy,
) -> None:
    """It ends with 1 and a line of what is wrong, before any request."""
    folder = odd(small, tmp_path / "release", {"name": "logstats-2026\x1b[31m"}, {})
    done = logstats("publish", folder, "--config", configuration, "--api-key-file", key_file)
    assert (done.returncode, done.stdout, proxy.number) == (1, "", 0)
    assert "datapackage.json: name: " in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr
