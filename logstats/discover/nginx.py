"""The logs of an nginx, from its configuration: ngx_http_log_module, ngx_http_core_module."""

from __future__ import annotations

from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logstats.discover.found import Found, Log, Place, Refused, glob_literal, read_text
from logstats.discover.nginx_words import Directive, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COMBINED", "read_nginx"]

COMBINED: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
_DEEPEST: Final = 20  # includes within includes; a file that includes itself has no end
_DEBIAN: Final = Path("/etc/nginx")
_DEBIAN_PREFIX: Final = Path("/usr/share/nginx")
_DEFAULT_LOG: Final = "/var/log/nginx/access.log"
_STREAMS: Final = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True)
class _Scope:
    """What a block inherits: its `access_log` lines, None while nobody has said anything, and its hosts."""

    logs: tuple[Directive, ...] | None = None
    hosts: tuple[str, ...] = ()
    is_server: bool = False


def read_nginx(file: Path, prefix: Path | None = None) -> Found:
    """Read which logs an nginx writes.

    Args:
        file: Its nginx.conf.
        prefix: As `nginx -p`: where a relative path of a log begins. None takes that of Debian's package for
            /etc/nginx, and the folder above a folder `conf`.

    Raises:
        InputMissingError: A file is not there.
        NoPermissionError: A file may not be read.
        ConfigurationError: A file is no configuration of nginx, or names a format that does not exist.
    """
    file = file.absolute()
    top = list(_included(parse(read_text(file), file), file.parent, 0))
    blocks = [inner for one in top if one.name == "http" and one.block is not None for inner in one.block]
    if not any(one.name == "http" for one in top):
        raise Place(file, 1).error("has no http block", "name the nginx.conf that nginx starts with")
    reading = _Reading(Found("nginx", file), _formats(blocks), prefix or _prefix(file))
    reading.walk(blocks, _Scope())
    return reading.found


def _included(directives: list[Directive], folder: Path, depth: int) -> Iterator[Directive]:
    """Give the directives with those of the files that they include in their place."""
    for one in directives:
        if one.name != "include":
            inner = None if one.block is None else list(_included(one.block, folder, depth))
            yield replace(one, block=inner)
            continue
        if depth >= _DEEPEST or len(one.words) != 2:  # noqa: PLR2004 - the word and a path
            raise one.place.error("include: wants one path, and no file may include itself")
        pattern = str(folder / one.words[1])
        for path in sorted(glob(pattern, include_hidden=False)) if has_magic(pattern) else [pattern]:  # noqa: PTH207 - from the root
            included = Path(path)
            yield from _included(parse(read_text(included, one.place), included), folder, depth + 1)


def _formats(http: list[Directive]) -> dict[str, tuple[str, str]]:
    """Give the format string of each name, and how it escapes."""
    found = {"combined": (COMBINED, "default")}
    for one in http:
        if one.name == "log_format" and len(one.words) > 2:  # noqa: PLR2004 - a name and a string
            escape, strings = "default", one.words[2:]
            if strings[0].startswith("escape="):
                escape, strings = strings[0].removeprefix("escape="), strings[1:]
            found[one.words[1]] = ("".join(strings), escape)
    return found


def _prefix(file: Path) -> Path:
    if file.parent == _DEBIAN:
        return _DEBIAN_PREFIX
    return file.parent.parent if file.parent.name == "conf" else file.parent


class _Reading:
    """Walks through the blocks of http and collects what is logged."""

    def __init__(self, found: Found, formats: dict[str, tuple[str, str]], prefix: Path) -> None:
        self.found = found
        self._formats, self._prefix = formats, prefix
        self._known: set[tuple[str, str, tuple[str, ...]]] = set()

    def walk(self, block: list[Directive], above: _Scope) -> None:
        """Look at a block: its own `access_log` lines replace those of the block around it."""
        own = tuple(one for one in block if one.name == "access_log" and len(one.words) > 1)
        scope = replace(above, logs=own or above.logs)
        servers = [one for one in block if one.name == "server" and one.block is not None]
        for one in servers:
            hosts = tuple(dict.fromkeys(_hosts(one.block or [])))
            self.walk(one.block or [], replace(scope, hosts=hosts, is_server=True))
        if scope.is_server:
            self._collect(scope, own)
        for one in block:
            if one.block is not None and one.name in {"location", "if", "limit_except"}:
                self._inner(one, scope)

    def _inner(self, one: Directive, scope: _Scope) -> None:
        """Look at a place within a server: only what it says itself is new."""
        if _has(one.block or [], "access_log"):
            self.walk(one.block or [], scope)
        else:
            for below in one.block or []:
                if below.block is not None:
                    self._inner(below, scope)

    def _collect(self, scope: _Scope, own: tuple[Directive, ...]) -> None:
        logs = scope.logs
        if logs is None:
            place = Place(self.found.file, 1)
            logs = (Directive(["access_log", _DEFAULT_LOG], place),)
            self._note(f"no access_log anywhere: nginx writes its own default, taken to be {_DEFAULT_LOG}")
        off = [one for one in logs if one.words[1] == "off"]
        if off:
            who = ", ".join(scope.hosts) or "a server without a name"
            if own:
                self._note(f"{off[0].place}: access_log off: what is asked for there is not logged ({who})")
            return
        for one in logs:
            self._add(one, scope.hosts)

    def _add(self, one: Directive, hosts: tuple[str, ...]) -> None:
        target, options = one.words[1], one.words[2:]
        name = next((word for word in options if "=" not in word and word != "gzip"), "combined")
        if name not in self._formats:
            raise one.place.error(f"access_log: there is no log_format {name!r}", "does `nginx -t` accept this?")
        if refusal := _refusal(target):
            if not any(known.place == one.place for known in self.found.refused):
                self.found.refused.append(Refused(target, one.place, *refusal))
            return
        string, escape = self._formats[name]
        path = str(self._prefix / _as_pattern(target))
        if (path, string, hosts) not in self._known:
            self._known.add((path, string, hosts))
            notes = tuple(_notes(options, escape, "$" in target))
            self.found.logs.append(Log(path, string, hosts, one.place, notes))

    def _note(self, text: str) -> None:
        if text not in self.found.notes:
            self.found.notes.append(text)


def _has(block: list[Directive], name: str) -> bool:
    return any(one.name == name for one in block)


def _refusal(target: str) -> tuple[str, str] | None:
    """Say why a target of `access_log` is no file that can be read."""
    if target.startswith("syslog:"):
        return (
            "goes to syslog, which puts words of its own in front of each line",
            "let nginx write a file as well: access_log /var/log/nginx/access.log;",
        )
    if target.startswith(_STREAMS):
        return (
            "goes to the standard output of nginx, to a journal or a container's log",
            "pipe it: … | logstats ingest --store DIR -",
        )
    return ("is no file", "") if target in {"/dev/null", ""} else None


def _notes(options: list[str], escape: str, varies: bool) -> Iterator[str]:  # noqa: FBT001 - internal
    if varies:
        yield "its name holds a variable; * stands for it here, and must fit no other log"
    if any(word.startswith("if=") for word in options):
        yield "it has a condition (if=): what is not logged cannot be counted"
    if any(word == "gzip" or word.startswith("gzip=") for word in options):
        yield "nginx compresses it while it writes; the last lines come when its buffer is full or after flush="
    elif any(word.startswith("buffer=") for word in options):
        yield "its lines come late: when the buffer is full, or after flush="
    if escape == "none":
        yield "escape=none: a quote in a user agent or referrer breaks the line; leave escape=none away"


def _as_pattern(target: str) -> str:
    """Put a star in place of each variable."""
    found, at = "", 0
    while at < len(target):
        if target[at] != "$":
            found += glob_literal(target[at])
            at += 1
            continue
        if target[at + 1 : at + 2] == "{":
            at = target.find("}", at) + 1 or len(target)
        else:
            at += 1
            while at < len(target) and target[at] in _NAME:
                at += 1
        found += "*"
    return found


def _hosts(server: list[Directive]) -> Iterator[str]:
    """Give the names of a server that can be written down: no patterns, no stars at the end, no placeholder."""
    for one in server:
        if one.name != "server_name":
            continue
        for name in map(str.lower, one.words[1:]):
            if name.startswith("."):
                yield name[1:]
                yield f"*{name}"
            elif name.strip("_") and name[0] not in '~"' and "*" not in name.removeprefix("*.") and "$" not in name:
                yield name
