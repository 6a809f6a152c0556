"""The configuration: complete defaults, and a refusal that says where and why."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import pytest

from logstats import config
from logstats.errors import ConfigurationError
from logstats.schema import OTHER_PAGE

if TYPE_CHECKING:
    from pathlib import Path

DEFAULTS: Final = resources.files("logstats").joinpath("defaults.toml").read_text("utf-8")


def written(folder: Path, text: str, name: str = "logstats.toml") -> Path:
    """Return a configuration file with the given text."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def refusal(folder: Path, text: str) -> ConfigurationError:
    """Return the error that a configuration gives."""
    with pytest.raises(ConfigurationError) as refused:
        config.load(written(folder, text), {})
    return refused.value


def keys(kind: Any, prefix: str = "") -> set[str]:
    """Return the dotted keys of a dataclass tree."""
    hints = get_type_hints(kind)
    found = set()
    for one in fields(kind):
        name = prefix + one.name
        found |= keys(hints[one.name], f"{name}.") if is_dataclass(hints[one.name]) else {name}
    return found


def dotted(table: dict[str, Any], prefix: str = "") -> set[str]:
    """Return the dotted keys of a TOML table."""
    found = set()
    for name, value in table.items():
        found |= dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


class TestDefaults:
    """defaults.toml."""

    def test_complete(self) -> None:
        """The defaults name each key that the code knows, and no other."""
        assert dotted(tomllib.loads(DEFAULTS)) == keys(config.Config) - {"file"}

    def test_every_key_is_explained(self) -> None:
        """Above each key, or group of keys, stands a comment."""
        explained = False
        unexplained = []
        for line in DEFAULTS.splitlines():
            if line.startswith("#"):
                explained = True
            elif not line.strip() or line.startswith("["):
                explained = False
            elif not explained:
                unexplained.append(line)
        assert unexplained == []

    def test_what_the_documentation_promises(self) -> None:
        """The defaults are those of the design: Paris, cnil, 32 bits, objections honoured, 5 %, 10,000 pages."""
        found = config.load(environment={})
        assert found.timezone == "Europe/Paris"
        assert found.format == "auto"
        assert found.privacy == config.Privacy("cnil", 32, honour_opt_out=True, opt_out_cookie="", retention_months=25)
        assert found.input.max_rejected_share == 0.05
        assert found.pages.max_per_day == 10_000
        assert found.site == ()
        assert not found.geo.kosovo

    def test_a_copy_changes_nothing(self, tmp_path: Path) -> None:
        """A copy of the defaults as one's own file is the same configuration."""
        assert config.load(written(tmp_path, DEFAULTS), {}) == config.load(environment={})

    def test_the_examples_in_comments_are_valid(self, tmp_path: Path) -> None:
        """The sites, features, funnels and rules that comments show work when the # in front is taken away."""
        examples, inside = [], False
        for line in DEFAULTS.splitlines():
            inside = line.startswith("# ") and (inside or line.startswith("# [["))
            examples += [line] * inside
        rules = next(line for line in DEFAULTS.splitlines() if line.startswith("# rules ="))
        text = "\n".join(line.removeprefix("# ") for line in [*examples, "# [pages]", rules])
        found = config.load(written(tmp_path, text), {})
        assert found.site == (config.Site("demarches", ("www.demarches.example.fr", "*.demarches.example.fr")),)
        [sent] = found.feature
        assert (sent.name, sent.methods, sent.statuses) == ("Send documents", ("POST",), (302, 303))
        [passport] = found.funnel
        assert (passport.minutes, [step.optional for step in passport.steps]) == (120, [False, True, *[False] * 3])
        assert found.pages.rules == (config.PageRule("^/dossier/[^/]+/pieces", "/dossier/{id}/pieces"),)


class TestOwnFile:
    """A user's file over the defaults."""

    def test_what_is_not_named_stays(self, tmp_path: Path) -> None:
        """A file changes what it names, and nothing beside it in the same table."""
        found = config.load(written(tmp_path, "[privacy]\nid_bits = 24\n"), {})
        assert found.privacy == config.Privacy("cnil", 24, honour_opt_out=True, opt_out_cookie="", retention_months=25)
        assert found.file == tmp_path / "logstats.toml"

    def test_a_list_replaces_the_list(self, tmp_path: Path) -> None:
        """A list of one's own stands in place of the default one."""
        found = config.load(written(tmp_path, '[outcome]\ndownload_extensions = ["pdf"]\n'), {})
        assert found.outcome.download_extensions == ("pdf",)

    def test_an_empty_file_is_the_default(self, tmp_path: Path) -> None:
        """An empty file changes nothing."""
        assert config.load(written(tmp_path, ""), {}) == config.load(environment={})

    def test_a_whole_number_is_a_number(self, tmp_path: Path) -> None:
        """A share may be written without a fraction."""
        assert config.load(written(tmp_path, "[input]\nmax_rejected_share = 1\n"), {}).input.max_rejected_share == 1.0

    @pytest.mark.parametrize("bits", (24, 32, 64))
    def test_widths_of_an_id(self, tmp_path: Path, bits: int) -> None:
        """An id has 24 to 64 bits."""
        assert config.load(written(tmp_path, f"[privacy]\nid_bits = {bits}\n"), {}).privacy.id_bits == bits

    def test_an_option_overrules_the_format(self) -> None:
        """The format of an option counts, and no option leaves the configured one."""
        found = config.load(environment={})
        assert found.with_format("common").format == "common"
        assert found.with_format(None) is found


FEATURE: Final = '[[feature]]\nname = "a"\npaths = ["^/a"]\n'
FUNNEL: Final = '[[funnel]]\nname = "f"\nsteps = [{ name = "1", paths = ["a"] }, { name = "2", paths = ["b"] }]\n'
WRONG: Final = {
    "an unknown key of a feature": (FEATURE + 'method = ["GET"]\n', 4, "feature[0].method", "no key", "mean methods?"),
    "a feature without paths": ('[[feature]]\nname = "a"\n', 1, "feature[0].paths", "is missing", ""),
    "a feature with no path": (
        '[[feature]]\nname = "a"\npaths = []\n',
        3,
        "feature[0].paths",
        "must hold a pattern",
        "",
    ),
    "a bad pattern of a feature": (
        '[[feature]]\nname = "a"\npaths = ["("]\n',
        3,
        "feature[0].paths",
        "no pattern",
        "Rust",
    ),
    "patterns that are none together": (
        "[[feature]]\nname = 'a'\npaths = ['(?x) a # a comment', 'b']\n",
        3,
        "feature[0].paths",
        "no pattern",
        "Rust",
    ),
    "two features of one name": (FEATURE + FEATURE, 5, "feature[1].name", "'a' is named twice", ""),
    "a feature without a name": ('[[feature]]\nname = ""\npaths = ["a"]\n', 2, "feature[0].name", "must be a text", ""),
    "a name with a control": (
        '[[feature]]\nname = "a\\u001b"\npaths = ["a"]\n',
        2,
        "feature[0].name",
        "must be a text",
        "",
    ),
    "an unknown method": (
        FEATURE + 'methods = ["POSTS"]\n',
        4,
        "feature[0].methods",
        "no method",
        "did you mean POST?",
    ),
    "a method in lower case": (FEATURE + 'methods = ["post"]\n', 4, "feature[0].methods", "no method", "mean POST?"),
    "no method at all": (FEATURE + "methods = []\n", 4, "feature[0].methods", "must name a method", ""),
    "an impossible status": (FEATURE + "statuses = [99]\n", 4, "feature[0].statuses", "from 100 to 599", ""),
    "a status as a text": (FEATURE + 'statuses = ["200"]\n', 4, "feature[0].statuses[0]", "whole number", ""),
    "a site that is none": (FEATURE + 'site = "defautl"\n', 4, "feature[0].site", "no site", "did you mean default?"),
    "a funnel without steps": (
        '[[funnel]]\nname = "f"\nsteps = []\n',
        3,
        "funnel[0].steps",
        "two or more",
        "a feature",
    ),
    "a funnel that lacks its steps": ('[[funnel]]\nname = "f"\n', 1, "funnel[0].steps", "is missing", ""),
    "two funnels of one name": (FUNNEL + FUNNEL, 5, "funnel[1].name", "'f' is named twice", ""),
    "two steps of one name": (FUNNEL.replace('"2"', '"1"'), 3, "funnel[0].steps[1].name", "'1' is named twice", ""),
    "a bad pattern of a step": (FUNNEL.replace('"b"', '"("'), 3, "funnel[0].steps[1].paths", "no pattern", "Rust"),
    "an unknown key of a step": (
        FUNNEL.replace('["a"]', '["a"], option = true'),
        3,
        "funnel[0].steps[0].option",
        "no key",
        "did you mean optional?",
    ),
    "a first step that is optional": (
        FUNNEL.replace('["a"]', '["a"], optional = true'),
        3,
        "funnel[0].steps[0].optional",
        "must be false",
        "",
    ),
    "a funnel that never ends": (
        FUNNEL.replace('["b"]', '["b"], optional = true'),
        3,
        "funnel[0].steps",
        "must not be optional",
        "",
    ),
    "a time limit below zero": (FUNNEL + "minutes = -1\n", 4, "funnel[0].minutes", "from 0 to 1440", ""),
    "a time limit in words": (FUNNEL + 'minutes = "1 h"\n', 4, "funnel[0].minutes", "whole number", ""),
    "no name of a parameter": ('[search]\nparameters = ["q="]\n', 2, "search.parameters", "no name of a parameter", ""),
    "an unknown key": ('timezone = "UTC"\ntimezon = "UTC"\n', 2, "timezon", "no key", "did you mean timezone?"),
    "an unknown key of a table": ("[privacy]\n\nid_bit = 3\n", 3, "privacy.id_bit", "no key", "did you mean id_bits?"),
    "an unknown key that is like none": ("xyz = 1\n", 1, "xyz", "no key", "known keys: timezone, format"),
    "an unknown table": ("[privcy]\nid_bits = 32\n", 1, "privcy", "no key", "did you mean privacy?"),
    "a table that is a value": ("privacy = 3\n", 1, "privacy", "must be a table", ""),
    "a value that is a table": ("[timezone]\nx = 1\n", 1, "timezone", "must be text", ""),
    "a number for a text": ("timezone = 1\n", 1, "timezone", "must be text in quotes", ""),
    "a text for a number": ('[privacy]\nid_bits = "32"\n', 2, "privacy.id_bits", "must be a whole number", ""),
    "a fraction for a whole number": (
        "[privacy]\nid_bits = 32.5\n",
        2,
        "privacy.id_bits",
        "must be a whole number",
        "",
    ),
    "true for a number": ("[privacy]\nid_bits = true\n", 2, "privacy.id_bits", "must be a whole number", ""),
    "a number for true": ("[privacy]\nhonour_opt_out = 1\n", 2, "privacy.honour_opt_out", "must be true or false", ""),
    "a text for a list": ('[exclude]\npaths = "/x"\n', 2, "exclude.paths", "must be a list", ""),
    "a number in a list": ('[exclude]\npaths = ["/x", 3]\n', 2, "exclude.paths[1]", "must be text in quotes", ""),
    "too few bits": ("[privacy]\nid_bits = 23\n", 2, "privacy.id_bits", "from 24 to 64", ""),
    "too many bits": ("[privacy]\nid_bits = 65\n", 2, "privacy.id_bits", "from 24 to 64", ""),
    "an unknown profile": ('[privacy]\ntruncation = "full"\n', 2, "privacy.truncation", '"cnil" or "precise"', ""),
    "a share above one": ("[input]\nmax_rejected_share = 5\n", 2, "input.max_rejected_share", "from 0 to 1", ""),
    "no pages at all": ("[pages]\nmax_per_day = 0\n", 2, "pages.max_per_day", "1 or more", ""),
    "an unknown time zone": ('timezone = "Europe/Pari"\n', 1, "timezone", "no time zone", "Europe/Paris"),
    "a path as time zone": ('timezone = "../../etc/passwd"\n', 1, "timezone", "no time zone", "Europe/Paris"),
    "no time zone": ('timezone = ""\n', 1, "timezone", "no time zone", "Europe/Paris"),
    "a bad network": ('[exclude]\nnetworks = ["10.0.0.0/33"]\n', 2, "exclude.networks", "no network", "10.0.0.0/8"),
    "a network with host bits": (
        'trusted_proxies = ["10.0.0.1/8"]\n',
        1,
        "trusted_proxies",
        "no network",
        "10.0.0.0/8",
    ),
    "a name as network": ('trusted_proxies = ["proxy"]\n', 1, "trusted_proxies", "no network", "10.0.0.0/8"),
    "a bad pattern": ("[exclude]\npaths = ['/x(']\n", 2, "exclude.paths", "no pattern", "Rust"),
    "look-around": (
        "[outcome]\ntechnical_paths = ['(?=x)']\n",
        2,
        "outcome.technical_paths",
        "no pattern",
        "look-around",
    ),
    "a bad pattern of a rule": (
        "[pages]\nrules = [{ pattern = '(', page = '/x' }]\n",
        2,
        "pages.rules",
        "no pattern",
        "Rust",
    ),
    "a rule without page": ("[pages]\nrules = [{ pattern = 'x' }]\n", 2, "pages.rules[0].page", "is missing", ""),
    "a site without hosts": ('[[site]]\nname = "a"\n', 1, "site[0].hosts", "is missing", ""),
    "a second site without name": (
        '[[site]]\nname = "a"\nhosts = ["a.fr"]\n\n[[site]]\nhosts = ["b.fr"]\n',
        5,
        "site[1].name",
        "is missing",
        "",
    ),
    "an unknown key of a site": (
        '[[site]]\nname = "a"\nhosts = ["a.fr"]\nhost = "b.fr"\n',
        4,
        "site[0].host",
        "no key",
        "did you mean hosts?",
    ),
    "an unknown key of the second site": (
        '[[site]]\nname = "a"\nhosts = ["a.fr"]\n[[site]]\nname = "b"\nhosts = ["b.fr"]\nnam = "b.fr"\n',
        7,
        "site[1].nam",
        "no key",
        "did you mean name?",
    ),
    "a wrong type in the second site": (
        '[[site]]\nname = "a"\nhosts = ["a.fr"]\n[[site]]\nname = 7\nhosts = ["b.fr"]\n',
        5,
        "site[1].name",
        "must be text in quotes",
        "",
    ),
    "a site whose name is a path": (
        '[[site]]\nname = "../x"\nhosts = ["a.fr"]\n',
        2,
        "site[0].name",
        "must begin with a letter or digit",
        "",
    ),
    "a site whose name is reserved": (
        '[[site]]\nname = "(other)"\nhosts = ["a.fr"]\n',
        2,
        "site[0].name",
        "must begin with a letter or digit",
        "",
    ),
    "two sites of one name": (
        '[[site]]\nname = "a"\nhosts = ["a.fr"]\n[[site]]\nname = "a"\nhosts = ["b.fr"]\n',
        5,
        "site[1].name",
        "the name of two sites",
        "",
    ),
    "a host of two sites": (
        '[[site]]\nname = "a"\nhosts = ["a.fr"]\n[[site]]\nname = "b"\nhosts = ["b.fr", "A.fr"]\n',
        6,
        "site[1].hosts",
        "'a.fr' is listed twice",
        "",
    ),
    "a site without any host": ('[[site]]\nname = "a"\nhosts = []\n', 3, "site[0].hosts", "must name a host", ""),
    "a URL as host": (
        '[[site]]\nname = "a"\nhosts = ["https://a.fr/"]\n',
        3,
        "site[0].hosts",
        "no host name",
        "as in www.example.org",
    ),
    "a tag that the platform would write otherwise": (
        '[publish]\ntags = ["Données"]\n',
        2,
        "publish.tags",
        "'Données' is no tag",
        "a to z",
    ),
    "a tag with two hyphens": (
        '[publish]\ntags = ["a--b"]\n',
        2,
        "publish.tags",
        "'a--b' is no tag",
        "single -",
    ),
    "a tag with a hyphen first": ('[publish]\ntags = ["-abc"]\n', 2, "publish.tags", "'-abc' is no tag", "single -"),
    "a tag with a hyphen last": ('[publish]\ntags = ["abc-"]\n', 2, "publish.tags", "'abc-' is no tag", "single -"),
    "a tag that stands there twice": (
        '[publish]\ntags = ["abc", "abc-1", "abc"]\n',
        2,
        "publish.tags",
        "'abc' stands there twice",
        "",
    ),
    "a summary that is too long": (f'[publish]\nsummary = "{"a" * 201}"\n', 2, "publish.summary", "at most 200", ""),
    "a key in clear text": (
        '[publish.demo]\nurl = "http://demo.data.gouv.fr/api/1/"\n',
        2,
        "publish.demo.url",
        "with https://",
        "",
    ),
    "a name for an organisation": (
        '[publish.production]\norganisation = "etalab"\n',
        2,
        "publish.production.organisation",
        "24 hex digits",
        "",
    ),
    "no attempt": ("[publish]\nattempts = 0\n", 2, "publish.attempts", "from 1 to 10", ""),
    "one site as a table": ('[site]\nname = "a"\nhosts = ["a.fr"]\n', 1, "site", "must be a list", ""),
}
"""Text of a file; the line, the key and the reason of its refusal, and what the hint says."""


class TestRefusals:
    """What is not understood is an error that says where, which and why."""

    @pytest.mark.parametrize("name", WRONG)
    def test_wrong_value(self, tmp_path: Path, name: str) -> None:
        """A mistake is told with file, line, key and reason, and the exit code is 78."""
        text, line, key, reason, hint = WRONG[name]
        error = refusal(tmp_path, text)
        assert (error.file, error.line, error.key) == (str(tmp_path / "logstats.toml"), line, key)
        assert reason in str(error)
        assert f"logstats.toml:{line}: {key}: " in str(error)
        assert hint in error.hint
        assert error.exit_code == 78

    @pytest.mark.parametrize("text", ("timezone = ", "timezone", "[privacy", 'x = "\n', "a = 1\na = 2\n"))
    def test_not_toml(self, tmp_path: Path, text: str) -> None:
        """What is not TOML is refused, and the message says where."""
        error = refusal(tmp_path, text)
        assert "logstats.toml: is not TOML: " in str(error)
        assert "(at " in str(error)
        assert error.exit_code == 78

    def test_not_text(self, tmp_path: Path) -> None:
        """A file that is not UTF-8 is refused."""
        file = tmp_path / "logstats.toml"
        file.write_bytes(b'timezone = "Europe/Par\xeds"')
        with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
            config.load(file, {})

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        """A file that was named and is not there is refused, not passed over."""
        for environment in ({}, {"LOGSTATS_CONFIG": str(tmp_path / "none.toml")}):
            with pytest.raises(ConfigurationError, match=r"none\.toml: cannot be read: No such file") as refused:
                config.load(None if environment else tmp_path / "none.toml", environment)
            assert refused.value.exit_code == 78

    def test_a_folder(self, tmp_path: Path) -> None:
        """A folder is no configuration."""
        with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
            config.load(tmp_path, {})

    def test_the_command_line_shows_one_line(self, tmp_path: Path) -> None:
        """The program ends with 78, says where the mistake is, and shows no traceback."""
        file = written(tmp_path, "[privacy]\nid_bit = 32\n")
        run = subprocess.run(
            [sys.executable, "-m", "logstats", "report", "--config", str(file), "-"],
            input=b"",
            capture_output=True,
            check=False,
        )
        assert run.returncode == 78
        assert run.stdout == b""
        assert b"logstats.toml:2: privacy.id_bit" in run.stderr
        assert b"did you mean id_bits?" in run.stderr
        assert b"Traceback" not in run.stderr


class TestPlaces:
    """Where a configuration is looked for."""

    def test_precedence(self, tmp_path: Path) -> None:
        """The option counts before LOGSTATS_CONFIG, and that before the user's own file."""
        option = written(tmp_path, 'timezone = "Indian/Reunion"', "option.toml")
        variable = written(tmp_path, 'timezone = "America/Cayenne"', "variable.toml")
        written(tmp_path, 'timezone = "Pacific/Noumea"', "xdg/logstats/logstats.toml")
        written(tmp_path, 'timezone = "America/Miquelon"', "home/.config/logstats/logstats.toml")
        home = {"HOME": str(tmp_path / "home")}
        xdg = home | {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
        named = xdg | {"LOGSTATS_CONFIG": str(variable)}
        assert config.load(option, named).timezone == "Indian/Reunion"
        assert config.load(None, named).timezone == "America/Cayenne"
        assert config.load(None, xdg).timezone == "Pacific/Noumea"
        assert config.load(None, home).timezone == "America/Miquelon"

    def test_never_the_current_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file in the folder where somebody happens to stand is not read."""
        written(tmp_path, "nonsense = 1")
        monkeypatch.chdir(tmp_path)
        for environment in ({}, {"HOME": ""}, {"XDG_CONFIG_HOME": ""}, {"LOGSTATS_CONFIG": ""}):
            assert config.load(None, environment).file is None

    def test_a_relative_folder_of_the_user_counts_for_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """XDG_CONFIG_HOME must be absolute (XDG base directory specification); a relative one is passed over."""
        written(tmp_path, "nonsense = 1", "logstats/logstats.toml")
        monkeypatch.chdir(tmp_path)
        assert config.load(None, {"XDG_CONFIG_HOME": ".", "HOME": str(tmp_path / "home")}).file is None


def test_the_tail_of_pages_has_a_name_no_path_can_have() -> None:
    """`{other}` does not begin with a slash, so no path is taken for it."""
    assert not OTHER_PAGE.startswith("/")
