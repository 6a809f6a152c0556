"""Texts on privacy follow the configuration, in both languages, and claim no more than the code does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from logstats import notices

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from logstats.derive import Knowledge

PACKAGE: Final = Path(notices.__file__).parents[1]
TEXTS: Final = ("notice", "register", "assessment")
LANGUAGES: Final = ("fr", "en")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_follows_the_configuration(text: str, language: str, knowledge: Knowledge) -> None:
    """Another k, profile, width, retention or objection is another text."""
    rules = knowledge.config
    before = notices.fill(text, language, rules)
    changes = [
        replace(rules, protection=replace(rules.protection, k=23)),
        replace(rules, privacy=replace(rules.privacy, truncation="precise")),
        replace(rules, privacy=replace(rules.privacy, retention_months=7)),
        replace(rules, privacy=replace(rules.privacy, honour_opt_out=False)),
        replace(rules, privacy=replace(rules.privacy, opt_out_cookie="no-stats")),
    ]
    assert all(notices.fill(text, language, changed) != before for changed in changes)
    assert "$" not in before


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_claims_a_certificate(text: str, language: str, knowledge: Knowledge) -> None:
    """The name of the authority stands only as the name of a profile."""
    words = notices.fill(text, language, knowledge.config).lower().replace("« cnil »", "").replace('"cnil"', "")
    assert "cnil" not in words
    assert "conforme" not in words
    assert "compliant" not in words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_assessment_names_files_that_are_there(language: str, knowledge: Knowledge) -> None:
    """Where it says that the code enforces a rule, there is code."""
    named = [part for part in notices.fill("assessment", language, knowledge.config).split("`") if part.endswith(".py")]
    assert len(named) > 10
    for name in named:
        assert (PACKAGE / name).is_file() or (PACKAGE.parent / name).is_file(), name


def test_french_typography(knowledge: Knowledge) -> None:
    """French texts have typographic apostrophes."""
    folders = (PACKAGE / "notices", PACKAGE / "release")
    for path in [*folders[0].glob("*.fr.md"), folders[1] / "lisezmoi.md", folders[1] / "confidentialite.md"]:
        assert "'" not in path.read_text(encoding="utf-8"), path.name
    assert "l’" in notices.fill("notice", "fr", knowledge.config).lower()


def test_the_command_prints_the_text(
    logstats: Callable[..., subprocess.CompletedProcess[str]], knowledge: Knowledge
) -> None:
    """From the command line, in the language that is asked for."""
    done = logstats("privacy", "notice", "--lang", "en")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == notices.fill("notice", "en", knowledge.config)
