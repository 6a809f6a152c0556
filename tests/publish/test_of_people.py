"""What people put into the dataset is theirs, whatever its name and its bytes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from logstats.publish.datagouv.command import Options, goal_of
from logstats.publish.datagouv.plan import plan
from logstats.publish.datagouv.resources import KEY
from logstats.publish.datagouv.state import State

from .conftest import next_second

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Publisher, Udata


def upload(udata: Udata, dataset: str, name: str, data: bytes, **words: Any) -> dict[str, Any]:
    """Upload a file as the platform's own pages do, and say of it what a person says."""
    answer = urllib3.request(
        "POST",
        f"{udata.base}datasets/{dataset}/upload/",
        headers={"X-API-KEY": udata.key},
        fields={"file": (name, data)},
    )
    made: dict[str, Any] = json.loads(answer.data)
    if words:
        udata.ask("PUT", f"datasets/{dataset}/resources/{made['id']}/", {"title": made["title"], **words})
    return made


@pytest.mark.parametrize(
    ("other_bytes", "words"),
    (
        (True, {}),
        (True, {"description": "By hand"}),
        (False, {"description": "By hand"}),
        (False, {"extras": {"mark": "1"}}),
    ),
    ids=("other bytes", "other bytes, described", "described", "marked"),
)
@pytest.mark.parametrize("published", (False, True), ids=("new", "published"))
def test_a_file_of_a_person_is_neither_replaced_nor_removed(  # noqa: PLR0913, PLR0917 - a case
    publisher: Publisher,
    udata: Udata,
    organisation: str,
    small: Path,
    other_bytes: bool,  # noqa: FBT001 - a case
    words: dict[str, Any],
    published: bool,  # noqa: FBT001 - a case
) -> None:
    """Under the name of an upload of ours, before ours is there or beside it: it stays, and a note names it."""
    made = {"title": f"À nous {time.monotonic_ns()}", "description": "x", "private": True, "frequency": "annual"}
    dataset = publisher.into(udata.ask("POST", "datasets/", {**made, "organization": organisation}))
    if published:
        publisher(small)
        next_second()
    data = b'{"by hand": 1}' if other_bytes else (small / "privacy.json").read_bytes()
    theirs = upload(udata, dataset, "privacy-2026.json", data, **words)
    if not published:
        next_second()
    done, _ = publisher(small)
    assert done.removed == 0
    [note] = [note for note in done.notes if theirs["id"] in note]
    assert "stays as it is" in note
    [found] = udata.datasets(organisation)
    [now] = [one for one in found["resources"] if one["id"] == theirs["id"]]
    assert now["checksum"] == theirs["checksum"]
    assert (now["title"], now["description"]) == (theirs["title"], words.get("description"))
    keys = [one["extras"].get(KEY) for one in found["resources"] if one["checksum"]]
    assert keys.count("privacy/2026.json") == keys.count(None) == 1
    assert publisher(small)[1].writes == 0


def test_marks_of_the_platform_do_not_make_an_upload_a_persons(
    publisher: Publisher, udata: Udata, organisation: str, small: Path
) -> None:
    """What it found when it checked the link stands in the extras, too: what a run left behind is still known."""
    publisher(small)
    [dataset] = udata.datasets(organisation)
    [ours] = [one for one in dataset["resources"] if one["extras"][KEY] == "privacy/2026.json"]
    bare = {"title": "privacy-2026.json", "description": None, "extras": {"check:status": 200, "analysis:mime": "a/b"}}
    ours |= bare
    steps = plan(goal_of(Options((small,)), publisher.rules), State.of(dataset)).steps
    of_report = [step for step in steps if step.resource and step.resource.key == "privacy/2026.json"]
    assert [(step.action, step.ident) for step in of_report] == [("metadata", ours["id"])]
    assert [step for step in steps if step.action not in {"keep", "order"}] == of_report
