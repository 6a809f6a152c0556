"""A release whose description cannot be used is refused, with the file and the place in it; nothing is written."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from logstats import folders, page
from logstats.errors import LogstatsError
from logstats.page.plausible import implausible

from .conftest import page_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENTRY = {"month": "2026-10", "version": 1}


def described(release: Path, copy: Path, file: str, change: dict[str, Any]) -> Path:
    """Copy a release with another description, whose digest is right."""
    shutil.copytree(release, copy)
    package, privacy = (json.loads((copy / name).read_text()) for name in ("datapackage.json", "privacy.json"))
    (package if file == "datapackage.json" else privacy).update(change)
    (copy / "privacy.json").write_text(json.dumps(privacy))
    for entry in package["resources"]:
        if entry["path"] == "privacy.json":
            entry["hash"] = f"sha256:{hashlib.sha256((copy / 'privacy.json').read_bytes()).hexdigest()}"
    (copy / "datapackage.json").write_text(json.dumps(package))
    return copy


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    (
        ("datapackage.json", {"created": "soon"}, "created is not a time"),
        ("datapackage.json", {"created": "2026-11-05"}, "created is not a time"),
        ("datapackage.json", {"created": "20261105T080000Z"}, "created is not a time"),
        ("datapackage.json", {"name": "logstats-../../etc"}, "name is not logstats- and a period"),
        ("datapackage.json", {"name": "2026-10"}, "name is not logstats- and a period"),
        ("datapackage.json", {"licenses": []}, "licenses is no list, or empty"),
        ("datapackage.json", {"licenses": [{"title": 1, "path": ""}]}, r"licenses\[0\].title is not a text"),
        ("privacy.json", {"missing_days": None}, "missing_days is no list"),
        ("privacy.json", {"missing_days": ["demarches 2026-10-<b>"]}, r"missing_days\[0\] is not a site and a day"),
        ("privacy.json", {"k": "11"}, "k is not a whole number"),
        ("privacy.json", {"country_database": ["x"]}, "country_database is not a text"),
        ("privacy.json", {"releases": []}, "releases is no list, or empty"),
        ("privacy.json", {"releases": [{**ENTRY, "version": -3}]}, r"releases\[0\].version is not a whole number"),
        ("privacy.json", {"releases": [{**ENTRY, "version": True}]}, r"releases\[0\].version is not a whole number"),
        ("privacy.json", {"releases": [ENTRY, {**ENTRY, "month": "0000-01"}]}, r"releases\[1\].month is not a month"),
        ("privacy.json", {"releases": [{**ENTRY, "month": "2026-13"}]}, r"releases\[0\].month is not a month"),
        ("privacy.json", {"releases": [{**ENTRY, "at": "yesterday"}]}, r"releases\[0\].at is not a time"),
        ("privacy.json", {"releases": [{"month": "2026-10"}]}, r"releases\[0\].version is missing"),
        ("privacy.json", {"funnels": [{"month": "2026-10"}]}, r"funnels\[0\].site is missing"),
    ),
)
def test_a_description_that_cannot_be_used_is_refused(
    releases: list[Path], tmp_path: Path, file: str, change: dict[str, Any], reason: str
) -> None:
    """Exit 1, with the folder, the file and the place; the digests are right, so nothing else would stop it."""
    copy = described(releases[-1], tmp_path / "release", file, change)
    with pytest.raises(LogstatsError, match=rf"release: {file}: {reason}") as refused:
        page.build([copy], tmp_path / "out", page_rules())
    assert refused.value.exit_code == 1
    assert not (tmp_path / "out").exists()


def test_what_a_release_says_is_plausible(releases: list[Path], tmp_path: Path) -> None:
    """Every release of these tests is; so is one that is changed in nothing but what has no meaning here."""
    for folder in releases:
        files = folders.read(folder)
        assert implausible(*(json.loads(files[name]) for name in ("datapackage.json", "privacy.json"))) == []
    page.build([described(releases[-1], tmp_path / "r", "privacy.json", {"more": 1})], tmp_path / "out", page_rules())
    assert implausible([], None) == ["datapackage.json: it is no object", "privacy.json: it is no object"]


def test_a_table_that_is_cut_off_is_refused(logstats: Callable[..., Any], releases: list[Path], tmp_path: Path) -> None:
    """Half a Parquet file, also under a digest that fits: exit 1, its name, no traceback."""
    for fitting in (False, True):
        copy = shutil.copytree(releases[-1], tmp_path / f"release-{fitting}")
        table = copy / "pages.parquet"
        table.write_bytes(table.read_bytes()[: table.stat().st_size // 2])
        if fitting:
            digest = hashlib.sha256(table.read_bytes()).hexdigest()
            privacy = json.loads((copy / "privacy.json").read_text())
            privacy["files"]["pages.parquet"] = digest
            (copy / "privacy.json").write_text(json.dumps(privacy))
            package = json.loads((copy / "datapackage.json").read_text())
            for entry in package["resources"]:
                if entry["path"] in {"pages.parquet", "privacy.json"}:
                    entry["hash"] = f"sha256:{hashlib.sha256((copy / entry['path']).read_bytes()).hexdigest()}"
            (copy / "datapackage.json").write_text(json.dumps(package))
        failed = logstats("page", copy, "--out", tmp_path / "out")
        assert failed.returncode == 1
        assert "pages" in failed.stderr
        assert "Traceback" not in failed.stderr
        assert not (tmp_path / "out").exists()
