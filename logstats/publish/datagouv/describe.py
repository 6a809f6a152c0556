"""What the dataset says of itself: title, description in French and English, licence, tags, frequency."""

from __future__ import annotations

from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from logstats.errors import ConfigurationError, InputRejectedError
from logstats.release.package import LICENCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstats.config import Config
    from logstats.publish.datagouv.client import Lists
    from logstats.publish.datagouv.resources import Release

__all__ = ["description", "must_be_known", "name_of"]


def name_of(config: Config) -> str:
    """Give the title of the dataset, by which one that was just created is known again."""
    return config.publish.title or config.release.title


def description(config: Config, releases: Sequence[Release]) -> dict[str, Any]:
    """Give the fields of the dataset that people read.

    Raises:
        InputRejectedError: Releases have different licences.
    """
    names = {one.package["licenses"][0]["name"] for one in releases}
    if len(names) > 1:
        raise InputRejectedError(
            "the releases have different licences", hint="a dataset has one: release anew, or apart"
        )
    licence = next(ident for ident, known in LICENCES.items() if known["name"] in names)
    last = releases[-1]
    facts = {
        "service": f" : {config.publish.service_url}" if config.publish.service_url else "",
        "service_en": f": {config.publish.service_url}" if config.publish.service_url else "",
        "publisher": config.release.publisher,
        "contact": f"\n\nContact : {config.release.contact}" if config.release.contact else "",
        "k": str(min(int(one.privacy["k"]) for one in releases)),
        "definition": str(last.privacy["definition"]),
        "licence": LICENCES[licence]["title"],
        "licence_url": LICENCES[licence]["path"],
        "sources": "; ".join(source["title"] for source in last.package["sources"]),
        "timezone": config.timezone,
    }
    text = resources.files("logstats.publish.datagouv").joinpath("description.md").read_text("utf-8")
    found = {
        "title": name_of(config),
        "description": Template(text).substitute(facts).strip(),
        "tags": sorted(config.publish.tags),
        "frequency": config.publish.frequency,
        "license": licence,
    }
    if config.publish.summary:
        found["description_short"] = config.publish.summary
    return found


def must_be_known(fields: Mapping[str, Any], suffixes: set[str], known: Lists) -> None:
    """Refuse what the platform does not know, before anything is written.

    Raises:
        ConfigurationError: A licence or frequency is not in its lists.
        InputRejectedError: It takes no files of this kind.
    """
    if fields["license"] not in known.licences:
        raise ConfigurationError(f"the platform does not know the licence {fields['license']}", key="release.licence")
    if fields["frequency"] not in known.frequencies:
        raise ConfigurationError(
            f"{fields['frequency']!r} is no frequency of the platform",
            key="publish.frequency",
            hint=f"it knows {', '.join(sorted(known.frequencies))}",
        )
    if missing := sorted(suffixes - known.extensions):
        hint = "publish with --format csv" if missing == ["parquet"] else ""
        raise InputRejectedError(f"the platform takes no files of the kind {', '.join(missing)}", hint=hint)
