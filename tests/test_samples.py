"""The sample logs hold nobody's address, and the scripts that make logs give the same bytes every time."""

import gzip
import itertools
import json
import lzma
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import TypeVar

import pytest

Address = TypeVar("Address", IPv4Address, IPv6Address)

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_logs"
PUBLISHED_LOGS = ROOT.parent / "shared" / "logs"

SIMULATED = ("caddy.jsonl", "haproxy.log", "nginx_json.jsonl", "public_service.log.xz", "traefik.jsonl")
PUBLISHED = (
    "apache_csv.log",
    "combined.log.gz",
    "common.log",
    "nginx_combined.log",
    "nginx_main.log",
    "vhost_combined.log",
)
every_sample = pytest.mark.parametrize("name", SIMULATED + PUBLISHED)

DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
DOCUMENTATION_IPV6 = IPv6Network("2001:db8::/32")
FOUR_NUMBERS = re.compile(r"(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
# A version stands behind a product name and one slash, and the name begins a word: Chrome/32.0.1700.77. In a
# path or URL with an address another slash, or nothing, stands before the name. Gecko writes rv:1.9.0.8.
VERSION_IN_FRONT = re.compile(r'(?:[\s"(][A-Za-z_][\w.-]*/|rv:)$')
LONGEST_PRODUCT_NAME = 40
HEX_AND_COLONS = re.compile(r"(?<![\w:.])[0-9A-Fa-f]*(?::[0-9A-Fa-f]*){2,7}(?![\w:])")
NUMBERS_WITH_DASHES = re.compile(r"(?<![\d-])\d{1,3}(?:-\d{1,3}){3}(?![\d-])")
MAILBOX = re.compile(r"[\w.+-]+(?:@|%40|--at--)([\w-]+(?:\.[\w-]+)+)")


def read(file: Path) -> str:
    """Return a sample's text, decompressed as its name says; Latin-1 keeps every byte."""
    content = file.read_bytes()
    if file.suffix == ".gz":
        content = gzip.decompress(content)
    elif file.suffix == ".xz":
        content = lzma.decompress(content)
    return content.decode("latin-1")


def ipv4_in(text: str) -> set[IPv4Address]:
    """Return the IPv4 addresses in a text, without the versions that look like them."""
    found = set()
    for match in FOUR_NUMBERS.finditer(text):
        in_front = text[max(0, match.start() - LONGEST_PRODUCT_NAME) : match.start()]
        if not VERSION_IN_FRONT.search(in_front):
            found |= parsed(IPv4Address, match[0])
    return found


def ipv6_in(text: str) -> set[IPv6Address]:
    """Return the IPv6 addresses in a text."""
    return {address for match in HEX_AND_COLONS.finditer(text) for address in parsed(IPv6Address, match[0])}


def parsed(kind: type[Address], text: str) -> set[Address]:
    """Return the address, or nothing when the text is none."""
    try:
        return {kind(text)}
    except AddressValueError:
        return set()


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the script has just made the samples again."""
    folder = tmp_path_factory.mktemp("samples")
    script = ROOT / "scripts" / "make_samples.py"
    subprocess.run([sys.executable, script, "--out", folder], check=True, capture_output=True)
    return folder


def test_every_sample_is_known_and_described() -> None:
    """The folder holds the samples tested here and a README that names each with its number of lines."""
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert {file.name for file in SAMPLES.iterdir()} == {*SIMULATED, *PUBLISHED, "README.md"}
    for name in SIMULATED + PUBLISHED:
        lines = read(SAMPLES / name).count("\n")
        assert f"| `{name}` | {lines:,} |" in readme


@every_sample
def test_ipv4_addresses_belong_to_nobody(name: str) -> None:
    """An IPv4 address anywhere in a line is a documentation, private or loopback one."""
    strangers = {
        address
        for address in ipv4_in(read(SAMPLES / name))
        if not any(address in network for network in DOCUMENTATION) and not address.is_private
    }
    assert strangers == set()


@every_sample
def test_ipv6_addresses_belong_to_nobody(name: str) -> None:
    """An IPv6 address anywhere in a line is a documentation or loopback one."""
    strangers = {
        address
        for address in ipv6_in(read(SAMPLES / name))
        if address not in DOCUMENTATION_IPV6 and not address.is_loopback
    }
    assert strangers == set()


@every_sample
def test_no_name_spells_an_address(name: str) -> None:
    """No host name carries an address with dashes, as providers' names of their customers' lines do."""
    assert NUMBERS_WITH_DASHES.findall(read(SAMPLES / name)) == []


@every_sample
def test_mailboxes_are_examples(name: str) -> None:
    """A mailbox, also percent-encoded, is at a domain that is reserved for examples."""
    domains = set(MAILBOX.findall(read(SAMPLES / name)))
    assert domains <= {"example.com", "example.net", "example.org"}


def test_the_scan_finds_addresses_and_spares_versions() -> None:
    """The rule that tells addresses from versions finds addresses wherever they hide."""
    line = (
        '8.8.8.8 - - "GET /x/9.9.9.9?u=%2F%2F7.7.7.7 HTTP/1.1" 200 1 "http://6.6.6.6/" '
        '"A (x; rv:1.9.0.8) B/4.0.2.0" "MGLNDD_5.5.5.5_443" "/4.4.4.4.7z"'
    )
    found = ["4.4.4.4", "5.5.5.5", "6.6.6.6", "7.7.7.7", "8.8.8.8", "9.9.9.9"]
    assert sorted(map(str, ipv4_in(line))) == found
    assert set(map(str, ipv6_in("[2A00::1]:443 10:05:03 +0000 2a01:cb00::2"))) == {"2a00::1", "2a01:cb00::2"}


@every_sample
def test_samples_are_made_again_alike(name: str, made_again: Path) -> None:
    """Making a sample again gives the same log, byte for byte."""
    if name in PUBLISHED and not PUBLISHED_LOGS.is_dir():
        pytest.skip("the published logs are not at hand")
    assert read(made_again / name) == read(SAMPLES / name)


def test_containers_hold_no_time() -> None:
    """The gzip header has no time stamp, so the same log is the same file."""
    assert (SAMPLES / "combined.log.gz").read_bytes()[4:8] == bytes(4)


def test_the_combined_sample_keeps_lines_and_visitors() -> None:
    """The combined sample has its 10,000 lines, 1,753 clients and one truncated line."""
    lines = read(SAMPLES / "combined.log.gz").splitlines()
    assert len(lines) == 10_000
    assert len({line.split(" ", 1)[0] for line in lines}) == 1_753
    assert [number for number, line in enumerate(lines, 1) if not line.endswith('"')] == [8_899]


def test_the_common_sample_keeps_its_line_ends() -> None:
    """Every line of the common sample ends in CR LF."""
    text = read(SAMPLES / "common.log")
    assert text.count("\n") == text.count("\r\n") == 500


def test_the_csv_sample_holds_no_cookie() -> None:
    """The cookie, last but one of the columns, is a dash in every line."""
    cookies = {line.rsplit(",", 2)[1] for line in read(SAMPLES / "apache_csv.log").splitlines()}
    assert cookies == {'"-"'}


@pytest.mark.parametrize("name", [name for name in SIMULATED if name.endswith(".jsonl")])
def test_json_samples_are_json(name: str) -> None:
    """Each line of a JSON sample is an object with a status, at whatever key the server puts it."""
    objects = [json.loads(line) for line in read(SAMPLES / name).splitlines()]
    assert all({"status", "DownstreamStatus"} & hit.keys() for hit in objects)


def test_the_public_service_lives_through_the_clock_change() -> None:
    """The night of 25 October 2026 has its hour from two to three twice, and the log is in order of time."""
    stamps = re.findall(r"\[(\d\d/Oct/2026:.{14})\]", read(SAMPLES / "public_service.log.xz"))
    times = [datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z") for stamp in stamps]
    offsets = Counter(stamp[-5:] for stamp in stamps if stamp.startswith("25/Oct/2026:02"))
    assert set(offsets) == {"+0200", "+0100"}
    assert times == sorted(times)
    assert times[-1] - times[0] > timedelta(days=13)


def generate(out: Path, seed: int) -> bytes:
    """Return what the benchmark's generator writes for a seed."""
    script = ROOT / "tests" / "benchmarks" / "generate.py"
    options = ["--lines", "20000", "--seed", str(seed), "--out", str(out)]
    subprocess.run([sys.executable, script, *options], check=True)
    return out.read_bytes()


def test_the_generator_is_repeatable(tmp_path: Path) -> None:
    """The same seed gives the same bytes, another seed others."""
    first, again, other = (generate(tmp_path / "log", seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_generator_keeps_its_shares(tmp_path: Path) -> None:
    """About 15 % of the lines are IPv6, 1 % are anomalies, and there are as many as were asked for."""
    lines = generate(tmp_path / "log", seed=3).decode("ascii").splitlines()
    ipv6 = sum(":" in line.split(" ", 1)[0] for line in lines)
    anomalies = sum("\\" in line or not line.endswith('"') for line in lines)
    assert len(lines) == 20_000
    assert 0.12 < ipv6 / len(lines) < 0.18
    assert 0.008 < anomalies / len(lines) < 0.012


def test_the_generator_writes_nearly_in_order(tmp_path: Path) -> None:
    """No line is more than nine seconds older than the newest line before it."""
    stamps = re.findall(r"\[(.{26})\]", generate(tmp_path / "log", seed=4).decode("ascii"))
    times = [datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z") for stamp in stamps]
    newest = itertools.accumulate(times, max)
    steps_back = [latest - moment for latest, moment in zip(newest, times, strict=True)]
    assert timedelta(0) < max(steps_back) <= timedelta(seconds=9)
