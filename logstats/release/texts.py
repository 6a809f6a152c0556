"""Texts: the read-me and the privacy report of a release, in French and English, from templates beside this file."""

from __future__ import annotations

from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any, Final

from logstats.release.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

__all__ = ["texts"]

_TEXTS: Final = {
    "LISEZMOI.md": ("lisezmoi.md", "fr"),
    "README.md": ("readme.md", "en"),
    "confidentialite.md": ("confidentialite.md", "fr"),
    "privacy.md": ("privacy.md", "en"),
}


def texts(tables: Mapping[str, pl.DataFrame], about: Mapping[str, Any]) -> dict[str, str]:
    """Fill the templates; give each text by its file name."""
    privacy = about["privacy"]
    facts = {name: str(value) for name, value in about.items()} | {
        "licence": about["licence"]["title"],
        "licence_url": about["licence"]["path"],
        "truncation": privacy["truncation"],
        "id_bits": str(privacy["id_bits"]),
        "grace_hours": str(privacy["key_grace_hours"]),
        "late": str(privacy["late_lines"]),
        "merged": str(privacy["merged"]),
        "lists": ", ".join(f"{name} {day}" for name, day in about["lists"].items()),
    }
    folder = resources.files("logstats.release")
    made = {}
    for name, (template, language) in _TEXTS.items():
        own = {
            "files": _files(tables, language),
            "shares": _shares(about, language),
            "keys": _keys(about, language),
            "partial": _partial(about, language),
        }
        made[name] = Template(folder.joinpath(template).read_text("utf-8")).substitute(facts | own)
    return made


def _files(tables: Mapping[str, pl.DataFrame], language: str) -> str:
    known = catalogue().tables
    titles = {name: known[name].french if language == "fr" else known[name].english for name in tables}
    return "\n".join(
        f"| `{name}` | {titles[name]} | {frame.height} |" for name, frame in tables.items() if not frame.is_empty()
    )


def _shares(about: Mapping[str, Any], language: str) -> str:
    """Say of each table how much of it is shown at each depth."""
    percent = " %" if language == "fr" else "%"
    lines = []
    for name, entry in about["privacy"]["tables"].items():
        shares = ", ".join(f"{share:.1%}".replace("%", percent) for share in entry["shown_by_level"])
        lines.append(f"| `{name}` | {entry['blocks']} | {entry['other_blocks']} | {shares} |")
    return "\n".join(lines).replace(".", ",") if language == "fr" else "\n".join(lines)


def _keys(about: Mapping[str, Any], language: str) -> str:
    to = "détruite le" if language == "fr" else "destroyed at"
    return "\n".join(f"- {key['site']}, {key['day']} : {to} {key['at']}" for key in about["privacy"]["keys_destroyed"])


def _partial(about: Mapping[str, Any], language: str) -> str:
    if not about["partial"]:
        return ""
    if language == "fr":
        return "\n**Mois incomplet** : des jours manquent ; privacy.json dit lesquels.\n"
    return "\n**Incomplete month**: days are missing; privacy.json says which.\n"
