"""The device: one place decides where tensors live, and everything else asks it.

The order is: what `COURSEKIT_DEVICE` names, else the first CUDA device, else the CPU. Apple's 'mps'
is never chosen unasked: it has no float64 and lacks some of the operations that later chapters use;
`COURSEKIT_DEVICE=mps` takes it. `GPU=1`, which the GPU runner sets, is a promise that there is a
GPU: where it cannot be kept, the run stops instead of passing slowly on the CPU.
"""

import os

import torch


def pick_device() -> torch.device:
    """The device to compute on: the one that `COURSEKIT_DEVICE` names, else CUDA, else the CPU.

    Returns:
        A device on which a tensor can be made.
    Raises:
        ValueError: `COURSEKIT_DEVICE` is not the name of a device.
        RuntimeError: it names one that is not there, or `GPU=1` and the choice is not CUDA.
    """
    wanted = os.environ.get("COURSEKIT_DEVICE", "").strip()
    default = "cuda" if torch.cuda.is_available() else "cpu"
    device = _named(wanted) if wanted else torch.device(default)
    if os.environ.get("GPU") == "1" and device.type != "cuda":
        came = f"COURSEKIT_DEVICE={wanted}" if wanted else "torch sees no CUDA device"
        raise RuntimeError(f"GPU=1 is set, but {came}: a CUDA device was expected. Check "
                           "`nvidia-smi` and that torch is a CUDA build, or unset GPU.")
    return device


def _named(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"COURSEKIT_DEVICE is {name!r}, but a name such as cpu, cuda, cuda:1 or "
                         "mps was expected. Correct it, or unset it.") from None
    try:
        torch.empty(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError):
        raise RuntimeError(f"COURSEKIT_DEVICE is {name!r}, but torch cannot use that device. "
                           "Unset it, or set COURSEKIT_DEVICE=cpu.") from None
    return device
