"""The guide as its reader follows it: from nothing to a month that is told to Brussels and to everybody.

`scripts/test tests/guide -s` prints each step. A clean Debian serves a site; an operator does what the guide says,
block by block; people visit for three days; logrotate and the timer's unit do their work; the month ends, and is told.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from logstats import read_cells
from logstats.lists import list_dates
from tests.commission.conftest import KEY

from .blocks import ROOT, blocks, commands
from .traffic import Request, requests_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.commission.conftest import Service
    from tests.publish.conftest import Udata

    from .server import Server

TYPED: Final = (
    "README.md",
    "docs/start.md",
    "docs/server.md",
    "docs/configuration.md",
    "docs/month.md",
    "docs/privacy.md",
    "docs/definitions.md",
)
COUNTED: Final = "4,942 lines = 4,942 hits + 0 rejected + 0 opted out + 0 late"
PARIS: Final = ZoneInfo("Europe/Paris")
VISITS: Final = 60
LIVE: Final = (30, 31, 32)
TOLD: Final = 36
STORE: Final = "/var/lib/logstats"
WRITTEN: Final = (STORE, "/srv/logstats", "/var/www/statistics", "/var/cache/logstats", "/etc/logstats", "/tmp")  # noqa: S108
"""Where the program, or somebody who follows the guide, writes."""
_SETTINGS: Final = """
[commission]
acceptance_url = "{commission}"

[publish.demo]
url = "{datagouv}"
organisation = "{organisation}"
"""


def test_start(at_home: Callable[..., str]) -> None:
    """Five minutes: everything on the samples, in the folder of the source."""
    said = at_home(commands("docs/start.md"))
    assert COUNTED in said


class Story:
    """What happens on the server, step by step.

    Attributes:
        server: The server.
        month: The first day of the month that is told: one after the lists were made, as `check` looks at the clock.
        lines: How many lines the web servers have written.
        views: How many pages people have viewed.
        clients: The addresses and user agents of all requests.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.month = _month_after(max(list_dates().values()))
        self.lines = 0
        self.views = 0
        self.clients: set[str] = set()

    def day(self, number: int) -> date:
        """Give a day of the story: from 1, those of the month, and on into the next one."""
        return self.month + timedelta(days=number - 1)

    def at(self, number: int, hour: int) -> None:
        """Let it be an hour of a day."""
        self.server.set_clock(datetime.combine(self.day(number), clock_time(hour), PARIS))

    def earlier_days(self, days: range, place: str, seed: int) -> None:
        """Write the log of days before the story begins."""
        requests = [one for day in days for one in requests_of(self.day(day), VISITS, seed)]
        self._count(requests)
        file = self.server.machine.path(place)
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text("".join(one.line() for one in requests), encoding="utf-8")
        self.server.machine.run("chown", "www-data:adm", place, show=False)
        file.chmod(0o640)

    def set_up(self, package: Path) -> None:
        """Install and configure, and let the timer's unit run once."""
        shutil.copy(package, self.server.machine.path("/root"))
        for block in commands("docs/server.md"):
            if "ssh web1" in block.text:
                self.server.serve_ssh()
            if block.kind != "sh source":
                self.server.type(block)
        self.server.machine.run("nginx", "-s", "reload")  # which systemd would have done
        assert self.server.machine.run("systemctl", "is-enabled", "logstats.timer") == "enabled\n"
        self.server.analyse()

    def live(self, number: int) -> None:
        """Let people visit the site for a day, and the night come."""
        requests = requests_of(self.day(number), VISITS)
        self._count(requests)
        self.server.serve(requests)
        self.server.midnight(self.day(number + 1))

    def look(self) -> None:
        """See that each line counted once, and that nothing points at anybody any more."""
        ask = ("logstats", "status", "--store", STORE, "--json")
        found = json.loads(self.server.machine.run(*ask, user="logstats", show=False))
        assert sum(one["lines"] for one in found["inputs"]) == self.lines
        assert found["days_open"] == found["late"] == 0
        assert found["keys"]["alive"] == []
        assert not list(self.server.machine.path(STORE).glob("open/*/*"))

    def tell(self, commission: str, udata: Udata, organisation: str) -> None:
        """Tell the month: to the Commission's service, as open data, on the page."""
        with self.server.machine.path("/etc/logstats/logstats.toml").open("a", encoding="utf-8") as file:
            file.write(_SETTINGS.format(commission=commission, datagouv=udata.base, organisation=organisation))
        for block in commands("docs/month.md"):
            if "--api-key-file" in block.text:
                self.server.put_secret("/srv/logstats/commission.key", KEY)
                self.server.put_secret("/srv/logstats/datagouv.key", udata.key)
            self.server.type(block, "/srv/logstats")

    def ask(self) -> None:
        """Do what the other documents say, and run the program in Python."""
        for document in ("docs/configuration.md", "docs/privacy.md", "docs/definitions.md"):
            for block in commands(document):
                self.server.type(block)
        (program,) = (block for block in blocks(ROOT / "docs/reference.md") if block.kind == "python")
        self.server.machine.run("/opt/logstats/bin/python", "-I", "-c", program.text, user="logstats")

    def search(self, places: Iterable[str]) -> list[str]:
        """Search folders, and all that was said, for addresses and user agents of the requests; say where they are."""
        needles, found = sorted(self.clients), []
        for place in places:
            for file in filter(Path.is_file, self.server.machine.path(place).rglob("*")):
                found += [f"{place}: {file.name}"] * int(_texts(file).str.contains_any(needles).any())
        said = pl.Series(self.server.said)
        return found + ["an output"] * int(said.str.contains_any(needles).any())

    def _count(self, requests: list[Request]) -> None:
        self.lines += len(requests)
        self.clients |= {text for one in requests for text in (one.address, one.agent)}
        self.views += sum(one.is_view for one in requests)


def _texts(file: Path) -> pl.Series:
    """Give the texts of a Parquet file, or what a file holds."""
    if file.suffix != ".parquet":
        return pl.Series([file.read_bytes().decode("latin-1")])
    texts = pl.read_parquet(file).select(pl.col(pl.String, pl.Categorical, pl.Enum).cast(pl.String))
    return pl.concat([pl.Series([], dtype=pl.String), *(column.unique().alias("") for column in texts)])


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


@pytest.fixture(scope="module")
def story(server: Server) -> Story:
    """Return the story at its beginning: a server that has served for four weeks, and another one."""
    found = Story(server)
    found.earlier_days(range(1, 30), "/var/log/nginx/access.log.1", seed=2)
    found.earlier_days(range(27, 28), "/srv/web1/access.log.2", seed=3)
    server.machine.run("gzip", "/srv/web1/access.log.2", show=False)
    found.earlier_days(range(28, 29), "/srv/web1/access.log.1", seed=3)
    found.earlier_days(range(29, 30), "/srv/web1/access.log", seed=3)
    found.at(30, 6)
    server.start()
    return found


def test_install_for_yourself(at_home: Callable[..., str], programs: Path) -> None:
    """With pipx and with uv, from the source: the program works, and pipx links its manual."""
    (block,) = (block for block in commands("docs/server.md") if "pipx install" in block.text)
    at_home([block])
    for installed in ("pipx-bin", "uv-bin"):
        report: list[str | Path] = [
            programs / installed / "logstats",
            "report",
            ROOT / "sample_logs/public_service.log.xz",
        ]
        done = subprocess.run(report, cwd=programs, capture_output=True, text=True, check=True)
        assert COUNTED in done.stdout
    assert (programs / "man/man1/logstats-geo-info.1").is_file()


def test_the_month(story: Story, package: Path, service: Service, udata: Udata) -> None:
    """From nothing to a month that is told."""
    story.set_up(package)
    for number in LIVE:
        story.live(number)
    story.at(TOLD, 5)
    story.server.analyse()
    story.look()
    organisation = udata.organisation()
    story.tell(service.url, udata, organisation)

    figures = read_cells(story.server.machine.path(STORE), "pages").filter(pl.col("kind") == "page").collect()
    assert figures["views"].sum() == story.views
    (sent,) = service.sets.values()
    listed = figures.filter(
        pl.col("page").str.starts_with("/demarches/passeport"),
        ~pl.col("page").str.ends_with("confirmation"),
        pl.col("country") != "ZZ",
        pl.col("utc_month") == story.month,
    )
    rows = [row for url in json.loads(sent)["sources"] for row in url["statistics"]]
    assert sum(row["nbVisits"] for row in rows) == listed["views"].sum() > 0
    (dataset,) = udata.datasets(organisation)
    assert len(dataset["resources"]) > 20
    page = story.server.machine.path("/var/www/statistics/index.html").read_text(encoding="utf-8")
    assert f"{story.month:%Y-%m}" in page
    story.ask()
    assert story.search(["/var/log/nginx"])  # it finds them where they are
    assert story.search(WRITTEN) == []
