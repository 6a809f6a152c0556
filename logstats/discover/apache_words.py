"""The grammar of Apache's configuration: lines, words, sections, variables, includes (Apache HTTP Server 2.4).

Conditions are decided as far as the files themselves tell: <IfModule> by LoadModule and what Debian compiles in,
<IfDefine> by Define, <IfFile> by the disk. <IfVersion> is taken to be true. Nothing is executed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logstats.discover.found import Place, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Directive", "Reader", "words_of"]

_DEEPEST: Final = 20
_COMPILED_IN: Final = frozenset(
    ("core", "so_module", "http_module", "log_config_module", "logio_module", "unixd_module", "version_module")
)
_CONDITIONS: Final = frozenset(("ifmodule", "ifdefine", "iffile", "ifversion", "ifdirective", "ifsection"))
_UNREAD: Final = frozenset(("macro",))


@dataclass(frozen=True)
class Directive:
    """A directive that is in force.

    Attributes:
        name: In lower case.
        words: What follows it.
        place: Where it stands.
        host: Number of the virtual host around it; 0 for the server itself.
    """

    name: str
    words: list[str]
    place: Place
    host: int = 0


@dataclass
class Reader:
    """Reads a configuration with all that it includes.

    Attributes:
        root: ServerRoot, from which relative paths start.
        variables: What stands for `${NAME}`: the environment, then what Define says.
        notes: What could not be followed.
    """

    root: Path
    variables: dict[str, str]
    notes: list[str] = field(default_factory=list)
    _defined: set[str] = field(default_factory=set)
    _modules: set[str] = field(default_factory=lambda: set(_COMPILED_IN))
    _hosts: int = 0
    _host: int = 0

    def read(self, file: Path, named_at: Place | None = None, depth: int = 0) -> Iterator[Directive]:
        """Give the directives in force, in order.

        Raises:
            InputMissingError: A file that must be there is not.
            NoPermissionError: A file may not be read.
            ConfigurationError: A section has no end, a variable is unknown, a file includes itself.
        """
        sections: list[tuple[str, bool, Place]] = []
        for text, place in _lines(read_text(file, named_at), file):
            if text.startswith("</"):
                if not sections or sections[-1][0] != text[2:].rstrip("> \t").lower():
                    raise place.error(f"unexpected {text[:30]}", "does `apachectl configtest` accept this file?")
                self._leave(sections.pop()[0])
            elif text.startswith("<"):
                name, _, rest = text[1:].rstrip().removesuffix(">").partition(" ")
                active = all(in_force for _, in_force, _ in sections) and self._enter(name.lower(), rest, place)
                sections.append((name.lower(), active, place))
            elif all(in_force for _, in_force, _ in sections):
                yield from self._directive(text, place, depth)
        if sections:
            raise sections[-1][2].error(f"<{sections[-1][0]}> has no end")

    def path(self, text: str) -> Path:
        """Give a path that may be relative to ServerRoot."""
        return self.root / text

    def _directive(self, text: str, place: Place, depth: int) -> Iterator[Directive]:
        name, _, rest = text.replace("\t", " ").partition(" ")
        name, words = name.lower(), words_of(self._filled(rest, place))
        match name, words:
            case "define", [variable, *value]:
                self._defined.add(variable)
                self.variables[variable] = value[0] if value else ""
            case "undefine", [variable, *_]:
                self._defined.discard(variable)
            case "serverroot", [root, *_]:
                self.root = Path(root)
            case "loadmodule", [module, *rest_of_words]:
                self._modules |= {module, *(Path(word).stem + ".c" for word in rest_of_words)}
            case "include" | "includeoptional", [target, *_]:
                for file in self._files(target, place, must=name == "include"):
                    if depth >= _DEEPEST:
                        raise place.error("too many files include each other")
                    yield from self.read(file, place, depth + 1)
            case "use", _:
                self.notes.append(f"{place}: Use of a macro (mod_macro) was not followed")
            case _:
                yield Directive(name, words, place, self._host)

    def _enter(self, name: str, rest: str, place: Place) -> bool:
        """Tell whether what is in a section is in force."""
        if name == "virtualhost":
            self._hosts += 1
            self._host = self._hosts
        if name not in _CONDITIONS:
            return name not in _UNREAD
        argument = next(iter(words_of(self._filled(rest, place))), "")
        plain = argument.removeprefix("!")
        if name == "ifmodule":
            holds = plain in self._modules or f"{plain.removeprefix('mod_').removesuffix('.c')}_module" in self._modules
        elif name == "ifdefine":
            holds = plain in self._defined
        elif name == "iffile":
            holds = self.path(plain).exists()
        else:
            return True
        return holds != argument.startswith("!")

    def _leave(self, name: str) -> None:
        if name == "virtualhost":
            self._host = 0

    def _files(self, target: str, place: Place, *, must: bool) -> list[Path]:
        """Give the files of an Include, in the order in which Apache reads them."""
        pattern = str(self.path(target))
        found = sorted(glob(pattern)) if has_magic(pattern) else [pattern]  # noqa: PTH207 - from the root
        files: list[Path] = []
        for one in map(Path, found):
            if one.is_dir():
                files += sorted(path for path in one.rglob("*") if path.is_file())
            elif must or one.exists():
                files.append(one)
        if must and not files and not has_magic(pattern):
            raise place.error(f"Include: {target}: no such file")
        return files

    def _filled(self, text: str, place: Place) -> str:
        """Put the value of each variable in its place."""
        found, rest = "", text
        while "${" in rest:
            before, _, rest = rest.partition("${")
            name, closed, rest = rest.partition("}")
            if not closed or name not in self.variables:
                raise place.error(
                    f"${{{name[:40]}}} is not defined", "give it with --define NAME=VALUE, or name the envvars file"
                )
            found += before + self.variables[name]
        return found + rest


def words_of(text: str) -> list[str]:
    """Cut a text into words, as `ap_getword_conf` does."""
    words: list[str] = []
    at = 0
    while (at := at + len(text[at:]) - len(text[at:].lstrip())) < len(text):
        quote = text[at] if text[at] in "\"'" else ""
        at += len(quote)
        word = ""
        while at < len(text) and not (text[at] == quote if quote else text[at].isspace()):
            if text[at] == "\\" and text[at + 1 : at + 2] and text[at + 1] in f"\\{quote}":
                at += 1
            word += text[at]
            at += 1
        at += len(quote)
        words.append(word)
    return words


def _lines(text: str, file: Path) -> Iterator[tuple[str, Place]]:
    """Give each line that says something; a backslash at its end joins it with the next."""
    joined, first = "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        first = first or number
        if line.endswith("\\") and not line.endswith("\\\\"):
            joined += line[:-1]
            continue
        whole = (joined + line).strip()
        if whole and not whole.startswith("#"):
            yield whole, Place(file, first)
        joined, first = "", 0
