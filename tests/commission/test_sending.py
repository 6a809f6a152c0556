"""Whatever fails, and however often it is run again: one set per period, under one id, equal to the last payload."""

from __future__ import annotations

import json
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from logstats.console import Console
from logstats.errors import ConfigurationError, InputMissingError, LogstatsError, NoPermissionError
from logstats.publish.commission.channel import Channel
from logstats.publish.commission.command import Options, run
from logstats.publish.commission.sent import Recipient, opened, periods, posts
from logstats.publish.key import Key, find_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstats.config import Config
    from tests.commission.conftest import Service

KEY = "qjx-secret-key-0123456789"
SPLIT = 2_400  # bytes that October does not fit into
ACCEPTANCE = Recipient("acceptance", "information-services")
STATUSES = ("401", "403", "404", "413", "429", "500", "503", "302")
CUTS = ("cut before the body", "cut after the body, not stored", "cut after the body, stored", "cut in the answer")
OCTOBER = ("2026-10-01T00:00:00.00Z", "2026-10-31T23:59:59.00Z")


def send(store: Path, key_file: Path, config: Config, **options: Any) -> int:
    """Send October, and give the exit code."""
    chosen: dict[str, Any] = {"store_folder": store, "month": "2026-10", "send": "", "api_key_file": key_file} | options
    try:
        return run(Options(**chosen), config, Console(quiet=True))
    except LogstatsError as error:
        said, code = f"{error} {error.hint}", error.exit_code
    assert KEY not in said
    return code


def small(config: Config) -> Config:
    """Give the configuration with messages so small that a month does not fit into one."""
    return replace(config, commission=replace(config.commission, max_bytes=SPLIT))


def views(service: Service) -> int:
    """Add up the views of all sets that the service has."""
    messages = [service.message(name) for name in service.sets]
    return sum(row["nbVisits"] for m in messages for source in m["sources"] for row in source["statistics"])


def october_views() -> int:
    """Give the views of known countries on listed pages, as some_rows of conftest.py has them."""
    return sum(day + number for day in range(1, 32) for number in (0, 1, 2, 4, 5))


def one_set_per_period(service: Service, store: Path) -> None:
    """Check what the service has against the ledger: the invariant of this file."""
    by_period: dict[tuple[str, str], list[str]] = {}
    for unique_id in service.sets:
        period = service.message(unique_id)["referencePeriod"]
        by_period.setdefault((period["startDate"], period["endDate"]), []).append(unique_id)
    assert [len(ids) for ids in by_period.values()] == [1] * len(by_period)
    ends = sorted(by_period)
    assert (ends[0][0], ends[-1][1]) == OCTOBER
    assert sorted(period.texts for period in periods(store, ACCEPTANCE)) == ends
    for (start, _), (unique_id,) in by_period.items():
        last = [post for post in posts(store) if post["period_start"] == start][-1]
        assert (last["unique_id"], last["status"]) == (unique_id, 200)
        assert (store / last["payload"]).read_bytes() == service.sets[unique_id]
    assert views(service) == october_views()


@pytest.mark.parametrize("unless_sent", (False, True))
@pytest.mark.parametrize(
    "case",
    [(10_000_000, fault) for fault in STATUSES + CUTS] + [(SPLIT, fault) for fault in ("401", "429", "500", *CUTS)],
)
def test_a_fault_at_every_request_in_turn_leaves_one_set_per_period(
    case: tuple[int, str], store: Path, key_file: Path, connected: Config, service: Service, *, unless_sent: bool
) -> None:
    """At the first, second, third … request something fails; the next run ends as if nothing had, also the timer's."""
    most, fault = case
    config = small(connected) if most == SPLIT else connected
    number, codes = 0, set()
    while True:
        number += 1
        folder = Path(shutil.copytree(store, store.with_name(f"store-{number}")))
        service.sets.clear()
        service.requests.clear()
        service.faults = {number: fault}
        code = send(folder, key_file, config)
        if number > len(service.requests):
            break
        codes.add(code)
        assert send(folder, key_file, config, unless_sent=unless_sent) == 0
        one_set_per_period(service, folder)
    assert number > (8 if most == SPLIT else 2)
    wanted = {"401": {77}, "403": {77}, "404": {78}, "302": {78}, "413": {65, 78}}
    # Where the status came and the rest did not, the message was accepted: 0.
    assert codes <= wanted.get(fault, {0, 75})


@pytest.mark.parametrize("fault", CUTS)
def test_a_sender_that_is_killed_leaves_one_set_per_period(
    fault: str, store: Path, key_file: Path, connected: Config, service: Service, tmp_path: Path
) -> None:
    """SIGKILL while the id or the answer of a message is on its way; the timer's next run ends as if nothing had."""
    file = tmp_path / "logstats.toml"
    pages = connected.commission.pages
    file.write_text(f"[commission]\nacceptance_url = '{service.url}'\npages = '{pages}'\nmax_bytes = 3000\n")
    command = [sys.executable, "-m", "logstats", "commission", "--store", str(store), "--month", "2026-10", "--send"]
    command += ["--unless-sent", "--config", str(file), "--api-key-file", str(key_file)]
    for number in range(1, 4):
        service.faults = {len(service.requests) + number: fault}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service.sender:
            assert service.sender.wait(60) == -signal.SIGKILL
    service.faults = {}
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    one_set_per_period(service, store)


@pytest.mark.parametrize("fault", ("429", "500", *CUTS[:3]))
def test_what_is_safe_is_tried_again_in_the_same_run(
    fault: str, store: Path, key_file: Path, connected: Config, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With attempts left, a run ends well through faults at its first and third request, under one id."""
    monkeypatch.setattr(Channel.__init__, "__defaults__", (lambda _seconds: None,))
    service.faults = {1: fault, 3: fault}
    config = replace(connected, commission=replace(connected.commission, attempts=3))
    assert send(store, key_file, config) == 0
    assert [method for method, _ in service.requests] == ["GET", "GET", "POST", "POST"]
    one_set_per_period(service, store)


@pytest.mark.parametrize("fault", ("401", "404", "413", "302"))
def test_what_is_wrong_is_not_tried_again(
    fault: str, store: Path, key_file: Path, connected: Config, service: Service
) -> None:
    """An answer that says "wrong" is not repeated, and a redirect is not followed."""
    config = replace(connected, commission=replace(connected.commission, attempts=4))
    service.faults = {2: fault}
    assert send(store, key_file, config) != 0
    assert [method for method, _ in service.requests] == ["GET", "POST"]


def test_the_same_month_again_replaces_under_the_same_id(
    store: Path, key_file: Path, connected: Config, service: Service, tmp_path: Path
) -> None:
    """No id is fetched again; --unless-sent posts only what changed or was not accepted last."""
    service.faults = {2: "500"}
    assert send(store, key_file, connected, unless_sent=True) == 75
    assert send(store, key_file, connected, unless_sent=True) == 0
    assert send(store, key_file, connected, unless_sent=True) == 0
    assert send(store, key_file, connected) == 0
    assert [method for method, _ in service.requests] == ["GET", "POST", "POST", "POST"]
    one_set_per_period(service, store)
    fewer = tmp_path / "fewer.txt"
    fewer.write_text("https://www.example.org/a\n")
    assert send(store, key_file, connected, unless_sent=True, pages=fewer) == 0
    assert len(service.requests) == 5
    assert list(service.sets) == ["id-1"]


def test_a_month_that_grew_is_split_under_the_id_that_it_had(
    store: Path, key_file: Path, connected: Config, service: Service
) -> None:
    """Sent whole, then in parts, then with room for the whole again: never is a view under two ids."""
    for config in (connected, small(connected), connected):
        assert send(store, key_file, config) == 0
        one_set_per_period(service, store)
    assert len(service.sets) > 2
    assert service.message("id-1")["referencePeriod"]["startDate"] == OCTOBER[0]


def test_acceptance_and_production_have_ids_of_their_own(store: Path, key_file: Path, connected: Config) -> None:
    """Nothing is sent to production unless it is said so, and then under another id."""
    assert send(store, key_file, connected) == 0
    assert {post["environment"] for post in posts(store)} == {"acceptance"}
    assert send(store, key_file, connected, production=True) == 0
    assert [(p["environment"], p["unique_id"]) for p in posts(store)] == [
        ("acceptance", "id-1"),
        ("production", "id-2"),
    ]


def test_a_file_that_was_built_earlier_is_sent_as_it_was_reviewed(
    store: Path, key_file: Path, connected: Config, service: Service, tmp_path: Path
) -> None:
    """Only the id and the date of transfer are other ones. What overlaps or is wrong is refused before that."""
    out = tmp_path / "october.json"
    assert send(store, key_file, connected, send=None, out=out) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert send(store, key_file, connected, send=str(out), month=None) == 0
    reviewed, received = out.read_bytes().splitlines(), service.sets["id-1"].splitlines()
    assert (reviewed[0], reviewed[3:]) == (received[0], received[3:])
    assert send(store, key_file, connected) == 0
    one_set_per_period(service, store)
    before = len(service.requests)
    for old, new in ((b"2026-10-01T00", b"2026-10-02T00"), (b'"nbEntries":6', b'"nbEntries":7')):
        out.write_bytes(service.sets["id-1"].replace(old, new))
        assert send(store, key_file, connected, send=str(out)) == 65
    assert len(service.requests) == before


def test_a_file_of_a_part_takes_nothing_away(
    store: Path, key_file: Path, connected: Config, service: Service, tmp_path: Path
) -> None:
    """Once all of October stands there, a file of its first half is refused: the rest would be gone."""
    out = tmp_path / "october.json"
    assert send(store, key_file, connected, send=None, out=out) == 0
    assert send(store, key_file, connected) == 0
    stands, before = dict(service.sets), len(service.requests)
    out.write_bytes(out.read_bytes().replace(b"2026-10-31T23:59:59.00Z", b"2026-10-15T21:59:59.00Z"))
    assert send(store, key_file, connected, send=str(out), month=None) == 65
    assert (service.sets, len(service.requests)) == (stands, before)
    assert send(store, key_file, connected) == 0
    one_set_per_period(service, store)


def test_a_comparison_that_warns_stops_the_sending(
    store: Path, key_file: Path, connected: Config, service: Service, tmp_path: Path
) -> None:
    """With --strict nothing leaves when there is something to look at; without it, it does."""
    fewer = tmp_path / "before.json"
    only = tmp_path / "only.txt"
    only.write_text("https://www.example.org/zzz\n")
    assert send(store, key_file, connected, send=None, out=fewer, pages=only) == 0
    assert send(store, key_file, connected, diff=str(fewer), strict=True) == 65
    assert service.requests == []
    assert send(store, key_file, connected, diff=str(fewer)) == 0
    one_set_per_period(service, store)


def test_an_old_draft_of_the_id_is_understood(store: Path, key_file: Path, connected: Config, service: Service) -> None:
    """An object with `unique-id` in place of the bare text is accepted."""
    service.with_object = True
    assert send(store, key_file, connected) == 0
    one_set_per_period(service, store)


def test_two_senders_never_work_at_once(store: Path, key_file: Path, connected: Config, service: Service) -> None:
    """While one sends, another one ends with 75, and nothing is fetched."""
    with opened(store, ACCEPTANCE):
        assert send(store, key_file, connected) == 75
    assert service.requests == []


def test_payload_and_answer_are_kept_for_the_owner_alone(
    store: Path, key_file: Path, connected: Config, service: Service
) -> None:
    """Each post has its payload and its answer below sent/, mode 0600 in folders of 0700, and a line in the log."""
    service.faults = {2: "500"}
    assert [send(store, key_file, connected), send(store, key_file, connected)] == [75, 0]
    failed, accepted = posts(store)
    assert (failed["status"], accepted["status"]) == (500, 200)
    assert (accepted["views"], accepted["entries"]) == (october_views(), 6)
    assert (store / failed["answer"]).read_text() == "fault, your key was [key]"
    for path in (store / "sent").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_the_key_is_nowhere(
    store: Path,
    connected: Config,
    service: Service,
    logstats: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    key_file: Path,
) -> None:
    """Not in output, messages, ledger, payload or answer, also where the service says it; in no process's arguments."""
    file = tmp_path / "logstats.toml"
    pages = connected.commission.pages
    file.write_text(f"[commission]\nacceptance_url = '{service.url}'\npages = '{pages}'\nattempts = 1\n")
    command = ("commission", "--store", store, "--month", "2026-10", "--send", "--config", file, "-v")
    said = ""
    for fault in ("401", "500", CUTS[1], ""):
        service.faults = dict.fromkeys((1, 2), fault) if fault else {}
        service.requests.clear()
        for way in (["--api-key-file", str(key_file)], []):
            done = logstats(*command, *way, environment={} if way else {"LOGSTATS_COMMISSION_ACCEPTANCE_KEY": KEY})
            said += done.stdout + done.stderr
            assert "Traceback" not in done.stderr
    done = logstats("commission", "log", "--store", store, "--json")
    assert json.loads(done.stdout)["posts"][-1]["status"] == 200
    kept = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert all(headers["x-api-key"] == KEY for headers in service.headers)
    assert KEY not in said + done.stdout
    assert KEY.encode() not in kept
    assert any(b"--send" in line for line in service.command_lines)
    assert not any(KEY.encode() in line for line in service.command_lines)


def test_a_key_shows_itself_to_the_connection_only(tmp_path: Path, key_file: Path) -> None:
    """Not in repr or an error; 77 where others can read it or it is a link, 66 where it is not, 78 without any."""
    key = find_key("commission", "acceptance", key_file, {})
    assert KEY not in f"{key!r}{key}"
    with pytest.raises(ConfigurationError) as refused:
        Key(f"{KEY}\r\nx-other: 1".encode(), "file")
    assert KEY not in str(refused.value)
    link = tmp_path / "link"
    link.symlink_to(key_file)
    with pytest.raises(NoPermissionError):
        find_key("commission", "acceptance", link, {})
    key_file.chmod(0o640)
    with pytest.raises(NoPermissionError):
        find_key("commission", "acceptance", key_file, {})
    with pytest.raises(InputMissingError):
        find_key("commission", "acceptance", tmp_path / "none", {})
    with pytest.raises(ConfigurationError, match="no key for production"):
        find_key("commission", "production", None, {"LOGSTATS_COMMISSION_ACCEPTANCE_KEY": KEY})


def test_a_credential_of_systemd_comes_before_the_variable(tmp_path: Path) -> None:
    """Its access list may show as a permission of the group; one that all can read is refused."""
    credential = tmp_path / "commission-production-key"
    credential.write_text(KEY)
    credential.chmod(0o440)
    variables = {"CREDENTIALS_DIRECTORY": str(tmp_path), "LOGSTATS_COMMISSION_PRODUCTION_KEY": "other"}
    assert find_key("commission", "production", None, variables).headers() == {"x-api-key": KEY}
    credential.chmod(0o444)
    with pytest.raises(NoPermissionError):
        find_key("commission", "production", None, variables)
