"""The whole pipeline in a temporary clone: from nothing, with nothing changed, with one source changed.

The peer is the limit that the project sets itself: 900 s cold, 15 s with nothing changed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
COLD_LIMIT_S, WARM_LIMIT_S = 900.0, 15.0
STEPS = (("flows.repro",), ("flows.cli", "results"))  # what `make repro` does


def run() -> list[dict[str, Any]]:
    """Three rows: `repro_cold` (n=1), `repro_unchanged` (n=3), `repro_one_source` (n=1)."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        try:
            cold_s, _ = _repro(clone)
            warm = sorted(_repro(clone)[0] for _ in range(3))
            source = clone / "sources" / "sim_ships.yaml"
            source.write_text(re.sub(r"seed: \d+", "seed: 4242", source.read_text()))
            one_s, stages = _repro(clone)
        finally:
            subprocess.run([sys.executable, "-m", "flows.cli", "down"], cwd=clone, env=_environment(clone), check=False)
            shutil.rmtree(clone / ".state", ignore_errors=True)
    return [
        _row("repro_cold", cold_s, COLD_LIMIT_S, n=1, spread=[cold_s, cold_s]),
        _row("repro_unchanged", warm[1], WARM_LIMIT_S, n=3, spread=[warm[0], warm[-1]]),
        {**_row("repro_one_source", one_s, cold_s, n=1, spread=[one_s, one_s]), "stages": sorted(stages)},
    ]


def _repro(clone: Path) -> tuple[float, set[str]]:
    begin = time.perf_counter()
    said = ""
    for module, *arguments in STEPS:
        answer = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=clone, env=_environment(clone), capture_output=True, text=True, check=True,
        )  # fmt: skip
        said += answer.stdout
    return time.perf_counter() - begin, set(re.findall(r"Running stage '([^']+)'", said))


def _environment(clone: Path) -> dict[str, str]:
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("SAR_TEXT_", "DVC_", "PREFECT_"))
    }
    inherited.pop("MLFLOW_TRACKING_URI", None)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**inherited, "PYTHONPATH": str(clone), "PATH": path}


def _row(name: str, ours_s: float, peer_s: float, *, n: int, spread: list[float]) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours_s, 1),
        "peer": round(peer_s, 1),
        "ratio": round(ours_s / peer_s, 3),
        "unit": "s",
        "n": n,
        "spread": [round(value, 1) for value in spread],
    }
