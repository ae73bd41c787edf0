"""Run every benchmark and write `benchmarks/results.json`: ours, peer, their ratio, n and spread.

    python -m benchmarks.run              all
    python -m benchmarks.run shards       those named

A benchmark is a module here with `run() -> dict` or a list of them: name, ours, peer, ratio, unit, n, spread.
Machines are shared and noisy, so the ratio is the result; the absolute figures only say on what.
"""

import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"


def main() -> None:
    known = sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef run() -> " in path.read_text(encoding="utf-8"))
    names = sys.argv[1:] or known
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no benchmark '{unknown[0]}'; there are {', '.join(known)}")
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in names:
        found: Any = importlib.import_module(f"benchmarks.{name}").run()
        for row in found if isinstance(found, list) else [found]:
            results[row["name"]] = {**{key: value for key, value in row.items() if key != "name"}, "on": machine()}
            print(f"{row['name']}: {row['ours']} against {row['peer']} {row['unit']}, ratio {row['ratio']}", flush=True)
        RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")  # what a later one breaks off stays


def machine() -> str:
    """Processor and number of cores, without a name."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
