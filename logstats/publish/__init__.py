"""Publishing: what leaves the machine, and how it is known afterwards what did.

commission/    the Commission's monthly file (Single Digital Gateway)
"""
