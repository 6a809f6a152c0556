"""The registered URLs: from a text file, a column of a CSV, or a path in a JSON."""

from __future__ import annotations

import csv
import json
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from logstats.errors import ConfigurationError, InputMissingError, NoPermissionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_list", "read_rows", "read_text", "separator_of"]

_FORBIDDEN: Final = frozenset(' <>{}"\\')


def read_list(file: Path, field: str) -> list[str]:
    """Read the registered URLs in their order; what is listed twice is given once.

    Args:
        file: Text with one URL a line (`#` begins a comment), CSV with a header, or JSON; by the end of its name.
        field: The column of a CSV, or the path in a JSON as in `links[*].url`; empty takes the first column, or a
            list of texts.

    Raises:
        InputMissingError: There is no such file.
        NoPermissionError: It may not be read.
        ConfigurationError: Something in it is no URL; file and line, or JSON path, are named.
    """
    text = read_text(file)
    readers = {".csv": _csv, ".json": _json}
    found = readers.get(file.suffix.lower(), _lines)(file, text, field)
    urls: dict[str, None] = {}
    for place, url in found:
        if not _is_usable(url):
            raise ConfigurationError("is no URL", file=f"{file}:{place}", hint="as in https://www.example.org/page")
        urls[url] = None
    if not urls:
        raise ConfigurationError("holds no URL", file=str(file))
    return list(urls)


def read_text(file: Path) -> str:
    """Read a text file, with or without a byte order mark.

    Raises:
        InputMissingError: There is no such file.
        NoPermissionError: It may not be read.
        ConfigurationError: It is no text.
    """
    try:
        return file.read_text("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise InputMissingError(f"{file}: is no file") from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not UTF-8 text", file=str(file)) from None
    except OSError as error:
        raise NoPermissionError(f"{file}: cannot be read: {error.strerror}") from None


def read_rows(file: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a CSV, separated by commas or semicolons as its first line is, each with its line.

    Raises:
        ConfigurationError: A quote is not closed, or a field has no end.
    """
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator_of(text), strict=True)
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise ConfigurationError(f"is no CSV: {error}", file=f"{file}:{max(rows.line_num, 1)}") from None


def separator_of(text: str) -> str:
    """Tell by the first line what separates the columns of a CSV."""
    header = text.partition("\n")[0]
    return ";" if header.count(";") > header.count(",") else ","


def _is_usable(url: str) -> bool:
    """Tell whether a text is an address that can stand in a message as it is."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    # What is printable can be encoded, too: a lone surrogate is neither.
    return url.startswith(("http://", "https://")) and bool(host) and url.isprintable() and not set(url) & _FORBIDDEN


def _lines(_file: Path, text: str, _field: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield str(number), line.strip()


def _csv(file: Path, text: str, field: str) -> Iterator[tuple[str, str]]:
    rows = read_rows(file, text)
    _, names = next(rows, (1, []))
    if field and field not in names:
        raise ConfigurationError(
            f"has no column {field!r}", file=f"{file}:1", hint=f"commission.pages_field: one of {', '.join(names)}"
        )
    if any(map(_is_usable, names)):
        raise ConfigurationError("has no header, but a URL", file=f"{file}:1", hint="name the columns, or call it .txt")
    column = names.index(field) if field else 0
    for number, row in rows:
        url = next(islice(row, column, None), "").strip()
        if url:
            yield str(number), url


def _json(file: Path, text: str, field: str) -> Iterator[tuple[str, str]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = getattr(error, "lineno", 1)
        raise ConfigurationError("is not JSON", file=f"{file}:{where}") from None
    for path, url in _at([("$", value)], field or "[*]"):
        if not isinstance(url, str):
            raise ConfigurationError("is no text", file=f"{file}:{path}", hint="see commission.pages_field")
        yield path, url


def _at(values: list[tuple[str, Any]], field: str) -> list[tuple[str, Any]]:
    """Walk down a path of names and `[*]`, through each element of a list."""
    for step in field.replace("[*]", ".[*]").split("."):
        if step == "[*]":
            values = [(f"{path}[{i}]", item) for path, v in values if isinstance(v, list) for i, item in enumerate(v)]
        elif step not in {"", "$"}:
            values = [(f"{path}.{step}", v[step]) for path, v in values if isinstance(v, dict) and step in v]
    return values
