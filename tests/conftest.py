"""Shared by all tests: no telemetry, no tracking unless a test asks for it, one thread for arithmetic."""

import os

import hypothesis

import flows  # noqa: F401  # turns all telemetry off

os.environ.setdefault("SAR_TEXT_TRACKING", "off")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Machines are shared: how long an example takes says nothing. Examples are drawn the same way in every run.
hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")
