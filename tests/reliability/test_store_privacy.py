"""What the store keeps of people: nothing that names them, and after a day's end nothing that could point at them."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from logstats import runs
from logstats.config import Site
from logstats.read import open_source, read_blocks
from logstats.schema import HITS, TABLES
from logstats.store import DurableStore
from logstats.store.durable import GRACE
from logstats.store.ledger import transaction
from logstats.store.reader import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from logstats.derive import Knowledge

ADDRESSES: Final = ("203.0.113.201", "198.51.100.202", "2001:db8:cafe:1::77", "2001:db8:beef:2:3:4:5:78")
AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 qjxPerson",
    "Googlebot/2.1 (+http://www.google.com/bot.html) qjxRobot",
)
SECRETS: Final = ("qjxPerson", "qjxRobot", "Gecko/20100101", "qjxuser", "qjxquery", "qjxreferrer")
DAY: Final = date(2025, 10, 22)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write a log with addresses, names, queries and referrers; a rejected and a torn line are in it as well."""
    lines = [
        f'{address} - qjxuser [22/Oct/2025:10:{n:02}:00 +0200] "GET /page{n}?mail=qjxquery HTTP/1.1" 200 5'
        f' "https://www.example.org/qjxreferrer" "{agent}"\n'
        for n, (address, agent) in enumerate([(address, agent) for address in ADDRESSES for agent in AGENTS] * 3)
    ]
    broken = f'{ADDRESSES[0]} - qjxuser [22/Oct/2025:10:59:00 +0200] "GET /qjxquery\n'
    path = tmp_path / "access.log"
    path.write_text("".join([*lines, broken, lines[0][:60]]), encoding="utf-8")
    return path


def forms_of(address: str) -> dict[str, bytes]:
    """Write an address in every form in which it could be kept, itself and cut as before hashing."""
    parsed = ip_address(address)
    kept = 2 if parsed.version == 4 else 4
    cut = ip_address(parsed.packed[:kept] + bytes(len(parsed.packed) - kept))
    forms: dict[str, bytes] = {}
    for name, form in (("whole", parsed), ("cut", cut)):
        forms |= {
            f"{name}, text": str(form).encode(),
            f"{name}, exploded": form.exploded.encode(),
            f"{name}, integer": str(int(form)).encode(),
            f"{name}, base64 of the text": base64.b64encode(str(form).encode()).rstrip(b"="),
        }
        for algorithm in ("md5", "sha1", "sha256", "blake2b"):
            forms[f"{name}, {algorithm}"] = hashlib.new(algorithm, str(form).encode()).hexdigest().encode()
    # Cut addresses are mostly zeros, which stand everywhere in these forms.
    forms["whole, hexadecimal"] = parsed.packed.hex().encode()
    forms["whole, base64"] = base64.b64encode(parsed.packed).rstrip(b"=")
    forms["whole, packed"] = parsed.packed
    forms["whole, packed backwards"] = parsed.packed[::-1]
    return forms


NEEDLES: Final = {
    f"{address} ({name})": form for address in ADDRESSES for name, form in forms_of(address).items() if len(form) > 3
} | {word: word.encode() for word in SECRETS}


def everything_in(store: Path) -> bytes:
    """Give every byte of a store, names and tables and rows of the ledger included, lower case and as it is."""
    pieces = []
    for path in sorted(store.rglob("*")):
        pieces.append(str(path.relative_to(store)).encode())
        if path.is_file():
            pieces.append(path.read_bytes())
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
            pieces += [str(column.unique().to_list()).encode() for column in frame.iter_columns()]
            pieces += [column.to_numpy().tobytes() for column in frame.select(pl.col(pl.Int64)).iter_columns()]
    with closing(sqlite3.connect(store / "ledger.sqlite")) as ledger:
        pieces += [line.encode() for line in ledger.iterdump()]
    whole = b"\n".join(pieces)
    return whole + whole.lower()


def found_in(store: Path) -> list[str]:
    """Name what stands in a store that should not."""
    whole = everything_in(store)
    return [name for name, form in NEEDLES.items() if form in whole or form.lower() in whole]


def test_the_search_finds_what_is_there(log: Path, tmp_path: Path) -> None:
    """The log itself holds what is searched for: a search that finds nothing anywhere proves nothing."""
    store = tmp_path / "store"
    store.mkdir()
    (store / "copy").write_bytes(log.read_bytes() + ip_address(ADDRESSES[0]).packed)
    sqlite3.connect(store / "ledger.sqlite").close()
    found = found_in(store)
    assert {f"{address} (whole, text)" for address in ADDRESSES} <= set(found)
    assert set(SECRETS) <= set(found)
    assert f"{ADDRESSES[0]} (whole, packed)" in found


@pytest.mark.parametrize("closed", (False, True), ids=["open", "closed"])
def test_no_address_and_no_user_agent_in_the_store(log: Path, tmp_path: Path, program: Any, *, closed: bool) -> None:
    """Every byte of the store, parts of open days included, is free of whoever asked."""
    store = tmp_path / "store"
    assert program("ingest", "--store", store, "-q", log, *(["--close"] if closed else [])).code == 0
    parts = list(store.glob("open/*/*"))
    assert bool(parts) != closed
    for part in parts:
        assert pl.read_parquet_schema(part).keys() == HITS.keys()
    assert found_in(store) == []


def test_a_crash_leaves_no_address_either(log: Path, tmp_path: Path, program: Any) -> None:
    """What a killed run leaves behind is as clean."""
    if not program.watches:
        pytest.skip("there is no C compiler for faults.c")
    for at in (45, 70, 100, 130):
        store = tmp_path / f"store-{at}"
        program("ingest", "--store", store, "-q", log, "--close", folder=store, at=at, mode="torn")
        assert found_in(store) == []


def test_without_the_key_no_id_can_be_computed_again(
    log: Path, tmp_path: Path, program: Any, look_into: Callable[[Path], Any]
) -> None:
    """The key's bytes are nowhere, its file is gone, and what is recorded of it is no key; no id is in a cell."""
    store = tmp_path / "store"
    assert program("ingest", "--store", store, "-q", log).code == 0
    [path] = store.glob("keys/*/*")
    key = path.read_bytes()
    ids = {int(visitor) for part in store.glob("open/*/*") for visitor in pl.read_parquet(part)["visitor"]}
    assert len(key) == 32
    assert len(ids) == 3 * len(AGENTS)  # two of the addresses are of one network
    assert program("close", "--store", store, "--all").code == 0
    whole = everything_in(store)
    forms = (key, key[:8], key[-8:], key.hex().encode(), base64.b64encode(key)[:20])
    assert [form for form in forms if form in whole] == []
    assert not path.exists()
    assert list(store.glob("open/*")) == []
    [record] = state_of(store)["keys"]["destroyed"]
    assert (record["site"], record["day"], record["reason"]) == ("default", str(DAY), "--all")
    assert len(record["fingerprint"]) == 16
    assert record["fingerprint"] not in key.hex()
    assert record["fingerprint"] != hashlib.blake2b(key, digest_size=8).hexdigest()
    for name, cells in look_into(store).cells.items():
        assert set(cells.columns) == set(TABLES[name].schema)
        for column in cells.select(pl.col(pl.Int64)).iter_columns():
            assert ids.isdisjoint(column.to_list())


def test_modes_whatever_the_umask(log: Path, tmp_path: Path, program: Any) -> None:
    """Folders have mode 0700 and files 0600, also under umask 000, in open and in closed stores, at every change."""
    store = tmp_path / "store"

    def modes() -> set[tuple[bool, int]]:
        paths = [store, *store.rglob("*")]
        return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}

    assert program("ingest", "--store", store, "-q", log, umask=0).code == 0
    assert modes() == {(True, 0o700), (False, 0o600)}
    assert program("close", "--store", store, "--all", umask=0).code == 0
    assert modes() == {(True, 0o700), (False, 0o600)}
    if program.watches:
        for at in range(1, 60, 7):
            store = tmp_path / f"store-{at}"
            program("ingest", "--store", store, "-q", log, umask=0, folder=store, at=at)
            if store.exists():
                assert {mode & 0o077 for _, mode in modes() - {(False, 0o600)}} <= {0}, at


@pytest.mark.parametrize(
    ("planted", "made_first"),
    (
        ("lock", False),
        ("ledger.sqlite", False),
        ("keys/identity", False),
        ("keys/default", False),
        ("open/2025-10-22", False),
        ("keys", False),
        ("open", False),
        ("keys/default/2025-10-22", True),
        ("cells", False),
        ("scratch", False),
    ),
)
@pytest.mark.parametrize("dangling", (False, True), ids=["to something", "to nothing"])
def test_planted_links_are_not_followed(
    log: Path, tmp_path: Path, program: Any, planted: str, *, made_first: bool, dangling: bool
) -> None:
    """A link at a name that the store uses is refused or taken away; what it points to stays as it is."""
    store, victim = tmp_path / "store", tmp_path / "victim"
    if made_first:
        assert program("ingest", "--store", store, "-q", log).code == 0
        (store / planted).unlink()
    is_folder = planted in {"keys", "open", "cells", "scratch", "keys/default", "open/2025-10-22"}
    if not dangling and is_folder:
        (victim / "default").mkdir(parents=True)
        (victim / "default" / "2025-10-01").write_bytes(b"untouched")
    elif not dangling:
        victim.write_bytes(b"untouched")
        victim.chmod(0o644)
    for folder in reversed((store / planted).relative_to(store).parents):
        (store / folder).mkdir(mode=0o700, exist_ok=True)
    (store / planted).symlink_to(victim)
    ended = program("ingest", "--store", store, "-q", log, "--close")
    assert ended.code in {0, 77}, ended
    assert "Traceback" not in ended.errors
    assert "failure of the program" not in ended.errors
    if dangling:
        assert not victim.exists()
    elif is_folder:
        assert [str(path.relative_to(victim)) for path in sorted(victim.rglob("*"))] == [
            "default",
            "default/2025-10-01",
        ]
        assert (victim / "default" / "2025-10-01").read_bytes() == b"untouched"
    else:
        assert victim.read_bytes() == b"untouched"
        assert stat.S_IMODE(victim.stat().st_mode) == 0o644
    if ended.code == 0:
        assert not (store / planted).is_symlink()


def test_a_store_that_is_a_link_is_refused(log: Path, tmp_path: Path, program: Any) -> None:
    """The folder itself must be named."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "store").symlink_to(tmp_path / "real")
    assert program("ingest", "--store", tmp_path / "store", "-q", log).code == 77
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("mode", (0o750, 0o705, 0o701, 0o777))
def test_a_store_that_others_may_look_into_is_refused(log: Path, tmp_path: Path, program: Any, mode: int) -> None:
    """Exit code 77 and a hint; nothing is written into it."""
    store = tmp_path / "store"
    store.mkdir()
    store.chmod(mode)
    ended = program("ingest", "--store", store, "-q", log)
    assert ended.code == 77
    assert "chmod 700" in ended.errors
    assert list(store.iterdir()) == []


@pytest.mark.parametrize("name", ("keys/identity", "keys/default/2025-10-22"))
def test_a_key_that_others_may_read_is_refused(log: Path, tmp_path: Path, program: Any, name: str) -> None:
    """Exit code 77 and a hint."""
    store = tmp_path / "store"
    assert program("ingest", "--store", store, "-q", log).code == 0
    (store / name).chmod(0o640)
    log.write_bytes(log.read_bytes() + b"\n" + log.read_bytes())
    ended = program("ingest", "--store", store, "-q", log)
    assert (ended.code, "chmod 600" in ended.errors) == (77, True), ended


@pytest.mark.parametrize("command", (["ingest", "-q"], ["close"], ["status"]))
def test_a_newer_store_is_refused(log: Path, tmp_path: Path, program: Any, command: list[str]) -> None:
    """A store of a later version is left as it is: exit code 78."""
    store = tmp_path / "store"
    assert program("ingest", "--store", store, "-q", log).code == 0
    with closing(sqlite3.connect(store / "ledger.sqlite")) as ledger:
        ledger.execute("PRAGMA user_version = 99")
    before = (store / "ledger.sqlite").read_bytes()
    ended = program(command[0], "--store", store, *command[1:], *([log] if command[0] == "ingest" else []))
    assert ended.code == 78, ended
    assert "update logstats" in ended.errors
    assert (store / "ledger.sqlite").read_bytes() == before


def test_a_second_run_ends_at_once(log: Path, tmp_path: Path, program: Any) -> None:
    """While one run has the store, others exit with 75 within a moment; afterwards they may."""
    store = tmp_path / "store"
    command: list[str | Path] = [sys.executable, "-m", "logstats", "ingest", "--store", store, "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as first:
        deadline = time.monotonic() + 20
        while not (store / "keys" / "identity").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        begin = time.monotonic()
        for arguments in (["ingest", "--store", store, log], ["close", "--store", store, "--all"]):
            ended = program(*arguments)
            assert ended.code == 75, ended
            assert "another run" in ended.errors
        assert time.monotonic() - begin < 5
        assert program("status", "--store", store).code == 0
        first.communicate(log.read_bytes())
    assert first.returncode == 0
    assert program("ingest", "--store", store, log).code == 0


def test_a_commit_survives_a_power_cut(tmp_path: Path) -> None:
    """SQLite syncs the folder after each commit (synchronous = EXTRA), since a key is destroyed after it."""
    with DurableStore(tmp_path / "store") as store:
        assert store._ledger.execute("PRAGMA synchronous").fetchone() == (3,)
        assert store._ledger.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_reader_does_not_make_a_run_fail(log: Path, tmp_path: Path, knowledge: Knowledge) -> None:
    """A commit waits for whoever reads the ledger just then."""
    with DurableStore(tmp_path / "store") as store:
        reader = sqlite3.connect(tmp_path / "store" / "ledger.sqlite", check_same_thread=False, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchall()
        leaves = threading.Timer(0.5, lambda: reader.execute("COMMIT"))
        leaves.start()
        ingest(store, knowledge, log)
        leaves.join()
        reader.close()
    assert state_of(tmp_path / "store")["days"][0]["hits"] == 24


def test_an_interrupt_just_after_the_commit_destroys_nothing(
    log: Path, tmp_path: Path, knowledge: Knowledge, look_into: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt that comes while SQLite commits is raised just after it: what was committed stays, and is whole."""
    committed: list[int] = []

    @contextmanager
    def interrupted(*arguments: Any) -> Iterator[None]:
        with transaction(*arguments):
            yield
        committed.append(len(committed))
        if len(committed) == 2:  # the first one notes that the run begins
            raise KeyboardInterrupt

    monkeypatch.setattr("logstats.store.records.transaction", interrupted)
    with pytest.raises(KeyboardInterrupt), DurableStore(tmp_path / "store") as store:
        ingest(store, knowledge, log)
    with DurableStore(tmp_path / "store") as store:
        assert store.hits("default", DAY).height == 24
        assert ingest(store, knowledge, log).tally.lines == 0
        runs.close_days(runs.Run(knowledge, store), every=True, reason="test")
    assert look_into(tmp_path / "store").cells["traffic"]["hits"].sum() == 24


def test_a_half_made_key_is_no_key(log: Path, tmp_path: Path, program: Any) -> None:
    """A crash may leave a key file without its bytes: it is made anew, never used."""
    store = tmp_path / "store"
    (store / "keys").mkdir(parents=True, mode=0o700)
    store.chmod(0o700)
    (store / "keys").chmod(0o700)
    (store / "keys" / "identity").touch(0o600)
    assert program("ingest", "--store", store, "-q", log).code == 0
    assert (store / "keys" / "identity").stat().st_size == 32


def test_without_the_identity_key_nothing_counts_twice(log: Path, tmp_path: Path, program: Any) -> None:
    """A store that was restored without its keys does not know its inputs: it says so instead of counting again."""
    store = tmp_path / "store"
    assert program("ingest", "--store", store, "-q", log).code == 0
    (store / "keys" / "identity").unlink()
    ended = program("ingest", "--store", store, "-q", log)
    assert ended.code == 1
    assert "the key by which inputs are known is gone" in ended.errors


@pytest.mark.parametrize("left", (None, b"", b"short"), ids=["gone", "empty", "short"])
@pytest.mark.parametrize("then", ("redo", "forget"))
def test_the_hits_of_a_day_have_one_key(
    log: Path, tmp_path: Path, program: Any, look_into: Callable[[Path], Any], left: bytes | None, then: str
) -> None:
    """When it is lost, the day is named and takes no more hits (1), until it is counted anew or forgotten."""
    store, more = tmp_path / "store", tmp_path / "more.log"
    assert program("ingest", "--store", store, "-q", log).code == 0
    [key] = store.glob("keys/*/*")
    key.unlink()
    if left is not None:
        key.touch(0o600)
        key.write_bytes(left)
    whole = log.read_bytes().splitlines(keepends=True)[:24]
    more.write_bytes(b"".join(whole).replace(b"22/Oct/2025:10", b"22/Oct/2025:11"))
    for _ in range(2):
        ended = program("ingest", "--store", store, "-q", more)
        assert ended.code == 1, ended
        assert "the key of an open day is lost" in ended.errors
        assert "logstats redo --day 2025-10-22" in ended.errors
    assert look_into(store).lines["lines"] == 25
    if then == "redo":
        assert program("redo", "--store", store, "--day", "2025-10-22", log, more).code == 0
        assert look_into(store).cells["traffic"]["hits"].sum() == 48
    else:
        assert program("forget", "--store", store, "--before", "2025-10-23", "--yes").code == 0
        assert look_into(store).cells["traffic"].is_empty()
    assert look_into(store).alive == []
    assert program("ingest", "--store", store, "--json", more).lines["late"] == 24


def test_late_lines(log: Path, tmp_path: Path, program: Any, look_into: Callable[[Path], Any]) -> None:
    """Lines of a closed day are counted as late and named, and change no cell; every line is accounted for."""
    store = tmp_path / "store"
    assert program("ingest", "--store", store, "-q", log, "--close").code == 0
    before = look_into(store)
    later = tmp_path / "later.log"
    later.write_text(
        "".join(
            f'192.0.2.{n} - - [{day}/Oct/2025:11:00:{n:02} +0200] "GET /late HTTP/1.1" 200 5 "-" "{AGENTS[0]}"\n'
            for n in range(10)
            for day in (22, 23)
        )
        + "broken\n",
        encoding="utf-8",
    )
    lines = program("ingest", "--store", store, "--json", later).lines
    assert lines == {"total": 21, "hits": 10, "rejected": 1, "opted_out": 0, "late": 10, "skipped": 0}
    after = look_into(store)
    assert after.differences(before) == []
    assert after.lines == {"lines": 46, "hits": 34, "rejected": 2, "opted_out": 0, "late": 10}
    assert (after.closed_days, after.open_days) == (["2025-10-22"], ["2025-10-23"])
    assert {day["day"]: day["late"] for day in state_of(store)["days"]} == {"2025-10-22": 10, "2025-10-23": 0}
    assert state_of(store)["late"] == 10
    assert list(store.glob("keys/*/2025-10-22")) == []


def ingest(store: DurableStore, knowledge: Knowledge, log: Path, now: datetime | None = None) -> runs.Report:
    """Count a log into an open store."""
    run = runs.Run(knowledge, store, now=now)
    return runs.ingest([open_source(str(log))], "default", run, store.begin("ingest"))


def test_two_sites_have_their_own_keys_and_days(tmp_path: Path, knowledge: Knowledge) -> None:
    """A key is of a site and a day: the same visitor has different ids everywhere, and days close one by one."""
    sites = (Site("one", ("one.example",)), Site("two", ("two.example",)))
    rules = type(knowledge)(replace(knowledge.config, site=sites), knowledge.countries)
    log = tmp_path / "vhost.log"
    log.write_text(
        "".join(
            f"{site}.example:443 192.0.2.1 - - [{day}/Oct/2025:10:00:00 +0200]"
            f' "GET /page HTTP/1.1" 200 5 "-" "{AGENTS[0]}"\n'
            for site in ("one", "two")
            for day in (22, 23)
        ),
        encoding="utf-8",
    )
    with DurableStore(tmp_path / "store") as store:
        ingest(store, rules, log)
        days = store.open_days()
        assert days == [(site, date(2025, 10, day)) for day in (22, 23) for site in ("one", "two")]
        assert len({store.keys(*day) for day in days}) == 4
        assert len({int(store.hits(*day)["visitor"][0]) for day in days}) == 4
        runs.close(runs.Run(rules, store), *days[0], "test")
        assert store.open_days() == days[1:]
        assert sorted(path.parent.name + path.name for path in (tmp_path / "store").glob("keys/*/*")) == [
            "one2025-10-23",
            "two2025-10-22",
            "two2025-10-23",
        ]
        runs.close_days(runs.Run(rules, store), every=True, reason="test")
        assert store.cells("days").collect()["page_views"].to_list() == [1, 1, 1, 1]


def test_a_day_is_due_after_its_grace(tmp_path: Path, knowledge: Knowledge) -> None:
    """Today's lines wait until 48 hours after midnight in Paris; not a second less."""
    now = datetime.now(UTC)
    paris = now.astimezone(zone())
    log = tmp_path / "today.log"
    log.write_text(f'192.0.2.1 - - [{paris:%d/%b/%Y:%H:%M:%S %z}] "GET / HTTP/1.1" 200 5 "-" "{AGENTS[0]}"\n', "utf-8")
    midnight = datetime(paris.year, paris.month, paris.day, tzinfo=zone()) + timedelta(days=1)
    assert closing_times(tmp_path, knowledge, log, midnight + GRACE) == [False, True]


def test_a_backfilled_day_is_due_after_its_grace(log: Path, tmp_path: Path, knowledge: Knowledge) -> None:
    """An old day waits until 48 hours after its first line came, so that the rest may come as well."""
    begin = datetime.now(UTC).replace(microsecond=0)
    with DurableStore(tmp_path / "store") as store:
        ingest(store, knowledge, log)
        end = datetime.now(UTC)
        assert store.due_days("Europe/Paris", begin + GRACE - timedelta(seconds=1)) == []
        assert store.due_days("Europe/Paris", end + GRACE) == [("default", DAY)]
        early = runs.Run(knowledge, store, now=begin + GRACE - timedelta(seconds=1))
        assert runs.close_days(early, every=False, reason="grace is over") == []
        late = runs.Run(knowledge, store, now=end + GRACE)
        assert runs.close_days(late, every=False, reason="grace is over") == [("default", DAY)]


def closing_times(folder: Path, knowledge: Knowledge, log: Path, due: datetime) -> list[bool]:
    """Tell whether a day is closed a second before a time, and at that time."""
    closed = []
    with DurableStore(folder / "store") as store:
        ingest(store, knowledge, log)
        for now in (due - timedelta(seconds=1), due):
            run = runs.Run(knowledge, store, now=now)
            closed.append(bool(runs.close_days(run, every=False, reason="grace is over")))
    return closed


def zone() -> ZoneInfo:
    """Give the time zone of the defaults."""
    return ZoneInfo("Europe/Paris")


def test_a_log_that_is_rotated_while_it_is_looked_at(
    tmp_path: Path, requests: list[bytes], knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks at a name, rotation gives it to another file: nothing of the old one counts twice."""
    log = tmp_path / "x.log"
    log.write_bytes(b"".join(requests[:500]))
    with DurableStore(tmp_path / "store") as store:
        ingest(store, knowledge, log)
        opened: list[Path] = []

        def rotated_meanwhile(*arguments: Any) -> Any:
            opened.append(log)
            if len(opened) == 2:
                log.rename(tmp_path / "x.log.1")
                log.write_bytes(b"".join(requests[600:]))
            return read_blocks(*arguments)

        log.write_bytes(b"".join(requests[:600]))
        with monkeypatch.context() as patched:
            patched.setattr(runs, "read_blocks", rotated_meanwhile)
            assert ingest(store, knowledge, log).tally.lines == 400
        assert ingest(store, knowledge, tmp_path / "x.log.1").tally.lines == 100
        assert store.rows("default", DAY) == 1_000
