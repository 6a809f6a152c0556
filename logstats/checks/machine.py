"""The machine: its clock, the lists and the country database that came with the program, free space."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from logstats import geodata
from logstats.checks.result import Result, caught
from logstats.errors import CannotWriteError
from logstats.lists import list_dates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from logstats.config import Config

__all__ = ["check"]

_OLD_COUNTRIES: Final = timedelta(days=60)
_OLD_LISTS: Final = timedelta(days=365)
_FEW_BYTES: Final = 1 << 30
_TOO_FEW_BYTES: Final = 100 << 20
_FEW_SHARE: Final = 0.05
_UPDATE: Final = "load a newer one: logstats geo update FILE.mmdb --out DIR, with DIR as geo.database"


def check(config: Config, folder: Path | None, now: datetime) -> Iterator[Result]:
    """Check the machine."""
    yield _clock(now)
    yield from caught("country database", lambda: [_countries(config, now)])
    oldest = min(list_dates().values())
    if now.date() - oldest > _OLD_LISTS:
        text = f"the list of robots and others is of {oldest}: newer ones count as people"
        yield Result("lists", "warning", text, "update logstats")
    else:
        yield Result("lists", "ok", f"lists of {oldest}")
    if folder:
        yield _space(folder)


def _clock(now: datetime) -> Result:
    """Nothing tells the time but the clock; but it cannot be earlier than the data that came with the program."""
    newest = max(list_dates().values())
    if now.date() < newest - timedelta(days=1):
        text = f"the clock says {now:%Y-%m-%d}, before this program was made: days would close at the wrong time"
        return Result("clock", "error", text, "set the clock: timedatectl set-ntp true")
    return Result("clock", "ok", f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def _countries(config: Config, now: datetime) -> Result:
    built: date = geodata.built_on(config.country_database)
    age = (now.date() - built).days
    if timedelta(days=age) > _OLD_COUNTRIES:
        return Result("country database", "warning", f"it is of {built}, {age} days old", _UPDATE)
    return Result("country database", "ok", f"of {built}, {age} days old")


def _space(folder: Path) -> Result:
    """Look at the file system on which the store is, or will be."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    system = os.statvfs(there)
    free, share = system.f_bavail * system.f_frsize, system.f_bavail / max(system.f_blocks, 1)
    text = f"{free / (1 << 30):,.1f} GiB free ({share:.0%}) where the store is"
    if free < _TOO_FEW_BYTES or (system.f_files and not system.f_favail):
        return Result("free space", "error", text, "free some space", CannotWriteError.exit_code)
    if free < _FEW_BYTES or share < _FEW_SHARE:
        return Result("free space", "warning", text, "free some space: a run that finds none ends with 74")
    return Result("free space", "ok", text)
