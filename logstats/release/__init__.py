"""Release: what the public sees of a month, as files.

What always holds:

- Files are made of frozen blocks and of what the ledger keeps beside them; no clock, no cell, no configuration of now.
  So the same release has the same bytes, whenever it is made again.
- Of each table there is Parquet and CSV, with equal values; a text cannot act in a spreadsheet.
- `verify` judges a release by its files alone.
"""

from __future__ import annotations

from logstats.release.catalogue import catalogue
from logstats.release.files import render
from logstats.release.shape import shape
from logstats.release.verify import compare, verify

__all__ = ["catalogue", "compare", "render", "shape", "verify"]
