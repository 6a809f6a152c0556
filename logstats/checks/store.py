"""The store: permissions, runs, days, keys."""

from __future__ import annotations

import os
import stat
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from logstats.checks.result import Result, failure
from logstats.errors import LogstatsError, NoPermissionError
from logstats.store.durable import GRACE
from logstats.store.keys import KEY_BYTES
from logstats.store.reader import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstats.config import Config

__all__ = ["check"]

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_SILENCE: Final = timedelta(days=2)
_PATIENCE: Final = timedelta(hours=26)  # a timer that comes once a day has closed what was due
_LONGEST_RUN: Final = timedelta(hours=12)
_SKEW: Final = timedelta(hours=1)
_TIMER: Final = "is the timer on? systemctl list-timers logstats.timer"


def check(folder: Path, config: Config, now: datetime) -> Iterator[Result | dict[str, Any]]:
    """Check a store; also give its state, where that can be read."""
    try:
        if not folder.exists() and not folder.is_symlink():
            yield _absent(folder)
            return
        if denied := _permissions(folder):
            yield denied
            if denied.state == "error":
                return
        elif not any(folder.iterdir()):  # as the package, or the unit, makes it
            yield Result("store", "ok", f"{folder} is empty", "the first `logstats ingest` makes the store")
            return
        state = state_of(folder, untouched=True)
        yield Result(
            "store", "ok", f"{folder}: {len(state['days']):,} days, {state['bytes']:,} bytes, its owner's alone"
        )
        yield _runs(state, now)
        yield _days(state, config.timezone, now)
        yield _keys(folder, state)
        yield state
    except LogstatsError as error:
        yield failure("store", error)
    except OSError as error:
        yield Result("store", "error", f"{folder}: cannot be read: {error.strerror}", code=NoPermissionError.exit_code)


def _absent(folder: Path) -> Result:
    """Say whether a run could make the store."""
    above = next(one for one in folder.absolute().parents if one.exists())
    if os.access(above, os.W_OK | os.X_OK):
        return Result("store", "ok", f"{folder} is not there yet", "the first `logstats ingest` makes it")
    text = f"{folder} is not there, and {above} may not be written"
    hint = f"make it once: install -d -m 0700 -o logstats -g logstats {folder}"
    return Result("store", "error", text, hint, NoPermissionError.exit_code)


def _permissions(folder: Path) -> Result | None:
    """Look at who may look into the store, and whether we may."""
    status, code = folder.lstat(), NoPermissionError.exit_code
    if not stat.S_ISDIR(status.st_mode):
        return Result("store", "error", f"{folder}: is a link or a file, not a folder", "name the folder itself", code)
    if status.st_mode & _OTHERS:
        return Result("store", "error", f"{folder}: others may look into it", f"chmod 700 {folder}", code)
    if os.geteuid() != status.st_uid:
        return _foreign(folder, status.st_uid)
    if not os.access(folder, os.W_OK):
        return Result("store", "error", f"{folder}: may not be written", "is the file system read-only?", code)
    if path := next(filter(_is_open, folder.rglob("*")), None):
        return Result("store", "error", f"{path}: others may look into it", f"chmod -R go= {folder}", code)
    return None


def _foreign(folder: Path, owner: int) -> Result:
    """Say that the store belongs to somebody else; root sees all of it, but not what its owner sees."""
    hint = f"run this as its owner: sudo -u '#{owner}' logstats check"
    if os.geteuid():
        text = f"{folder}: belongs to user {owner}"
        return Result("store", "error", text, hint, NoPermissionError.exit_code)
    return Result("store", "warning", f"{folder}: belongs to user {owner}, and this is root, who sees more", hint)


def _is_open(path: Path) -> bool:
    """Tell whether others may look into a file; one that a run has removed meanwhile is none."""
    try:
        return not path.is_symlink() and bool(path.stat().st_mode & _OTHERS)
    except FileNotFoundError:
        return False


def _runs(state: dict[str, Any], now: datetime) -> Result:
    run = state["last_run"]
    if run is None:
        return Result("last run", "warning", "nothing has been counted yet", _TIMER)
    started = datetime.fromisoformat(run["started"]).astimezone(UTC)
    text = f"{run['command']} on {started:%Y-%m-%d %H:%M} UTC, {run['lines']:,} lines"
    if started > now + _SKEW:
        return Result("last run", "error", f"{text}: in the future", "the clock was, or is, wrong")
    if run["ended"] is None and now - started > _LONGEST_RUN:
        text += ", and did not come to its end; what it had committed counts, the rest is read again"
        return Result("last run", "warning", text, "see the journal: journalctl -u logstats-analyse.service")
    if now - started > _SILENCE:
        return Result("last run", "warning", f"{text}: {(now - started).days} days ago", _TIMER)
    return Result("last run", "ok", text)


def _days(state: dict[str, Any], timezone: str, now: datetime) -> Result:
    """Look for days that should have been closed, and so hold what could point at a person for too long."""
    zone = ZoneInfo(timezone)
    opened = [day for day in state["days"] if not day["closed"]]
    late = []
    for day in opened:
        end = datetime.combine(date.fromisoformat(day["day"]) + timedelta(days=1), time(), zone)
        if now > max(end, datetime.fromisoformat(day["first_seen"])) + GRACE + _PATIENCE:
            late.append(day["day"])
    if late:
        text = f"{len(late)} days are open beyond their grace, since {min(late)}: their keys should be gone"
        return Result("open days", "warning", text, f"logstats close --store DIR; {_TIMER}")
    return Result("open days", "ok", f"{len(opened)} open, none beyond its grace")


def _keys(folder: Path, state: dict[str, Any]) -> Result:
    """Look whether each open day has its key, and no closed one has."""
    alive = {(key["site"], key["day"]) for key in state["keys"]["alive"]}
    opened = {(day["site"], day["day"]): day["hits"] for day in state["days"] if not day["closed"]}
    identity = folder / "keys" / "identity"
    if state["inputs"] and not (identity.is_file() and identity.stat().st_size == KEY_BYTES):
        text = f"{identity}: the key by which inputs are known is gone: without it lines would count twice"
        return Result("keys", "error", text, "restore it")
    lost = sorted(day for (site, day), hits in opened.items() if hits and (site, day) not in alive)
    if lost:
        text = f"the key of an open day is lost: {lost[0]}; nothing more can be counted for it"
        return Result("keys", "error", text, f"logstats redo --day {lost[0]} with its logs, or forget it")
    if left := alive - opened.keys():
        text = f"{len(left)} keys of days that are closed are still there"
        return Result("keys", "warning", text, "the next run destroys them")
    return Result(
        "keys", "ok", f"{len(alive)} alive, for open days only; {len(state['keys']['destroyed']):,} destroyed"
    )
