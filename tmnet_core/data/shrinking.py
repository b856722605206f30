"""Making frames smaller before they are kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tmnet_core.opencv import cv2


def shrink(frames: npt.NDArray[np.uint8], short_side: int) -> npt.NDArray[np.uint8]:
    """Resize N×H×W×3 frames to a short side of at most `short_side` pixels, keeping their aspect ratio."""
    height, width = frames.shape[1:3]
    scale = short_side / min(width, height)
    if scale >= 1.0:
        return frames
    size = (round(width * scale), round(height * scale))
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]).astype(np.uint8)
