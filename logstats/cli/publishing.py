"""Commands that publish: releases, data.gouv.fr, the page, the texts on privacy, the Commission's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logstats.cli.options import common, knowledge_of, store_option
from logstats.errors import LogstatsError
from logstats.text import escape

if TYPE_CHECKING:
    from logstats.config import Config
    from logstats.console import Console

__all__ = ["commission", "page", "privacy", "publish", "release", "verify"]


@click.command()
@store_option
@click.option("--month", metavar="YYYY-MM|last", help="The month to release.")
@click.option(
    "--year", metavar="YYYY|last", help="All released months of a year, together; last: that of the last month."
)
@click.option("--historique", is_flag=True, help="All released months, together.")
@click.option("--partial", is_flag=True, help="Release a month of which days are open or missing, and mark it so.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files.")
@common
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
    month, year = releasing.named(month, year, config.timezone)
    digits = (month or "2026-10").replace("-", "", 1)
    if month and not (len(month) == len("2026-10") and digits.isdecimal() and "01" <= month[5:] <= "12"):
        raise click.UsageError("--month is a year and a month, as in 2026-10, or last.")
    with DurableStore(store_folder, create=False) as store:
        if month:
            geo = knowledge_of(config).countries.info
            files = releasing.release_month(store, month, config, geo, partial=partial)
        else:
            files = releasing.release_months(store, year or "historique")
    folders.write(files, out)
    figures = {"files": len(files), "bytes": sum(map(len, files.values())), "out": str(out)}
    console.object(figures) if console.as_json else console.key_values(figures)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RELEASE_DIR...")
@common
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


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RELEASE_DIR...")
@click.option("--dry-run", is_flag=True, help="Show the plan; read the platform, and write nothing.")
@click.option("--production", is_flag=True, help="Publish on www.data.gouv.fr; without it, on its demo.")
@click.option("--public", is_flag=True, help="Make the dataset public; a new one is private.")
@click.option("--describe", is_flag=True, help="Write title, description, tags, frequency and licence again.")
@click.option(
    "--format", "formats", type=click.Choice(["csv", "parquet"]), multiple=True, help="Only tables of this format."
)
@click.option("--api-key-file", type=click.Path(path_type=Path), help="File with the key of the platform, mode 0600.")
@common
def publish(config: Config, console: Console, **options: Any) -> int:  # noqa: ANN401 - given on
    """Publish releases on data.gouv.fr: create what is missing, replace what changed, and nothing else.

    Give the release of a year and the one of the whole history; each is verified before. Whatever fails, run it again:
    what is done is not done twice.

    The key comes from --api-key-file, the credential datagouv-demo-key (datagouv-production-key) of systemd, or the
    variable LOGSTATS_DATAGOUV_DEMO_KEY (LOGSTATS_DATAGOUV_PRODUCTION_KEY).

    \b
    Examples:
      logstats publish releases/2026 releases/historique --api-key-file key --dry-run
      logstats publish releases/2026 releases/historique --api-key-file key
      logstats publish releases/2026 releases/historique --api-key-file key --production --public
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats.publish.datagouv import command  # noqa: PLC0415 - `--version` needs none of this

    return command.run(command.Options(**options), config, console)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RELEASE_DIR...")
@click.option("--site", default="", help="Of several sites in the releases, the one to show.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the page.")
@common
def page(folders: tuple[Path, ...], site: str, out: Path, config: Config, console: Console) -> None:
    """Write the public statistics page: static, no script, French and English, from releases alone.

    Each month has an address that stays (2026-10.html, en/2026-10.html); index.html is the latest. The releases lie
    beside them, to be downloaded. Name and colour of the site are in the configuration (`[page]`).

    \b
    Examples:
      logstats page releases/2026-* --out /var/www/stats
      logstats page releases/2025 releases/2026-0* releases/2026-10 --out /var/www/stats --site demarches
    """  # noqa: D301 - \b tells Click to keep the lines
    from logstats.page import build  # noqa: PLC0415 - `--version` needs none of this

    figures = build(folders, out, config, site)
    for note in figures["notes"]:
        console.message(note)
    shown = {name: value for name, value in figures.items() if name != "notes"}
    console.object(figures) if console.as_json else console.key_values(shown)


@click.command()
@click.argument("text", type=click.Choice(["notice", "register", "assessment"]))
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True, help="Language.")
@common
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


@click.group(invoke_without_command=True)
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
@common
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
@store_option
@common
def commission_log(store_folder: Path, config: Config, console: Console) -> None:  # noqa: ARG001 - checked all the same
    """List what was sent: when, where, period, id, status, digest, views."""
    from logstats.publish.commission import sent, summary  # noqa: PLC0415 - `--version` needs none of this

    posts = sent.posts(store_folder)
    console.object({"posts": posts}) if console.as_json else console.sections([summary.of_posts(posts)])
