"""Commands that count: once for all, or into a store."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from logstats.cli.options import common, format_option, judged, knowledge_of, sources_of, store_option
from logstats.errors import LogstatsError

if TYPE_CHECKING:
    from datetime import datetime

    from logstats.config import Config
    from logstats.console import Console
    from logstats.store import DurableStore

__all__ = ["close", "forget", "ingest", "redo", "report", "status"]

_PATIENCE: Final = 5.0  # seconds until what has come of a pipe is counted, and until files are looked at again


@click.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True), metavar="[FILE]...")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the tables there, as Parquet.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page, not to publish.")
@click.option("--lang", type=click.Choice(["fr", "en"]), default="en", show_default=True, help="Language of the page.")
@format_option
@common
def report(  # noqa: PLR0913, PLR0917 - one parameter for each option
    files: tuple[str, ...],
    out: Path | None,
    html: Path | None,
    lang: str,
    format_text: str | None,
    config: Config,
    console: Console,
) -> int:
    """Say what happened in access logs. Nothing is kept.

    FILE is plain, gzip, bzip2, xz or zstd, whatever its name; `-`, or no FILE in a pipe, is standard input.

    \b
    Examples:
      logstats report access.log access.log.1 access.log.2.gz
      logstats report --format '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"' access.log
      zcat access.log.*.gz | logstats report --json | jq .page_views
      logstats report access.log --html report.html
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats import runs, summary, tables  # noqa: PLC0415 - `--version` needs none of this
    from logstats.store import ThrowawayStore  # noqa: PLC0415

    sources = sources_of(files)
    knowledge = knowledge_of(config.with_format(format_text))
    with ThrowawayStore() as store:
        with closing(console.progress(sources)) as progress:
            found = runs.report(sources, runs.Run(knowledge, store, progress=progress))
        figures = summary.summarise(found, knowledge.config, knowledge.countries.info)
        if out:
            figures["files"] = [str(path) for path in tables.write(found.cells, out, summary.provenance(figures))]
        if html:
            from logstats import page  # noqa: PLC0415 - no other report needs it

            page.write_report(page.report(found.cells, knowledge.config, figures, lang), html)
            figures["html"] = str(html)
    console.object(figures) if console.as_json else console.summary(figures)
    return judged(found, config, console)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True), metavar="[FILE]...")
@store_option
@click.option("--source", default="default", show_default=True, help="Where the lines come from.")
@click.option("--close", "close_now", is_flag=True, help="Close every open day at once, without grace.")
@click.option("--follow", is_flag=True, help="Go on: wait for more lines of a pipe, look at files again and again.")
@format_option
@common
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

    Without FILE the configured logs are read (input.logs); where none are, or for `-`, standard input.

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
    from logstats.store import DurableStore  # noqa: PLC0415

    sources = sources_of(files, config, console)
    knowledge = knowledge_of(config.with_format(format_text))
    for note in summary.about_countries(knowledge.countries.info):
        console.message(note["text"])
    with DurableStore(store_folder) as store:
        while True:
            if follow:
                for pipe in sources:
                    pipe.patience = _PATIENCE if pipe.size is None else None
            started = time.monotonic()
            with closing(console.progress(sources)) as progress:
                run = runs.Run(knowledge, store, progress=progress)
                number = store.begin("ingest")
                try:
                    found = runs.ingest(sources, source, run, number)
                    reason = "--close" if close_now else "grace is over"
                    closed = runs.close_days(run, every=close_now, reason=reason)
                    store.end(number, found.tally.skipped)
                except LogstatsError as error:
                    _say_committed(store, number, error, console)
                    raise
            if found.tally.lines or closed or not follow:
                geo, seconds = knowledge.countries.info, time.monotonic() - started
                figures = summary.of_ingest(found, closed, len(store.open_days()), store_folder, seconds, geo)
                console.object(figures) if console.as_json else console.key_values(figures["summary"])
            code = judged(found, config, console, again=True)
            if not follow or any(pipe.size is None for pipe in sources):
                return code
            time.sleep(_PATIENCE)
            sources = sources_of(files, config)


def _say_committed(store: DurableStore, run: int, error: LogstatsError, console: Console) -> None:
    """Say what stays counted of a run that failed, in the one line that its journal keeps."""
    figures = {**store.committed(run), "failed": type(error).__name__, "exit": error.exit_code}
    if not console.as_json:
        console.key_values({**figures, "store": str(store.folder)})


@click.command()
@store_option
@click.option("--all", "every", is_flag=True, help="Close every open day, without grace.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def close(store_folder: Path, every: bool, yes: bool, config: Config, console: Console) -> None:  # noqa: FBT001 - Click
    """Close the days that are due: keep their figures, destroy keys and hits."""
    from logstats import runs  # noqa: PLC0415 - `--version` needs none of this
    from logstats.store import DurableStore  # noqa: PLC0415

    if every and not yes and sys.stdin and sys.stdin.isatty():
        click.confirm("Close every open day? Lines of these days that come later are not counted.", abort=True)
    with DurableStore(store_folder, create=False) as store:
        run = runs.Run(knowledge_of(config), store)
        closed = runs.close_days(run, every=every, reason="--all" if every else "grace is over")
        left = len(store.open_days())
    figures = {"days_closed": len(closed), "days_open": left, "store": str(store_folder)}
    console.object(figures) if console.as_json else console.key_values(figures)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="FILE...")
@store_option
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The local day to count anew.")
@format_option
@common
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
    from logstats.store import DurableStore  # noqa: PLC0415

    sources = sources_of(files)
    with DurableStore(store_folder, create=False) as store:
        run = runs.Run(knowledge_of(config.with_format(format_text)), store)
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
    return judged(found, config, console) or (LogstatsError.exit_code if replaced.is_empty() else 0)


@click.command()
@store_option
@click.option("--site", help="Forget all of this site.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Forget all days before this one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
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


@click.command()
@store_option
@click.option("--prometheus", is_flag=True, help="Print metrics, for the textfile collector of node_exporter.")
@common
def status(store_folder: Path, prometheus: bool, config: Config, console: Console) -> None:  # noqa: FBT001 - Click
    """Say what a store holds: days, gaps, inputs, keys, late lines.

    \b
    Examples:
      logstats status --store /var/lib/logstats
      logstats status --store /var/lib/logstats --prometheus > /var/lib/prometheus/node-exporter/logstats.prom.new &&
        mv /var/lib/prometheus/node-exporter/logstats.prom.new /var/lib/prometheus/node-exporter/logstats.prom
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats import summary  # noqa: PLC0415 - `--version` needs none of this
    from logstats.store.reader import state_of  # noqa: PLC0415

    if prometheus and console.as_json:
        raise click.UsageError("--json and --prometheus: name one.")
    state = summary.of_store(state_of(store_folder), config.timezone)
    if prometheus:
        from logstats import geodata, metrics  # noqa: PLC0415

        built = geodata.built_on(config.country_database)
        for line in metrics.exposition(state, built):
            console.result(line)
        return
    console.object(state) if console.as_json else console.status(state)
