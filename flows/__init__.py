"""Prefect flows: order, retries, artifacts around the functions of `tasks`. No arithmetic, no file formats.

Every entry point lies below this package, so this is the one place that turns the telemetry of all tools off.
"""

import os

_QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
for _key, _value in _QUIET.items():
    os.environ.setdefault(_key, _value)
