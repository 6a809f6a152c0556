"""Commands that look at the setting: check, config."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from logstats.cli.options import common, format_option, talking
from logstats.errors import ConfigurationError

if TYPE_CHECKING:
    from logstats.config import Config
    from logstats.console import Console

__all__ = ["check", "config_group"]

_SERVICES: Final = (
    ("commission", "acceptance"),
    ("commission", "production"),
    ("datagouv", "demo"),
    ("datagouv", "production"),
)


@click.command()
@click.option(
    "--store",
    "store_folder",
    type=click.Path(path_type=Path),
    envvar="LOGSTATS_STORE",
    help="Folder of the store; without it, no store is checked.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings, too.")
@talking
def check(
    store_folder: Path | None,
    strict: bool,  # noqa: FBT001 - Click gives flags so
    config_file: Path | None,
    console: Console,
) -> int:
    """Look whether all is in order, and the figures plausible. Nothing is touched: no file is made or changed.

    Configuration, format of the configured logs, permissions, country database, keys, free space, time zone, clock;
    and in the store: months far from the mean of those before, missing days, rejected lines.

    \b
    Examples:
      sudo -u logstats logstats check --store /var/lib/logstats
      logstats check --strict --quiet --store /var/lib/logstats || mail -s "logstats on $(hostname)" root
      logstats check --json | jq '.checks[] | select(.state != "ok")'

    \b
    Exit codes: 0 when no check fails (with --strict, and no check warns); 1 on warnings with --strict; else
    what a run would end with: 65 format, 66 no such log, 74 no space, 77 permission, 78 configuration, 1 others.
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats import checks, config  # noqa: PLC0415 - `--version` needs none of this

    try:
        effective = config.load(config_file)
    except ConfigurationError as error:
        results = [checks.Result("configuration", "error", str(error), error.hint, error.exit_code)]
    else:
        results = list(checks.run(effective, store_folder))
    if console.as_json:
        rows = [
            {"name": one.name, "state": one.state, "text": one.text} | ({"next": one.next} if one.next else {})
            for one in results
        ]
        console.object({"state": checks.worst(results), "checks": rows})
    else:
        console.states([(one.state, one.name, one.text, one.next) for one in results])
    return checks.exit_code(results, strict=strict)


@click.group("config")
def config_group() -> None:
    """Show the configuration, or make one from that of the web server."""


@config_group.command("show")
@click.option("--store", "store_folder", envvar="LOGSTATS_STORE", help="Folder of the store.")
@format_option
@common
@click.pass_context
def show(
    context: click.Context,
    store_folder: str | None,
    format_text: str | None,
    config: Config,
    console: Console,
) -> None:
    """Print every value that is in force, and where it comes from: defaults, file and line, option, variable.

    What is printed is a valid configuration file.

    \b
    Examples:
      logstats config show
      logstats config show --json | jq -r '.values[] | select(.origin | startswith("defaults") | not) | .key'
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats.config.effective import effective, toml  # noqa: PLC0415 - `--version` needs none of this

    origin = {name: _origin(context, name) for name in ("format_text", "store_folder")}
    given = {"format": (format_text, origin["format_text"])} if format_text else {}
    values = effective(config.file, given)
    keys = {f"{service} {environment}": _key_is(service, environment) for service, environment in _SERVICES}
    file = str(config.file) if config.file else None
    if console.as_json:
        rows = [{"key": one.key, "value": one.value, "origin": one.origin} for one in values]
        store = {"folder": store_folder, "origin": origin["store_folder"]} if store_folder else None
        console.object({"file": file, "values": rows, "store": store, "keys": keys})
        return
    console.plain(f"# file: {file or 'none; the defaults are in force'}")
    console.plain(f"# store: {store_folder} ({origin['store_folder']})" if store_folder else "# store: not named")
    for name, state in keys.items():
        console.plain(f"# key for {name}: {state}")
    for line in toml(values):
        console.plain(line)


def _origin(context: click.Context, name: str) -> str:
    """Say whether an option or a variable gave a value."""
    parameter = next(one for one in context.command.params if one.name == name)
    if context.get_parameter_source(name) == click.core.ParameterSource.ENVIRONMENT:
        return f"${parameter.envvar}"
    return parameter.opts[0]


def _key_is(service: str, environment: str) -> str:
    """Say where the key of a service is from, without reading it."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = f"{service}-{environment}-key"
    variable = f"LOGSTATS_{service.upper()}_{environment.upper()}_KEY"
    if folder and Path(folder, credential).exists():
        return f"set (credential {credential})"
    return f"set (${variable})" if os.environ.get(variable) else "not set"


@config_group.command("init")
@click.option("--nginx-conf", type=click.Path(path_type=Path), metavar="FILE", help="The nginx.conf of the server.")
@click.option("--apache-conf", type=click.Path(path_type=Path), metavar="FILE", help="Its apache2.conf or httpd.conf.")
@click.option("--prefix", type=click.Path(path_type=Path), help="Of nginx (nginx -p): where relative paths begin.")
@click.option("--envvars", type=click.Path(path_type=Path), help="Apache's file of variables; else the one beside.")
@click.option("--define", "defines", multiple=True, metavar="NAME=VALUE", help="A variable of Apache's files.")
@click.option("--timezone", help="Zone of the days; without it, that of this machine.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it there; never over a file.")
@talking
def init(
    config_file: Path | None,  # noqa: ARG001 - none is read
    console: Console,
    out: Path | None,
    timezone: str | None,
    **server: Any,  # noqa: ANN401 - given on as they are
) -> None:
    """Make a configuration to start from, out of the web server's own: logs, formats, sites. Includes are followed.

    It is printed, or written with --out. Without a file of a server, Debian's usual places are looked at.

    \b
    Examples:
      logstats config init --nginx-conf /etc/nginx/nginx.conf
      logstats config init --apache-conf /etc/apache2/apache2.conf --out /etc/logstats/logstats.toml
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats.discover import command  # noqa: PLC0415 - `--version` needs none of this

    found = command.read_server(**server)
    text = command.configuration(found, timezone)
    for refused in found.refused:
        console.message(f"{refused.place}: {refused.target} {refused.reason}; {refused.hint}".rstrip("; "))
    if out is None:
        for line in text.splitlines():
            console.plain(line)
        return
    command.write(text, out)
    console.message(f"{out} is written; read it, then run: logstats check --config {out}")
