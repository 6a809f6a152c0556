"""Protection: what of the cells may be published, as one tree with OTHER for each family.

What always holds of what `protect` gives (source: Insee's and Eurostat's rules of statistical confidentiality; the unit
is the visitor-day):

- Every published block holds at least k visitor-days, and no visitor-day has more than the limit's share of it.
- Blocks below a node partition it: a parent's views are the sum of its children's.
- A number of visitors stands only where it says nothing about fewer than k others; else it is null, written `s`.
- A path is in the output, or it is part of OTHER; nothing tells which paths OTHER holds, or how many.
- Equal cells, in whatever order, give equal rows in equal order.
- A partition that was published stays: `recount` counts it anew, and `blocking` finds what must not be seen changing.
"""

from __future__ import annotations

from logstats.protect.freeze import blocking, recount
from logstats.protect.rules import COLUMNS, Rules
from logstats.protect.tree import Protected, protect

__all__ = ["COLUMNS", "Protected", "Rules", "blocking", "protect", "recount"]
