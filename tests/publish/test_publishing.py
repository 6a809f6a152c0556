"""Publishing on the platform itself: first, again, corrected, large; and what is never published."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import urllib3

from logstats import folders
from logstats.errors import ConfigurationError, InputRejectedError, LogstatsError
from logstats.publish.datagouv.command import Options, goal_of
from logstats.publish.datagouv.plan import plan
from logstats.publish.datagouv.resources import KEY
from logstats.publish.datagouv.state import State

from .conftest import Publisher, close_day, hits_of, reduced, release, rewritten

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from logstats.config import Config
    from logstats.derive import Knowledge

    from .conftest import Udata
    from .proxy import Proxy


def digests(dataset: dict[str, Any]) -> dict[str, str]:
    """Give the sha1 of each resource by its key; every resource must have one of its own."""
    keys = [one["extras"][KEY] for one in dataset["resources"]]
    assert len(set(keys)) == len(keys)
    return {one["extras"][KEY]: one["checksum"]["value"] for one in dataset["resources"]}


def sha1_of(folder: Path) -> dict[str, str]:
    """Give the sha1 of each file of a release by the key that it has on the platform."""
    found = {}
    for name, data in folders.read(folder).items():
        stem, _, suffix = name.rpartition(".")
        found[f"{stem}/{folder.name}.{suffix}"] = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return found


def test_the_first_publication_is_whole_and_the_second_writes_nothing(
    publisher: Publisher, udata: Udata, organisation: str, proxy: Proxy, released: tuple[Path, Path]
) -> None:
    """Each file arrives with its digest, title, type, schema and link, in order; again, there is only reading."""
    done, _ = publisher(*released)
    [dataset] = udata.datasets(organisation)
    found = digests(dataset)
    expected = sha1_of(released[0]) | sha1_of(released[1])
    assert {key: value for key, value in found.items() if not key.endswith("/schema.json")} == expected
    assert done.actions == dict.fromkeys(found, "create")
    assert dataset["private"]
    assert dataset["license"] == "lov2"
    assert dataset["frequency"] == "monthly"
    assert dataset["temporal_coverage"] == {"start": "2026-09-01", "end": "2026-10-31"}
    assert "Licence Ouverte 2.0" in dataset["description"]
    assert "k = 11" in dataset["description"] or "11 visiteurs-jours" in dataset["description"]
    by_key = {one["extras"][KEY]: one for one in dataset["resources"]}
    pages = by_key["pages/2026.parquet"]
    assert pages["title"] == "Pages vues par fonctionnalité, page, pays et appareil, 2026 (Parquet)"
    assert (pages["type"], pages["format"]) == ("main", "parquet")
    assert pages["schema"]["url"] == by_key["pages/schema.json"]["latest"]
    assert (
        pages["extras"]["logstats:sha256"] == hashlib.sha256((released[0] / "pages.parquet").read_bytes()).hexdigest()
    )
    assert by_key["privacy/2026.json"]["type"] == "documentation"
    assert [*by_key][:2] == ["pages/historique.parquet", "pages/historique.csv"]
    assert done.state.keyed["pages/2026.csv"]["latest"].endswith(f"/api/1/datasets/r/{by_key['pages/2026.csv']['id']}")
    link = urllib3.request("GET", by_key["pages/2026.csv"]["latest"], redirect=False)
    assert link.status == 302
    proxy.again()
    again, client = publisher(*released)
    assert client.writes == 0
    assert proxy.writes == []
    assert set(again.actions.values()) == {"keep"}


def test_a_corrected_month_changes_exactly_the_resources_that_differ(  # noqa: PLR0913, PLR0917 - fixtures
    publisher: Publisher,
    udata: Udata,
    organisation: str,
    proxy: Proxy,
    store: Path,
    tmp_path: Path,
    knowledge: Knowledge,
    make_hits: Callable[..., pl.DataFrame],
) -> None:
    """What differs between the two releases is replaced, under the same permanent link; nothing else is written."""
    copy = shutil.copytree(store, tmp_path / "store")
    before = release(copy, tmp_path / "before", knowledge)
    publisher(*before)
    [old] = udata.datasets(organisation)
    day = date(2026, 10, 1)
    late = [
        {"visitor": 1_000 + one, "page": "/page-0", "time": datetime(2026, 10, 1, 12, 0, one, tzinfo=UTC)}
        for one in range(60)
    ]
    close_day(copy, day, pl.concat([hits_of(day, 20, make_hits), make_hits(late)]), knowledge.config)
    after = release(copy, tmp_path / "after", knowledge)
    wanted = sha1_of(after[0]) | sha1_of(after[1])
    changed = {key for key, value in wanted.items() if (sha1_of(before[0]) | sha1_of(before[1]))[key] != value}
    assert 0 < len(changed) < len(wanted)
    proxy.again()
    done, _ = publisher(*after, attempts=4)
    [new] = udata.datasets(organisation)
    assert {key for key, action in done.actions.items() if action == "replace"} == changed
    assert {key for key, action in done.actions.items() if action != "keep"} == changed
    assert len([one for one in proxy.writes if one.method == "POST"]) == len(changed)
    assert len([one for one in proxy.writes if one.method == "PUT"]) == len(changed)
    assert {**digests(new), **wanted} == digests(new)
    titles = {one["id"]: one["title"] for one in old["resources"]}
    assert {one["id"]: one["title"] for one in new["resources"]} == titles


def test_a_file_of_120_megabytes_goes_up_in_parts(
    publisher: Publisher, udata: Udata, organisation: str, proxy: Proxy, small: Path, tmp_path: Path
) -> None:
    """It arrives with its sha1 and size, in six parts and one request that puts them together; replaced likewise."""
    files = folders.read(small)
    unit = b"2026-10-01," + b"x" * 88 + b"\n"
    for start in (b"a", b"b"):
        notes = (start + unit * 1_200_000)[:120_000_000]
        package = json.loads(files["datapackage.json"])
        package["resources"].append({"path": "lisezmoi.csv", "format": "csv", "bytes": 0, "hash": ""})
        old = {**files, "datapackage.json": json.dumps(package).encode()}
        kept = {name: data for name, data in files.items() if name != "datapackage.json"}
        # privacy.json names each table with its digest; this file is beside the tables, and named there, too.
        large = rewritten(old, {**kept, "lisezmoi.csv": notes}, tmp_path / start.decode() / "2026")
        proxy.again()
        publisher(large, attempts=3)
        [dataset] = udata.datasets(organisation)
        [found] = [one for one in dataset["resources"] if one["extras"][KEY] == "lisezmoi/2026.csv"]
        assert found["checksum"]["value"] == hashlib.sha1(notes, usedforsecurity=False).hexdigest()
        assert found["filesize"] == 120_000_000
        parts = [one for one in proxy.writes if one.size > 19_000_000]
        assert len(parts) == 6
        assert {one.status for one in parts} == {200}
        assert max(one.size for one in proxy.seen) < 20_001_000


def test_a_dataset_that_people_made_keeps_what_they_wrote(
    publisher: Publisher, udata: Udata, organisation: str, small: Path
) -> None:
    """Named by its id: description, resources and extras of others stay; --describe writes ours."""
    made = udata.ask(
        "POST",
        "datasets/",
        {"title": "À nous", "description": "Écrit à la main", "organization": organisation, "private": False,
         "extras": {"other": "1"}, "frequency": "annual", "tags": ["aaa", "bbb"]},
    )  # fmt: skip
    other = {
        "title": "Autre",
        "url": "https://www.example.org/a.csv",
        "filetype": "remote",
        "type": "main",
        "format": "csv",
    }
    udata.ask("POST", f"datasets/{made['id']}/resources/", other)
    publisher.into(made)
    publisher(small)
    [found] = udata.datasets(organisation)
    assert (found["title"], found["description"], found["frequency"]) == ("À nous", "Écrit à la main", "annual")
    assert not found["private"]
    assert found["extras"]["other"] == "1"
    assert found["tags"] == ["aaa", "bbb"]
    assert [one["title"] for one in found["resources"] if KEY not in one["extras"]] == ["Autre"]
    publisher(small, describe=True)
    [described] = udata.datasets(organisation)
    assert described["title"] == publisher.rules.publish.title
    assert "logstats" in described["description"]
    assert len(described["resources"]) == len(found["resources"])
    assert publisher(small, describe=True)[1].writes == 0


def test_private_until_public_and_public_from_then_on(
    publisher: Publisher, udata: Udata, organisation: str, small: Path, proxy: Proxy
) -> None:
    """--public opens it, when all is there; a later run without it does not close it again."""
    publisher(small)
    assert [one["private"] for one in udata.datasets(organisation)] == [True]
    proxy.again()
    publisher(small, public=True)
    assert [one.method for one in proxy.writes] == ["PUT"]
    publisher(small)
    assert [one["private"] for one in udata.datasets(organisation)] == [False]


def test_a_year_after_the_history_extends_the_coverage(
    publisher: Publisher, udata: Udata, organisation: str, released: tuple[Path, Path], tmp_path: Path
) -> None:
    """Releases may be published one after the other; order and coverage are those of all of them."""
    one = reduced(released[0], tmp_path / "2026", "pages_par_jour")
    other = reduced(released[1], tmp_path / "historique", "pages_par_jour")
    publisher(one)
    publisher(other)
    [dataset] = udata.datasets(organisation)
    keys = [one["extras"][KEY] for one in dataset["resources"]]
    assert keys[:4] == [
        f"pages_par_jour/{period}.{suffix}" for period in ("historique", "2026") for suffix in ("parquet", "csv")
    ]
    assert publisher(one, other)[1].writes == 0


def test_two_resources_with_one_key_stop_it(
    publisher: Publisher, udata: Udata, organisation: str, small: Path, proxy: Proxy
) -> None:
    """Both are named, and nothing is written."""
    publisher(small)
    [dataset] = udata.datasets(organisation)
    ids = [one["id"] for one in dataset["resources"]][:2]
    extras = dataset["resources"][0]["extras"]
    udata.ask("PUT", f"datasets/{dataset['id']}/resources/{ids[1]}/", {"title": "t", "extras": extras})
    proxy.again()
    with pytest.raises(LogstatsError) as refused:
        publisher(small)
    assert all(ident in str(refused.value) for ident in ids)
    assert proxy.writes == []


def test_what_was_not_protected_is_not_published(
    rules: Config, small: Path, released: tuple[Path, Path], tmp_path: Path
) -> None:
    """A file that was changed, one that is not named, a missing report, a smaller k: refused before any request."""
    changed = shutil.copytree(small, tmp_path / "changed")
    (changed / "pages_par_jour.csv").write_text("mois\n2026-10\n")
    added = shutil.copytree(small, tmp_path / "added")
    (added / "secret.csv").write_text("a\n")
    without = shutil.copytree(small, tmp_path / "without")
    (without / "privacy.json").unlink()
    for folder in (changed, added, without, tmp_path):
        with pytest.raises(LogstatsError) as refused:
            goal_of(Options((folder,)), rules)
        assert refused.value.exit_code == 1
        assert "is not published" in str(refused.value)
    files = folders.read(small)
    kept = {name: data for name, data in files.items() if name != "datapackage.json"}
    weak = rewritten(files, kept, tmp_path / "weak", k=7)
    with pytest.raises(InputRejectedError, match=r"protects 7 visitor-days, less than protection.k = 11"):
        goal_of(Options((weak,)), rules)
    with pytest.raises(InputRejectedError, match="of 2026"):
        goal_of(Options((released[0], small)), rules)


def test_a_refusal_names_the_field(publisher: Publisher, small: Path) -> None:
    """What the platform does not take is said with its field, and not tried again."""
    publisher.rules = replace(publisher.rules, publish=replace(publisher.rules.publish, title="é" * 400))
    with pytest.raises(InputRejectedError, match="answered 400: title: "):
        publisher(small, attempts=3)


def test_a_platform_without_an_organisation_is_a_matter_of_configuration(publisher: Publisher, small: Path) -> None:
    """Neither a dataset nor an organisation: 78, and the key of the configuration is named."""
    demo = replace(publisher.rules.publish.demo, organisation="")
    publisher.rules = replace(publisher.rules, publish=replace(publisher.rules.publish, demo=demo))
    with pytest.raises(ConfigurationError, match="publish: no organisation"):
        publisher(small)


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    (
        (401, '{"message": "Invalid API token udata_abc"}', 77, "answered 401: Invalid API token [key]"),
        (403, '{"message": "You do not have the permission"}', 77, "answered 403: You do not have the permission"),
        (404, '{"message": "Not found"}', 1, "answered 404: Not found"),
        (410, '{"message": "Dataset has been deleted"}', 1, "answered 410: Dataset has been deleted"),
        (413, "<html>", 65, "answered 413"),
        (415, '{"message": "Incorrect file content type: HTML"}', 65, "HTML"),
        (423, '{"message": "read only"}', 75, "answered 423: read only"),
        (400, '{"errors": {"schema": {"url": ["bad"]}, "title": ["long", "odd"]}}', 65, "schema.url: bad; title: long"),
        (400, '{"success": false, "error": "Missing file parameter"}', 65, "Missing file parameter"),
        (302, "", 78, "answered 302"),
        (503, "", 75, "answered 503"),
    ),
)
def test_each_status_has_its_exit_code(  # noqa: PLR0913, PLR0917 - a case
    status: int, body: str, code: int, words: str, publisher: Publisher, proxy: Proxy, small: Path
) -> None:
    """For a request that creates: what is refused ends the run at once, with the reason that the platform names."""
    proxy.bodies = {2: (status, body)}  # of a dataset that is not there, the first that reads is the first request
    with pytest.raises(LogstatsError) as refused:
        publisher(small)
    assert words in str(refused.value)
    assert "udata_" not in str(refused.value)
    assert refused.value.exit_code == code
    assert len(proxy.writes) == 0


def test_the_command_shows_the_plan_and_then_the_links(  # noqa: PLR0913, PLR0917 - fixtures
    logstats: Callable[..., subprocess.CompletedProcess[str]],
    configuration: Path,
    key_file: Path,
    released: tuple[Path, Path],
    proxy: Proxy,
    udata: Udata,
    organisation: str,
) -> None:
    """--dry-run lists what it would do and writes nothing; the run prints permanent links; again it keeps all."""
    command = ["publish", *released, "--config", configuration, "--api-key-file", key_file]
    shown = logstats(*command, "--dry-run")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "create dataset" in shown.stdout
    assert proxy.writes == []
    assert udata.datasets(organisation) == []
    planned = json.loads(logstats(*command, "--dry-run", "--json").stdout)
    done = logstats(*command)
    assert done.returncode == 0, done.stderr
    [dataset] = udata.datasets(organisation)
    assert all(one["latest"] in done.stdout for one in dataset["resources"])
    assert planned["create"] == len(dataset["resources"])
    assert f'put dataset = "{dataset["id"]}" into [publish.demo]' in done.stderr
    again = json.loads(logstats(*command, "--json").stdout)
    assert (again["writes"], again["kept"], again["private"]) == (0, planned["create"], True)
    kept = json.loads(logstats(*command, "--dry-run", "--json").stdout)
    assert (kept["create"], kept["replace"], kept["metadata"], kept["keep"]) == (0, 0, 0, planned["create"])


def test_only_one_format(publisher: Publisher, udata: Udata, organisation: str, small: Path, proxy: Proxy) -> None:
    """--format csv sends no Parquet, for a platform that does not take it."""
    publisher(small, formats=("csv",))
    [dataset] = udata.datasets(organisation)
    assert {one["format"] for one in dataset["resources"]} == {"csv", "json"}
    proxy.again()


def test_a_format_that_is_not_sent_is_named_only_when_it_stays_behind(
    publisher: Publisher, udata: Udata, organisation: str, small: Path
) -> None:
    """--format csv after a whole publication has nothing to say; of a Parquet file of another version it does."""
    publisher(small)
    assert publisher(small, formats=("csv",))[0].notes == ()
    [dataset] = udata.datasets(organisation)
    [table] = [one for one in dataset["resources"] if one["extras"][KEY] == "pages_par_jour/2026.parquet"]
    table["checksum"]["value"] = "0" * 40
    goal = goal_of(Options((small,), formats=("csv",)), publisher.rules)
    assert plan(goal, State.of(dataset)).notes == (
        "pages_par_jour/2026.parquet is on the platform in another version, which --format leaves there",
    )
    table["extras"][KEY] = "pages_par_pays/2026.parquet"
    [note] = plan(goal, State.of(dataset)).notes
    assert note.startswith("pages_par_pays/2026.parquet is on the platform, and not in the release: remove it there")


@pytest.mark.parametrize("tags", (("a--b",), ("abc", "abc"), ("-abc",)))
def test_what_the_platform_does_not_keep_is_said_once(
    tags: tuple[str, ...], publisher: Publisher, small: Path, proxy: Proxy
) -> None:
    """It accepts such tags and writes others: named with the field (65) after one try, not sent over and over."""
    publisher(small)
    publisher.rules = replace(publisher.rules, publish=replace(publisher.rules.publish, tags=tags))
    proxy.again()
    with pytest.raises(InputRejectedError, match="does not keep what was sent: dataset: tags"):
        publisher(small, attempts=4, describe=True)
    assert len(proxy.writes) == 1


@pytest.mark.parametrize("own", ({"title": " Titre  "}, {"title": "A  B"}, {"summary": " Une phrase.\n"}), ids=str)
def test_what_the_configuration_says_with_odd_blanks_is_written_once(
    own: dict[str, Any], publisher: Publisher, small: Path
) -> None:
    """The platform keeps what is sent, and the next run has nothing to write."""
    if "title" in own:
        own = {"title": f"{own['title']}{publisher.rules.publish.title} "}
    publisher.rules = replace(publisher.rules, publish=replace(publisher.rules.publish, **own))
    publisher(small, describe=True)
    assert publisher(small, describe=True)[1].writes == 0
