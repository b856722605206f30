"""The ways in which an evaluation looks at a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from tmnet_core.config import ClipSection, KeyFrameSegment
from tmnet_core.data.preprocessing import Crops
from tmnet_core.data.sampling import SamplingMode
from tmnet_core.errors import DataError


@dataclass(frozen=True, slots=True)
class Look:
    """How an evaluation looks at a video.

    Attributes:
        frames: T frames of one clip, taken together; 0: single frames, each alone (one glance).
        key_frame: the third that the glances, or RB's frame of a clip, are taken from; None: glances over all of
            the video, and of a clip the key frame it was trained with.
        key_frames: glances a video.
        sampling: how a clip's frames are taken; None: as in training.
        crops: 1, or 10 whose logits are averaged.
        fusion: what RB+CB averages; None: as the network does.
    """

    frames: int = 0
    key_frame: KeyFrameSegment | None = None
    key_frames: int = 5
    sampling: SamplingMode | None = None
    crops: Crops = 1
    fusion: Literal["features", "probabilities"] | None = None

    def clip(self, trained: ClipSection) -> ClipSection | None:
        """Return the clip to look at, after the one that was trained on; None for single frames."""
        if not self.frames:
            return None
        changes: dict[str, object] = {"frames": self.frames}
        changes |= {"key_frame": self.key_frame} if self.key_frame else {}
        changes |= {"sampling": self.sampling} if self.sampling else {}
        try:
            return ClipSection.model_validate({**trained.model_dump(), **changes})
        except ValidationError as error:
            raise DataError(f"a clip of {self.frames} frames: {error.errors()[0]['msg'].lower()}") from None
