"""The access logs that the configuration names, as they are on the disk now."""

from __future__ import annotations

from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from logstats.errors import InputMissingError

if TYPE_CHECKING:
    from logstats.config import Config

__all__ = ["configured_files", "files_of"]


def files_of(config: Config) -> dict[str, list[Path]]:
    """Give the files of each pattern of `input.logs`, the newest first; a relative one is beside the configuration."""
    base = config.file.absolute().parent if config.file else Path()
    found: dict[str, list[Path]] = {}
    for pattern in config.input.logs:
        whole = str(base / pattern)
        paths = [Path(one) for one in (glob(whole) if has_magic(whole) else [whole])]  # noqa: PTH207 - from the root
        there = [path for path in paths if path.exists() and not path.is_dir()]
        found[pattern] = sorted(there, key=lambda path: -path.stat().st_mtime)
    return found


def configured_files(config: Config) -> list[str]:
    """Give all of them, each once, the oldest first.

    Raises:
        InputMissingError: There is none for a pattern.
    """
    found = files_of(config)
    for pattern, files in found.items():
        if not files:
            raise InputMissingError(f"{pattern}: there is no such file (input.logs)", hint="logstats check says more")
    return list(dict.fromkeys(str(path) for files in found.values() for path in reversed(files)))
