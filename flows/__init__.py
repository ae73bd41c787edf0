"""Prefect flows: order, retries, artifacts around the functions of `tasks`. No arithmetic, no file formats."""

import tasks  # noqa: F401  # turns telemetry off before prefect is imported
