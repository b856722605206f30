"""What a training process draws at random besides its clips, which follow from seed, epoch and number."""

from __future__ import annotations

from typing import Any

import torch


def random_state(device: torch.device) -> dict[str, Any]:
    """Return where torch's generators are, of the host and of the device."""
    on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {"host": torch.get_rng_state(), "device": on_device}


def set_random_state(device: torch.device, state: dict[str, Any]) -> None:
    """Go on drawing from where `random_state` was taken."""
    torch.set_rng_state(state["host"])
    if device.type == "cuda" and state["device"] is not None:
        torch.cuda.set_rng_state(state["device"], device)
