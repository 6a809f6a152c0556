"""The configuration itself: where it is, who may change it, formats, time zone."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from logstats.checks.result import Result, caught
from logstats.parse import candidates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstats.config import Config

__all__ = ["check"]


def check(config: Config) -> Iterator[Result]:
    """Check what was configured."""
    yield _file(config.file)
    yield from caught("format", lambda: [_formats(config)])
    yield _zone(config.timezone)


def _file(file: Path | None) -> Result:
    if file is None:
        return Result("configuration", "ok", "no file: the defaults are in force", "`logstats config init` writes one")
    status = file.stat()
    if status.st_mode & stat.S_IWOTH:
        return Result("configuration", "warning", f"{file}: everybody may change it", f"chmod o-w {file}")
    if status.st_uid not in {0, os.geteuid()}:
        text = f"{file}: belongs to user {status.st_uid}, who may change it"
        return Result("configuration", "warning", text, f"chown root {file}")
    return Result("configuration", "ok", str(file))


def _formats(config: Config) -> Result:
    found = candidates(config.format, config.input.formats)
    if config.format == "auto":
        return Result("format", "ok", f"found by itself, among {len(found)} formats")
    if config.input.formats:
        text = "input.formats is not looked at, because format is not auto"
        return Result("format", "warning", text, 'set format = "auto", or take input.formats away')
    return Result("format", "ok", f"{found[0].name}, for all logs")


def _zone(name: str) -> Result:
    """The zone is known, else the configuration would not have loaded; say what the machine has, which may differ."""
    return Result("time zone", "ok", f"days are those of {name}; the machine's clock shows {time.strftime('%Z (%z)')}")
