"""Write what `logstats hook` prints to where debhelper looks for units, and to the examples: one source for all.

snippets.py DEBIAN EXAMPLES, run by the Python that has logstats.
"""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

from logstats import config, ops

PROGRAM = "/usr/bin/logstats"


def main() -> None:
    """Write units and user for debhelper, and the rest as examples."""
    debian, examples = map(Path, sys.argv[1:])
    for place, text in ops.files("systemd", program=PROGRAM).items():
        name = PurePosixPath(place).name
        unit = name if PurePosixPath(place).parent.name == "system" else "sysusers"
        (debian / f"logstats.{unit}").write_text(text, encoding="utf-8")
    for server in ops.SERVERS:
        (examples / f"logrotate-{server}").write_text(ops.snippet("logrotate", server=server), encoding="utf-8")
        (examples / f"{server}.conf").write_text(ops.snippet(server), encoding="utf-8")
    defaults = Path(config.__file__).parents[1] / "defaults.toml"
    (examples / "defaults.toml").write_text(defaults.read_text("utf-8"), encoding="utf-8")


main()
