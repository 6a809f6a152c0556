"""Times logstats on one log in several forms, in turn, and prints the speed of each as a share of the plain one's.

    python tests/benchmarks/generate.py --lines 2000000 --seed 1 --out /tmp/access.log
    python tests/benchmarks/variants.py /tmp/access.log [RUNS]

The forms are made beside the log: gzip; JSON lines as nginx writes them; and combined with the request time behind it,
read by a pasted LogFormat. A line that does not read as combined is left as it is. Times are those of the whole
process, memory the peak of it.
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import calendar
import gzip
import json
import shutil
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from compare import Figures, measured  # type: ignore[import-not-found] # it lies beside this script

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D'
MONTHS = {name: number for number, name in enumerate(calendar.month_abbr)}


def main() -> None:
    """Prints a line for each form."""
    log = Path(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with TemporaryDirectory(dir=log.parent) as folder:
        forms = {
            "plain": [str(log)],
            "gzip": [str(compressed(log, Path(folder) / "log.gz"))],
            "JSON lines": [str(rewritten(log, Path(folder) / "log.jsonl", as_json))],
            "LogFormat": ["--format", FORMAT, str(rewritten(log, Path(folder) / "timed.log", with_time))],
        }
        figures: dict[str, list[Figures]] = {name: [] for name in forms}
        for _ in range(runs):
            for name, arguments in forms.items():
                command = [sys.executable, "-m", "logstats", "report", "--json", "-q", "--out", folder, *arguments]
                figures[name].append(measured(command))
    medians = {name: statistics.median(run.seconds for run in taken) for name, taken in figures.items()}
    for name, taken in figures.items():
        share = medians["plain"] / medians[name]
        print(f"{name:12} {medians[name]:8.2f} s {share:6.0%} {max(run.megabytes for run in taken):8,.0f} MB")


def compressed(log: Path, out: Path) -> Path:
    """Compresses a log as logrotate does."""
    with log.open("rb") as plain, gzip.open(out, "wb", compresslevel=6) as file:
        shutil.copyfileobj(plain, file)
    return out


def rewritten(log: Path, out: Path, form: Callable[[str], str]) -> Path:
    """Writes a log in another form."""
    with log.open(encoding="ascii", errors="replace") as plain, out.open("w", encoding="ascii") as file:
        file.writelines(form(line.rstrip("\n")) + "\n" for line in plain)
    return out


def with_time(line: str) -> str:
    """Adds a request time that depends on the line."""
    return f"{line} {200 + sum(map(ord, line[:40])) * 37 % 90_000}" if line.endswith('"') else line


def as_json(line: str) -> str:
    """Writes a line as nginx does with escape=json and a common set of keys."""
    parts = line.split('"')
    if len(parts) != 7:  # three quoted columns
        return line
    head, request, answer, referrer, _, agent, _ = parts
    client, _, _, day, zone, *_ = head.split(" ")
    date, clock = day[1:].split(":", 1)
    number, month, year = date.split("/")
    status, size = answer.split()
    time = f"{year}-{MONTHS[month]:02}-{number}T{clock}{zone[:3]}:{zone[3:5]}"
    return json.dumps({
        "time_iso8601": time, "remote_addr": client, "request": request, "status": int(status),
        "body_bytes_sent": 0 if size == "-" else int(size), "http_referer": referrer, "http_user_agent": agent,
    })  # fmt: skip


if __name__ == "__main__":
    main()
