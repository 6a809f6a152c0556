"""Write a large combined log: ``python tests/benchmarks/generate.py --lines 2000000 --out FILE``.

What is asked for, with which answer, from where and with which program is drawn from the sample
``sample_logs/combined.log.gz``. The rest is made up: visitors with a long tail, times with a daily rhythm,
and a share of lines that trouble a reader. The same seed gives the same bytes. The addresses are random and
look public, so what this writes is for the bench and not for publication.

The work is done an hour of the log at a time: lines are put together from pieces that were rendered once.
"""

import argparse
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Texts = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int64]

SAMPLE = Path(__file__).resolve().parents[2] / "sample_logs" / "combined.log.gz"
PARIS = ZoneInfo("Europe/Paris")
FIRST_DAY = datetime(2026, 10, 5, tzinfo=PARIS)
SECONDS = 3_600
SECOND_OF_HOUR: Texts = np.array([f":{s // 60:02}:{s % 60:02}" for s in range(SECONDS)], dtype=object)
WEIGHT_OF_HOUR = (2, 1, 1, 1, 1, 2, 5, 12, 28, 40, 44, 38, 26, 34, 42, 40, 34, 28, 22, 20, 18, 16, 10, 5)

LINES_PER_VISITOR = 12
VISITOR_EXPONENT = 0.9
IPV6_RANKS = {2, 9, 15}  # of every twenty: 15 % at every level of activity, so of the lines as well
IPV6_PROVIDERS = ("2a01:cb", "2a01:e0a", "2a02:842", "2a04:cec", "2600:17", "2804:14")
# First octets without private, loopback, link-local, documentation and multicast networks.
IPV4_FIRST: Numbers = np.array([n for n in range(1, 224) if n not in {10, 100, 127, 169, 172, 192, 198, 203}])
LATE_SHARE = 0.05
LATE_SECONDS = 9

Pieces = list[str]


@dataclass(frozen=True)
class Sample:
    """What the sample log holds: requests with answer and referrer, and user agents, one of each per line."""

    requests: Texts
    agents: Texts

    @classmethod
    def read(cls, file: Path) -> "Sample":
        """Read the lines that are whole and hold no escape; anomalies are added on purpose."""
        lines = gzip.decompress(file.read_bytes()).decode("ascii", "replace").splitlines()
        parts = [line.split('"') for line in lines if "\\" not in line]
        whole = [part for part in parts if len(part) == 7]  # three quoted fields
        requests = [f'] "{request}"{answer}"{referrer}" "' for _, request, answer, referrer, *_ in whole]
        return cls(as_texts(requests), as_texts([f'{part[5]}"\n' for part in whole]))


@dataclass(frozen=True)
class Visitors:
    """Who comes: addresses and user agents, and how often, as a cumulative share."""

    addresses: Texts
    agents: Texts
    cumulative: npt.NDArray[np.float64]
    in_turn: Iterator[int] | None = None

    @classmethod
    def draw(cls, count: int, agents: Texts, rng: np.random.Generator, *, once: bool = False) -> "Visitors":
        """Draw visitors whose activity falls with their rank (Zipf), or who come once each."""
        addresses = as_texts([f"{address} - - [" for address in draw_addresses(count, rng)])
        shares = np.arange(1, count + 1, dtype=np.float64) ** -VISITOR_EXPONENT
        drawn = agents[rng.integers(len(agents), size=count)]
        return cls(addresses, drawn, np.cumsum(shares / shares.sum()), iter(range(count)) if once else None)

    def choose(self, count: int, rng: np.random.Generator) -> Numbers:
        """Return the ranks of the visitors that send `count` lines."""
        if self.in_turn:
            return np.fromiter(islice(self.in_turn, count), dtype=np.int64)
        ranks = np.searchsorted(self.cumulative, rng.random(count))
        return np.minimum(ranks, len(self.cumulative) - 1)


def as_texts(texts: list[str]) -> Texts:
    """Return an array of Python strings, which an index array can pick from."""
    return np.array(texts, dtype=object)


def draw_addresses(count: int, rng: np.random.Generator) -> Iterator[str]:
    """Yield addresses by rank."""
    first = IPV4_FIRST[rng.integers(len(IPV4_FIRST), size=count)]
    octets = rng.integers(1, 255, size=(count, 3))
    groups = rng.integers(0x10, 0x10000, size=(count, 3))
    for rank, (a, (b, c, d), (e, f, g)) in enumerate(
        zip(first.tolist(), octets.tolist(), groups.tolist(), strict=True)
    ):
        is_ipv6 = rank % 20 in IPV6_RANKS
        yield f"{IPV6_PROVIDERS[rank % 6]}:{e:x}:{f:x}::{g:x}" if is_ipv6 else f"{a}.{b}.{c}.{d}"


def with_escaped_quotes(pieces: Pieces) -> Pieces:
    """A user agent that begins with an escaped quote."""
    return [*pieces[:-1], '\\"Mozilla/5.0 (X11)\\" end\\\\"\n']


def with_bytes(pieces: Pieces) -> Pieces:
    """Bytes in the target, as nginx writes them."""
    return [*pieces[:3], '] "GET /caf\\xC3\\xA9?q=\\x22x\\x22 HTTP/1.1" 404 512 "-" "', pieces[-1]]


def with_tls_hello(pieces: Pieces) -> Pieces:
    """No request at all."""
    return [*pieces[:3], '] "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC" 400 157 "-" "', '-"\n']


def truncated(pieces: Pieces) -> Pieces:
    """A line that ends within its user agent."""
    return [*pieces[:-1], pieces[-1][: len(pieces[-1]) // 2].rstrip('"\n') + "\n"]


def empty(_pieces: Pieces) -> Pieces:
    """A line without anything."""
    return ["\n"]


ANOMALIES: tuple[Callable[[Pieces], Pieces], ...] = (
    with_escaped_quotes,
    with_bytes,
    with_tls_hello,
    truncated,
    empty,
)


@dataclass(frozen=True)
class Generator:
    """Writes the lines of one hour after the other."""

    sample: Sample
    visitors: Visitors
    anomalies: float
    rng: np.random.Generator

    def lines_of_hour(self, hour: datetime, count: int) -> bytes:
        """Return `count` lines of one hour, in order but for a few that were written late."""
        rows = np.empty((count, 6), dtype=object)
        ranks = self.visitors.choose(count, self.rng)
        rows[:, 0] = self.visitors.addresses[ranks]
        rows[:, 1] = f"{hour:%d/%b/%Y:%H}"
        rows[:, 2] = SECOND_OF_HOUR[self._seconds(count)]
        rows[:, 3] = f" {hour:%z}"
        rows[:, 4] = self.sample.requests[self.rng.integers(len(self.sample.requests), size=count)]
        rows[:, 5] = self.visitors.agents[ranks]
        self._spoil(rows)
        return "".join(rows.ravel().tolist()).encode("ascii", "replace")

    def _seconds(self, count: int) -> Numbers:
        ordered: Numbers = np.sort(self.rng.integers(SECONDS, size=count))
        is_late = self.rng.random(count) < LATE_SHARE
        lateness = self.rng.integers(1, LATE_SECONDS + 1, size=count)
        seconds: Numbers = np.maximum(ordered - is_late * lateness, 0)
        return seconds

    def _spoil(self, rows: Texts) -> None:
        """Put anomalies in the place of some lines, all kinds equally often."""
        spoilt: Any = np.flatnonzero(self.rng.random(len(rows)) < self.anomalies)
        kinds = self.rng.integers(len(ANOMALIES), size=len(spoilt))
        for row, kind in zip(spoilt.tolist(), kinds.tolist(), strict=True):
            address, hour, second, zone, request, agent = rows[row]
            pieces = ANOMALIES[kind]([address, hour + second, zone, request, agent])
            rows[row] = [*pieces, *[""] * (6 - len(pieces))]


def generate(lines: int, days: int, anomalies: float, seed: int, *, once: bool = False) -> Iterator[bytes]:
    """Yield a combined log in blocks of one hour.

    Args:
        lines: how many lines in all.
        days: how many days they spread over, from Monday 5 October 2026 (Paris).
        anomalies: the share of lines that are escaped, garbage, truncated or empty.
        seed: the same seed gives the same log.
        once: each line comes from an address of its own.
    """
    rng = np.random.default_rng(seed)
    sample = Sample.read(SAMPLE)
    visitors = Visitors.draw(lines if once else 1 + lines // LINES_PER_VISITOR, sample.agents, rng, once=once)
    generator = Generator(sample, visitors, anomalies, rng)
    hours = hours_of(days)
    weights = np.array([WEIGHT_OF_HOUR[hour.hour] for hour in hours], dtype=np.float64)
    counts = rng.multinomial(lines, weights / weights.sum())
    for hour, count in zip(hours, counts.tolist(), strict=True):
        yield generator.lines_of_hour(hour, count)


def hours_of(days: int) -> list[datetime]:
    """Return the beginnings of the hours; a day with a clock change has 23 or 25 of them."""
    first = FIRST_DAY.astimezone(UTC)
    last = (FIRST_DAY + timedelta(days=days)).astimezone(UTC)
    return [(first + timedelta(hours=n)).astimezone(PARIS) for n in range((last - first) // timedelta(hours=1))]


def main() -> None:
    """Read the options and write the log."""
    parser = argparse.ArgumentParser(description="Write a large combined log for measurements.")
    parser.add_argument("--lines", type=int, required=True, help="number of lines")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--days", type=int, default=7, help="days that the lines spread over")
    parser.add_argument("--anomalies", type=float, default=0.01, help="share of lines that trouble a reader")
    parser.add_argument("--once", action="store_true", help="each line comes from an address of its own")
    options = parser.parse_args()
    with options.out.open("wb") as out:
        out.writelines(generate(options.lines, options.days, options.anomalies, options.seed, once=options.once))


if __name__ == "__main__":
    main()
