"""A picture of all classes at a glance."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.actions import CLASSES
from tmnet_core.data.synthetic_people.renderer import Subset, render_clip
from tmnet_core.files import replacing
from tmnet_core.opencv import cv2

_LABEL_RGB = (255, 255, 255)


def contact_sheet(
    seed: int = 0,
    *,
    frames_a_clip: int = 5,
    clips_a_class: int = 1,
    size: tuple[int, int] = (160, 120),
    classes: Sequence[str] = CLASSES,
    subset: Subset = "train",
    columns: int = 1,
) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB: every class in a row of frames spread over its clips, `columns` classes side by side."""
    strips = []
    for label, name in enumerate(classes):
        tiles = []
        for clip in range(clips_a_class):
            where = np.linspace(1, 30, frames_a_clip).round().astype(int).tolist()
            clip_seed = seed + label + len(classes) * clip
            tiles += list(render_clip(name, clip_seed, size=size, subset=subset, indices=where).frames)
        strips.append(_named(np.concatenate(tiles, axis=1), name, size[1]))
    strips += [np.zeros_like(strips[0])] * (-len(strips) % columns)
    rows = [np.concatenate(strips[i : i + columns], axis=1) for i in range(0, len(strips), columns)]
    return np.concatenate(rows, axis=0)


def write_contact_sheet(path: Path, seed: int, *, size: tuple[int, int], classes: Sequence[str]) -> None:
    """Write the contact sheet as a PNG, two classes side by side."""
    image = contact_sheet(seed, frames_a_clip=4, size=size, classes=classes, columns=2)
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    with replacing(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _named(strip: npt.NDArray[np.uint8], name: str, height: int) -> npt.NDArray[np.uint8]:
    strip = np.ascontiguousarray(strip)
    scale = height / 300
    at = (round(8 * scale) + 2, round(34 * scale) + 2)
    for colour, width in (((20, 20, 20), max(2, round(8 * scale))), (_LABEL_RGB, max(1, round(3 * scale)))):
        cv2.putText(strip, name, at, cv2.FONT_HERSHEY_SIMPLEX, 1.1 * scale, colour, width, cv2.LINE_AA)
    return strip
