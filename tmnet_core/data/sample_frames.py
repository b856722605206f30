"""Some frames of a folder of videos and pictures, to calibrate and to check with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tmnet_core.data.annotations import VIDEO_SUFFIXES
from tmnet_core.data.decoding import VideoReader, read_frames
from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import DataError, SourceError
from tmnet_core.opencv import cv2

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def sample_frames(source: Path, count: int) -> list[Image]:
    """Return up to `count` H×W×3 uint8 RGB frames, spread over the videos and pictures of a folder, or of one video.

    The same folder gives the same frames. Files that cannot be read are passed over.

    Raises:
        DataError: there is no such folder, or no frame in it.
    """
    if not source.exists():
        raise DataError(f"frames {source}: there is no such folder or file")
    files = sorted(path for path in source.rglob("*") if _is_picture(path)) if source.is_dir() else [source]
    chosen = [files[place] for place in _spread(len(files), count)]
    frames: list[Image] = []
    for number, path in enumerate(chosen):
        # Each file gives its share of what is still missing.
        share = -(-(count - len(frames)) // (len(chosen) - number))
        frames += _frames_of(path, share)
    if not frames:
        raise DataError(f"frames {source}: it holds no video or picture that can be read")
    return frames


def _frames_of(path: Path, count: int) -> Sequence[Image]:
    if path.suffix.lower() in IMAGE_SUFFIXES:
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.stat().st_size else None
        return [] if picture is None else [cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)]  # type: ignore[list-item]
    try:
        with VideoReader(path, threads="NONE") as reader:
            length = len(reader.times)
        return list(read_frames(path, _spread(length, count)))
    except SourceError:
        return []


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES | IMAGE_SUFFIXES and path.is_file()


def _spread(length: int, count: int) -> list[int]:
    """Return up to `count` indices below `length`, evenly spread, each at the middle of its share."""
    count = min(length, count)
    return [int((place + 0.5) * length / count) for place in range(count)]
