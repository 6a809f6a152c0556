"""Tests of publishing on data.gouv.fr, against its own software; a package, so that they share the proxy."""
