"""What `logstats config init` does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from logstats.config import load
from logstats.discover.apache import read_apache
from logstats.discover.nginx import read_nginx
from logstats.discover.proposal import propose
from logstats.errors import CannotWriteError, ConfigurationError, InputMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstats.discover.found import Found

__all__ = ["configuration", "machine_zone", "read_server", "write"]

_NGINX: Final = Path("/etc/nginx/nginx.conf")
_APACHE: Final = Path("/etc/apache2/apache2.conf")
_LOCALTIME: Final = Path("/etc/localtime")
_NO_PLACE: Final = frozenset(("UTC", "GMT", "Universal", "Zulu", "UCT"))
_DEFAULT: Final = "Europe/Paris"


def read_server(
    nginx_conf: Path | None,
    apache_conf: Path | None,
    prefix: Path | None = None,
    envvars: Path | None = None,
    defines: Iterable[str] = (),
) -> Found:
    """Read the configuration of the server that is named, or of the one that is there.

    Raises:
        ConfigurationError: Both are named, or both are there; a file is not understood.
        InputMissingError: None is there.
    """
    if not nginx_conf and not apache_conf:
        nginx_conf, apache_conf = (path if path.is_file() else None for path in (_NGINX, _APACHE))
        if not nginx_conf and not apache_conf:
            hint = "name it: --nginx-conf FILE or --apache-conf FILE"
            raise InputMissingError(f"there is neither {_NGINX} nor {_APACHE}", hint=hint)
    if nginx_conf and apache_conf:
        hint = "name the one whose logs count: where nginx stands in front of Apache, nginx's"
        raise ConfigurationError(f"two servers: {nginx_conf} and {apache_conf}", hint=hint)
    if nginx_conf:
        return read_nginx(nginx_conf, prefix)
    variables = {}
    for one in defines:
        name, is_set, value = one.partition("=")
        if not is_set or not name:
            raise ConfigurationError(f"--define {one[:40]!r}: must be NAME=VALUE")
        variables[name] = value
    return read_apache(apache_conf or _APACHE, variables, envvars)


def configuration(found: Found, timezone: str | None) -> str:
    """Write the configuration for a server, and make sure that it loads.

    Raises:
        ConfigurationError: No log can be read; there is no such time zone.
    """
    zone = timezone or machine_zone()
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ConfigurationError(f"--timezone: {zone!r} is no time zone", hint="as in Europe/Paris") from None
    return propose(found, zone)


def machine_zone() -> str:
    """Give the zone of this machine; servers that run in UTC are no reason to count days so."""
    parts = os.path.realpath(_LOCALTIME).split("/zoneinfo/")
    name = parts[1] if len(parts) == 2 else ""  # noqa: PLR2004 - before and after
    name = name.removeprefix("posix/").removeprefix("right/")
    return name if name and name.rpartition("/")[2] not in _NO_PLACE else _DEFAULT


def write(text: str, file: Path) -> None:
    """Write a configuration where there is none, and read it again.

    Raises:
        CannotWriteError: There is one, or no room, or no permission.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise CannotWriteError(f"{file}: is there already", hint="print it, without --out, and compare") from None
    except OSError as error:
        raise CannotWriteError(f"{file}: cannot be written: {error.strerror}") from None
    load(file)
