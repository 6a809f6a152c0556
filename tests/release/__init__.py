"""Tests of releases; a package, so that they share the cubes and the simulated month."""
