"""What commands share: their common options, and how a run is judged."""

from __future__ import annotations

import os
import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logstats.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logstats.config import Config
    from logstats.derive import Knowledge
    from logstats.read import Source

__all__ = ["common", "format_option", "judged", "knowledge_of", "sources_of", "store_option", "talking"]


def talking(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command the options that all of them have; it gets a `config_file`, not read, and a `console`."""

    @click.option("--config", "config_file", type=click.Path(path_type=Path), help="Configuration file.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @click.option("-q", "--quiet", is_flag=True, help="No messages but errors.")
    @click.option("-v", "--verbose", is_flag=True, help="More messages, to find out what is wrong.")
    @click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
    @wraps(command)
    def with_options(
        *args: Any,  # noqa: ANN401 - whatever the command takes
        config_file: Path | None,
        as_json: bool,
        quiet: bool,
        verbose: bool,
        no_color: bool,
        **options: Any,  # noqa: ANN401 - the same
    ) -> int | None:
        console = Console(as_json=as_json, quiet=quiet, verbose=verbose, colour=not no_color)
        try:
            code = command(*args, config_file=config_file, console=console, **options)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read our output has had enough, which is no failure
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
            return 0
        return code

    return with_options


def common(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command the options that all of them have; it gets a `config` and a `console`."""

    @talking
    @wraps(command)
    def configured(
        *args: Any,  # noqa: ANN401 - whatever the command takes
        config_file: Path | None,
        console: Console,
        **options: Any,  # noqa: ANN401 - the same
    ) -> int | None:
        from logstats import config  # noqa: PLC0415 - `--version` needs none of this

        effective = config.load(config_file)
        console.detail(f"configuration: {effective.file or 'defaults'}")
        return command(*args, config=effective, console=console, **options)

    return configured


store_option = click.option(
    "--store",
    "store_folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    envvar="LOGSTATS_STORE",
    help="Folder of the store.",
)


format_option = click.option(
    "--format",
    "format_text",
    metavar="NAME-OR-STRING",
    envvar="LOGSTATS_FORMAT",
    help="Format of the lines; without it, it is found.",
)


def knowledge_of(config: Config) -> Knowledge:
    """Give the rules of the configuration with the country table that it names."""
    from logstats import geodata  # noqa: PLC0415 - `--version` needs none of this
    from logstats.derive import Knowledge  # noqa: PLC0415

    return Knowledge(config, geodata.open_table(config.country_database, geodata.cache_directory()))


def judged(found: Any, config: Config, console: Console, *, again: bool = False) -> int:  # noqa: ANN401 - a Report, imported late
    """Say what was wrong with the inputs; the exit code tells a timer."""
    from logstats.errors import InputRejectedError  # noqa: PLC0415

    code = 0
    for result in found.inputs:
        if result.state in {"damaged", "refused"}:
            console.error(f"{result.name}: {result.state}: {result.note}", result.hint)
            code = InputRejectedError.exit_code
        elif result.state == "empty" and not again:  # after a rotation, the new file is empty
            console.message(f"{result.name}: is empty")
        elif result.note:
            console.message(f"{result.name}: {result.note}" + (f"; {result.hint}" if result.hint else ""))
    share, most = found.tally.rejected_share, config.input.max_rejected_share
    if share > most:
        console.error(
            f"{share:.1%} of the lines were rejected, more than {most:.0%} (input.max_rejected_share)",
            "the summary names the reasons; has the log format changed?",
        )
        code = InputRejectedError.exit_code
    return code


def sources_of(files: Sequence[str], config: Config | None = None, console: Console | None = None) -> list[Source]:
    """Open the inputs that a command names; else the configured logs, or standard input where something is piped in.

    Args:
        files: As named.
        config: Of a command that takes the configured logs when no file is named.
        console: Where that command talks.
    """
    from logstats.configured import configured_files  # noqa: PLC0415 - `--version` needs none of this
    from logstats.read import open_source  # noqa: PLC0415

    if not files and config and config.input.logs:
        files = configured_files(config)
        if console and _waiting_bytes():
            console.message("the configured logs are read, not what waits on standard input: for that, name -")
    if not files and sys.stdin and sys.stdin.isatty():
        raise click.UsageError("Name a file, or pipe lines in.")
    return [open_source(name) for name in files or ("-",)]


def _waiting_bytes() -> int:
    """Say how many bytes wait in a pipe on standard input: somebody may have meant them. A timer's has none."""
    import array  # noqa: PLC0415 - rarely needed
    import fcntl  # noqa: PLC0415
    import stat  # noqa: PLC0415
    import termios  # noqa: PLC0415

    waiting = array.array("i", [0])
    try:
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            fcntl.ioctl(0, termios.FIONREAD, waiting)
    except OSError:
        return 0
    return waiting[0]
