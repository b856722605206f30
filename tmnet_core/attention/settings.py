"""How attention is shown, on the screen and in exports: what the person chose and the window remembers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tmnet_core.attention.classes import ClassChoice
from tmnet_core.attention.colours import ColourMap

ScaleChoice = Literal["shared", "own", "min-max"]


class AttentionSettings(BaseModel):
    """Choices that hold for every picture with a heat map."""

    model_config = ConfigDict(validate_assignment=True)

    shows: ClassChoice = Field(
        "fused", description="Without a pinned class: all pictures the answer's class, or each branch its own."
    )
    third: Literal["sum", "difference"] = Field("sum", description="The third picture: RB+CB, or RB minus CB.")
    scale: ScaleChoice = Field(
        "shared",
        description="From zero to the greatest value of all pictures or of each; or from each least to greatest.",
    )
    opacity: float = Field(0.6, ge=0.1, le=1.0, description="Of the warmest places over the frame.")
    colours: ColourMap = "inferno"
    contour: float = Field(0.0, ge=0.0, le=0.95, description="Share of the scale where a line is drawn; 0 for none.")
    smoothing: float = Field(0.0, ge=0.0, le=2.0, description="Time constant in seconds over which maps are averaged.")
