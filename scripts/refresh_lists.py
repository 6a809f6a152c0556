r"""Renew `logstats/lists/bots.toml` from the npm package isbot (for maintainers).

    python scripts/refresh_lists.py [VERSION]

isbot's patterns are JavaScript. Three things differ in Rust, whose expressions polars runs:

1. `[\w\d-.]` is no valid class: the hyphen is escaped.
2. JavaScript's `\w` and `\b` know ASCII only, and so do ours (`logstats/lists/match.py`). A negated class
   must still accept a whole character: `[^g]` becomes `(?u:[^g])`.
3. There is no look-around, because it would end linear time. Each such pattern has a hand-made pair below: a
   text contains it when `pattern` is still found after every `exception` was blanked out. A pattern with
   look-around that has no pair stops the script: make one, and check it against isbot itself.

The other lists are written by hand.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

BOTS_FILE = Path(__file__).parent.parent / "logstats" / "lists" / "bots.toml"

PATTERNS_START = "var patterns_default = "
LOOK_AROUNDS = ("(?=", "(?!", "(?<=", "(?<!")
NEGATED_CLASS = re.compile(r"\[\^[^\]]*\]")

# isbot's pattern -> (pattern, exception), both without look-around.
REWRITTEN = {
    "(?:^|[^g])news(?!sapphire)": ("(?:^|[^g])news", "newssapphire"),
    "(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))": (
        "google",
        " channel/google(?:/google)*|google(?:/google)+|google(?:wv|app| pixel)",
    ),
    r"(?<! cu)bots?(?:\b|_)": (r"bots?(?:\b|_)", " cubots?"),
    "(?<!cam)scan": ("scan", "camscan"),
    "(?<!lib)http": ("http", "libhttp"),
    "java(?!;)": ("java", "java;"),
}

HEADER = """\
# Robots that name themselves: the patterns of the npm package isbot, looked up last, after the lists of
# assistants, crawlers, monitors and tools. Made by scripts/refresh_lists.py; do not edit by hand.
# Case does not matter; \\w, \\d and \\b mean ASCII. `exception` stands for a look-around that Rust does not
# have: a text contains the pattern when it is still found after every exception was blanked out.
date = {date}
version = "{version}"
source = "npm package isbot {version}, https://github.com/omrilotan/isbot"
licence = "Unlicense"
entries = [
"""


class UnknownLookAroundError(Exception):
    """Raised when isbot has a new pattern with look-around that nobody has rewritten yet."""


def convert(pattern: str) -> dict[str, str]:
    """Turn one of isbot's patterns into an entry of our list.

    Returns:
        The entry: `pattern`; with `name` (isbot's own pattern) and `exception` where it had to be rewritten.

    Raises:
        UnknownLookAroundError: the pattern needs a pair in `REWRITTEN`.
    """
    if pattern in REWRITTEN:
        positive, exception = REWRITTEN[pattern]
        return {"name": pattern, "pattern": rust(positive), "exception": rust(exception)}
    if any(look_around in pattern for look_around in LOOK_AROUNDS):
        raise UnknownLookAroundError(pattern)
    return {"pattern": rust(pattern)}


def rust(pattern: str) -> str:
    """Write a JavaScript pattern without look-around as Rust reads it."""
    hyphen_escaped = pattern.replace(r"[\w\d-.]", r"[\w\d\-.]")
    return NEGATED_CLASS.sub(lambda negated: f"(?u:{negated.group()})", hyphen_escaped)


def toml_line(entry: dict[str, str]) -> str:
    """Write an entry as one line; literal strings keep every backslash as it is."""
    fields = ", ".join(f"{key} = '{value}'" for key, value in entry.items())
    return f"  {{ {fields} }},\n"


def download(version: str, folder: Path) -> Path:
    """Fetch the package with npm into a folder."""
    command = ["npm", "pack", f"isbot@{version}", "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("isbot-*.tgz"))


def published_on(version: str) -> str:
    """Ask npm for the day on which a version was published, as YYYY-MM-DD."""
    answer = subprocess.run(["npm", "view", "isbot", "time", "--json"], check=True, capture_output=True)
    times: dict[str, str] = json.loads(answer.stdout)
    return times[version][: len("YYYY-MM-DD")]


def read_package(package: Path) -> tuple[str, list[str]]:
    """Read version and patterns from the package's files."""
    with tarfile.open(package) as archive:
        manifest: dict[str, Any] = json.loads(read_member(archive, "package/package.json"))
        module = read_member(archive, "package/index.mjs")
    start = module.index(PATTERNS_START) + len(PATTERNS_START)
    patterns, _ = json.JSONDecoder().raw_decode(module, start)
    return manifest["version"], patterns


def read_member(archive: tarfile.TarFile, name: str) -> str:
    """Read one text file of an archive."""
    member = archive.extractfile(name)
    if member is None:
        raise FileNotFoundError(name)
    return member.read().decode()


def main() -> None:
    """Fetch, convert, write, and say what was done."""
    parser = argparse.ArgumentParser(description="Renew logstats/lists/bots.toml from the npm package isbot.")
    parser.add_argument("version", nargs="?", default="latest", help="version of isbot (default: latest)")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        version, patterns = read_package(download(options.version, Path(folder)))
    header = HEADER.format(version=version, date=published_on(version))
    lines = [toml_line(convert(pattern)) for pattern in patterns]
    BOTS_FILE.write_text(header + "".join(lines) + "]\n", encoding="utf-8")
    print(f"{BOTS_FILE.name}: isbot {version}, {len(patterns)} patterns")


if __name__ == "__main__":
    main()
