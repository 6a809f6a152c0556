"""What `logstats commission` does with its options, in the order in which they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logstats.errors import ConfigurationError, InputRejectedError
from logstats.publish.commission import compare, files, summary
from logstats.publish.commission.assistance import read_requests
from logstats.publish.commission.build import build, rows_of_month
from logstats.publish.commission.check import Problem, check, service_of
from logstats.publish.commission.message import ASSISTANCE, INFORMATION, Message, rows_of
from logstats.publish.commission.period import half_year, last_month, month
from logstats.publish.commission.sent import Recipient, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from logstats.config import Config
    from logstats.console import Console

__all__ = ["FROM_STORE", "PREVIOUS", "Options", "run"]

FROM_STORE = ""
"""`--send` without a file: what was just built."""

PREVIOUS = ""
"""`--diff` without a file: the month before."""


@dataclass(frozen=True)
class Options:
    """The options as they are given; None or False for what is not."""

    store_folder: Path | None = None
    month: str | None = None
    out: Path | None = None
    twins: tuple[str, ...] = ()
    pages: Path | None = None
    partial: bool = False
    check_file: Path | None = None
    diff: str | None = None
    strict: bool = False
    send: str | None = None
    production: bool = False
    api_key_file: Path | None = None
    unless_sent: bool = False
    assistance: Path | None = None
    half_year: str | None = None

    @property
    def environment(self) -> str:
        """Where messages go."""
        return "production" if self.production else "acceptance"

    @property
    def store(self) -> Path:
        """The store, which most of it needs.

        Raises:
            ConfigurationError: None is named.
        """
        if self.store_folder is None:
            raise ConfigurationError("is needed", key="--store", hint="the folder of the store")
        return self.store_folder


def run(options: Options, config: Config, console: Console) -> int:
    """Build, check, compare and send, as far as each is asked for; give the exit code.

    Raises:
        click.UsageError: Options contradict each other; nothing was done.
    """
    _refuse_contradictions(options)
    if options.pages:
        config = replace(config, commission=replace(config.commission, pages=str(options.pages.absolute())))
    if options.check_file:
        return _check(options, config, console)
    if options.send:
        return _send_file(options, Path(options.send), config, console)
    if options.assistance:
        return _assistance(options, config, console)
    return _month(options, config, console)


def _refuse_contradictions(options: Options) -> None:
    """Refuse options of which one would be ignored, or would undo another one."""
    makes_nothing = options.check_file or options.send
    wrong = {
        "--check makes and sends nothing": options.check_file and (options.send is not None or options.assistance),
        "--out needs something that is made: no --check, no file to --send": options.out and makes_nothing,
        "--format says what is written beside --out": options.twins and not options.out,
        "--format is for a month: not for --assistance": options.twins and options.assistance,
        "--diff compares page views: not for --assistance, or a file to --send": options.diff is not None
        and (options.send or options.assistance),
        "--strict judges a comparison: --diff": options.strict and options.diff is None,
        "--out and a file of --format have the same name": options.out
        and options.out.suffix.removeprefix(".") in options.twins,
    }
    for reason, is_wrong in wrong.items():
        if is_wrong:
            raise click.UsageError(f"{reason}.")


def _month(options: Options, config: Config, console: Console) -> int:
    """Build a month; write, compare and send it."""
    now = datetime.now(UTC)
    period = last_month(now) if options.month in {None, "last"} else month(str(options.month))
    built = build(options.store, period, config, options.environment, now=now, partial=options.partial)
    figures = summary.of_month(built, config)
    shown = [*summary.sections(figures)]
    code = 0
    if options.diff is not None:
        if options.diff == PREVIOUS:
            before = rows_of_month(options.store, last_month(period.start), config)
        else:
            before = _read(Path(options.diff), config)
        figures["comparison"] = compare.compare(before, built.rows)
        shown += compare.sections(figures["comparison"])
        code = _judge(figures["comparison"], options)
    figures["files"] = _write(options, built.messages, built.rows)
    try:
        if options.send is not None and not code:
            figures["sent"] = _send(options, built.messages, Recipient(options.environment, INFORMATION), config)
    finally:  # what was found and written is told even if sending fails
        _show(figures, shown, console)
    if options.send is not None and code:
        console.error("nothing was sent: there is something to look at", "without --strict it is sent")
    return code


def _check(options: Options, config: Config, console: Console) -> int:
    """Check a file, and compare it if that is asked for."""
    file = Path(str(options.check_file))
    value, problems = check(files.read_message(file), config.commission)
    figures: dict[str, Any] = {"file": str(file), "valid": not problems, "problems": [p._asdict() for p in problems]}
    shown = []
    code = InputRejectedError.exit_code if problems else 0
    if options.diff is not None and value and not problems:
        if service_of(value) == ASSISTANCE:
            raise InputRejectedError(f"{file}: is about assistance: only page views can be compared")
        if options.diff == PREVIOUS:
            start = datetime.fromisoformat(value["referencePeriod"]["startDate"])
            before = rows_of_month(options.store, last_month(start), config)
        else:
            before = _read(Path(options.diff), config)
        figures["comparison"] = compare.compare(before, rows_of(value))
        shown = [*compare.sections(figures["comparison"])]
        code = _judge(figures["comparison"], options)
    if not console.as_json:
        _say(file, problems, console)
    _show(figures, shown, console)
    return code


def _send_file(options: Options, file: Path, config: Config, console: Console) -> int:
    """Send a file that was built earlier."""
    value = _valid(file, config)
    to = Recipient(options.environment, service_of(value))
    sent = _send(options, [Message.of(value)], to, config)
    _show({"file": str(file), "sent": sent}, [], console)
    return 0


def _assistance(options: Options, config: Config, console: Console) -> int:
    """Make the half-yearly message of a table; write and send it."""
    if not options.half_year:
        raise ConfigurationError("is needed with --assistance", key="--half-year", hint="as in 2026-H1")
    table = Path(str(options.assistance))
    made = read_requests(table, half_year(options.half_year))
    message = made.sent_as(made.unique_id, datetime.now(UTC))
    value, problems = check(message.encoded, config.commission)
    if problems:
        _say(table, problems, console)
        return InputRejectedError.exit_code
    figures: dict[str, Any] = {"half_year": options.half_year, "sources": message.entries}
    figures["requests"] = sum(row["nbRequests"] for s in (value or {})["sources"] for row in s["statistics"])
    figures["files"] = _write(options, [message], None)
    try:
        if options.send is not None:
            figures["sent"] = _send(options, [message], Recipient(options.environment, ASSISTANCE), config)
    finally:
        _show(figures, [], console)
    return 0


def _send(options: Options, messages: Sequence[Message], to: Recipient, config: Config) -> list[dict[str, Any]]:
    from logstats.publish.commission.channel import Channel  # noqa: PLC0415 - only who sends needs HTTP
    from logstats.publish.commission.send import send  # noqa: PLC0415
    from logstats.publish.key import find_key  # noqa: PLC0415

    settings = config.commission
    key = find_key("commission", options.environment, options.api_key_file)
    base = settings.production_url if options.production else settings.acceptance_url
    with opened(options.store, to) as sent:
        channel = Channel(base, key, settings)
        return send(messages, sent, channel, to=to, settings=settings, unless_sent=options.unless_sent)


def _write(options: Options, messages: Sequence[Message], rows: pl.DataFrame | None) -> list[str]:
    """Write the messages, and their twins beside them."""
    if options.out is None:
        return []
    written = files.names(options.out, len(messages))
    for path, message in zip(written, messages, strict=True):
        files.write(path, message.encoded)
    if rows is not None:
        for twin in options.twins:
            path = options.out.with_suffix(f".{twin}")
            files.write_twin(path, rows, messages)
            written.append(path)
    return [str(path) for path in written]


def _valid(file: Path, config: Config) -> dict[str, Any]:
    """Read a file that must be a valid message."""
    value, problems = check(files.read_message(file), config.commission)
    if problems or value is None:
        path, text = problems[0]
        raise InputRejectedError(f"{file}: {path}: {text}", hint=f"logstats commission --check {file} says all")
    return value


def _read(file: Path, config: Config) -> pl.DataFrame:
    value = _valid(file, config)
    if service_of(value) == ASSISTANCE:
        raise InputRejectedError(f"{file}: is about assistance: only page views can be compared")
    return rows_of(value)


def _judge(comparison: dict[str, Any], options: Options) -> int:
    return InputRejectedError.exit_code if options.strict and compare.warnings(comparison) else 0


def _say(file: Path, problems: Sequence[Problem], console: Console) -> None:
    for problem in problems:
        console.error(f"{file}: {problem.path}: {problem.text}")


def _show(figures: dict[str, Any], shown: Sequence[Any], console: Console) -> None:
    if console.as_json:
        console.object(figures)
        return
    console.sections(shown)
    if figures.get("valid"):
        console.key_values({"file": figures["file"], "valid": "yes"})
    for file in figures.get("files", []):
        console.key_values({"file": file})
    for entry in figures.get("sent", []):
        console.key_values({name: "already" if value is None else value for name, value in entry.items()})
