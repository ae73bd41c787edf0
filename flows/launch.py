"""The start of a training stage, in as many processes as the settings say."""

import os
import subprocess
import sys
from typing import Any

from flows.stage import main
from tasks.params import load


def launch(flow: Any, *arguments: str) -> None:
    """`main` for a training stage: with `hardware.processes` above 1 it starts itself again under torchrun.

    Only the first of the processes reports to Prefect and MLflow.
    """
    processes = load().hardware.processes
    if processes == 1 or "RANK" in os.environ:
        main(flow, *arguments)
        return
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    sys.exit(subprocess.run([*torchrun, "-m", f"flows.{flow.name}", *sys.argv[1:]], check=False).returncode)
