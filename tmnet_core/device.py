"""Which device computes."""

from __future__ import annotations

import re

import torch

from tmnet_core.errors import TMNetError


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of this name; `auto` is CUDA, else Apple's MPS, else the CPU.

    Raises:
        TMNetError: where the device does not exist on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise TMNetError(f"device {name!r}: not a device; use auto, cpu, cuda, cuda:N or mps")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        cause = "" if count else f": {why_no_cuda()}"
        raise TMNetError(f"device {name!r}: this machine offers {count} CUDA devices to torch{cause}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise TMNetError(f"device {name!r}: this machine has no MPS device")
    return device


def why_no_cuda() -> str:
    """Return why torch finds no CUDA device, such as a driver that is too old, as a clause for a person."""
    if torch.version.cuda is None:
        return "this build of torch has no CUDA"
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (RuntimeError, AssertionError) as error:
        # torch adds advice and addresses behind its first sentence.
        said = " ".join(str(error).split()).partition(". ")[0].rstrip(".")
        return said[:1].lower() + said[1:]
    return "no device is visible to this process"


def describe_device(device: torch.device) -> str:
    """Return a name for a person, such as `CPU` or the GPU's model."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
