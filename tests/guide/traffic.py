"""People and robots on a small public service, by chance with a seed: for the log of earlier days, and for a server."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES: Final = (
    "/",
    "/demarches/passeport",
    "/demarches/passeport/formulaire",
    "/demarches/passeport/confirmation",
    "/aide",
)
FILES: Final = ("/guide.pdf", "/style.css")
_PARIS: Final = ZoneInfo("Europe/Paris")
_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-A546) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
)
_ROBOT: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@dataclass(frozen=True)
class Request:
    """A request: its moment, the client, and what is asked for."""

    moment: datetime
    address: str
    agent: str
    path: str
    referrer: str = "-"

    @property
    def is_view(self) -> bool:
        """Tell whether it is a view of a page by a person."""
        return self.agent != _ROBOT and self.path in PAGES

    def line(self) -> str:
        """Give its line in the combined format."""
        status, size = ("200", "512") if self.path != "/old" else ("404", "150")
        at = self.moment.strftime("%d/%b/%Y:%H:%M:%S %z")
        return (
            f'{self.address} - - [{at}] "GET {self.path} HTTP/1.1" {status} {size} "{self.referrer}" "{self.agent}"\n'
        )


def requests_of(day: date, visits: int, seed: int = 1) -> list[Request]:
    """Give the requests of a day, in their order: visits from morning to evening, and a robot."""
    rng = random.Random(f"{seed} {day}")  # noqa: S311 - no secret
    begin = datetime.combine(day, time(7), _PARIS)
    found = [
        Request(begin + timedelta(minutes=i), "192.0.2.66", _ROBOT, rng.choice((*PAGES, "/old")))
        for i in range(0, 600, 60)
    ]
    for _ in range(visits):
        found += _visit(rng, begin + timedelta(seconds=rng.randrange(15 * 3_600)))
    return sorted(found, key=lambda request: request.moment)


def _visit(rng: random.Random, moment: datetime) -> Iterator[Request]:
    """Give a visit: the procedure from its beginning, and most people leave on the way."""
    address = str(IPv4Address(rng.randrange(1 << 24, 224 << 24)))  # anywhere: the country database knows where
    agent = rng.choice(_AGENTS)
    referrer = rng.choice(("-", "https://www.google.com/", "https://www.service-public.fr/particuliers"))
    for path in (*PAGES[: rng.randint(1, 4)], *rng.sample((PAGES[4], FILES[0]), rng.randint(0, 1))):
        yield Request(moment, address, agent, path, referrer)
        if "example" not in referrer:  # the browser keeps the style
            yield Request(moment + timedelta(seconds=1), address, agent, FILES[1], f"https://www.example.org{path}")
        referrer = f"https://www.example.org{path}"
        moment += timedelta(seconds=rng.randint(5, 200))


def write_site(folder: Path) -> None:
    """Write the files of the service."""
    for page in PAGES:
        place = folder / page.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        (place / "index.html").write_text(f"<!doctype html><title>{page}</title>\n", encoding="utf-8")
    for name in FILES:
        (folder / name.lstrip("/")).write_bytes(b"%PDF-1.4\n" if name.endswith(".pdf") else b"body {}\n")
