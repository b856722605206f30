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
        """Return the picture, turned anticlockwise after being fitted into (width, height) if `size` is given.

        A picture of another shape than `size`, as where a file changes its size halfway, keeps its shape between black
        bars. `allocate` makes the array that it is written into, from its height and width.
        """
        width, height = (picture.width, picture.height) if size is None else _fit(picture, size)
        matrix = None
        if picture.colorspace == _MATRIX_UNSPECIFIED and picture.height > _TALLEST_STANDARD_DEFINITION:
            matrix = Colorspace.ITU709
        rgb = self._reformatter.reformat(picture, width, height, "rgb24", src_colorspace=matrix)
        plane = rgb.planes[0]
        # By its address: PyAV 18.1 leaks a reference to None whenever its buffers are asked for, `to_ndarray` included.
        memory = (ctypes.c_uint8 * plane.buffer_size).from_address(plane.buffer_ptr)
        rows = np.ctypeslib.as_array(memory).reshape(-1, plane.line_size)[:height, : 3 * width]
        upright = np.rot90(_between_bars(rows.reshape(height, width, 3), size or (width, height)), quarter_turns)
        # A copy, since the memory goes with the picture.
        if allocate is None:
            return upright.copy()
        image = allocate(*upright.shape[:2])
        np.copyto(image, upright)
        return image


def _fit(picture: VideoFrame, size: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the picture's own shape within `size`."""
    scale = min(size[0] / picture.width, size[1] / picture.height)
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))


def _between_bars(image: Image, size: tuple[int, int]) -> Image:
    """The image in the middle of a black one of (width, height)."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    whole: Image = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    whole[top : top + height, left : left + width] = image
    return whole
