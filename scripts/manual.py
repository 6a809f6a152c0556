"""Make the manual pages and the shell completions of all commands, from the commands themselves.

scripts/manual.py FOLDER writes them below FOLDER as they lie below a prefix (share/man/man1/...). The wheel has them
(hatch_build.py), and so has the Debian package. They are made when the wheel is built: nothing of them is kept in the
source, so nothing can be out of date.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import get_completion_class

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the commands of this source, whatever is installed

from logstats import __version__
from logstats.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["completions", "files", "pages"]

PROGRAM: Final = "logstats"
COMPLETIONS: Final = {
    "bash": "share/bash-completion/completions/logstats",
    "zsh": "share/zsh/site-functions/_logstats",
    "fish": "share/fish/vendor_completions.d/logstats.fish",
}
"""Where each shell looks for completions, below a prefix."""

FILES: Final = (
    ("$XDG_CONFIG_HOME/logstats/logstats.toml", "Configuration of a user; without the variable, in ~/.config."),
    ("/etc/logstats/logstats.toml", "Configuration of the machine, where the user has none."),
    ("/var/lib/logstats", "Store of the service: figures, and keys and hits of open days."),
)
ENVIRONMENT: Final = (
    ("LOGSTATS_CONFIG", "Configuration file, where --config names none."),
    ("LOGSTATS_STORE", "Store, where --store names none."),
    ("LOGSTATS_FORMAT", "Format of the lines, where --format names none."),
    ("LOGSTATS_COMMISSION_ACCEPTANCE_KEY", "Key of the Commission's service for acceptance."),
    ("LOGSTATS_COMMISSION_PRODUCTION_KEY", "Key of the Commission's service for production."),
    ("LOGSTATS_DATAGOUV_DEMO_KEY", "Key of the demonstration site of data.gouv.fr."),
    ("LOGSTATS_DATAGOUV_PRODUCTION_KEY", "Key of data.gouv.fr."),
    ("https_proxy", "Proxy for what is sent, unless no_proxy names the host."),
    ("NO_COLOR", "No colour, if it is set and not empty."),
    ("TMPDIR", "Where report puts hits that do not fit in memory, until it ends."),
    ("XDG_CACHE_HOME", "Where the expanded country database is kept; it may be deleted at any time."),
)

Command = tuple[tuple[str, ...], click.Command, click.Context]
"""Names from the program's on, the command, and what Click asks for to tell about it."""


def files(date: datetime) -> dict[str, str]:
    """Give all files by their place below a prefix; the date stands at the foot of the pages."""
    manual = {f"share/man/man1/{name}": text for name, text in pages(date).items()}
    return manual | {COMPLETIONS[shell]: text for shell, text in completions().items()}


def completions() -> dict[str, str]:
    """Give the completion script of each shell, as Click makes it."""
    found = {}
    for shell in COMPLETIONS:
        made = get_completion_class(shell)
        if made is None:
            raise LookupError(f"Click has no completion for {shell}")
        found[shell] = made(cli, {}, PROGRAM, f"_{PROGRAM}_complete".upper()).source().strip() + "\n"
    return found


def pages(date: datetime) -> dict[str, str]:
    """Give the manual page of each command by its file name, in the macros of man(7)."""
    context = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    commands = list(_commands((PROGRAM,), cli, context))
    return {f"{'-'.join(command[0])}.1": _page(command, commands, date) for command in commands}


def _commands(names: tuple[str, ...], command: click.Command, context: click.Context) -> Iterator[Command]:
    yield names, command, context
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            if not below.hidden:
                yield from _commands((*names, name), below, click.Context(below, info_name=name, parent=context))


def _page(of: Command, commands: list[Command], date: datetime) -> str:
    names, command, context = of
    sections = _sections(command)
    title = "-".join(names)
    usage = " ".join(command.collect_usage_pieces(context))
    below = [entry for entry in commands if entry[0][:-1] == names]
    written = [
        f'.TH {_escaped(title.upper())} 1 "{date:%Y-%m-%d}" "logstats {__version__}" "logstats"',
        ".nh",  # a name that is cut at the end of a line cannot be copied
        ".ad l",
        ".SH NAME",
        f"{_escaped(title)} \\- {_escaped(_in_short(command))}",
        ".SH SYNOPSIS",
        f"\\fB{_escaped(' '.join(names))}\\fR {_escaped(usage)}",
        ".SH DESCRIPTION",
        *sections.pop("DESCRIPTION"),
        ".SH OPTIONS",
        *_listed(_options(command, context)),
    ]
    if below:
        entries = [(" ".join(path), _in_short(sub) + ".") for path, sub, _ in below]
        written += [".SH COMMANDS", *_listed(entries)]
    if len(names) == 1:
        written += [".SH FILES", *_listed(FILES), ".SH ENVIRONMENT", *_listed(ENVIRONMENT)]
    for heading, lines in sections.items():
        written += [f".SH {heading}", *lines]
    return "\n".join([*written, ".SH SEE ALSO", *_see_also(names, commands), ""])


def _see_also(names: tuple[str, ...], commands: list[Command]) -> list[str]:
    """Name the pages above and below this one."""
    near = [path for path, _, _ in commands if path == names[:-1] or path[:-1] == names or len(path) == 1]
    titles = ["-".join(path) for path in near if path != names]
    marks = [","] * (len(titles) - 1) + [""]
    return [f".BR {_escaped(title)} (1){mark}" for title, mark in zip(titles, marks, strict=True)]


def _in_short(command: click.Command) -> str:
    """Give the first sentence of the help, without its full stop."""
    first = " ".join(inspect.cleandoc(command.help or "").split("\n\n")[0].split())
    return first.split(". ")[0].rstrip(".")


def _options(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    return [record for record in records if record]


def _sections(command: click.Command) -> dict[str, list[str]]:
    """Tell apart what the help of a command says, its examples and the exit codes."""
    found: dict[str, list[str]] = {"DESCRIPTION": []}
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        verbatim, _, kept = paragraph.rpartition("\b\n")
        title, _, rest = kept.partition(":")
        if verbatim or paragraph.startswith("\b"):
            if title in {"Example", "Examples"}:
                found["EXAMPLES"] = [".nf", *map(_line, inspect.cleandoc(rest).splitlines()), ".fi"]
                continue
            if title == "Exit codes":
                codes = (code.strip(" .\n").partition(" ") for code in " ".join(rest.split()).split(";"))
                found["EXIT STATUS"] = list(_listed((code, f"{meaning}.") for code, _, meaning in codes))
                continue
            found["DESCRIPTION"] += [".PP", ".nf", *map(_line, kept.splitlines()), ".fi"]
        else:
            found["DESCRIPTION"] += [".PP", _line(" ".join(paragraph.split()))]
    found["DESCRIPTION"] = found["DESCRIPTION"][1:]  # no space under a heading
    return found


def _listed(entries: Iterator[tuple[str, str]] | tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in entries:
        yield from (".TP", f"\\fB{_escaped(term)}\\fR", _line(" ".join(meaning.split())))


def _line(text: str) -> str:
    """Write a line of text; what stands between backticks is bold."""
    marked = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", _escaped(text))
    return f"\\&{marked}" if marked.startswith((".", "'")) else marked


def _escaped(text: str) -> str:
    """Let text be itself: a hyphen can be copied, a quote stays straight, no backslash is an order."""
    replaced = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "`", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
    return "".join(replaced.get(character, character) for character in text)


def main() -> None:
    """Write all files below a folder."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the folder
        sys.exit("usage: scripts/manual.py FOLDER")
    date = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or datetime.now(UTC).timestamp()), UTC)
    for place, text in files(date).items():
        path = Path(sys.argv[1], place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
