"""Adds manual pages and shell completions, made from the commands, to the wheel: they land below PREFIX/share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualHook(BuildHookInterface[Any]):
    """Runs scripts/manual.py, in a process of its own, with the Python and the Click of the build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Make the files and name them to the wheel."""
        self._made = TemporaryDirectory(prefix="logstats-manual-")
        script = Path(self.root, "scripts", "manual.py")
        # A build leaves nothing in the source, not even compiled code.
        command = [sys.executable, "-B", str(script), self._made.name]
        subprocess.run(command, check=True, env=os.environ | {"COLUMNS": "80"})  # noqa: S603 - our own script
        for path in sorted(Path(self._made.name).rglob("*")):
            if path.is_file():
                build_data["shared_data"][str(path)] = path.relative_to(self._made.name).as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - the same
        """Remove what was made."""
        self._made.cleanup()
