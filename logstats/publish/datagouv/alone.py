"""One run at a time publishes into a dataset: two that look before either has written would each make their own.

The lock is for one user of one machine, and lies in the state folder: `$STATE_DIRECTORY`, which systemd gives a unit,
else `$XDG_STATE_HOME`, else `~/.local/state`; for a user without a home of its own, in /run/lock.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from logstats.errors import ConfigurationError
from logstats.store.files import private_folder
from logstats.store.locking import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstats.config import Platform

__all__ = ["alone"]

_SHARED: Final = Path("/run/lock")


@contextmanager
def alone(environment: str, platform: Platform) -> Iterator[None]:
    """Let no other run publish into the same dataset, or, if none is named, for the same organisation.

    Args:
        environment: `demo` or `production`.
        platform: What is configured of it.

    Raises:
        BusyError: Another run does.
        CannotWriteError: The state folder cannot be written.
        NoPermissionError: It may not be written, or others may look into it.
        ConfigurationError: There is none.
    """
    target = platform.dataset or platform.organisation
    folder = _state_folder() / "logstats" / "publish"
    for above in reversed(folder.parents):  # 0700, as the base directories ask for: the home may be the store
        if not above.exists():
            private_folder(above)
    file = private_folder(folder) / quote(f"{environment}-{target}.lock", safe="")
    with locked(file, f"{environment}: another run publishes to {target}"):
        yield


def _state_folder() -> Path:
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        if (folder := Path(os.environ.get(name, "").partition(":")[0])).is_absolute():
            return folder
    try:
        home = Path.home()
    except RuntimeError:
        raise ConfigurationError("there is no home folder", hint="XDG_STATE_HOME names a folder for locks") from None
    # What changes the user may leave root's home in $HOME.
    user = os.geteuid()
    is_anothers = home.exists() and home.stat().st_uid != user
    return _SHARED / f"logstats-{user}" if is_anothers else home / ".local" / "state"
