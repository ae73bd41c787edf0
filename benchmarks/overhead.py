"""What the flows cost: a retrain that has nothing to do, and one stage as a flow beside the same stage without.

Both with the servers up, in a temporary clone that shares this checkout's DVC cache. The peer of the retrain is the
limit that the project sets itself (20 s). A flow costs what its stage takes longer than the same command with
`SAR_TEXT_TRACKING=off`, which runs the plain function; the limit is 4 s.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RETRAIN_LIMIT_S, FLOW_LIMIT_S = 20.0, 4.0
REPEATS = 5
STAGE = ("flows.narrate", "sim_bare")  # the quickest stage, so that little but the flow is in it


def run() -> list[dict[str, Any]]:
    """Two rows: `retrain_nothing_new` and `flow_overhead`. Needs a pipeline that is up to date and committed."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        try:
            _prepare(clone)
            retrains = [_retrain_s(clone) for _ in range(REPEATS)]
            pairs = [(_run_s(clone, *STAGE), _run_s(clone, *STAGE, SAR_TEXT_TRACKING="off")) for _ in range(REPEATS)]
        finally:
            _run_s(clone, "flows.cli", "down")
            shutil.rmtree(clone / ".state", ignore_errors=True)
    more = [flow_s - plain_s for flow_s, plain_s in pairs]
    return [
        _row("retrain_nothing_new", retrains, RETRAIN_LIMIT_S),
        {
            **_row("flow_overhead", more, FLOW_LIMIT_S),
            "stage_as_flow_s": round(median(flow_s for flow_s, _ in pairs), 2),
            "stage_alone_s": round(median(plain_s for _, plain_s in pairs), 2),
        },
    ]


def _prepare(clone: Path) -> None:
    """Data in place, server up, and the retrain's own worktree made."""
    subprocess.run(
        [sys.executable, "-m", "dvc", "config", "--local", "cache.dir", str(ROOT / ".dvc" / "cache")],
        cwd=clone, env=_environment(clone), check=True,
    )  # fmt: skip
    _run_s(clone, "dvc", "checkout", "--quiet")
    _retrain_s(clone)
    _run_s(clone, *STAGE)


def _retrain_s(clone: Path) -> float:
    return _run_s(clone, "flows.cli", "retrain", says="nothing new")


def _run_s(clone: Path, *command: str, says: str = "", **settings: str) -> float:
    begin = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=clone, env=_environment(clone) | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    took_s = time.perf_counter() - begin
    if ended.returncode or says not in ended.stdout + ended.stderr:
        raise SystemExit(f"{' '.join(command)} did not do what is measured here:\n{ended.stdout}{ended.stderr}")
    return took_s


def _environment(clone: Path) -> dict[str, str]:
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("SAR_TEXT_", "DVC_", "PREFECT_"))
    }
    inherited.pop("MLFLOW_TRACKING_URI", None)
    return {**inherited, "PYTHONPATH": str(clone)}


def _row(name: str, times_s: list[float], limit_s: float) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(median(times_s), 2),
        "peer": limit_s,
        "ratio": round(median(times_s) / limit_s, 3),
        "unit": "s",
        "n": len(times_s),
        "spread": [round(min(times_s), 2), round(max(times_s), 2)],
    }
