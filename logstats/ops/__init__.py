"""Operations: ready pieces of configuration for logrotate, systemd, nginx and Apache, as package data.

Nothing is installed: a snippet is printed, and whoever runs the server decides. What varies between servers stands
between at signs (`@store@`) in the files beside this one; their comments say why each line is there.
"""

from __future__ import annotations

from importlib import resources
from pathlib import PurePosixPath
from typing import Final

from logstats.errors import ConfigurationError

__all__ = ["PROGRAM", "SERVERS", "SNIPPETS", "STORE", "files", "snippet"]

STORE: Final = "/var/lib/logstats"
PROGRAM: Final = "/usr/local/bin/logstats"

SERVERS: Final[dict[str, dict[str, str]]] = {
    "nginx": {
        "server_name": "nginx",
        "package": "nginx",
        "logs": "/var/log/nginx/access.log",
        "owner": "www-data",
        "pid": "/run/nginx.pid",
    },
    "apache": {
        "server_name": "Apache",
        "package": "apache2",
        "logs": "/var/log/apache2/access.log",
        "owner": "root",
        "pid": "/run/apache2/apache2.pid",
    },
}
"""What Debian's packages of the two servers are like."""

SNIPPETS: Final[dict[str, dict[str, str]]] = {
    "logrotate": {"logrotate.conf": "/etc/logrotate.d/@package@"},
    "systemd": {
        "logstats-analyse.service": "/etc/systemd/system/logstats-analyse.service",
        "logstats.timer": "/etc/systemd/system/logstats.timer",
        "logstats-release.service": "/etc/systemd/system/logstats-release.service",
        "logstats-publish.service": "/etc/systemd/system/logstats-publish.service",
        "logstats-publish.timer": "/etc/systemd/system/logstats-publish.timer",
        "logstats-commission.service": "/etc/systemd/system/logstats-commission.service",
        "logstats-commission.timer": "/etc/systemd/system/logstats-commission.timer",
        "logstats.sysusers": "/etc/sysusers.d/logstats.conf",
    },
    "nginx": {"nginx.conf": "/etc/nginx/conf.d/logstats.conf"},
    "apache": {"apache.conf": "/etc/apache2/conf-available/logstats.conf"},
}
"""The snippets: their files in this folder, and where each belongs."""

_STATE_ROOT: Final = PurePosixPath("/var/lib")
_LOGS: Final = "/var/log"
_RELEASES: Final = "/var/lib/logstats-releases"
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:=")
_PATTERN: Final = _PLAIN | frozenset("*?")


def snippet(
    name: str,
    *,
    server: str = "nginx",
    logs: str | None = None,
    store: str = STORE,
    program: str = PROGRAM,
    file: str | None = None,
) -> str:
    """Give a snippet as it is printed.

    Args:
        name: A key of SNIPPETS.
        server: A key of SERVERS, for logrotate and systemd; the other two are a server's own.
        logs: The access log that the server writes now; None for the one of Debian's package.
        store: Folder of the store.
        program: Where logstats is installed.
        file: Of several files give this one, and it alone; None gives all, each under a line with its place.

    Returns:
        Text that ends with a newline.

    Raises:
        ConfigurationError: A path cannot stand in a snippet, or the snippet has no such file.
    """
    found = files(name, server=server, logs=logs, store=store, program=program)
    if file is None:
        if len(found) == 1:
            return next(iter(found.values()))
        return "\n".join(f"##### {place}\n{text}" for place, text in found.items())
    for place, text in found.items():
        if file in {place, PurePosixPath(place).name}:
            return text
    known = ", ".join(PurePosixPath(place).name for place in found)
    raise ConfigurationError(f"the snippet {name} has no file {file!r}", hint=f"its files: {known}")


def files(
    name: str,
    *,
    server: str = "nginx",
    logs: str | None = None,
    store: str = STORE,
    program: str = PROGRAM,
) -> dict[str, str]:
    """Give the files of a snippet: where each belongs, and its text.

    Args:
        name: As for `snippet`.
        server: The same.
        logs: The same.
        store: The same.
        program: The same.

    Raises:
        ConfigurationError: A path cannot stand in a snippet.
    """
    facts = SERVERS[name if name in SERVERS else server]
    log = _checked("logs", logs or facts["logs"], _PATTERN)
    log_folder = _checked("logs", str(PurePosixPath(log).parent), _PLAIN)
    values = {
        **facts,
        "logs": log,
        "folder": log_folder,
        "hidden": _LOGS if PurePosixPath(log_folder).is_relative_to(_LOGS) else f"{_LOGS} {log_folder}",
        "store": _checked("store", store, _PLAIN),
        "program": _checked("program", program, _PLAIN),
        "releases": _RELEASES,
        "state": _state(PurePosixPath(store)),
    }
    folder = resources.files("logstats.ops")
    return {
        _filled(place, values): _filled(folder.joinpath(data).read_text("utf-8"), values)
        for data, place in SNIPPETS[name].items()
    }


def _checked(option: str, path: str, allowed: frozenset[str]) -> str:
    """Refuse a path that a shell, systemd or logrotate would read as something else."""
    if not path.startswith("/") or not path.strip("/"):
        raise ConfigurationError(f"{option}: {path!r} is no path from /", hint="a service has no current folder")
    if not set(path) <= allowed:
        wrong = next(character for character in path if character not in allowed)
        raise ConfigurationError(
            f"{option}: {path!r} holds {wrong!r}, which means something else in a snippet",
            hint="letters, digits and / . _ - + , : = may stand in it; in the name of a log also * and ?",
        )
    return path.rstrip("/")


def _state(store: PurePosixPath) -> str:
    """Say how the service gets its store: below /var/lib systemd makes it, elsewhere it must be there."""
    if store.is_relative_to(_STATE_ROOT) and store != _STATE_ROOT:
        return f"StateDirectory={store.relative_to(_STATE_ROOT)}\nStateDirectoryMode=0700"
    return f"# Make it once: install -d -m 0700 -o logstats -g logstats {store}\nReadWritePaths={store}"


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
