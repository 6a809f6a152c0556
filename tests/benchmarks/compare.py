"""Times logstats and GoAccess on the same file, in turn, and prints lines a second, memory and the ratio of medians.

    apt-get install goaccess
    python tests/benchmarks/generate.py --lines 2000000 --seed 1 --out /tmp/access.log
    python tests/benchmarks/compare.py /tmp/access.log FILE.mmdb [RUNS]

Both look up countries: logstats in its own table, GoAccess in FILE.mmdb. GoAccess writes its JSON report, logstats its
own and the Parquet tables. `wc -l` shows what reading alone costs. Times are those of the whole process.
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

FORMAT = "COMBINED"


class Figures(NamedTuple):
    """What a run took.

    Attributes:
        seconds: Wall time.
        megabytes: Peak memory of the largest process.
    """

    seconds: float
    megabytes: float


def main() -> None:
    """Prints a line for each program, and the ratios."""
    log, database = Path(sys.argv[1]), sys.argv[2]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    with log.open("rb") as file:
        lines = sum(1 for _ in file)
    with TemporaryDirectory() as folder:
        commands = {
            "wc -l": ["wc", "-l", str(log)],
            "logstats": [sys.executable, "-m", "logstats", "report", "--json", "-q", "--out", folder, str(log)],
            "goaccess": [
                "goaccess", str(log), f"--log-format={FORMAT}", f"--geoip-database={database}",
                "--no-progress", "-o", f"{folder}/goaccess.json",
            ],
        }  # fmt: skip
        figures: dict[str, list[Figures]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                figures[name].append(measured(command))
    medians = {name: statistics.median(run.seconds for run in taken) for name, taken in figures.items()}
    for name, taken in figures.items():
        memory = max(run.megabytes for run in taken)
        print(f"{name:10} {medians[name]:8.2f} s {lines / medians[name]:14,.0f} lines/s {memory:8,.0f} MB")
    print(f"logstats is {medians['goaccess'] / medians['logstats']:.1f} times as fast as goaccess")
    print(f"and takes {medians['logstats'] / medians['wc -l']:.0f} times as long as wc -l")


def measured(command: list[str]) -> Figures:
    """Runs a command; its output is thrown away."""
    start = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{command[0]} failed")
    return Figures(time.perf_counter() - start, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
