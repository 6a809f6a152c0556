"""Commands that help to set up and to understand: explain, hook, features, geo."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logstats import ops
from logstats.cli.options import common, format_option, judged, knowledge_of, sources_of
from logstats.errors import CannotWriteError, InputMissingError

if TYPE_CHECKING:
    from logstats.config import Config
    from logstats.console import Console

__all__ = ["explain", "features", "geo", "hook"]


@click.command()
@click.argument("line", required=False)
@format_option
@common
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
    facts = explain_line(line, knowledge_of(config.with_format(format_text)))
    console.object(facts) if console.as_json else console.pairs(list(facts.items()))


@click.command()
@click.argument("name", type=click.Choice(list(ops.SNIPPETS)))
@click.option("--server", type=click.Choice(list(ops.SERVERS)), default="nginx", show_default=True, help="Whose logs.")
@click.option("--logs", help="The access log that the server writes now; without it, Debian's.")
@click.option("--store", default=ops.STORE, show_default=True, help="Folder of the store.")
@click.option("--program", default=ops.PROGRAM, show_default=True, help="Where logstats is installed.")
@click.option("--file", help="Of several files give this one alone.")
@common
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


@click.group()
def features() -> None:
    """Work on the list of features that are counted by name."""


@features.command("suggest")
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="FILE...")
@format_option
@common
def features_suggest(files: tuple[str, ...], format_text: str | None, config: Config, console: Console) -> int:
    """Print a list of features to begin with, from the pages in access logs, as configuration. Nothing is kept.

    Names are those of the paths: give them the names that people know, and take out what is no feature.

    \b
    Example:
      logstats features suggest /var/log/nginx/access.log* > features.toml
    """  # noqa: D301 - \b tells Click to keep the lines
    from dataclasses import asdict  # noqa: PLC0415 - `--version` needs none of this

    from logstats import runs, suggest  # noqa: PLC0415
    from logstats.store import ThrowawayStore  # noqa: PLC0415

    sources = sources_of(files)
    with ThrowawayStore() as store, closing(console.progress(sources)) as progress:
        run = runs.Run(knowledge_of(config.with_format(format_text)), store, progress=progress)
        found = runs.report(sources, run)
        suggestions = suggest.suggest(found.cells["pages"])
    if not suggestions:
        console.message("no page was viewed by a person: nothing to suggest")
    if console.as_json:
        console.object({"features": [asdict(suggestion) for suggestion in suggestions]})
    else:
        console.result(suggest.toml(suggestions).rstrip("\n"))
    return judged(found, config, console)


@click.group()
def geo() -> None:
    """Show and renew the country database."""


@geo.command("info")
@common
def geo_info(config: Config, console: Console) -> None:
    """Show source, licence, date and size of the country database."""
    from dataclasses import asdict  # noqa: PLC0415

    facts = asdict(knowledge_of(config).countries.info)
    console.object(facts) if console.as_json else console.pairs([(name, str(value)) for name, value in facts.items()])


@geo.command("update")
@click.argument("mmdb", type=click.Path(path_type=Path), metavar="FILE.mmdb")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the tables; name it in the configuration as geo.database.",
)
@common
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
