"""Answers that say success, and are not what was asked for: a page of maintenance, a proxy's idea of JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from logstats.errors import BusyError
from logstats.publish.channel import Channel
from logstats.publish.datagouv.client import Client
from logstats.publish.key import Key

from .conftest import Publisher, rules_for
from .proxy import Proxy
from .test_faults import MOST_REQUESTS, SLOW, assert_whole

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Udata

ODD = ("null", "[]", "{}", '{"message": "maintenance"}', '{"data": null}', '{"id": 7}', '["a", 1]', "<html>")


def test_an_odd_answer_to_any_request_is_a_matter_of_trying_later(udata: Udata, small: Path, key_file: Path) -> None:
    """With the command as it runs: it ends with 75, and the next run ends well. Every odd answer, if SLOW."""
    for number in range(1, MOST_REQUESTS):
        for body in ODD if SLOW else ODD[number % len(ODD) :][:1]:
            organisation = udata.reset()
            with Proxy(udata.base) as proxy:
                publisher = Publisher(rules_for(proxy, organisation), udata.key)
                proxy.bodies = {number: (200, body)}
                if _ends(publisher, small, key_file) and proxy.number < number:
                    assert number > 15
                    return
                proxy.again()
                publisher(small, attempts=4)
                assert_whole(udata, organisation, small)
    raise AssertionError("it does not end")


def _ends(publisher: Publisher, small: Path, key_file: Path) -> bool:
    try:
        publisher.command(small, key_file)
    except BusyError as error:
        assert "something that is no" in str(error) or "does not say what was done" in str(error)  # noqa: PT017
        return False
    return True


@pytest.mark.parametrize(
    "change",
    (
        {"private": None},
        {"uri": None},
        {"resources": [{"id": "a"}]},
        {"resources": {}},
        {"extras": "a"},
        {"temporal_coverage": "2026"},
        {"tags": [{}]},
        {"id": ""},
    ),
    ids=str,
)
def test_a_dataset_without_what_is_relied_on_is_none(
    change: dict[str, Any], publisher: Publisher, udata: Udata, organisation: str, proxy: Proxy, small: Path
) -> None:
    """Each member that is used is looked at; what people leave empty is not missing."""
    publisher(small)
    [dataset] = udata.datasets(organisation)
    channel = Channel(proxy.base, Key(udata.key.encode(), "test"), timeout=30.0, attempts=1, most=10**7)
    client = Client(channel, lambda _: None)
    proxy.again()
    empty = {"tags": None, "temporal_coverage": None, "extras": None}
    proxy.bodies = {1: (200, json.dumps(dataset | empty)), 2: (200, json.dumps(dataset | change))}
    assert client.dataset(dataset["id"])["tags"] is None
    with pytest.raises(BusyError, match="something that is no dataset"):
        client.dataset(dataset["id"])


def test_a_list_that_never_ends_is_left(udata: Udata, organisation: str, proxy: Proxy) -> None:
    """A service that gives the same page for every number is asked no longer than it gives something new."""
    page = json.dumps({"data": [{"id": "a", "extras": None}], "next_page": "https://www.example.org/2"})
    proxy.bodies = dict.fromkeys(range(1, 50), (200, page))
    channel = Channel(proxy.base, Key(udata.key.encode(), "test"), timeout=30.0, attempts=1)
    assert [one["id"] for one in Client(channel, lambda _: None).datasets(organisation)] == ["a"]
    assert proxy.number == 2
