"""What stands between a frame and the network. One object serves training, evaluation and the live view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from tmnet_core.data.resizing import resize

if TYPE_CHECKING:
    import torch

Image = npt.NDArray[np.uint8]
Crop = Literal["centre", "whole"]
Crops = Literal[1, 10]


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels of a frame; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the network's input lies on the source frame, so that a map can be laid back over it.

    The frame is first turned clockwise by `quarter_turns` × 90°, then mirrored left to right, then cropped.

    Attributes:
        frame_size: (width, height) of the source frame in pixels.
        box: the crop, in pixels of the source frame (before turning and mirroring).
        quarter_turns: 0 to 3.
        mirror: whether the turned frame was mirrored left to right.
    """

    frame_size: tuple[int, int]
    box: Box
    quarter_turns: int = 0
    mirror: bool = False

    def map_to_frame(self, activation_map: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return an h×w map of the network's input oriented as `box` of the source frame; a view, not resized."""
        if self.mirror:
            activation_map = activation_map[..., ::-1]
        return np.rot90(activation_map, self.quarter_turns, axes=(-2, -1)) if self.quarter_turns else activation_map

    def point_to_frame(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the network's input, both coordinates in [0, 1], to pixels of the source frame."""
        if self.mirror:
            x = 1.0 - x
        for _ in range(self.quarter_turns % 4):
            x, y = y, 1.0 - x
        return self.box.left + x * self.box.width, self.box.top + y * self.box.height


class Preprocessing(BaseModel):
    """From an H×W×3 uint8 RGB frame to the network's input; stored in every checkpoint.

    `centre` crops a centred square whose side is `crop_fraction` of the short side; `whole` squashes the
    entire frame into the square, as the paper's resize to 256×256 does (section IV-E).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(224, ge=32, le=1024, description="Side of the network's square input, in pixels.")
    crop: Crop = Field("centre", description="What a glance sees: the centred square, or the whole frame squashed.")
    crop_fraction: float = Field(0.875, gt=0.0, le=1.0, description="Side of the centred square over the short side.")
    colour_order: Literal["RGB"] = "RGB"
    mean: tuple[float, float, float] = Field((0.485, 0.456, 0.406), description="Per channel, of values in [0, 1].")
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = Field(
        (0.229, 0.224, 0.225), description="Per channel, of values in [0, 1]."
    )

    def box(self, width: int, height: int) -> Box:
        """Return the part of a frame of this size that the network sees."""
        if self.crop == "whole":
            return Box(0, 0, width, height)
        side = max(1, round(min(width, height) * self.crop_fraction))
        left, top = (width - side) // 2, (height - side) // 2
        return Box(left, top, left + side, top + side)

    def place(self, width: int, height: int, *, mirror: bool = False, quarter_turns: int = 0) -> Placement:
        """Return where the network's input lies on a frame of this size."""
        return Placement((width, height), self.box(width, height), quarter_turns % 4, mirror)

    def place_crops(self, width: int, height: int, crops: Crops) -> list[Placement]:
        """Return the one placement of a glance, or the ten of an evaluation: corners and centre, each mirrored too.

        The ten are of the size that `crop_fraction` says, a square, or of the frame's own shape where it is squashed.
        """
        if crops == 1:
            return [self.place(width, height)]
        side = min(width, height) * self.crop_fraction
        crop_width = max(1, round(width * self.crop_fraction if self.crop == "whole" else side))
        crop_height = max(1, round(height * self.crop_fraction if self.crop == "whole" else side))
        right, bottom = width - crop_width, height - crop_height
        corners = [(0, 0), (right, 0), (0, bottom), (right, bottom), (right // 2, bottom // 2)]
        boxes = [Box(left, top, left + crop_width, top + crop_height) for left, top in corners]
        return [Placement((width, height), box, mirror=mirror) for mirror in (False, True) for box in boxes]

    def cut(self, frame: Image, placement: Placement) -> Image:
        """Crop, turn, mirror and resize one frame to size×size×3 uint8 RGB, contiguous."""
        box = placement.box
        resized = resize(frame[box.top : box.bottom, box.left : box.right], self.size, self.size)
        turned = np.rot90(resized, -placement.quarter_turns) if placement.quarter_turns else resized
        if placement.mirror:
            turned = turned[:, ::-1]
        return np.ascontiguousarray(turned)

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Turn uint8 ...×H×W×3 images into float ...×3×H×W network input, on the device they are on."""
        mean, scale = (values.to(images.device) for values in self.row_constants(images.shape[-2]))
        return normalise_rows(images, mean, scale)

    def row_constants(self, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what to take from a row of `width` pixels, then what to multiply it with: 3·width values each."""
        from torch import tensor

        mean = tensor(self.mean) * 255.0
        scale = 1.0 / (tensor(self.std) * 255.0)
        return mean.repeat(width), scale.repeat(width)


def normalise_rows(images: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Turn uint8 ...×H×W×3 images into float ...×3×H×W, with what `Preprocessing.row_constants` gives for W.

    Row by row: a channel's constant at a time would be a loop of three, ten times as slow.
    """
    rows = (images.flatten(-2).float() - mean) * scale
    return rows.reshape(images.shape).movedim(-1, -3)
