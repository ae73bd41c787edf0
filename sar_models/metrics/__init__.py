"""Metrics on arrays and strings: pure functions that know no model, no file and no framework."""
