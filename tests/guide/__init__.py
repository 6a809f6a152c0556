"""The guide, carried out: each block of commands in the documents, in order, where the reader would type it."""
