"""Folders of images, played like a video."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np

from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import SourceError
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources.source import FrameSource
from tmnet_core.opencv import cv2

FPS = 10.0
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_MOST_IMAGES = 1_000_000


class ImageFolderSource(FrameSource):
    """The images directly in a folder in natural order (`2.png` before `10.png`), ten a second.

    An image that cannot be read is passed over.
    """

    live = False

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self._paths = list_images(folder)
        self.title = folder.resolve().name
        self.fps = FPS
        self.times = [index / FPS for index in range(len(self._paths))]
        self._next = 0
        first = next((image for image in map(read_image, self._paths) if image is not None), None)
        if first is None:
            raise SourceError(f"{folder} cannot be played: none of its {len(self._paths)} images can be read.")
        self.height, self.width = first.shape[:2]

    def read(self) -> Frame | None:
        """Return the next image that can be read; None after the last."""
        while self._next < len(self._paths):
            index = self._next
            self._next += 1
            image = read_image(self._paths[index])
            if image is not None:
                return Frame(image, index, self.times[index], time.perf_counter())
        return None

    def seek(self, index: int) -> None:
        """Make this image the next to be read; IndexError if there is none such."""
        if not 0 <= index < len(self._paths):
            raise IndexError(f"{self.title} has {len(self._paths)} images, so none with index {index}.")
        self._next = index

    def close(self) -> None:
        """Nothing is held open between images."""


def list_images(folder: Path) -> list[Path]:
    """Return the images directly in a folder in natural order; SourceError if there are none, or too many."""
    try:
        paths = [
            path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
        ]
    except OSError as error:
        raise SourceError(f"{folder} cannot be played: {error.strerror}.") from error
    if not paths:
        raise SourceError(f"{folder} cannot be played: it is a folder without images.")
    if len(paths) > _MOST_IMAGES:
        raise SourceError(f"{folder} cannot be played: it holds more than {_MOST_IMAGES:,} images.")
    return sorted(paths, key=lambda path: (_natural(path.name), path.name))


def read_image(path: Path) -> Image | None:
    """Return an image upright, H×W×3 uint8 RGB; None if it cannot be read or is too large to."""
    try:
        data = np.fromfile(path, np.uint8)  # cv2.imread does not take every name on Windows
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if picture is None else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _natural(name: str) -> list[str | int]:
    return [int(part) if place % 2 else part.casefold() for place, part in enumerate(re.split(r"([0-9]+)", name))]
