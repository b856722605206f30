"""What a trial of a recipe tells; apart from the trial itself, which loads torch."""

from __future__ import annotations

from pydantic import BaseModel


class TrialResult(BaseModel):
    """What a trial found.

    Attributes:
        fits: whether a step of this recipe fits into memory.
        memory_gib: the most that was held, on the device, or by the process where that is the CPU; 0 if unknown.
        available_gib: how much there is for it.
        seconds_per_step: reading the clips included; 0 where no step was possible.
        seconds: expected for the whole run of so many iterations, validations included.
        advice: what to change, in a sentence; empty where nothing needs to be changed.
    """

    device: str
    fits: bool
    memory_gib: float
    available_gib: float
    seconds_per_step: float = 0.0
    seconds: float = 0.0
    iterations: int = 0
    classes: int = 0
    clips: int = 0
    validation_clips: int = 0
    advice: str = ""
