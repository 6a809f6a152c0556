"""The logs of an Apache, from its configuration: mod_log_config."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logstats.discover.apache_words import Directive, Reader, words_of
from logstats.discover.found import Found, Log, Refused, glob_literal, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read_apache", "read_variables"]

_COMMON: Final = '%h %l %u %t "%r" %>s %b'
_FULL_HOST: Final = "apache2-"
_ROTATING: Final = frozenset(("rotatelogs", "cronolog"))
_WITH_VALUE: Final = frozenset(("-n", "-p", "-L", "-S", "-P", "-z"))


def read_apache(file: Path, variables: Mapping[str, str] | None = None, envvars: Path | None = None) -> Found:
    """Read which logs an Apache writes.

    Args:
        file: Its apache2.conf or httpd.conf.
        variables: Values of variables that only the server's own start knows.
        envvars: The file of Debian that sets variables; None takes `envvars` beside `file`, if it is there.

    Raises:
        InputMissingError: A file is not there.
        NoPermissionError: A file may not be read.
        ConfigurationError: A file is no configuration of Apache; a variable has no value.
    """
    file = file.absolute()
    envvars = envvars or (beside if (beside := file.parent / "envvars").is_file() else None)
    known = read_variables(envvars) if envvars else {}
    root = file.parent.parent if file.parent.name == "conf" else file.parent
    reader = Reader(root, known | dict(variables or {}))
    found = Found("apache", file)
    by_host: dict[int, list[Directive]] = defaultdict(list)
    for directive in reader.read(file):
        by_host[directive.host].append(directive)
    found.notes += reader.notes
    _collect(found, by_host, reader)
    return found


def read_variables(envvars: Path) -> dict[str, str]:
    """Read what an envvars file sets, without running it: NAME=value and export NAME=value, with $NAME in values.

    A value that only a shell can work out is left out, so that whatever needs it is named as undefined.
    """
    folder = envvars.absolute().parent
    # Debian's file works SUFFIX out of the folder, for several servers on one machine.
    suffix = folder.name.removeprefix(_FULL_HOST) if folder.name.startswith(_FULL_HOST) else ""
    found = {"APACHE_CONFDIR": str(folder), "SUFFIX": f"-{suffix}" if suffix else ""}
    for line in map(str.strip, read_text(envvars).splitlines()):
        name, is_set, value = line.removeprefix("export ").strip().partition("=")
        if is_set and name.isidentifier() and name != "SUFFIX":
            text = _shell_value(value.split(" #")[0].strip(), found)
            if text is not None:
                found[name] = text
    return found


def _shell_value(value: str, known: Mapping[str, str]) -> str | None:
    """Put variables into a value; None where it takes a shell."""
    text = value.strip("\"'")
    for name in sorted(known, key=len, reverse=True):
        text = text.replace(f"${{{name}}}", known[name]).replace(f"${name}", known[name])
    return None if set(text) & set("$`") else text


def _collect(found: Found, by_host: Mapping[int, list[Directive]], reader: Reader) -> None:
    server = by_host.get(0, [])
    nicknames = _nicknames(server) | {"CLF": _COMMON}
    transfer = _transfer_format(server)
    common = [one for one in server if one.name == "globallog"]
    own = [one for one in server if one.name in {"customlog", "transferlog"}]
    late = any(one.name == "bufferedlogs" and one.words[:1] and one.words[0].lower() == "on" for one in server)
    hosts = {number: tuple(dict.fromkeys(_hosts(lines))) for number, lines in by_host.items()}
    if len(by_host) > 1:
        hosts[0] = ()  # where there are virtual hosts, the first of them gets what is nobody's, and the server nothing
    for number, lines in sorted(by_host.items()):
        mine = [one for one in lines if one.name in {"customlog", "transferlog"}]
        names = nicknames | _nicknames(lines)
        # A virtual host with a log of its own writes to no other, but to those of GlobalLog.
        for one in (mine or own) + common:
            _add(found, one, names, _transfer_format(lines) or transfer, (hosts[number], reader, late))
    if not (own or common) and len(by_host) > 1 and not found.logs and not found.refused:
        found.notes.append("no CustomLog or TransferLog anywhere: this Apache logs nothing")


def _add(
    found: Found,
    one: Directive,
    nicknames: Mapping[str, str],
    transfer: str,
    about: tuple[tuple[str, ...], Reader, bool],
) -> None:
    hosts, reader, late = about
    if not one.words:
        raise one.place.error(f"{one.name} names no file")
    target, options = one.words[0], one.words[1:]
    string = _unescaped(transfer or _COMMON)
    if one.name != "transferlog":
        if not options:
            raise one.place.error(f"{one.name}: names no format", "does `apachectl configtest` accept this?")
        string = _unescaped(nicknames.get(options[0], options[0]))
        if "%" not in string:
            raise one.place.error(f"{one.name}: there is no LogFormat {options[0]!r}", "Apache would write its name")
    path, notes, refusal = _target(target)
    if refusal:
        if not any(known.place == one.place for known in found.refused):
            found.refused.append(Refused(target, one.place, *refusal))
        return
    if len(options) > 1:
        notes.append("it has a condition (env= or expr=): what is not logged cannot be counted")
    if late:
        notes.append("BufferedLogs is on: its lines come late")
    log = Log(str(reader.path(path)), string, hosts, one.place, tuple(notes))
    if log not in found.logs:
        found.logs.append(log)


def _unescaped(string: str) -> str:
    """Undo the escapes of a format string that are left after those of the configuration."""
    return string.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r")


def _target(target: str) -> tuple[str, list[str], tuple[str, str] | None]:
    """Give the path of a log as a pattern, what is to be known of it, and why it cannot be read."""
    if target.startswith("syslog"):
        hint = "let Apache write a file as well: CustomLog ${APACHE_LOG_DIR}/access.log combined"
        return "", [], ("goes to syslog, which puts words of its own in front of each line", hint)
    if target.startswith(("/dev/stdout", "/dev/stderr", "/proc/self/fd/", "/dev/fd/")):
        hint = "pipe it: … | logstats ingest --store DIR -"
        return "", [], ("goes to a standard stream, to a journal or a container's log", hint)
    if target == "/dev/null":
        return "", [], ("is no file", "")
    if not target.startswith("|"):
        return glob_literal(target), [], None
    path = _rotated(words_of(target.lstrip("|$ ")))
    if path is None:
        hint = "if the program writes files, put their paths into input.logs"
        return "", [], ("goes into a pipe to another program", hint)
    return path, ["rotatelogs or cronolog writes it; * stands for the time in its name"], None


def _rotated(words: list[str]) -> str | None:
    """Give the files that rotatelogs or cronolog writes, as a pattern; None for another program."""
    if not words or Path(words[0]).name not in _ROTATING:
        return None
    arguments = iter(words[1:])
    file = ""
    for word in arguments:
        if word in _WITH_VALUE:
            next(arguments, None)
        elif not word.startswith("-"):
            file = word
            break
    if not file:
        return None
    if "%" not in file:
        return glob_literal(file) + "*"  # rotatelogs puts the time behind it
    pieces = file.split("%")
    return glob_literal(pieces[0]) + "".join("*" + glob_literal(piece[1:]) for piece in pieces[1:])


def _nicknames(lines: list[Directive]) -> dict[str, str]:
    return {one.words[1]: one.words[0] for one in lines if one.name == "logformat" and len(one.words) > 1}


def _transfer_format(lines: list[Directive]) -> str:
    """Give the format of TransferLog: that of the last LogFormat without a name."""
    return next((one.words[0] for one in reversed(lines) if one.name == "logformat" and len(one.words) == 1), "")


def _hosts(lines: list[Directive]) -> Iterator[str]:
    """Give the names of a virtual host, without scheme and port."""
    for one in lines:
        if one.name in {"servername", "serveralias"}:
            for word in map(str.lower, one.words):
                name = word.rpartition("//")[2].partition(":")[0]
                if name and "*" not in name.removeprefix("*.") and "?" not in name:
                    yield name
