"""The configured logs: are they there, may they be read, does the format fit their last lines, is anything new."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from logstats.checks.result import Result, caught
from logstats.configured import files_of
from logstats.derive.sites import is_own_host, own_hosts
from logstats.errors import ImplausibleFormatError, InputMissingError, InputRejectedError, NoPermissionError
from logstats.parse import best_first, candidates, misread_share, parse
from logstats.parse.advice import advise
from logstats.read import DamagedInputError, open_source, read_blocks, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstats.config import Config
    from logstats.parse import Format, Parsed

__all__ = ["check"]

_LOOKED_AT: Final = 1 << 18  # bytes at the end of a log
_MOST: Final = 0.5
_SILENCE: Final = timedelta(days=2)
_SKEW: Final = timedelta(hours=1)
_PRIVATE: Final = r"^(?:10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|127\.|::1$|[Ff][CcDd][0-9A-Fa-f]{2}:)"
_COMPRESSED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")


def check(config: Config, now: datetime) -> Iterator[Result]:
    """Check each pattern by the newest of its files."""
    if not config.input.logs:
        text = "none are configured (input.logs), so none was looked at"
        yield Result("logs", "ok", text, "`logstats config init` reads them out of the server's configuration")
    for pattern, files in files_of(config).items():
        name = f"log {pattern}"
        if not files:
            yield _missing(name, config, pattern)
            continue
        yield from caught(name, lambda name=name, files=files: [_check_files(name, files, config, now)])  # type: ignore[misc]


def _missing(name: str, config: Config, pattern: str) -> Result:
    folder = (config.file.parent if config.file else Path()) / Path(pattern).parent
    if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
        return _no_permission(name, f"{folder} may not be looked into")
    text = "there is no such file"
    return Result(name, "error", text, "correct input.logs; does the server run?", InputMissingError.exit_code)


def _no_permission(name: str, text: str) -> Result:
    hint = "run it as the timer does: runuser -u logstats -G adm -- logstats check"
    return Result(name, "error", text, hint, NoPermissionError.exit_code)


def _check_files(name: str, files: list[Path], config: Config, now: datetime) -> Result:
    closed = [path for path in files if not os.access(path, os.R_OK)]
    if closed:
        return _no_permission(name, f"{len(closed)} of {len(files)} files may not be read: {closed[0]}")
    regular = [path for path in files if stat.S_ISREG(path.stat().st_mode)]
    if not regular:
        return Result(name, "ok", "is a pipe; what comes of it is judged by each run")
    filled = [path for path in regular if path.stat().st_size]
    if not filled:
        return Result(name, "ok", f"{len(regular)} files, all empty so far")
    newest = filled[0]
    sample = _last_lines(newest)
    formats = best_first(sample, candidates(config.format, config.input.formats))
    read = parse(sample, formats, timezone=config.timezone, latest=now + _SKEW)
    return _judged(name, newest, sample, read, formats, config) or _fresh(name, newest, sample, read, now)


def _last_lines(file: Path) -> pl.Series:
    """Give the last whole lines of a log; of a compressed one the first, which takes less reading."""
    with file.open("rb") as opened:
        compressed = opened.read(8).startswith(_COMPRESSED)
        if not compressed:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(size - _LOOKED_AT - 1, 0))
            data = opened.read()
            data = data[data.find(b"\n") + 1 :] if size > _LOOKED_AT else data
            data = data[: data.rfind(b"\n") + 1] or data
    if compressed:
        try:
            with closing(read_blocks(open_source(str(file)))) as blocks:
                first = next(blocks, None)
            data = bytes(first.data[:_LOOKED_AT]) if first else b""
            data = data[: data.rfind(b"\n") + 1]
        except DamagedInputError as damage:
            raise InputRejectedError(
                f"{file}: is damaged ({damage.reason})", hint="is it still being written?"
            ) from None
    lines = split_lines(data)
    return lines.filter(lines != "")


def _judged(
    name: str, file: Path, sample: pl.Series, read: Parsed, formats: list[Format], config: Config
) -> Result | None:
    """Say what is wrong with how the lines read; None if nothing is."""
    if sample.is_empty():
        return Result(name, "ok", f"{file} has no whole line yet")
    rejected = read.rejects.height / sample.len()
    if not read.requests.height or rejected > config.input.max_rejected_share:
        looks, hint = advise(sample, formats, candidates("auto"))
        text = f"{file}: {rejected:.0%} of its last {sample.len():,} lines cannot be read"
        reasons = read.rejects["reason"].value_counts(sort=True)
        text += f" ({', '.join(map(str, reasons['reason'].head(3)))})" + (f"; {looks}" if looks else "")
        return Result(name, "error", text, hint, InputRejectedError.exit_code)
    best = max(read.formats, key=lambda one: read.formats[one])
    used = next(one for one in formats if one.name == best)
    if misread_share(sample, used) > _MOST:
        text = f"{file}: {best} would read the name of a site as the client's address"
        return Result(name, "error", text, "use a format with %v or $host in front", ImplausibleFormatError.exit_code)
    if len(config.site) > 1 and "host" not in used.fields:
        text = f"{file}: {best} does not say for which of the {len(config.site)} sites a line is: all are excluded"
        return Result(name, "error", text, "log the host (logstats hook nginx, logstats hook apache)", 65)
    return _warned(name, file, read.requests, used, config)


def _warned(name: str, file: Path, requests: pl.DataFrame, used: Format, config: Config) -> Result | None:
    """Say what an operator should know of lines that read well; None if there is nothing."""
    best = used.name
    private = _share(requests["client"].str.contains(_PRIVATE))
    if private > _MOST and not (config.trusted_proxies and "forwarded_for" in used.fields):
        text = f"{file}: {private:.0%} of its last requests come from private networks: they have no country"
        hint = "is a proxy in front? name its network in trusted_proxies, and log X-Forwarded-For"
        return Result(name, "warning", text, hint)
    if config.site and "host" in used.fields:
        named = requests.select(pl.col("host").str.to_lowercase()).drop_nulls()
        foreign = _share(named.select(~is_own_host(pl.col("host"), own_hosts(config.site))).to_series())
        if foreign > _MOST:
            text = f"{file}: {foreign:.0%} of its last requests are for hosts that no [[site]] has: they are excluded"
            return Result(name, "warning", text, "add the missing names to the hosts of a [[site]]")
    if not requests["user_agent_logged"].any():
        text = f"{file}: the format {best} has no user agent: robots count as people"
        return Result(name, "warning", text, "log combined, or what logstats hook nginx or apache prints")
    return None


def _share(found: pl.Series) -> float:
    return int(found.sum()) / max(found.len(), 1)


def _fresh(name: str, file: Path, sample: pl.Series, read: Parsed, now: datetime) -> Result:
    last = read.requests["time"].max()
    best = max(read.formats, key=lambda one: read.formats[one])
    if isinstance(last, datetime) and now - last.replace(tzinfo=UTC) > _SILENCE:
        text = f"{file}: its last line is of {last:%Y-%m-%d %H:%M} UTC"
        return Result(name, "warning", text, "does the server still write it? was it renamed?")
    share = 1 - read.rejects.height / sample.len()
    return Result(name, "ok", f"{file}: {best} reads {share:.1%} of its last {sample.len():,} lines")
