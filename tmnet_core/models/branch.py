"""Who answers."""

from __future__ import annotations

from enum import StrEnum


class Branch(StrEnum):
    """Who gives an answer: the regression branch, the classification branch, or their fusion."""

    RB = "RB"
    CB = "CB"
    FUSED = "RB+CB"
