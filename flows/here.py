"""Stages as processes of this machine: how `make repro` runs them, and a retrain without workers."""

import os
import threading

from flows import gpu
from sar_models.settings import Hardware
from tasks import paths
from tasks.dvc_process import DvcProcess
from tasks.plan import Planned


class Here:
    """Runs stages here, so many side by side as `SAR_TEXT_LANES` says; on a GPU, one that uses it at a time."""

    def __init__(self, hardware: Hardware) -> None:
        self.lanes = lanes(hardware.threads)
        self.one_on_device = hardware.device != "cpu"
        self._gpus = hardware.processes if self.one_on_device else 0
        self._processes: list[DvcProcess] = []
        self._stopped = threading.Event()

    def run(self, stage: Planned) -> None:
        """Run it to its end, each line with the stage's name before it. Raises `ValueError` when it fails."""
        with gpu.slots(self._gpus if stage.uses_device else 0, given_up=self._stopped.is_set):
            if self._stopped.is_set():
                return
            process = DvcProcess("repro", "--single-item", stage.name, what=stage.name, tree=paths.root())
            self._processes.append(process)
            process.follow(lambda line: print(f"{stage.name:<23} | {line}" if line else "", flush=True))

    def stop(self) -> None:
        """End all that runs."""
        self._stopped.set()
        for process in self._processes:
            process.interrupt()
        for process in self._processes:
            process.end()


def lanes(threads: int) -> int:
    """Stages side by side on one machine. Raises `ValueError` when `SAR_TEXT_LANES` is no number of them."""
    given = os.environ.get("SAR_TEXT_LANES")
    if given is None:
        return max(1, (os.cpu_count() or 1) // threads)
    if not given.isdecimal() or int(given) < 1:
        raise ValueError(f"SAR_TEXT_LANES is {given!r}; it must be a whole number of stages, at least 1")
    return int(given)
