"""Visits: what one visitor did in a row: views, journeys, uses of features, steps of funnels, what went wrong.

A folder of small modules, each a few functions on frames: sessions cuts views into visits; acts adds what was asked
for without being a view; journeys, features, funnels and quality say what was done; behaviour, who is no person.
"""

from logstats.visits.acts import find_acts
from logstats.visits.sessions import GAP, first_pieces, sessionise, summarise

__all__ = ["GAP", "find_acts", "first_pieces", "sessionise", "summarise"]
