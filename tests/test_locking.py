"""Locks: one at a time, given back whatever happens, and clear about what does not work."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from logstats.errors import BusyError, CannotWriteError, NoPermissionError
from logstats.store.locking import locked

HOLD = """
import sys, time
from pathlib import Path
from logstats.store.locking import locked
with locked(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_at_a_time_and_given_back_after_a_failure(tmp_path: Path) -> None:
    """Who comes second is told at once; an exception within gives the lock back."""
    file = tmp_path / "lock"
    with suppress(ZeroDivisionError), locked(file, "first"):
        with pytest.raises(BusyError, match="another is at it"), locked(file, "another is at it"):
            raise AssertionError("two hold it")
        raise ZeroDivisionError
    with locked(file, "again"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    """The file stays, the lock does not."""
    file = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(BusyError), locked(file, "busy"):
                raise AssertionError("two hold it")
        finally:
            holder.send_signal(signal.SIGKILL)
        holder.wait()
        with locked(file, "busy"):
            assert file.exists()


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says becomes an error with an exit code, and no file stays open."""

    def refuse(*_: Any) -> NoReturn:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(CannotWriteError, match=r"lock.*No locks available"), locked(tmp_path / "lock", "busy"):
        raise AssertionError("held")
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_an_error_within_is_not_taken_for_one_of_the_lock(tmp_path: Path) -> None:
    """A BlockingIOError of the work says nothing of the lock."""
    with pytest.raises(BlockingIOError), locked(tmp_path / "lock", "busy"):
        raise BlockingIOError


def test_a_link_is_no_lock(tmp_path: Path) -> None:
    """It would let another choose which file is made."""
    (tmp_path / "lock").symlink_to(tmp_path / "other")
    with pytest.raises(NoPermissionError, match="is a link"), locked(tmp_path / "lock", "busy"):
        raise AssertionError("held")
    assert not (tmp_path / "other").exists()
