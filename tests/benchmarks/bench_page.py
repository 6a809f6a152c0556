"""Render the statistics page of 36 months: at most 2 s, once the releases are read and verified.

.venv/bin/python tests/benchmarks/bench_page.py [MONTHS]
"""

# ruff: noqa: T201 - a script talks by printing

from __future__ import annotations

import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from logstats import folders
from logstats.page.reading import months_of, read
from logstats.page.site import site
from logstats.page.write import write
from tests.page.conftest import INDICATORS, page_rules
from tests.page.generate import release_months


def main() -> None:
    """Measure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 36
    with TemporaryDirectory() as folder:
        made = release_months(Path(folder), "2026-10", count, days=3)
        times = [time.perf_counter()]
        published = read([(str(path), folders.read(path)) for path in made])
        times.append(time.perf_counter())
        files = site(months_of(published, "demarches"), page_rules(), INDICATORS, {})
        times.append(time.perf_counter())
        write(files, Path(folder, "out"))
        times.append(time.perf_counter())
    verified, rendered, written = (after - before for before, after in pairwise(times))
    pages = [len(data) for name, data in files.items() if name.endswith(".html")]
    print(f"{count} months: read and verify {verified:.2f} s, render {rendered:.2f} s, write {written:.2f} s")
    whole = sum(map(len, files.values()))
    print(f"{len(files)} files, {len(pages)} pages, heaviest {max(pages):,} bytes, all {whole:,} bytes")


if __name__ == "__main__":
    main()
