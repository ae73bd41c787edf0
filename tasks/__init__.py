"""The work itself: plain typed functions on files, text, checks and lineage. Knows no Prefect.

Telemetry of all tools is turned off here, before any of them is imported: `flows` imports this first.
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
