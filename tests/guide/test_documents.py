"""Every block in the documents is what it says it is, and each block of commands is typed by a test of this folder."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from logstats import config

from .blocks import DOCUMENTS, KINDS, ROOT, blocks
from .test_story import TYPED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .blocks import Block

ALL = [block for document in DOCUMENTS for block in blocks(document)]


@pytest.mark.parametrize("block", ALL, ids=str)
def test_each_block_says_what_it_is(block: Block) -> None:
    """One of few kinds; commands stand in no other block."""
    assert block.kind in KINDS
    assert block.kind.startswith("sh") or not any(line.startswith("logstats ") for line in block.text.splitlines())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_command_stands_outside_of_a_block(document: Path) -> None:
    """An indented block would be typed by nobody."""
    lines = document.read_text(encoding="utf-8").splitlines()
    inside = {block.line + i for block in blocks(document) for i in range(block.text.count("\n") + 1)}
    outside = [line for number, line in enumerate(lines, start=1) if number not in inside]
    assert not [line for line in outside if line.startswith(("    logstats", "    scripts/", "    .venv/"))]


def test_each_block_of_commands_is_typed() -> None:
    """The tests of this folder type whole documents: every one that has commands."""
    having = {block.document for block in ALL if block.kind.startswith("sh")}
    assert having == set(TYPED)


@pytest.mark.parametrize("block", [block for block in ALL if block.kind == "toml"], ids=str)
def test_each_configuration_is_valid(block: Block, tmp_path: Path) -> None:
    """It loads; the files that it names are beside it."""
    file = tmp_path / "logstats.toml"
    file.write_text(block.text, encoding="utf-8")
    (tmp_path / "urls.txt").write_text("https://www.example.org/\n", encoding="utf-8")
    assert config.load(file).file == file


@pytest.mark.parametrize("block", [block for block in ALL if block.kind == "python"], ids=str)
def test_each_program_is_python(block: Block) -> None:
    """The story runs it on the server; here it is read."""
    ast.parse(block.text)


def test_the_second_command_of_the_readme_is_what_ci_runs() -> None:
    """It is the one block that no test types, for it is what runs the tests."""
    assert "\nscripts/setup test && scripts/test\n" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_what_the_readme_prints_is_what_is_printed(at_home: Callable[..., str]) -> None:
    """Each line of the block below the first command stands in its output, in this order."""
    ours = [block for block in ALL if block.document == "README.md"]
    printed = next(block for block in ours if block.kind == "text").text
    said = at_home([ours[0]])
    place = 0
    for line in filter(None, printed.splitlines()):
        assert line in said
        place = said.index(line, place)
