"""What the layout promises: who imports whom, what `re` never sees, and that the start is quick and quiet."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import logstats

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "logstats"
STAGES: Final = {"read", "parse", "derive", "visits", "cells", "protect", "release", "store"}
COMMON: Final = {"ahead", "codes", "distinct", "errors", "histogram", "ordering", "schema"}
"""What every stage may import beside its own folder."""

ALSO: Final = {
    ("derive", "lists"): "lists are data: bots, devices and referrers with their dates",
    ("derive", "config"): "the rules of the site decide what a request is; for the type checker only",
    ("parse", "read"): "lines come as read gives them; for the type checker only",
    ("store", "tally"): "a commit takes the account of its lines, and a reading adds up those that it keeps",
    ("store", "read"): "a reading gives the blocks of an input that are new, and what is damaged after them",
    ("store", "parquet"): "parts are written as every Parquet file is: complete or not at all",
    ("visits", "config"): "the site says what no person reaches; for the type checker only",
}
WIRING: Final = {
    ("pipeline", stage): "the pipeline is the one place that wires stages"
    for stage in STAGES - {"store", "protect", "release"}
} | {
    ("pipeline", "store"): "closing takes its hits from the store that the run was given; for the type checker only",
    ("runs", "read"): "a run opens the inputs that the command line names",
    ("runs", "cells"): "it puts the cells of its days together",
    ("runs", "derive"): "it is given the rules and the country table; for the type checker only",
    ("runs", "store"): "it reads inputs as a store knows them",
    ("explain", "read"): "explain walks one line through the stages and shows what each makes of it",
    ("explain", "parse"): "the same",
    ("explain", "derive"): "the same",
    ("explain", "visits"): "the same: which feature and which step of a funnel the line is",
    ("releasing", "protect"): "releasing is the pipeline from cells to what the public sees",
    ("releasing", "release"): "the same",
    ("releasing", "store"): "what is published is frozen in the ledger",
    ("releasing", "derive"): "it names the country database; for the type checker only",
    ("page", "release"): "the page is made of releases, which it verifies, and names their tables",
    ("", "store"): "the public function reads the cells of a store",
    ("cli", "read"): "files are opened at the end of the line, and the command line is that end",
    ("cli", "store"): "the command line decides which store a run has",
    ("cli", "derive"): "it hands the rules and the country table to the pipeline",
    ("console", "read"): "it gives the progress bar its inputs; for the type checker only",
    ("progress", "read"): "the same",
    ("checks", "parse"): "a check reads the last lines of each log as a run would",
    ("checks", "read"): "the same",
    ("checks", "derive"): "it tells which hosts are the site's own, as a run does",
    ("checks", "store"): "it looks into the store without touching it",
    (
        "discover",
        "parse",
    ): "a server's format string is one that has a name, or is compiled to see whether it can be used",
    ("geodata", "derive"): "it writes the country tables that derive reads, and shares their layout",
    ("tally", "read"): "the outline of a rejected line needs its text; for the type checker only",
    ("publish", "derive"): "a registered URL is found by the page that its path becomes there",
    (
        "publish",
        "release",
    ): "a release is verified before it is published, and its tables have the order of the catalogue",
    ("publish", "store"): "the Commission's file is made of closed days, and the ledger keeps what was sent",
    ("summary", "derive"): "it names the country database; for the type checker only",
}

WITHOUT_RE: Final = {"re", "regex", "sre_compile", "fnmatch"}

# Compiled patterns are all made by `_sre.compile`. This replaces it before anything has imported `re`, so that each
# pattern of the process, whoever compiles it, tells what it is asked to look at. The check that no pattern was there
# before, and that the watch has seen something, make the silence worth something.
WATCH: Final = """
import sys, gc
assert "re" not in sys.modules, "re was imported before the watch began"
import _sre
made = _sre.compile
seen = []

def told(value, who):
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = bytes(value).decode("latin-1")
    if isinstance(value, str):
        seen.append((value, who))

class Pattern:
    __slots__ = ("_real",)
    def __init__(self, real):
        self._real = real
    def __getattr__(self, name):
        value = getattr(self._real, name)
        if not callable(value):
            return value
        def watched(*arguments, **named):
            frame = sys._getframe(1)
            who = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
            for argument in (*arguments, *named.values()):
                told(argument, who)
            return value(*arguments, **named)
        return watched
    def __hash__(self):
        return hash(self._real)
    def __eq__(self, other):
        return self._real == getattr(other, "_real", other)

_sre.compile = lambda *arguments: Pattern(made(*arguments))
import re
re.Pattern = Pattern
real = type(made("", 0, [1], 0, {}, ()))
assert not [thing for thing in gc.get_objects() if type(thing) is real], "a pattern escaped the watch"

from logstats.cli import main
sys.argv = ["logstats", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
sys.stdout.flush()
marks = ("zqxj", "203.0.113.87", "2001:db8::87", "22/oct/2025", "2025-10-22")
found = sorted({(who, text[:60]) for text, who in seen if any(mark in text.lower() for mark in marks)})
print("PATTERNS LOOKED AT", len(seen), file=sys.stderr)
print("LOG CONTENT", found, file=sys.stderr)
"""


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name without the package's."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path) -> set[str]:
    """Return the dotted names that a module imports, wherever in it, those for the type checker included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_parts(path: Path) -> set[str]:
    """Return the folders and modules at the top of the package that a module imports."""
    parts = {name.split(".")[1] for name in imports_of(path) if name.startswith("logstats.")}
    return {part for part in parts if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file()}


def run(*arguments: str, script: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python without site packages' start-up code, but with the same path."""
    command = [sys.executable, "-S", *(("-c", script) if script else ()), *arguments]
    path = os.pathsep.join(entry for entry in (str(ROOT), *sys.path) if entry)
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_imports_the_vocabulary_the_errors_and_itself(stage: str) -> None:
    """A stage never imports another stage: only the pipeline knows what comes before and after it."""
    allowed = COMMON | {stage} | {part for user, part in ALSO if user == stage}
    for name, path in modules().items():
        if name.split(".")[0] == stage:
            assert own_parts(path) <= allowed, name


def test_only_the_pipeline_wires_stages() -> None:
    """Whoever else imports a stage stands in the table above with a reason; and the table holds nothing more."""
    found = {
        (name.split(".")[0], part)
        for name, path in modules().items()
        for part in own_parts(path) & STAGES
        if name.split(".")[0] not in STAGES
    }
    assert found == set(WIRING)


def test_the_vocabulary_and_the_errors_import_nothing_of_ours() -> None:
    """schema.py and errors.py are at the bottom."""
    known = modules()
    assert own_parts(known["schema"]) == own_parts(known["errors"]) == set()


@pytest.mark.parametrize("stage", sorted(STAGES | {"lists"}))
def test_stages_do_not_import_re(stage: str) -> None:
    """Python's `re` never sees log content: no stage has it, nor what is built on it."""
    for name, path in modules().items():
        if name.split(".")[0] == stage:
            assert not {imported.split(".")[0] for imported in imports_of(path)} & WITHOUT_RE, name


@pytest.mark.parametrize("options", (["report"], ["report", "--json"], ["explain"]), ids=" ".join)
def test_no_regular_expression_of_python_sees_log_content(options: list[str], tmp_path: Path) -> None:
    """Every pattern of the process is watched: none is asked about a line or a part of one."""
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 Zqxj/1.0"
    line = (
        '{client} - zqxjuser [22/Oct/2025:10:00:00 +0200] "GET /zqxj/{path} HTTP/1.1" 200 5 "https://{ref}/" "{agent}"'
    )
    lines = [
        line.format(client=client, path=path, ref=ref, agent=agent)
        for client in ("203.0.113.87", "2001:db8::87")
        for path in ("a", "b.pdf", "c?zqxj=1", "%7a%71%78%6a/../d", "dossier/48213")
        for ref in ("zqxj.example", "zqxj.gouv.fr", "zqxj.co.uk")
    ]
    lines += ["zqxj: no access line", lines[0][:70]]
    log = tmp_path / "log"
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    what = [lines[0]] if options[0] == "explain" else [str(log)]
    done = run(*options, *what, script=WATCH)
    *_, looked_at, content = done.stderr.splitlines()
    assert int(looked_at.rpartition(" ")[2]) > 0, done.stderr
    assert content == "LOG CONTENT []"
    assert "zqxj" in done.stdout


def test_the_watch_finds_what_it_looks_for() -> None:
    """The watch of the test above is worth something: a pattern that is asked about a line is found."""
    spy = WATCH.replace("    main()\n", '    re.search("x+y", "GET /zqxj HTTP/1.1")\n')
    assert spy != WATCH
    done = run("report", script=spy)
    assert "LOG CONTENT [('__main__'" not in done.stderr  # the caller is `re` itself
    assert "GET /zqxj HTTP/1.1" in done.stderr


def test_the_public_surface_is_exact() -> None:
    """`logstats` exports its version and nothing else."""
    assert logstats.__all__ == ["__version__", "read_cells"]
    public = {name for name in vars(logstats) if not name.startswith("_")}
    folders = {path.stem for path in PACKAGE.iterdir()}
    assert public <= folders | {"annotations", "Final", "Path", "TYPE_CHECKING", "read_cells"}


@pytest.mark.parametrize("name", sorted(name for name in modules() if name not in ("", "__main__")))
def test_what_a_module_exports_is_there(name: str) -> None:
    """Every name in `__all__` exists."""
    module = __import__(f"logstats.{name}", fromlist=["_"])
    assert all(hasattr(module, exported) for exported in getattr(module, "__all__", []))


def test_version_is_quick(logstats_version: subprocess.CompletedProcess[str]) -> None:
    """`--version` does not load polars, pyarrow or numpy."""
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in logstats_version.stderr.splitlines()}
    assert "click" in loaded
    heavy = loaded & {"polars", "pyarrow", "numpy", "maxminddb", "publicsuffixlist", "jsonschema", "urllib3"}
    assert heavy == set()


def test_version_is_quiet(logstats_version: subprocess.CompletedProcess[str]) -> None:
    """`--version` says one line, and says nothing beside it."""
    assert logstats_version.stdout == f"logstats {logstats.__version__}\n"
    assert all(line.startswith("import time:") for line in logstats_version.stderr.splitlines())
    assert logstats_version.returncode == 0


@pytest.fixture(scope="module")
def logstats_version() -> subprocess.CompletedProcess[str]:
    """Return what `--version` printed, and which modules it loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "logstats", "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
