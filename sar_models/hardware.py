"""What the arithmetic runs on: set for a block of code as the settings say, and put back afterwards."""

import contextlib
import os
from collections.abc import Iterator

import torch
from torch.utils import deterministic

from sar_models.settings import Hardware


@contextlib.contextmanager
def computing(hardware: Hardware) -> Iterator[torch.device]:
    """Run a block with the threads and device of `hardware`, and with deterministic kernels.

    Yields the device; under `torchrun` with `device: cuda`, the one of this process. Raises `ValueError` for a device
    that is neither CPU nor CUDA, or that this machine does not have: another one is never taken in its place, since
    weights would then depend on the machine.
    """
    device = _device(hardware.device)
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.allow_tf32,
        deterministic.fill_uninitialized_memory,
    )
    torch.set_num_threads(hardware.threads)
    # Some CUDA kernels of attention have no deterministic form: there it is a warning, on the CPU a promise.
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    deterministic.fill_uninitialized_memory = False  # a debugging aid that writes every tensor twice
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32, in convolutions too; matrices are so by default
    try:
        yield device
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1], warn_only=before[2])
        torch.backends.cudnn.allow_tf32 = before[3]
        deterministic.fill_uninitialized_memory = before[4]


def autocast(hardware: Hardware) -> torch.autocast:
    """The precision of forward passes: bfloat16 where the settings say so, with float32 weights."""
    return torch.autocast(
        torch.device(hardware.device).type, dtype=torch.bfloat16, enabled=hardware.precision == "bf16"
    )


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"hardware.device is '{name}', which is no device; give cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"hardware.device is '{name}'; only cpu and cuda (or cuda:1 …) are supported")
    if device.type == "cuda":
        found = torch.cuda.device_count()
        if ":" not in name:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        if device.index >= found:
            raise ValueError(
                f"hardware.device is '{name}', but this machine offers {found} CUDA devices: set hardware.device to "
                "cpu in params.yaml, or run where the device is"
            )
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
        torch.cuda.set_device(device)
    return device
