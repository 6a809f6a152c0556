"""The Commission's monthly file: page views of gateway pages by URL, country and device, from closed days.

    pages      which URLs are asked for, and which pages of the cells they are
    count      cells ──> a frame of url, country, device, number, and an account of every view
    plan       a month ──> the periods that are sent, each in a message of at most 10 MB
    message    the frame ──> the bytes of a message
    prove      the bytes are read again, and the cells added up another way: both say the same
    check      any message ──> what is wrong with it, with JSON paths
    compare    two messages ──> what vanished, appeared, changed
    sent       the ledger of what was sent: one id for each period, kept before anything is posted
    channel    HTTPS: ids and posts, retried only where that is safe
    send       a message ──> the Commission, by way of the ledger

Sources: Regulation (EU) 2018/1724, art. 24; Implementing Regulation (EU) 2020/1121, art. 3 and annex II; the
Commission's OpenAPI files of February 2021. README.md in this folder says where the schema is from.
"""
