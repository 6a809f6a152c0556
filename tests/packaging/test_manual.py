"""The manual has a page for each command with every option, and the tools that read manuals find nothing to say."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import pytest

from logstats import __version__, errors
from logstats.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]


def commands(names: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Walk the commands, from the program itself on."""
    yield names, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands((*names, name), below)


COMMANDS: Final = dict(commands(("logstats",), cli))
NAMES: Final = sorted("-".join(names) for names in COMMANDS)


@pytest.fixture(scope="session")
def manual(installed: Path) -> Path:
    """Return the folder of the pages, as an installation has it."""
    return installed / "share/man/man1"


def run(program: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program that may be missing."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    return subprocess.run(
        [program, *map(str, arguments)],
        env=os.environ | {"LC_ALL": "C.UTF-8", "MANPAGER": "cat", "MANWIDTH": "300"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def shown(page: Path) -> dict[str, str]:
    """Read a page as `man` shows it: its sections, blanks made one."""
    done = run("man", "-l", page)
    assert (done.returncode, done.stderr) == (0, "")
    parts = re.split(r"^([A-Z ]+)$", done.stdout, flags=re.MULTILINE)
    return {title: " ".join(text.split()) for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_each_command_has_a_page_and_each_page_a_command(manual: Path) -> None:
    """`man logstats-geo-info` is there, and nothing that was a command once."""
    assert sorted(page.stem for page in manual.iterdir()) == NAMES


@pytest.mark.parametrize("names", sorted(COMMANDS), ids=" ".join)
def test_a_page_tells_what_the_help_tells(names: tuple[str, ...], manual: Path) -> None:
    """Usage, text, options and examples of `--help` are on the page, letter for letter."""
    command = COMMANDS[names]
    page = shown(manual / f"{'-'.join(names)}.1")
    context: Any = None
    for depth in range(1, len(names) + 1):
        above = COMMANDS[names[:depth]]
        context = click.Context(above, info_name=names[depth - 1], parent=context, **above.context_settings)
    usage = " ".join(command.collect_usage_pieces(context))
    assert page["SYNOPSIS"] == f"{' '.join(names)} {usage}".strip()
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    for option, text in filter(None, records):
        assert f"{option} {' '.join(text.split())}" in page["OPTIONS"]
    everything = " ".join(page.values())
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    assert paragraphs
    for paragraph in paragraphs:
        text = " ".join(paragraph.replace("\b", "").replace("`", "").split())
        if text.startswith("Exit codes:"):
            continue  # a section of its own, tested below
        assert text.removeprefix("Examples: ").removeprefix("Example: ") in everything
    if "\n  logstats" in (command.help or ""):
        assert "logstats" in page["EXAMPLES"]


def test_the_first_page_names_commands_codes_files_and_variables(manual: Path) -> None:
    """`man logstats` leads to all others and has what concerns all of them."""
    page = shown(manual / "logstats.1")
    for names in COMMANDS:
        if len(names) == 2:
            assert " ".join(names) in page["COMMANDS"]
            assert f"{'-'.join(names)}(1)" in page["SEE ALSO"]
    codes = {getattr(errors, name).exit_code for name in errors.__all__} | {0, 2, 130, 143}
    assert {int(code) for code in re.findall(r"(?:^|(?<=\. ))(\d+) ", page["EXIT STATUS"])} == codes
    variables = {
        name
        for path in (ROOT / "logstats").rglob("*.py")
        for name in re.findall(r"LOGSTATS_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8"))
        if "ENVIRONMENT" not in name  # a placeholder in a docstring
    }
    for name in variables:
        assert f" {name}" in f" {page['ENVIRONMENT']}", name
    assert "/etc/logstats/logstats.toml" in page["FILES"]


@pytest.mark.parametrize("name", NAMES)
def test_the_tools_have_nothing_to_say(name: str, manual: Path) -> None:
    """mandoc, groff and lexgrog (which fills whatis) read each page without a warning."""
    page = manual / f"{name}.1"
    said = run("mandoc", "-Tlint", "-Wwarning", page)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    said = run("groff", "-ww", "-man", "-Tutf8", "-Kutf8", page)
    assert (said.returncode, said.stderr) == (0, "")
    said = run("lexgrog", page)
    assert said.returncode == 0
    assert f'"{name} - ' in said.stdout


def test_the_date_is_that_of_the_build(manual: Path) -> None:
    """The foot of a page has the version, and the day of SOURCE_DATE_EPOCH, not today."""
    heads = {page.read_text(encoding="utf-8").splitlines()[0].partition(" 1 ")[2] for page in manual.iterdir()}
    assert heads == {f'"2026-09-21" "logstats {__version__}" "logstats"'}
