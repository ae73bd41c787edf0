"""Shared by all tests: no telemetry, no tracking unless a test asks for it, one thread for arithmetic."""

import os

import flows  # noqa: F401  # turns all telemetry off

os.environ.setdefault("SAR_TEXT_TRACKING", "off")
os.environ.setdefault("OMP_NUM_THREADS", "1")
