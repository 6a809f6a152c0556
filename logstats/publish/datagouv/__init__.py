"""Releases on data.gouv.fr: one dataset, one resource for each file of a table and period, the same after every run.

    facts       the descriptions of a release, checked for what is published of it
    resources   files of verified releases ──> the resources that are wanted
    describe    what the dataset says of itself, in French and English
    state       what the platform has
    leftovers   uploads of a run that ended before it could say what they are
    plan        wanted and state ──> steps; none when nothing is new
    apply       steps ──> the platform, again and again until there is none left
    client      the platform's interface (udata, API 1): which requests may be made twice, and which may not
    shapes      what is relied on in answers that say success
    refusals    what the platform refuses ──> an error that names the field
    upload      a file as the body of requests, in parts above 20 MB
    alone       one run at a time
    command     `logstats publish`

What always holds:

- Only files of a release that `logstats verify` finds good are sent, and the bytes that were verified are those.
- Nothing is remembered here: what there is to do follows from the release and from what the platform has. So starting
  again is the recovery, whatever failed and wherever.
- A resource is known by its key (`extras["logstats:key"]`), or, when a run ended before it got one, by the name under
  which it was uploaded and its bytes, as long as nobody has touched it. All else is of people, and stays.
- An upload without an answer is never made again before the platform was looked at.
"""
