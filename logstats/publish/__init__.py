"""Publishing: what leaves the machine, and how it is known afterwards what did.

key            the key of a service, which shows itself to the connection only
channel        requests over HTTPS, repeated only where that changes nothing
commission/    the Commission's monthly file (Single Digital Gateway)
datagouv/      releases on data.gouv.fr
"""
