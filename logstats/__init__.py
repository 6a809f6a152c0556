"""logstats: exact figures from access logs, and nobody identifiable in them."""

from __future__ import annotations

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"
