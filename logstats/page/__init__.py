"""Page: the public statistics page, made of releases alone; static files without a script.

What always holds:

- Nothing is shown that is not in a verified release, but what the configuration declares (name, links, indicators).
- Every text goes through one environment (`render`), which escapes markup and makes controls visible.
- A page needs no other file: style is in it and allowed by its digest, everything else is forbidden by its policy.
"""

from __future__ import annotations

from logstats.page.command import build
from logstats.page.unprotected import report, write_report

__all__ = ["build", "report", "write_report"]
