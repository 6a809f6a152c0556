"""Tests of what looks at the setting: check, config, the discovery of logs, metrics."""
