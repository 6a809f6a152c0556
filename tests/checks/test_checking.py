"""`logstats check`: what it finds, that it touches nothing, and its exit codes."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pytest

from logstats import checks, config
from logstats.checks import machine
from logstats.checks.anomalies import missing_days, odd_months
from logstats.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    Program = Callable[..., subprocess.CompletedProcess[str]]

FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def line(moment: datetime, path: str = "/", client: str = "192.0.2.7") -> str:
    """Write an access line."""
    return f'{client} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" 200 5 "-" "{FIREFOX}"\n'


def now() -> datetime:
    """Give the time; the program that is tested has the same clock."""
    return datetime.now(UTC)


@pytest.fixture
def setting(tmp_path: Path) -> Path:
    """Return a folder with a log of the last hour and a configuration that names it."""
    (tmp_path / "logs").mkdir()
    lines = [line(now() - timedelta(minutes=i), f"/page{i}") for i in range(60, 0, -1)]
    (tmp_path / "logs" / "access.log").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "logstats.toml").write_text('[input]\nlogs = ["logs/access.log*"]\n', encoding="utf-8")
    return tmp_path


def results_of(
    logstats: Program, setting: Path, *options: str | Path, code: int = 0, store: bool = True
) -> dict[str, dict[str, str]]:
    """Run the check; return each result by its name."""
    named = ("--store", setting / "store") if store else ()
    done = logstats("check", "--config", setting / "logstats.toml", "--json", *named, *options)
    assert done.returncode == code, (done.stdout, done.stderr)
    return {one["name"]: one for one in json.loads(done.stdout)["checks"]}


def ingest(logstats: Program, setting: Path, *options: str | Path) -> None:
    """Count the log into the store."""
    done = logstats("ingest", "--config", setting / "logstats.toml", "--store", setting / "store", *options)
    assert done.returncode == 0, done.stderr


def everything(*folders: Path) -> dict[str, tuple[int, int, int, int]]:
    """Return the size, mode, change and modification time of all files and folders."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return {str(p): (s.st_size, s.st_mode, s.st_ctime_ns, s.st_mtime_ns) for p in paths for s in (p.lstat(),)}


def test_all_is_well(logstats: Program, setting: Path) -> None:
    """Nothing fails; the log, the store and the figures were looked at."""
    ingest(logstats, setting)
    found = results_of(logstats, setting)
    assert found["log logs/access.log*"]["text"].endswith("combined reads 100.0% of its last 60 lines")
    assert {"store", "last run", "open days", "keys", "months", "missing days", "rejected lines"} <= set(found)
    assert {"configuration", "format", "time zone", "clock", "lists", "free space", "country database"} <= set(found)
    assert {name: one for name, one in found.items() if one["state"] == "error"} == {}


def test_an_empty_folder_waits_for_the_first_run(logstats: Program, setting: Path) -> None:
    """The package and the unit make the folder of the store; until something is counted, that is as it should be."""
    (setting / "store").mkdir(mode=0o700)
    found = results_of(logstats, setting)["store"]
    assert (found["state"], found["next"]) == ("ok", "the first `logstats ingest` makes the store")


@pytest.mark.parametrize("options", ((), ("--json",), ("--strict",)))
def test_it_touches_nothing(options: tuple[str, ...], logstats: Program, setting: Path) -> None:
    """No file or folder is made, changed or touched: in the store, beside the log, in home and cache and temporary."""
    ingest(logstats, setting, "--close")
    shutil.copytree(setting / "store", setting / "not-ours")
    home, temporary = Path(os.environ["HOME"]), setting / "tmp"
    temporary.mkdir()
    before = everything(setting, home)
    for name in ("store", "not-ours", "no-store"):
        logstats(
            *("check", "--config", setting / "logstats.toml", "--store", setting / name, *options),
            environment={"TMPDIR": str(temporary)},
        )
    assert everything(setting, home) == before


def test_it_opens_nothing_for_writing(logstats: Program, setting: Path) -> None:
    """By the calls that the system sees: nothing is opened to be written, made, renamed, removed, or locked alone."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    ingest(logstats, setting, "--close")
    trace = setting.with_name(f"{setting.name}-trace")
    calls = "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,symlink,truncate,ftruncate"
    calls += ",chmod,fchmod,fchmodat,chown,utimensat,fallocate,mknod"
    command = [strace, "-f", "-qq", "-e", f"trace={calls}", "-o", str(trace)]
    command += [sys.executable, "-B", "-m", "logstats", "check"]
    command += ["--config", str(setting / "logstats.toml"), "--store", str(setting / "store")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("strace may not trace here")
    assert "keys: 0 alive" in done.stdout
    seen = trace.read_text("utf-8", "replace").splitlines()
    opened = [row for row in seen if "open" in row and str(setting / "store") in row]
    assert opened
    harmless = ("O_RDONLY", "= -1 ", '"/dev/', " syscall_", "resumed>", "+++", "---")  # a call that strace cannot name
    assert [row for row in seen if not any(mark in row for mark in harmless)] == []


def test_a_database_is_not_expanded(logstats: Program, setting: Path, tmp_path: Path) -> None:
    """The age of a .mmdb is read in place: the cache stays as it is. One that is none is an error of configuration."""
    (tmp_path / "x.mmdb").write_bytes(b"no database")
    with (setting / "logstats.toml").open("a", encoding="utf-8") as file:
        file.write('[geo]\ndatabase = "x.mmdb"\n')
    before = everything(Path(os.environ["HOME"]))
    found = results_of(logstats, setting, code=78, store=False)
    assert found["country database"]["state"] == "error"
    assert everything(Path(os.environ["HOME"])) == before


def test_an_interrupted_run_is_left_to_the_next_one(logstats: Program, setting: Path) -> None:
    """A journal of SQLite beside the ledger would be worked off by whoever opens it; the check does not open it."""
    ingest(logstats, setting)
    (setting / "store" / "ledger.sqlite-journal").write_bytes(b"x" * 512)
    (setting / "store" / "ledger.sqlite-journal").chmod(0o600)
    before = everything(setting)
    found = results_of(logstats, setting)
    assert found["store"]["state"] == "warning"
    assert "next run puts it right" in found["store"]["next"]
    assert everything(setting) == before


def test_strict_and_quiet(logstats: Program, setting: Path) -> None:
    """A warning is 0, with --strict 1; with -q only what is not ok is printed."""
    arguments = ("check", "--config", setting / "logstats.toml")  # no store is named: a warning
    assert logstats(*arguments).returncode == 0
    done = logstats(*arguments, "--strict", "-q")
    assert done.returncode == 1
    assert done.stdout.startswith(("warning country database", "warning store"))
    assert not any(row.startswith("ok") for row in done.stdout.splitlines())
    assert done.stderr == ""


def test_a_wrong_configuration_is_a_result(logstats: Program, setting: Path) -> None:
    """With --json, monitoring gets an object even then."""
    (setting / "logstats.toml").write_text("[privacy]\nid_bit = 3\n", encoding="utf-8")
    [one] = results_of(logstats, setting, code=78).values()
    assert one["state"] == "error"
    assert "logstats.toml:2: privacy.id_bit: is no key" in one["text"]
    assert one["next"] == "did you mean id_bits?"


@pytest.mark.parametrize(
    ("text", "code", "state", "words"),
    (
        (None, 66, "error", "no such file"),
        ("", 0, "ok", "all empty so far"),
        ("no access line\n" * 50, 65, "error", "100% of its last 50 lines cannot be read (unknown_format)"),
        (line(datetime(2025, 1, 1, tzinfo=UTC)) * 3, 0, "warning", "its last line is of 2025-01-01"),
        (line(now(), client="10.0.0.1") * 9 + line(now()), 0, "warning", "90% of its last requests come from private"),
        (line(now()).rpartition(' "-" ')[0] + "\n", 0, "warning", "no user agent"),
        (line(now() + timedelta(days=2)) * 9, 65, "error", "cannot be read (future)"),
        ("2026/11/22 08:00:00 [error] 1#1: *1 open() failed\n" * 9, 65, "error", "it looks like an nginx error log"),
    ),
)
def test_logs(text: str | None, code: int, state: str, words: str, logstats: Program, setting: Path) -> None:
    """Each thing that may be wrong with a log has its result and exit code; none of its content is shown."""
    log = setting / "logs" / "access.log"
    if text is None:
        log.unlink()
    else:
        log.write_text(text, encoding="utf-8")
    one = results_of(logstats, setting, code=code)["log logs/access.log*"]
    assert one["state"] == state
    assert words in one["text"]
    assert "10.0.0.1" not in str(one)
    assert bool(one.get("next")) == (state != "ok")


def test_a_large_and_a_compressed_log(logstats: Program, setting: Path) -> None:
    """The end of a large log is looked at, not all of it; a compressed one is read from its front."""
    log = setting / "logs" / "access.log"
    log.write_text("no access line\n" * 200_000 + line(now()) * 5_000, encoding="utf-8")
    text = results_of(logstats, setting)["log logs/access.log*"]["text"]
    assert "combined reads 100.0% of its last 1," in text or "combined reads 100.0% of its last 2," in text
    log.write_text(line(now()) * 10, encoding="utf-8")
    (setting / "logs" / "access.log.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    assert "of its last 10 lines" in results_of(logstats, setting)["log logs/access.log*"]["text"]


def test_sites_that_the_log_cannot_tell_apart(logstats: Program, setting: Path) -> None:
    """Several sites, and lines that name no host: every request would be excluded."""
    with (setting / "logstats.toml").open("a", encoding="utf-8") as file:
        for name in ("a", "b"):
            file.write(f'[[site]]\nname = "{name}"\nhosts = ["{name}.example"]\n')
    one = results_of(logstats, setting, code=65)["log logs/access.log*"]
    assert "does not say for which of the 2 sites" in one["text"]


def test_hosts_that_no_site_has(logstats: Program, setting: Path) -> None:
    """Requests for hosts that are not configured are excluded: when most are, somebody should know."""
    log = setting / "logs" / "access.log"
    hosts = ("www.example.org", "shop.example.org", "SHOP.example.org", "www.example.net")
    log.write_text("".join(f"{host}:443 {line(now())}" for host in hosts), encoding="utf-8")
    with (setting / "logstats.toml").open("a", encoding="utf-8") as file:
        file.write('[[site]]\nname = "a"\nhosts = ["www.example.org"]\n')
    one = results_of(logstats, setting)["log logs/access.log*"]
    assert (one["state"], "75% of its last requests are for hosts that no" in one["text"]) == ("warning", True)
    text = (setting / "logstats.toml").read_text("utf-8").replace("www.", "*.")
    (setting / "logstats.toml").write_text(text, encoding="utf-8")
    assert results_of(logstats, setting)["log logs/access.log*"]["state"] == "ok"


def test_proxies(logstats: Program, setting: Path) -> None:
    """With trusted_proxies and X-Forwarded-For in the log, private clients are what they should be."""
    log = setting / "logs" / "access.log"
    log.write_text(line(now(), client="10.0.0.1").replace("\n", ' "192.0.2.1"\n'), encoding="utf-8")
    assert results_of(logstats, setting)["log logs/access.log*"]["state"] == "warning"
    text = (setting / "logstats.toml").read_text("utf-8")
    (setting / "logstats.toml").write_text('trusted_proxies = ["10.0.0.0/8"]\n' + text, encoding="utf-8")
    assert results_of(logstats, setting)["log logs/access.log*"]["state"] == "ok"
    log.write_text(line(now(), client="10.0.0.1"), encoding="utf-8")
    assert results_of(logstats, setting)["log logs/access.log*"]["state"] == "warning"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_whose_store_it_is(logstats: Program, setting: Path) -> None:
    """Root, who sees more than the owner, is told so, and all else is checked; another user is refused."""
    ingest(logstats, setting)
    for path in (setting / "store", *(setting / "store").rglob("*")):
        os.chown(path, 12_345, 12_345)
    found = results_of(logstats, setting)
    assert (found["store"]["state"], "keys" in found) == ("ok", True)  # the later result of that name
    done = logstats("check", "--config", setting / "logstats.toml", "--store", setting / "store", "-q")
    assert "belongs to user 12345, and this is root" in done.stdout


def test_permissions_of_the_store(logstats: Program, setting: Path) -> None:
    """Others who may look into the store, or into one file of it, are an error 77."""
    ingest(logstats, setting)
    store = setting / "store"
    store.chmod(0o750)
    assert "others may look into it" in results_of(logstats, setting, code=77)["store"]["text"]
    store.chmod(0o700)
    (store / "ledger.sqlite").chmod(0o644)
    assert "ledger.sqlite: others may look" in results_of(logstats, setting, code=77)["store"]["text"]


def test_keys(logstats: Program, setting: Path) -> None:
    """A key that is lost, one that should be gone, and the lost key of identities."""
    ingest(logstats, setting)
    assert results_of(logstats, setting)["keys"]["state"] == "ok"
    [*_, key] = sorted((setting / "store" / "keys" / "default").iterdir())
    kept = key.read_bytes()
    stale = key.with_name("2020-01-01")
    stale.write_bytes(kept)
    stale.chmod(0o600)
    assert "1 keys of days that are closed" in results_of(logstats, setting)["keys"]["text"]
    stale.unlink()
    key.unlink()
    assert f"is lost: {key.name}" in results_of(logstats, setting, code=1)["keys"]["text"]
    (setting / "store" / "keys" / "identity").unlink()
    assert "inputs are known is gone" in results_of(logstats, setting, code=1)["keys"]["text"]


def test_what_has_not_happened_for_long(logstats: Program, setting: Path) -> None:
    """Days beyond their grace and a timer that stands still, by a clock that is days ahead."""
    ingest(logstats, setting)
    effective = config.load(setting / "logstats.toml")
    later = now() + timedelta(days=6)
    found = {one.name: one for one in checks.run(effective, setting / "store", later)}
    assert found["open days"].state == "warning"
    assert "open beyond their grace" in found["open days"].text
    assert (found["last run"].state, "6 days ago" in found["last run"].text) == ("warning", True)
    earlier = datetime(1970, 1, 2, tzinfo=UTC)
    found = {one.name: one for one in checks.run(effective, setting / "store", earlier)}
    assert found["clock"].state == found["last run"].state == "error"


def test_free_space(setting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is a warning, next to none an error 74."""
    real = os.statvfs(setting)

    def with_free(blocks: int) -> Any:
        fields = list(real)
        fields[0] = fields[1] = 4096
        fields[2], fields[4] = 10_000_000, blocks
        return os.statvfs_result(fields)

    for blocks, state in ((9_000_000, "ok"), (100_000, "warning"), (1_000, "error")):
        monkeypatch.setattr(os, "statvfs", lambda _path, blocks=blocks: with_free(blocks))
        one = machine._space(setting / "not" / "there")
        assert (one.state, one.code) == (state, 74 if state == "error" else 1)


# --- figures -----------------------------------------------------------------------------------------------------


def months(*views: int, site: str = "default", first: date = date(2025, 1, 1)) -> pl.DataFrame:
    """Make the table `days` with so many page views on the first day of each month, and none on the last of them."""
    rows = []
    for i in range(len(views)):
        year, month = divmod(first.month - 1 + i, 12)
        rows.append(date(first.year + year, month + 1, 1))
    end = (rows[-1] + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return pl.DataFrame(
        {
            "day": [*rows, end],
            "site": site,
            "page_views": [*views, 0],
            **dict.fromkeys(("downloads", "visits", "visitors"), 0),
        },
        schema=TABLES["days"].schema,
    )


@pytest.mark.parametrize(
    ("views", "odd"),
    (
        ([100] * 12 + [301], ["2026-01"]),
        ([100] * 12 + [300], []),  # three times the mean is not over it
        ([10] * 12 + [100], []),  # not over 100
        ([10] * 12 + [101], ["2026-01"]),
        ([1_000] + [100] * 12 + [301], ["2026-02"]),  # the thirteenth month before is not in the mean
        ([100] * 12 + [900, 100], ["2026-01"]),
        ([100] * 12 + [900, 100, 100], []),  # older than two months: it was said
        ([100] * 12 + [0], ["2026-01"]),  # under one per cent of the mean
        ([100] * 12 + [1], []),
        ([19] * 12 + [0], []),
        ([1, 1, 500], []),  # two months are no mean
        ([1, 1, 1, 500], ["2025-04"]),
        ([5], []),
    ),
)
def test_odd_months(views: list[int], odd: list[str]) -> None:
    """COUNTER's rule, at its edges."""
    assert [month for _, month, measure, *_ in odd_months(months(*views)) if measure == "page_views"] == odd


def test_a_month_that_is_not_over_is_not_called_low() -> None:
    """On its first day, a month has few views; that says nothing."""
    whole = months(*[1_000] * 12, 5)
    begun = whole.filter(pl.col("day") <= date(2026, 1, 1))
    assert odd_months(begun) == []
    assert [month for _, month, *_ in odd_months(whole)] == ["2026-01"]


def test_months_are_those_of_a_site() -> None:
    """Each site has its own mean, and a month without a line is one of zero."""
    quiet = months(*[100] * 12, site="quiet")
    loud = months(*[10_000] * 12, 50_000, site="loud")
    assert [(site, month) for site, month, *_ in odd_months(pl.concat([quiet, loud]))] == [("loud", "2026-01")]
    gap = months(100, 100, 100).vstack(months(301, first=date(2025, 5, 1)))
    assert [month for _, month, *_ in odd_months(gap)] == ["2025-04", "2025-05"]


def state_days(*days: str, site: str = "a", closed: bool = True) -> list[dict[str, Any]]:
    """Make days as a ledger has them."""
    return [{"site": site, "day": day, "closed": "2026-01-01T00:00:00+00:00" if closed else None} for day in days]


def test_missing_days() -> None:
    """Between the first day of a site and the last closed one; a site that fell silent; all of them."""
    today = date(2026, 3, 20)
    days = state_days("2026-03-10", "2026-03-11", "2026-03-13", "2026-03-14", "2026-03-15")
    assert missing_days(days, today) == {"a": [date(2026, 3, 12)]}
    silent = days + state_days("2026-03-11", "2026-03-12", site="b")
    assert missing_days(silent, today)["b"] == [date(2026, 3, day) for day in (13, 14, 15)]
    assert missing_days(days, today + timedelta(days=2))["a"] == [date(2026, 3, day) for day in (12, 16, 17)]
    assert missing_days(days, date(2026, 7, 1))["a"][0] == date(2026, 5, 31)  # the last month only
    assert missing_days(state_days("2026-01-01", "2026-03-19", closed=False), today) == {}
    assert missing_days([], today) == {}


def test_rejected_lines_and_a_missing_day_of_a_real_store(logstats: Program, setting: Path) -> None:
    """What a store holds is judged: 10 of 70 lines rejected, and a day without a line between two closed days."""
    with (setting / "logs" / "access.log").open("a", encoding="utf-8") as log:
        log.write("".join(line(now() - timedelta(days=3), f"/then{i}") for i in range(5)))
        log.write("no access line\n" * 10)
    with (setting / "logstats.toml").open("a", encoding="utf-8") as file:
        file.write("max_rejected_share = 0.5\n")
    ingest(logstats, setting, "--close")
    assert results_of(logstats, setting)["rejected lines"]["state"] == "ok"
    text = (setting / "logstats.toml").read_text("utf-8").replace("0.5", "0.05")
    (setting / "logstats.toml").write_text(text, encoding="utf-8")
    (setting / "logs" / "access.log").write_text(line(now()), encoding="utf-8")
    found = results_of(logstats, setting)
    assert found["rejected lines"]["state"] == "warning"
    assert found["rejected lines"]["text"].startswith("13.33% of 75 lines")
    assert found["missing days"]["state"] == "warning"
    assert found["missing days"]["text"].startswith("default: no line on ")


@pytest.fixture(autouse=True)
def _no_store_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOGSTATS_STORE", raising=False)
