"""Whatever fails, at whichever request: run again, and there is each resource once, with the digest of the release."""

from __future__ import annotations

import hashlib
import json
import os
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import logstats
from logstats import folders
from logstats.errors import BusyError, LogstatsError
from logstats.publish.datagouv.resources import KEY

from .conftest import TIMEOUT, Publisher, changed, next_second, rules_for
from .proxy import FAULTS, Proxy, wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from .conftest import Udata

SLOW: Final = bool(os.environ.get("LOGSTATS_SLOW"))
WORST: Final = FAULTS if SLOW else ("drop after", "500 done")
"""Faults that are also tried within one run and with parts: all of them if SLOW."""

OF_CORRECTIONS: Final = FAULTS if SLOW else ("drop before", "drop after", "429", "500", "timeout")
"""Faults that are tried while files are replaced."""

MOST_REQUESTS: Final = 60


def publish_with_fault(publisher: Publisher, proxy: Proxy, folder: Path, number: int, fault: str, **how: Any) -> bool:
    """Publish while one request goes wrong; tell whether it came to its end before there were so many."""
    proxy.again()
    proxy.faults = {number: fault}
    ended = True
    try:
        publisher(folder, timeout=TIMEOUT if fault.startswith("timeout") else 30.0, **how)
    except LogstatsError as error:
        assert isinstance(error, BusyError), error  # noqa: PT017 - some of these runs do not fail
        ended = False
    ended = ended and proxy.number < number
    proxy.again()
    return ended


def assert_whole(udata: Udata, organisation: str, folder: Path) -> None:
    """There is one dataset, and in it one resource for each file, with its digest and its own title."""
    [dataset] = udata.datasets(organisation)
    files = folders.read(folder)
    expected = {}
    for name, data in files.items():
        stem, _, suffix = name.rpartition(".")
        expected[f"{stem}/2026.{suffix}"] = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    resources = [one for one in dataset["resources"] if not one["extras"].get(KEY, "").endswith("/schema.json")]
    found = [(one["extras"].get(KEY), one["checksum"]["value"]) for one in resources]
    assert sorted(found, key=str) == sorted(expected.items())
    assert len(dataset["resources"]) == len(expected) + sum(name.endswith(".csv") for name in files)
    assert all(", 2026" in one["title"] for one in resources)
    assert dataset["temporal_coverage"] == {"start": "2026-09-01", "end": "2026-10-31"}
    assert dataset["private"]


def in_turn(udata: Udata, folder: Path, fault: str, **how: Any) -> int:
    """Let each request of a publication fail in turn, each time in an organisation of its own; give how many there are.

    Args:
        udata: The platform.
        folder: The release.
        fault: What goes wrong.
        how: Of the publisher.
    """
    for number in range(1, MOST_REQUESTS):
        organisation = udata.reset()
        with Proxy(udata.base) as proxy:
            publisher = Publisher(rules_for(proxy, organisation), udata.key)
            ended = publish_with_fault(publisher, proxy, folder, number, fault, **how)
            publisher(folder, attempts=4)
            assert_whole(udata, organisation, folder)
            proxy.again()
            assert publisher(folder)[1].writes == 0
            assert proxy.writes == []
        if ended:
            return number - 1
    raise AssertionError("it does not end")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_every_request_of_the_first_publication(fault: str, udata: Udata, small: Path) -> None:
    """A run that ends at its n-th request, for every n, leaves nothing that the next run does not put right."""
    assert in_turn(udata, small, fault) >= 15


@pytest.mark.parametrize("fault", OF_CORRECTIONS)
def test_a_fault_at_every_request_of_a_correction(  # noqa: PLR0913, PLR0917 - fixtures
    fault: str, publisher: Publisher, udata: Udata, organisation: str, proxy: Proxy, small: Path, tmp_path: Path
) -> None:
    """The same while files are replaced, by another version and then by the first again."""
    versions = (small, changed(small, tmp_path / "2026"))
    publisher(small)
    for number in range(1, MOST_REQUESTS):
        folder = versions[number % 2]
        next_second()
        ended = publish_with_fault(publisher, proxy, folder, number, fault)
        publisher(folder, attempts=4)
        assert_whole(udata, organisation, folder)
        assert publisher(folder)[1].writes == 0
        if ended:
            assert number - 1 == 8
            return
    raise AssertionError("it does not end")


def test_a_fault_at_every_request_of_the_command(udata: Udata, small: Path, key_file: Path) -> None:
    """With all that the command does, its questions at the start; each request has another fault, or all if SLOW."""
    for number in range(1, MOST_REQUESTS):
        ended = False
        for fault in FAULTS if SLOW else FAULTS[number % len(FAULTS) :][:1]:
            organisation = udata.reset()
            with Proxy(udata.base) as proxy:
                publisher = Publisher(rules_for(proxy, organisation), udata.key)
                proxy.faults = {number: fault}
                with suppress(BusyError):
                    publisher.command(small, key_file, timeout=1 if fault.startswith("timeout") else 30)
                    ended = proxy.number < number
                proxy.again()
                publisher(small, attempts=4)
                assert_whole(udata, organisation, small)
        if ended:
            assert number > 18
            return
    raise AssertionError("it does not end")


@pytest.mark.parametrize("change", ({"checksum": {"type": "sha1", "value": "0" * 40}}, {"filesize": 7}), ids=str)
def test_what_arrived_otherwise_ends_the_run(
    change: dict[str, Any], publisher: Publisher, udata: Udata, organisation: str, proxy: Proxy, small: Path
) -> None:
    """The platform says of an upload another digest or size: that is named, and the next run looks at it again."""
    proxy.altered = {3: lambda answer: answer.update(change)}
    with pytest.raises(LogstatsError, match=r"sent [\d,]+ bytes with sha1 [0-9a-f]{40}, the platform has") as ended:
        publisher(small, attempts=3)
    assert ended.value.exit_code == 1
    assert proxy.seen[-1].path.endswith("/upload/")
    proxy.again()
    publisher(small, attempts=3)
    assert_whole(udata, organisation, small)


@pytest.mark.parametrize("fault", WORST)
def test_one_run_puts_a_fault_right_by_itself(fault: str, udata: Udata, small: Path) -> None:
    """With attempts left, one run comes to the end, and nothing is there twice."""
    for number in range(1, MOST_REQUESTS):
        organisation = udata.reset()
        with Proxy(udata.base) as proxy:
            proxy.faults = {number: fault}
            publisher = Publisher(rules_for(proxy, organisation), udata.key)
            publisher(small, attempts=3, timeout=TIMEOUT if fault.startswith("timeout") else 30.0)
            assert_whole(udata, organisation, small)
            if proxy.number < number:
                return
    raise AssertionError("it does not end")


@pytest.mark.parametrize("fault", WORST)
def test_a_fault_at_every_part_of_a_large_file(fault: str, udata: Udata, small: Path) -> None:
    """Files in parts: parts that were sent twice, or not put together, leave one resource."""
    largest = max(len(data) for data in folders.read(small).values())
    assert in_turn(udata, small, fault, part_bytes=largest // 2) > 18


def test_an_upload_that_arrives_late_is_removed(
    publisher: Publisher, udata: Udata, organisation: str, proxy: Proxy, small: Path
) -> None:
    """Given up, sent again, and then the first one arrives: a second copy is found and removed."""
    publisher(small)
    [dataset] = udata.datasets(organisation)
    uploads = [number for number, one in enumerate(proxy.seen, start=1) if one.path.endswith("/upload/")]
    udata.ask("DELETE", f"datasets/{dataset['id']}/")
    next_second()
    proxy.again()
    proxy.late = {uploads[1]: 1.7}
    publisher(small, attempts=4, timeout=TIMEOUT)
    wait_until(lambda: sum(one.path.endswith("/upload/") for one in proxy.seen) == len(uploads) + 1)
    [live] = [one for one in udata.datasets(organisation) if not one["deleted"]]
    late = len(live["resources"]) - len(uploads)
    done, _ = publisher(small)
    assert done.removed == late
    [live] = [one for one in udata.datasets(organisation) if not one["deleted"]]
    keys = [one["extras"][KEY] for one in live["resources"]]
    assert len(keys) == len(set(keys)) == len(uploads)


def test_a_platform_that_always_fails_ends_with_75(publisher: Publisher, proxy: Proxy, small: Path) -> None:
    """After the attempts it says that nothing was answered, and to run it again."""
    proxy.faults = dict.fromkeys(range(1, 200), "500")
    with pytest.raises(BusyError, match="answered 500: fault"):
        publisher(small, attempts=3)
    assert proxy.number == 3


def test_the_key_is_nowhere(  # noqa: PLR0913, PLR0917 - fixtures
    logstats: Callable[..., subprocess.CompletedProcess[str]],
    configuration: Path,
    key_file: Path,
    small: Path,
    proxy: Proxy,
    udata: Udata,
    tmp_path: Path,
) -> None:
    """Not in output, not with -v, not where the platform says it, in no process's arguments, in no file but its own."""
    command = ["publish", small, "--config", configuration, "-v"]
    way = ["--api-key-file", key_file]
    said = []
    for options, environment, bodies in (
        (way, {}, {4: (401, json.dumps({"message": f"no {udata.key}"}))}),
        (way, {}, {4: (500, f"<html>{udata.key}")}),
        (way, {}, {1: (200, udata.key)}),
        (way, {}, {5: (400, json.dumps({"errors": {udata.key: [udata.key]}}))}),
        ([], {"LOGSTATS_DATAGOUV_DEMO_KEY": udata.key}, {}),
        (way, {}, {}),
        ([*way, "--dry-run"], {}, {}),
    ):
        proxy.again()
        proxy.bodies = bodies
        done = logstats(*command, *options, environment=environment)
        said.append(done.stdout + done.stderr)
        assert done.returncode == 0 or bodies, done.stderr
    assert "[key]" in said[0]
    assert not any(udata.key in text for text in said)
    assert len(proxy.command_lines) > 1
    assert not any(udata.key.encode() in line for line in proxy.command_lines)
    holders = [file for file in tmp_path.rglob("*") if file.is_file() and udata.key.encode() in file.read_bytes()]
    assert holders == [key_file]


@pytest.mark.parametrize("status", (200, 302, 400, 403, 404, 500, 0))
@pytest.mark.parametrize("number", (1, 4, 5, 6))
def test_no_exception_holds_the_key(  # noqa: PLR0913, PLR0917 - a case
    status: int, number: int, publisher: Publisher, proxy: Proxy, udata: Udata, key_file: Path, small: Path
) -> None:
    """Nor do its causes, nor the locals of any function of logstats in its traceback."""
    if status:
        proxy.bodies = {number: (status, json.dumps({"message": udata.key}))}
    else:
        proxy.faults = {number: "drop before"}
    with pytest.raises(LogstatsError) as refused:
        publisher.command(small, key_file)
    assert udata.key not in "".join(traceback.TracebackException.from_exception(refused.value).format())
    frames = [frame for one in chain_of(refused.value) for frame in one.stack]
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(Path(logstats.__file__).parent)]
    assert len(ours) >= 2
    assert not any(udata.key in f"{name} {value}" for frame in ours for name, value in (frame.locals or {}).items())


def chain_of(error: BaseException | None) -> list[traceback.TracebackException]:
    """Give an error and what led to it, with the locals of each function."""
    if error is None:
        return []
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return [shown, *chain_of(error.__cause__ or error.__context__)]


@pytest.mark.parametrize("key", ("k3yWithoutAnyMark", "another-one.of/signs+"))
@pytest.mark.parametrize("status", (400, 401, 403, 500))
def test_a_key_of_any_form_is_hidden_where_the_service_repeats_it(
    key: str, status: int, publisher: Publisher, proxy: Proxy, small: Path
) -> None:
    """In the text of an answer and in its headers, not only what looks like a key of the platform."""
    publisher.key = key
    proxy.bodies = {1: (status, json.dumps({"message": f"no {key} here", "errors": {key: key}}))}
    proxy.headers = {"X-Sentry-ID": key}
    with pytest.raises(LogstatsError) as refused:
        publisher(small)
    assert key not in str(refused.value)
    assert "no [key] here" in str(refused.value)


def test_a_key_that_others_can_read_is_not_used(
    logstats: Callable[..., subprocess.CompletedProcess[str]],
    configuration: Path,
    key_file: Path,
    small: Path,
    proxy: Proxy,
) -> None:
    """A file of mode 0644 is refused (77) before any request, and so is a run without a key (78)."""
    key_file.chmod(0o644)
    done = logstats("publish", small, "--config", configuration, "--api-key-file", key_file)
    assert done.returncode == 77
    assert "others may read it" in done.stderr
    done = logstats("publish", small, "--config", configuration)
    assert done.returncode == 78
    assert "there is no key for demo" in done.stderr
    assert proxy.number == 0
