"""Shared by all tests: no telemetry, no tracking unless a test asks for it, one thread for arithmetic."""

import os
import signal

import hypothesis

import flows  # noqa: F401  # turns all telemetry off

os.environ.setdefault("SAR_TEXT_TRACKING", "off")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell that runs tests in the background has them ignore Ctrl-C, and their workers too, which end by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines are shared: how long an example takes says nothing. Examples are drawn the same way in every run.
hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")
