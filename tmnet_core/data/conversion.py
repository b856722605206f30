"""From FFmpeg's pictures to ours."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter

from tmnet_core.data.preprocessing import Image

_MATRIX_UNSPECIFIED = 2
_TALLEST_STANDARD_DEFINITION = 576


class PictureConverter:
    """Makes upright H×W×3 uint8 RGB of decoded pictures; keeps what pictures of one kind share."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def convert(
        self,
        picture: VideoFrame,
        size: tuple[int, int] | None = None,
        quarter_turns: int = 0,
        allocate: Callable[[int, int], Image] | None = None,
    ) -> Image:
        """Return the picture, scaled to (width, height) if `size` is given, then turned anticlockwise.

        `allocate` makes the array that it is written into, from its height and width.
        """
        width, height = size or (picture.width, picture.height)
        matrix = None
        if picture.colorspace == _MATRIX_UNSPECIFIED and picture.height > _TALLEST_STANDARD_DEFINITION:
            matrix = Colorspace.ITU709
        rgb = self._reformatter.reformat(picture, width, height, "rgb24", src_colorspace=matrix)
        plane = rgb.planes[0]
        # By its address: PyAV 18.1 leaks a reference to None whenever its buffers are asked for, `to_ndarray` included.
        memory = (ctypes.c_uint8 * plane.buffer_size).from_address(plane.buffer_ptr)
        rows = np.ctypeslib.as_array(memory).reshape(-1, plane.line_size)[:height, : 3 * width]
        upright = np.rot90(rows.reshape(height, width, 3), quarter_turns)
        # A copy, since the memory goes with the picture.
        if allocate is None:
            return upright.copy()
        image = allocate(*upright.shape[:2])
        np.copyto(image, upright)
        return image
