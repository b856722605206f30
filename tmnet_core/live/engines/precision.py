"""How exactly a GPU computes."""

from __future__ import annotations

from typing import Literal

import torch

Precision = Literal["fp32", "tf32", "fp16", "bf16"]
STORED: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}
# The largest difference of a probability that a precision may cause.
TOLERANCE: dict[Precision, float] = {"fp32": 1e-4, "tf32": 5e-3, "fp16": 5e-3, "bf16": 2e-2}
TITLES: dict[Precision, str] = {"fp32": "fp32", "tf32": "TF32", "fp16": "fp16", "bf16": "bf16"}
