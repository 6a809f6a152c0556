"""Times `logstats report` with 50 features and 10 funnels and without any, in turn, and prints the ratio of medians.

    python tests/benchmarks/generate.py --lines 2000000 --seed 1 --out /tmp/access.log
    python tests/benchmarks/bench_features.py /tmp/access.log [RUNS]

The features and the steps are pages of the sample that the log was drawn from, the most viewed first, so that they do
occur: a pattern that never fits costs next to nothing. A funnel has four steps, one of them optional; three have a time
limit. Times are those of the whole process, on the clock and of the processor. Fails when the ratio is above 1.3.
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import polars as pl

from logstats import config, geodata, runs
from logstats.derive import Knowledge
from logstats.read import open_source
from logstats.store import ThrowawayStore

FEATURES, FUNNELS, STEPS = 50, 10, 4
MOST = 1.3
SAMPLE = Path(__file__).resolve().parents[2] / "sample_logs" / "combined.log.gz"


class Spent(NamedTuple):
    """What a run took, in seconds: on the clock, and of the processor, which a busy machine disturbs less."""

    clock: float
    processor: float


def main() -> None:
    """Prints the medians of both, their ratio, and what was found."""
    log = sys.argv[1]
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with TemporaryDirectory() as folder:
        configured, bare = Path(folder, "features.toml"), Path(folder, "bare.toml")
        configured.write_text(configuration(pages()), "utf-8")
        bare.write_text("", "utf-8")
        taken: dict[Path, list[Spent]] = {bare: [], configured: []}
        figures: dict[str, Any] = {}
        for _ in range(runs):
            for file, seconds in taken.items():
                spent, figures = report(log, file)
                seconds.append(spent)
    used = sum(bool(feature["views"]) for feature in figures["features"])
    begun = sum(bool(funnel["visits"]) for funnel in figures["funnels"])
    print(f"{figures['lines']['total']:,} lines, {figures['visits']:,} visits, {runs} runs in turn")
    print(f"{used} of {len(figures['features'])} features used, {begun} of {len(figures['funnels'])} funnels begun")
    ratios = []
    for place, name in enumerate(Spent._fields):
        without, with_all = (statistics.median(spent[place] for spent in taken[file]) for file in (bare, configured))
        ratios.append(with_all / without)
        print(f"{name:10} without {without:6.2f} s, with {with_all:6.2f} s, ratio of medians {ratios[-1]:.3f}")
    sys.exit(max(ratios) > MOST)


def report(log: str, file: Path) -> tuple[Spent, dict[str, Any]]:
    """Runs a report; gives what it took and its figures."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "logstats", "report", "--json", "-q", "--config", str(file), log]
    done = subprocess.run(command, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(time.perf_counter() - start, processor), json.loads(done.stdout)


def pages() -> list[str]:
    """Gives the pages of the sample, the most viewed first."""
    knowledge = Knowledge(config.load(environment={}), geodata.open_table(None, geodata.cache_directory()))
    with ThrowawayStore() as store:
        cells = runs.report([open_source(str(SAMPLE))], runs.Run(knowledge, store)).cells
    ranked = cells["pages"].group_by("page").agg(pl.col("views").sum()).sort("views", "page", descending=[True, False])
    return [page for page in ranked["page"] if set(page) <= set("abcdefghijklmnopqrstuvwxyz0123456789/-_")]


def configuration(known: list[str]) -> str:
    """Writes features and funnels for pages; the funnels share pages, as those of a real site do."""
    lines = []
    for number, page in enumerate(known[:FEATURES]):
        lines += ["[[feature]]", f'name = "Feature {number}"', f"paths = ['^{page}$', '^/never/{number}/']"]
    for number in range(FUNNELS):
        lines += ["[[funnel]]", f'name = "Funnel {number}"', f"minutes = {60 if number < 3 else 0}", "steps = ["]
        for step in range(STEPS):
            page = known[(3 * number + 5 * step) % FEATURES]
            optional = "true" if step == 1 else "false"
            lines.append(f"  {{ name = \"{step}\", paths = ['^{page}$'], optional = {optional} }},")
        lines.append("]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
