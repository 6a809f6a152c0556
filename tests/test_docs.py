"""What the documents say: the places that they name exist, and so do the commands and the public names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import pytest

import logstats
from logstats.cli import cli

ROOT: Final = Path(__file__).resolve().parents[1]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("logstats/notices/*.md")])
ENDINGS: Final = (".py", ".toml", ".md", ".sh")


def quoted(text: str) -> list[str]:
    """Give what stands between backticks on one line."""
    return [part for line in text.splitlines() for part in line.split("`")[1::2]]


def linked(text: str) -> list[str]:
    """Give the targets of links within the repository."""
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    return [target.split("#")[0] for target in targets if "://" not in target and not target.startswith("#")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_places_that_a_document_names_exist(document: Path) -> None:
    """A file of the project is named as it is called, from the root, from the package, or by its own name."""
    text = document.read_text(encoding="utf-8")
    named = [
        name for name in quoted(text) if name.endswith(ENDINGS) and "/" in name and set(name).isdisjoint(" *<>{}~")
    ]
    ours = [
        name for name in named if name.split("/")[0] in {"tests", "logstats", "docs", "scripts"} or name.endswith(".py")
    ]
    places = (ROOT, ROOT / "logstats", document.parent)
    missing = [name for name in ours if not any((place / name).exists() for place in places)]
    missing += [target for target in linked(text) if target and not (document.parent / target).exists()]
    assert missing == []


def commands(group: click.Group, above: str = "") -> list[str]:
    """Give every command by its whole name."""
    found = []
    for name, command in group.commands.items():
        found.append(f"{above}{name}")
        if isinstance(command, click.Group):
            found += commands(command, f"{above}{name} ")
    return found


@pytest.mark.parametrize("name", commands(cli))
def test_each_command_is_in_the_readme(name: str) -> None:
    """Whoever reads the README meets every command."""
    assert f"logstats {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", logstats.__all__)
def test_each_public_name_is_documented(name: str) -> None:
    """So with the Python interface."""
    documents = [path for path in DOCUMENTS if path.parent in {ROOT, ROOT / "docs"} and path.name != "CHANGELOG.md"]
    assert any(name in path.read_text(encoding="utf-8") for path in documents)
