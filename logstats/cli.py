"""The command line: commands and options. What they do is elsewhere, and is imported when it is needed."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from logstats import __version__, ops
from logstats.console import Console, escape
from logstats.errors import CannotWriteError, InputMissingError, LogstatsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from logstats.config import Config
    from logstats.derive import Knowledge

__all__ = ["cli", "main"]

_INTERRUPTED = 130
_TERMINATED = 143
_NEVER_SPILL = "1000000000"
_PATIENCE = 5.0  # seconds until what has come of a pipe is counted, and until files are looked at again
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def main() -> None:
    """Run a command; a user's mistake ends in one line and an exit code, never in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of another encoding is no failure
    signal.signal(signal.SIGTERM, _stop)
    # polars may put frames on a disk when it thinks that memory is short, and a frame may hold addresses.
    os.environ.setdefault("POLARS_OOC_MEMORY_BUDGET_MB", _NEVER_SPILL)
    code: int | None
    try:
        code = cli.main(standalone_mode=False)
    except LogstatsError as error:
        Console().error(str(error), error.hint)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        Console().error("interrupted; nothing was counted by halves")
        code = _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the message of a library may hold lines of the log
        Console().error(
            f"failure of the program: {_place_of(error)}", "please report it; the log's content is not shown"
        )
        code = LogstatsError.exit_code
    sys.exit(code)


def _place_of(error: Exception) -> str:
    """Say what failed and where, without what it was about."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    place = traceback.tb_frame.f_code if traceback else None
    line = traceback.tb_lineno if traceback else 0
    return f"{type(error).__name__} in {Path(place.co_filename).name}:{line}" if place else type(error).__name__


def _stop(_signal: int, _frame: object) -> NoReturn:
    """End as after an interrupt, so that nothing is left behind."""
    sys.exit(_TERMINATED)


def _common(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command the options that all of them have; it gets a `config` and a `console`."""

    @click.option("--config", "config_file", type=click.Path(path_type=Path), help="Configuration file.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @click.option("-q", "--quiet", is_flag=True, help="No messages but errors.")
    @click.option("-v", "--verbose", is_flag=True, help="More messages, to find out what is wrong.")
    @click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
    @wraps(command)
    def with_options(
        *args: Any,  # noqa: ANN401 - whatever the command takes
        config_file: Path | None,
        as_json: bool,
        quiet: bool,
        verbose: bool,
        no_color: bool,
        **options: Any,  # noqa: ANN401 - the same
    ) -> int | None:
        from logstats import config  # noqa: PLC0415 - `--version` needs none of this

        console = Console(as_json=as_json, quiet=quiet, verbose=verbose, colour=not no_color)
        effective = config.load(config_file)
        console.detail(f"configuration: {effective.file or 'defaults'}")
        try:
            code = command(*args, config=effective, console=console, **options)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read our output has had enough, which is no failure
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
            return 0
        return code

    return with_options


_store = click.option(
    "--store",
    "store_folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    envvar="LOGSTATS_STORE",
    help="Folder of the store.",
)
_format = click.option(
    "--format", "format_text", metavar="NAME-OR-STRING", help="Format of the lines; without it, it is found."
)


@click.group(context_settings=_CONTEXT, no_args_is_help=True)
@click.version_option(__version__, "--version", message="logstats %(version)s")
def cli() -> None:
    """Count the use of a web site from its access logs, exactly, and identify nobody.

    \b
    Examples:
      logstats report /var/log/nginx/access.log*
      ssh web1 'zcat /var/log/nginx/access.log.*.gz' | logstats report --json
      logstats explain '192.0.2.1 - - [22/Nov/2026:08:00:00 +0100] "GET / HTTP/1.1" 200 12 "-" "curl/8.5"'

    \b
    Exit codes: 0 done; 1 failure; 2 wrong use; 65 too many rejected lines, or no access log; 66 input
    missing; 74 cannot write; 75 busy, try later; 77 permission; 78 configuration; 130 interrupted;
    143 terminated.
    """  # noqa: D301 - \b tells Click to keep the lines


@cli.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True), metavar="[FILE]...")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the tables there, as Parquet.")
@_format
@_common
def report(files: tuple[str, ...], out: Path | None, format_text: str | None, config: Config, console: Console) -> int:
    """Say what happened in access logs. Nothing is kept.

    FILE is plain, gzip, bzip2, xz or zstd, whatever its name; `-`, or no FILE in a pipe, is standard input.

    \b
    Examples:
      logstats report access.log access.log.1 access.log.2.gz
      logstats report --format '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"' access.log
      zcat access.log.*.gz | logstats report --json | jq .page_views
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats import runs, summary, tables  # noqa: PLC0415 - `--version` needs none of this
    from logstats.read import open_source  # noqa: PLC0415
    from logstats.store import ThrowawayStore  # noqa: PLC0415

    if not files and sys.stdin and sys.stdin.isatty():
        raise click.UsageError("Name a file, or pipe lines in.")
    sources = [open_source(name) for name in files or ("-",)]
    knowledge = _knowledge(config.with_format(format_text))
    progress = console.progress(sources)
    with ThrowawayStore() as store:
        try:
            found = runs.report(sources, runs.Run(knowledge, store, progress=progress))
        finally:
            progress.close()
    figures = summary.summarise(found, knowledge.config, knowledge.countries.info)
    if out:
        figures["files"] = [str(path) for path in tables.write(found.cells, out, summary.provenance(figures))]
    console.object(figures) if console.as_json else console.summary(figures)
    return _judge(found, config, console)


@cli.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True), metavar="[FILE]...")
@_store
@click.option("--source", default="default", show_default=True, help="Where the lines come from.")
@click.option("--close", "close_now", is_flag=True, help="Close every open day at once, without grace.")
@click.option("--follow", is_flag=True, help="Go on: wait for more lines of a pipe, look at files again and again.")
@_format
@_common
def ingest(  # noqa: PLR0913, PLR0917 - one parameter for each option
    files: tuple[str, ...],
    store_folder: Path,
    source: str,
    close_now: bool,  # noqa: FBT001 - Click gives flags so
    follow: bool,  # noqa: FBT001 - the same
    format_text: str | None,
    config: Config,
    console: Console,
) -> int:
    """Count what is new in access logs into a store, each line exactly once.

    FILE is known by its content: renamed, compressed, copied or given again, what was counted of it is skipped. Days
    whose grace is over are closed afterwards: their figures stay, whatever could point at a person is destroyed.

    With --follow a pipe is counted every few seconds until it ends, and files are looked at again until the program is
    stopped; name the rotated file as well (access.log access.log.1), so that the lines before a rotation are seen.

    \b
    Examples:
      logstats ingest --store /var/lib/logstats /var/log/nginx/access.log*
      tail -n +1 -F /var/log/nginx/access.log | logstats ingest --store /var/lib/logstats --follow -
      ssh web1 'cat /var/log/nginx/access.log.*.gz' | logstats ingest --store /var/lib/logstats --source web1 -
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats import runs, summary  # noqa: PLC0415 - `--version` needs none of this
    from logstats.read import open_source  # noqa: PLC0415
    from logstats.store import DurableStore  # noqa: PLC0415

    if not files and sys.stdin and sys.stdin.isatty():
        raise click.UsageError("Name a file, or pipe lines in.")
    knowledge = _knowledge(config.with_format(format_text))
    reason = "--close" if close_now else "grace is over"
    for note in summary.about_countries(knowledge.countries.info):
        console.message(note["text"])
    with DurableStore(store_folder) as store:
        while True:
            sources = [open_source(name) for name in files or ("-",)]
            if follow:
                for pipe in sources:
                    pipe.patience = _PATIENCE if pipe.size is None else None
            started = time.monotonic()
            progress = console.progress(sources)
            run = runs.Run(knowledge, store, progress=progress)
            number = store.begin("ingest")
            try:
                found = runs.ingest(sources, source, run, number)
            finally:
                progress.close()
            closed = runs.close_days(run, every=close_now, reason=reason)
            store.end(number, found.tally.skipped)
            seconds = time.monotonic() - started
            figures = summary.of_ingest(
                found, closed, len(store.open_days()), store_folder, seconds, knowledge.countries.info
            )
            if found.tally.lines or closed or not follow:
                console.object(figures) if console.as_json else console.key_values(figures["summary"])
            code = _judge(found, config, console, again=True)
            if not follow or any(pipe.size is None for pipe in sources):
                return code
            time.sleep(_PATIENCE)


@cli.command()
@_store
@click.option("--all", "every", is_flag=True, help="Close every open day, without grace.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_common
def close(store_folder: Path, every: bool, yes: bool, config: Config, console: Console) -> None:  # noqa: FBT001 - Click
    """Close the days that are due: keep their figures, destroy keys and hits."""
    from logstats import runs  # noqa: PLC0415 - `--version` needs none of this
    from logstats.store import DurableStore  # noqa: PLC0415

    if every and not yes and sys.stdin and sys.stdin.isatty():
        click.confirm("Close every open day? Lines of these days that come later are not counted.", abort=True)
    with DurableStore(store_folder, create=False) as store:
        run = runs.Run(_knowledge(config), store)
        closed = runs.close_days(run, every=every, reason="--all" if every else "grace is over")
        left = len(store.open_days())
    figures = {"days_closed": len(closed), "days_open": left, "store": str(store_folder)}
    console.object(figures) if console.as_json else console.key_values(figures)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="FILE...")
@_store
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The local day to count anew.")
@_format
@_common
def redo(
    files: tuple[str, ...],
    store_folder: Path,
    day: datetime,
    format_text: str | None,
    config: Config,
    console: Console,
) -> int:
    """Count a day anew from all its logs, and put its figures in place of those in the store.

    \b
    Example:
      logstats redo --store /var/lib/logstats --day 2026-11-20 /var/log/nginx/access.log.3.gz access.log.2.gz
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats import runs, summary  # noqa: PLC0415 - `--version` needs none of this
    from logstats.read import open_source  # noqa: PLC0415
    from logstats.store import DurableStore  # noqa: PLC0415

    sources = [open_source(name) for name in files]
    with DurableStore(store_folder, create=False) as store:
        run = runs.Run(_knowledge(config.with_format(format_text)), store)
        found = runs.redo(day.date(), sources, run)
    for note in summary.about_countries(run.knowledge.countries.info):
        console.message(note["text"])
    replaced = found.cells["days"]
    if replaced.is_empty():
        console.error(f"nothing was replaced: there is no whole input with lines of {day.date()}")
    figures = {
        "day": str(day.date()),
        "sites": replaced.height,
        "page_views": int(replaced["page_views"].sum()),
        "visits": int(replaced["visits"].sum()),
        "store": str(store_folder),
    }
    console.object(figures) if console.as_json else console.key_values(figures)
    return _judge(found, config, console) or (LogstatsError.exit_code if replaced.is_empty() else 0)


@cli.command()
@_store
@click.option("--site", help="Forget all of this site.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Forget all days before this one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_common
def forget(
    store_folder: Path,
    site: str | None,
    before: datetime | None,
    yes: bool,  # noqa: FBT001 - Click gives flags so
    config: Config,  # noqa: ARG001 - checked all the same
    console: Console,
) -> None:
    """Delete figures, hits and keys of a site, or of days before a date; what was published stays so."""
    from logstats.store import DurableStore  # noqa: PLC0415 - `--version` needs none of this

    if not site and not before:
        raise click.UsageError("Say what to forget: --site, --before, or both.")
    with DurableStore(store_folder, create=False) as store:
        days = store.kept_days(site=site, before=before.date() if before else None)
        if days and not yes and sys.stdin and sys.stdin.isatty():
            click.confirm(f"Forget {len(days):,} days?", abort=True)
        forgotten = store.forget(days, reason="forget")
    figures = {"days_forgotten": forgotten, "store": str(store_folder)}
    console.object(figures) if console.as_json else console.key_values(figures)


@cli.command()
@_store
@_common
def status(store_folder: Path, config: Config, console: Console) -> None:
    """Say what a store holds: days, gaps, inputs, keys, late lines."""
    from logstats import summary  # noqa: PLC0415 - `--version` needs none of this
    from logstats.store.reader import state_of  # noqa: PLC0415

    state = summary.of_store(state_of(store_folder), config.timezone)
    console.object(state) if console.as_json else console.status(state)


def _judge(found: Any, config: Config, console: Console, *, again: bool = False) -> int:  # noqa: ANN401 - a Report, imported late
    """Say what was wrong with the inputs; the exit code tells a timer."""
    from logstats.errors import InputRejectedError  # noqa: PLC0415

    code = 0
    for result in found.inputs:
        if result.state in {"damaged", "refused"}:
            console.error(f"{result.name}: {result.state}: {result.note}", result.hint)
            code = InputRejectedError.exit_code
        elif result.state == "empty" and not again:  # after a rotation, the new file is empty
            console.message(f"{result.name}: is empty")
        elif result.note:
            console.message(f"{result.name}: {result.note}" + (f"; {result.hint}" if result.hint else ""))
    share, most = found.tally.rejected_share, config.input.max_rejected_share
    if share > most:
        console.error(
            f"{share:.1%} of the lines were rejected, more than {most:.0%} (input.max_rejected_share)",
            "the summary names the reasons; has the log format changed?",
        )
        code = InputRejectedError.exit_code
    return code


@cli.command()
@click.argument("line", required=False)
@_format
@_common
def explain(line: str | None, format_text: str | None, config: Config, console: Console) -> None:
    """Say how LINE is read, and why it counts or not. Without LINE, the first line of standard input.

    \b
    Example:
      logstats explain '192.0.2.1 - - [22/Nov/2026:08:00:00 +0100] "GET / HTTP/1.1" 200 12 "-" "curl/8.5"'
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats.explain import explain as explain_line  # noqa: PLC0415

    if line is None or line == "-":
        if not sys.stdin:
            raise InputMissingError("standard input is closed", hint="name a line, or pipe one in")
        line = sys.stdin.buffer.readline().decode("utf-8", "surrogateescape")
    facts = explain_line(line, _knowledge(config.with_format(format_text)))
    console.object(facts) if console.as_json else console.pairs(list(facts.items()))


@cli.command()
@click.argument("name", type=click.Choice(list(ops.SNIPPETS)))
@click.option("--server", type=click.Choice(list(ops.SERVERS)), default="nginx", show_default=True, help="Whose logs.")
@click.option("--logs", help="The access log that the server writes now; without it, Debian's.")
@click.option("--store", default=ops.STORE, show_default=True, help="Folder of the store.")
@click.option("--program", default=ops.PROGRAM, show_default=True, help="Where logstats is installed.")
@click.option("--file", help="Of several files give this one alone.")
@_common
def hook(config: Config, console: Console, **options: Any) -> None:  # noqa: ANN401, ARG001 - given on as they are
    """Print ready pieces of configuration: for logrotate, systemd, nginx or Apache. Nothing is installed.

    \b
    Examples:
      logstats hook nginx
      logstats hook systemd --file logstats-analyse.service > /etc/systemd/system/logstats-analyse.service
    """  # noqa: D301 - \b tells Click to keep the lines
    if console.as_json and options["file"] is None:
        del options["file"]
        console.object(ops.files(**options))
    else:
        console.result(ops.snippet(**options).rstrip("\n"))


@cli.command()
@_store
@click.option("--month", metavar="YYYY-MM", help="The month to release.")
@click.option("--year", metavar="YYYY", help="All released months of a year, together.")
@click.option("--historique", is_flag=True, help="All released months, together.")
@click.option("--partial", is_flag=True, help="Release a month of which days are open or missing, and mark it so.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files.")
@_common
def release(  # noqa: PLR0913, PLR0917 - one parameter for each option
    store_folder: Path,
    month: str | None,
    year: str | None,
    historique: bool,  # noqa: FBT001 - Click gives flags so
    partial: bool,  # noqa: FBT001 - the same
    out: Path,
    config: Config,
    console: Console,
) -> None:
    """Write the open data of a month: nothing in it tells about fewer than k visitor-days.

    What was released is frozen: the same month again gives the same bytes. A correction is a new version, or is refused
    (exit 1) when the difference would tell about too few.

    \b
    Examples:
      logstats release --store /var/lib/logstats --month 2026-10 --out releases/2026-10
      logstats release --store /var/lib/logstats --year 2026 --out releases/2026
      logstats release --store /var/lib/logstats --historique --out releases/historique
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats import folders, releasing  # noqa: PLC0415 - `--version` needs none of this
    from logstats.store import DurableStore  # noqa: PLC0415

    if [bool(month), bool(year), historique].count(True) != 1:
        raise click.UsageError("Say what to release: --month, --year or --historique.")
    digits = (month or "2026-10").replace("-", "", 1)
    if month and not (len(month) == len("2026-10") and digits.isdecimal() and "01" <= month[5:] <= "12"):
        raise click.UsageError("--month is a year and a month, as in 2026-10.")
    with DurableStore(store_folder, create=False) as store:
        if month:
            geo = _knowledge(config).countries.info
            files = releasing.release_month(store, month, config, geo, partial=partial)
        else:
            files = releasing.release_months(store, year or "historique")
    folders.write(files, out)
    figures = {"files": len(files), "bytes": sum(map(len, files.values())), "out": str(out)}
    console.object(figures) if console.as_json else console.key_values(figures)


@cli.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RELEASE_DIR...")
@_common
def verify(folders: tuple[Path, ...], config: Config, console: Console) -> int:  # noqa: ARG001 - checked all the same
    """Check releases by their files alone: digests, schema, k, sums; of several, also what changes between them.

    \b
    Examples:
      logstats verify releases/2026-10
      logstats verify releases/2026-10.v1 releases/2026-10.v2
    """  # noqa: D301 - \b tells Click to keep the lines
    from itertools import pairwise  # noqa: PLC0415 - `--version` needs none of this

    from logstats import folders as on_disk  # noqa: PLC0415
    from logstats import releasing  # noqa: PLC0415

    read = [on_disk.read(folder) for folder in folders]
    problems = [
        (str(folder), text) for folder, files in zip(folders, read, strict=True) for text in releasing.verify(files)
    ]
    if not problems:
        for (_, old), (folder, new) in pairwise(zip(folders, read, strict=True)):
            problems += [(str(folder), text) for text in releasing.compare(old, new)]
    for folder_name, text in problems:
        console.error(f"{folder_name}: {text}")
    figures = {"releases": len(folders), "problems": len(problems)}
    if console.as_json:
        console.object({**figures, "found": [{"release": name, "problem": text} for name, text in problems]})
    else:
        console.key_values(figures)
    return LogstatsError.exit_code if problems else 0


@cli.command()
@click.argument("text", type=click.Choice(["notice", "register", "assessment"]))
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True, help="Language.")
@_common
def privacy(text: str, lang: str, config: Config, console: Console) -> None:
    """Print a text on privacy, made from the effective configuration: what the program does, and where it does so.

    `notice` is for the visitors of the site, `register` an entry for the data protection officer's register,
    `assessment` goes through the rules one by one. They are drafts: what the operator must decide stands in brackets.

    \b
    Examples:
      logstats privacy notice --lang fr
      logstats privacy register > registre.md
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats import notices  # noqa: PLC0415 - `--version` needs none of this

    filled = notices.fill(text, lang, config)
    if console.as_json:
        console.object({"text": text, "lang": lang, "markdown": filled})
    else:
        for line in filled.splitlines():
            console.result(escape(line))


@cli.group()
def geo() -> None:
    """Show and renew the country database."""


@geo.command("info")
@_common
def geo_info(config: Config, console: Console) -> None:
    """Show source, licence, date and size of the country database."""
    from dataclasses import asdict  # noqa: PLC0415

    facts = asdict(_knowledge(config).countries.info)
    console.object(facts) if console.as_json else console.pairs([(name, str(value)) for name, value in facts.items()])


@geo.command("update")
@click.argument("mmdb", type=click.Path(path_type=Path), metavar="FILE.mmdb")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the tables; name it in the configuration as geo.database.",
)
@_common
def geo_update(mmdb: Path, out: Path, config: Config, console: Console) -> None:  # noqa: ARG001 - checked all the same
    """Make the country table from a MaxMind DB file.

    \b
    Example:
      logstats geo update dbip-country-lite-2026-11.mmdb --out /var/lib/logstats/geo
    """  # noqa: D301 - \b tells Click to keep the lines
    from dataclasses import asdict  # noqa: PLC0415

    from logstats import geodata  # noqa: PLC0415

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWriteError(f"{out}: cannot be made: {error.strerror}") from None
    facts = asdict(geodata.update(mmdb, out))
    console.object(facts) if console.as_json else console.pairs([(name, str(value)) for name, value in facts.items()])


@cli.group()
def features() -> None:
    """Work on the list of features that are counted by name."""


@features.command("suggest")
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="FILE...")
@_format
@_common
def features_suggest(files: tuple[str, ...], format_text: str | None, config: Config, console: Console) -> int:
    """Print a list of features to begin with, from the pages in access logs, as configuration. Nothing is kept.

    Names are those of the paths: give them the names that people know, and take out what is no feature.

    \b
    Example:
      logstats features suggest /var/log/nginx/access.log* > features.toml
    """  # noqa: D301 - \b tells Click to keep the lines
    from dataclasses import asdict  # noqa: PLC0415 - `--version` needs none of this

    from logstats import runs, suggest  # noqa: PLC0415
    from logstats.read import open_source  # noqa: PLC0415
    from logstats.store import ThrowawayStore  # noqa: PLC0415

    sources = [open_source(name) for name in files]
    progress = console.progress(sources)
    with ThrowawayStore() as store:
        try:
            run = runs.Run(_knowledge(config.with_format(format_text)), store, progress=progress)
            found = runs.report(sources, run)
        finally:
            progress.close()
    suggestions = suggest.suggest(found.cells["pages"])
    if not suggestions:
        console.message("no page was viewed by a person: nothing to suggest")
    if console.as_json:
        console.object({"features": [asdict(suggestion) for suggestion in suggestions]})
    else:
        console.result(suggest.toml(suggestions).rstrip("\n"))
    return _judge(found, config, console)


@cli.group(invoke_without_command=True)
@click.option(
    "--store", "store_folder", type=click.Path(path_type=Path, file_okay=False), envvar="LOGSTATS_STORE", help="Store."
)
@click.option("--month", metavar="YYYY-MM|last", help="The UTC month; without it, the last one.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the message there.")
@click.option("--format", "twins", type=click.Choice(["csv", "parquet"]), multiple=True, help="And a twin for people.")
@click.option("--pages", type=click.Path(path_type=Path), help="List of the registered URLs: text, CSV or JSON.")
@click.option("--partial", is_flag=True, help="Also a month of which days are missing.")
@click.option("--check", "check_file", type=click.Path(path_type=Path), help="Check this file instead.")
@click.option(
    "--diff", is_flag=False, flag_value="", metavar="[FILE]", help="Compare, without FILE to the month before."
)
@click.option("--strict", is_flag=True, help="Exit with 65 when --diff finds something to look at.")
@click.option("--send", is_flag=False, flag_value="", metavar="[FILE]", help="Send; FILE is one built earlier.")
@click.option("--production", is_flag=True, help="Send to production; without it, to acceptance.")
@click.option("--api-key-file", type=click.Path(path_type=Path), help="File with the key of the service, mode 0600.")
@click.option("--unless-sent", is_flag=True, help="Do not send again what was accepted with the same figures.")
@click.option("--assistance", type=click.Path(path_type=Path), help="Make the half-yearly message of this CSV instead.")
@click.option("--half-year", metavar="YYYY-H1|H2", help="The half-year of --assistance.")
@click.pass_context
@_common
def commission(context: click.Context, config: Config, console: Console, **options: Any) -> int:  # noqa: ANN401 - given on
    """Make, check, compare and send the Commission's monthly file: page views by URL, country and device.

    The key comes from --api-key-file, the credential commission-acceptance-key (commission-production-key) of systemd,
    or the variable LOGSTATS_COMMISSION_ACCEPTANCE_KEY (LOGSTATS_COMMISSION_PRODUCTION_KEY).

    \b
    Examples:
      logstats commission --store /var/lib/logstats --month 2026-10 --out october.json --diff
      logstats commission --check october.json
      logstats commission --store /var/lib/logstats --send october.json --api-key-file key
      logstats commission log --store /var/lib/logstats
      logstats commission --assistance requests.csv --half-year 2026-H1 --out assistance.json
    """  # noqa: D301 - \b tells Click to keep the lines
    if context.invoked_subcommand:
        return 0
    from logstats.publish.commission import command  # noqa: PLC0415 - `--version` needs none of this

    return command.run(command.Options(**options), config, console)


@commission.command("log")
@_store
@_common
def commission_log(store_folder: Path, config: Config, console: Console) -> None:  # noqa: ARG001 - checked all the same
    """List what was sent: when, where, period, id, status, digest, views."""
    from logstats.publish.commission import sent, summary  # noqa: PLC0415 - `--version` needs none of this

    posts = sent.posts(store_folder)
    console.object({"posts": posts}) if console.as_json else console.sections([summary.of_posts(posts)])


def _knowledge(config: Config) -> Knowledge:
    from logstats import geodata  # noqa: PLC0415 - `--version` needs none of this
    from logstats.derive import Knowledge  # noqa: PLC0415

    database = Path(config.geo.database) if config.geo.database else None
    if database and config.file and not database.is_absolute():
        database = config.file.parent / database
    return Knowledge(config, geodata.open_table(database, geodata.cache_directory()))
