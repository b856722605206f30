"""Text in pictures, in OpenCV's own font: the same on every machine, and no display needed."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Literal

from tmnet_core.data.preprocessing import Image
from tmnet_core.opencv import cv2

RGB = tuple[int, int, int]
Side = Literal["left", "right"]

REGULAR, BOLD = 400, 600
_ELLIPSIS = "…"
# A font keeps a cache of its own, which is not made for two threads.
_of_thread = threading.local()


def write(
    picture: Image,
    text: str,
    place: tuple[int, int],
    size: int,
    colour: RGB,
    *,
    weight: int = REGULAR,
    room: int | None = None,
    side: Side = "left",
) -> None:
    """Write one line into an H×W×3 picture.

    Args:
        picture: written into.
        text: one line.
        place: (x, y) of the base line's left end, or of its right end with `side="right"`.
        size: of the font, in pixels.
        colour: in the picture's channel order.
        weight: 100, thin, to 800, heavy.
        room: pixels; a longer text is cut and ends in an ellipsis.
        side: of the text that `place` is at.
    """
    shown = text if room is None else elide(text, size, weight, room)
    if not shown:
        return
    x, y = place
    if side == "right":
        x -= text_width(shown, size, weight)
    # Without a range of its own, text would be wrapped at the picture's edge.
    wrap = (x, x + 2 * text_width(shown, size, weight) + size)
    cv2.putText(picture, shown, (x, y), colour, _font(), size, weight, cv2.PUT_TEXT_ALIGN_LEFT, wrap)


@lru_cache(maxsize=4096)
def text_width(text: str, size: int, weight: int = REGULAR) -> int:
    """Return how many pixels a line takes from its first to its last dot."""
    left, _, width, _ = cv2.getTextSize((1 << 14, 1 << 10), text, (0, 1 << 9), _font(), size, weight)
    return int(left + width)


@lru_cache(maxsize=4096)
def elide(text: str, size: int, weight: int, room: int) -> str:
    """Return the text, cut to fit into so many pixels."""
    if text_width(text, size, weight) <= room:
        return text
    for end in range(len(text) - 1, 0, -1):
        cut = text[:end].rstrip() + _ELLIPSIS
        if text_width(cut, size, weight) <= room:
            return cut
    return ""


def _font() -> cv2.FontFace:
    if not hasattr(_of_thread, "font"):
        _of_thread.font = cv2.FontFace("sans")
    font: cv2.FontFace = _of_thread.font
    return font
