"""The start of a training stage, in as many processes as the settings say, on as many hosts as the environment says."""

import os
import subprocess
import sys
from typing import Any

from flows.stage import main
from tasks.params import load

# torchrun's own variables. Facts of a host stay out of params.yaml, for they would make every training out of date:
# weights depend on how many processes share a batch, not on where these run.
HOSTS, HOST_RANK, ENDPOINT = "PET_NNODES", "PET_NODE_RANK", "PET_RDZV_ENDPOINT"


def launch(flow: Any, *arguments: str) -> None:
    """`main` for a training stage: with `hardware.processes` above 1 it starts itself again under torchrun.

    Only the first of the processes reports to Prefect and MLflow, and writes outputs.
    """
    if "RANK" in os.environ:
        main(flow, *arguments)
        return
    try:
        torchrun = torchrun_options(load().hardware.processes)
    except ValueError as error:
        sys.exit(f"\nerror: {error}")
    if not torchrun:
        main(flow, *arguments)
        return
    command = [sys.executable, "-m", "torch.distributed.run", *torchrun, "-m", f"flows.{flow.name}", *sys.argv[1:]]
    sys.exit(subprocess.run(command, check=False).returncode)


def torchrun_options(processes: int) -> list[str]:
    """How torchrun starts this host's share of `processes`; nothing where there is but one.

    Raises `ValueError` where the environment names several hosts, but not which of them this is, where they meet, or
    so many that they cannot share the processes equally.
    """
    hosts = _whole_number(HOSTS, default="1")
    if hosts == 1:
        return ["--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
    if hosts < 1 or processes % hosts:
        raise ValueError(
            f"{HOSTS} is {hosts}, but {processes} processes cannot be shared equally by so many hosts: set "
            "hardware.processes in params.yaml to the processes of all hosts together, or unset it to train on this one"
        )
    rank = _whole_number(HOST_RANK, default="")
    if rank >= hosts:
        raise ValueError(f"{HOST_RANK} is {rank}; of {hosts} hosts the first is 0, the last {hosts - 1}")
    host, _, port = os.environ.get(ENDPOINT, "").rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"set {ENDPOINT} to HOST:PORT, a free port of the first host, on each of the {hosts} hosts")
    # static: the other backends number the hosts by name, and the outputs would lie on whichever comes first
    return [
        f"--nnodes={hosts}", f"--nproc-per-node={processes // hosts}",
        "--rdzv-backend=static", f"--rdzv-endpoint={host}:{port}", f"--node-rank={rank}",
    ]  # fmt: skip


def _whole_number(variable: str, *, default: str) -> int:
    given = os.environ.get(variable, default)
    if not given.isdecimal():
        raise ValueError(f"{variable} is {given!r}; it must be a whole number")
    return int(given)
