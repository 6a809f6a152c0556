"""The command line: commands and options. What they do is elsewhere, and is imported when it is needed.

counting     report, ingest, close, redo, forget, status
publishing   release, verify, publish, page, privacy, commission
setting_up   explain, hook, features, geo
checking     check, config
options      what they share
"""

from __future__ import annotations

import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Final, NoReturn

import click

from logstats import __version__
from logstats.cli.checking import check, config_group
from logstats.cli.counting import close, forget, ingest, redo, report, status
from logstats.cli.publishing import commission, page, privacy, publish, release, verify
from logstats.cli.setting_up import explain, features, geo, hook
from logstats.console import Console
from logstats.errors import LogstatsError
from logstats.memory import keep_little

__all__ = ["cli", "main"]

_INTERRUPTED: Final = 130
_TERMINATED: Final = 143
_NEVER_SPILL: Final = "1000000000"
_CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_COMMANDS: Final = (
    *(report, ingest, close, status, redo, forget),
    *(release, verify, publish, page, privacy, commission),
    *(check, config_group, explain, hook, features, geo),
)


def main() -> None:
    """Run a command; a user's mistake ends in one line and an exit code, never in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of another encoding is no failure
    signal.signal(signal.SIGTERM, _stop)
    # polars may put frames on a disk when it thinks that memory is short, and a frame may hold addresses.
    os.environ.setdefault("POLARS_OOC_MEMORY_BUDGET_MB", _NEVER_SPILL)
    keep_little()
    code: int | None
    try:
        code = cli.main(standalone_mode=False)
    except LogstatsError as error:
        Console().error(str(error), error.hint)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        Console().error("interrupted; nothing was counted by halves")
        code = _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the message of a library may hold lines of the log
        Console().error(
            f"failure of the program: {_place_of(error)}", "please report it; the log's content is not shown"
        )
        code = LogstatsError.exit_code
    sys.exit(code)


def _place_of(error: Exception) -> str:
    """Say what failed and where, without what it was about."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    place = traceback.tb_frame.f_code if traceback else None
    line = traceback.tb_lineno if traceback else 0
    return f"{type(error).__name__} in {Path(place.co_filename).name}:{line}" if place else type(error).__name__


def _stop(_signal: int, _frame: object) -> NoReturn:
    """End as after an interrupt, so that nothing is left behind."""
    sys.exit(_TERMINATED)


@click.group(context_settings=_CONTEXT, no_args_is_help=True)
@click.version_option(__version__, "--version", message="logstats %(version)s")
def cli() -> None:
    """Count the use of a web site from its access logs, exactly, and identify nobody.

    \b
    Examples:
      logstats report /var/log/nginx/access.log*
      ssh web1 'zcat /var/log/nginx/access.log.*.gz' | logstats report --json
      logstats explain '192.0.2.1 - - [22/Nov/2026:08:00:00 +0100] "GET / HTTP/1.1" 200 12 "-" "curl/8.5"'

    \b
    Exit codes: 0 done; 1 failure; 2 wrong use; 65 too many rejected lines, or no access log; 66 input
    missing; 74 cannot write; 75 busy, try later; 77 permission; 78 configuration; 130 interrupted;
    143 terminated.
    """  # noqa: D301 - \b tells Click to keep the lines


for command in _COMMANDS:
    cli.add_command(command)
