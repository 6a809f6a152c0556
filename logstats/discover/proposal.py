"""What was found in a server's configuration, as a logstats.toml to start from."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from logstats.config.text import comment_text, text_value
from logstats.discover.formats import choose
from logstats.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logstats.discover.formats import Formats
    from logstats.discover.found import Found, Log

__all__ = ["propose"]

_ROTATED: Final = "*"  # access.log.1, access.log.2.gz: known by their content, whatever they are called
_FORWARDED: Final = "forwarded_for"


def propose(found: Found, timezone: str) -> str:
    """Write a configuration that reads the logs of a server.

    Args:
        found: What its configuration says.
        timezone: Of the days.

    Returns:
        TOML with comments that say where each value is from.

    Raises:
        ConfigurationError: There is no log that can be read; the error says why, and what to do.
    """
    formats = choose(found)
    logs = [log for log in found.logs if log.format_string in formats.readings]
    if not logs:
        raise _nothing(found, formats)
    lines = [
        f"# Made by `logstats config init` from {comment_text(str(found.file))}.",
        "# Read it, change what is not so, then run `logstats check`. `logstats config show` prints all other values,",
        "# and defaults.toml says what they mean.",
        "",
        "# The day of the figures is the calendar day here.",
        f"timezone = {text_value(timezone)}",
        *_format(logs, formats),
        *_proxies(logs, formats),
        "",
        "[input]",
        *_logs(logs),
        *_unnamed(formats),
        *_comments(found, formats),
        *_sites(logs, formats),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _nothing(found: Found, formats: Formats) -> ConfigurationError:
    refused = next(iter(found.refused), None)
    if formats.useless:
        log = found.logs[0]
        hint = f"logstats hook {found.syntax} prints a format that has all that is needed"
        return log.place.error(f"{log.path}: {formats.useless[log.format_string]}", hint)
    if refused:
        return refused.place.error(f"{refused.target} {refused.reason}", refused.hint)
    return ConfigurationError("names no access log", file=str(found.file), hint="does the server write one?")


def _only(formats: Formats) -> str:
    """Give the format string if all logs have it, and it has no name."""
    return formats.written[0] if len(formats.readings) == 1 and formats.written else ""


def _format(logs: Sequence[Log], formats: Formats) -> Iterator[str]:
    if only := _only(formats):
        yield ""
        yield f"# The format of all logs: {logs[0].place}."
        yield f"format = {text_value(only)}"


def _proxies(logs: Sequence[Log], formats: Formats) -> Iterator[str]:
    if any(_FORWARDED in formats.readings[log.format_string].format.fields for log in logs):
        yield ""
        yield "# The log has X-Forwarded-For. If a proxy or load balancer stands in front, name its network, else all"
        yield "# requests come from one country."
        yield '# trusted_proxies = ["10.0.0.0/8"]'


def _logs(logs: Sequence[Log]) -> Iterator[str]:
    """Give each path once, with the rotated logs beside it and with what is to be known of it."""
    yield "logs = ["
    for path in dict.fromkeys(log.path for log in logs):
        mine = [log for log in logs if log.path == path]
        places = dict.fromkeys(str(log.place) for log in mine)
        for note in dict.fromkeys(note for log in mine for note in log.notes):
            yield f"  # {comment_text(note)}"
        yield f"  {text_value(path.rstrip('*') + _ROTATED)}, # {comment_text(', '.join(places))}"
    yield "]"


def _unnamed(formats: Formats) -> Iterator[str]:
    if formats.written and not _only(formats):
        yield "formats = ["
        yield from (f"  {text_value(one)}," for one in formats.written)
        yield "]"
    for one, other in formats.confused:
        yield "# Take care: the first of these two formats also reads lines of the second, and would read them wrongly."
        yield "# Count such logs in runs of their own, each with --format, or let the server write one format only."
        yield from (f"#   {comment_text(string)}" for string in (one, other))


def _comments(found: Found, formats: Formats) -> Iterator[str]:
    """Say what is not counted, and why."""
    texts = [f"{one.place}: {one.target} {one.reason}; {one.hint}".rstrip("; ") for one in found.refused]
    texts += [
        f"{log.place}: {log.path} is left out: {formats.useless[log.format_string]}"
        for log in found.logs
        if log.format_string in formats.useless
    ]
    texts += found.notes
    for text in dict.fromkeys(texts):
        yield f"# {comment_text(text)}"


def _sites(logs: Sequence[Log], formats: Formats) -> Iterator[str]:
    """Give the sites: each virtual host is one, where the log tells them apart or where there is one only."""
    sites: dict[str, list[str]] = {}
    taken: set[str] = set()
    for hosts in dict.fromkeys(log.hosts for log in logs):
        new = [host for host in dict.fromkeys(hosts) if host not in taken and _is_name(host)]
        if new:
            taken |= set(new)
            sites[new[0].removeprefix("*.")] = new
    silent = [log for log in logs if not formats.readings[log.format_string].names_host]
    off = "# " if len(sites) > 1 and silent else ""
    if not sites:
        return
    yield ""
    if off:
        yield f"# {len(sites)} sites, but the log does not say for which of them a line is ({silent[0].place}):"
        yield "# all count as one site until it does (logstats hook nginx, logstats hook apache); then take the # away."
    else:
        yield "# What these hosts are asked for counts; a request for another host is excluded, and counted as that."
    for name, own in sites.items():
        yield f"{off}[[site]]"
        yield f"{off}name = {text_value(name)}"
        yield f"{off}hosts = [{', '.join(map(text_value, own))}]"


def _is_name(host: str) -> bool:
    """Tell whether a host is a name, and no address."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return bool(host) and not set(host) & set("/: ")
    return False
