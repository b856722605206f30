"""One frame and where the branches look, in the form of the paper's Figure 6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from tmnet_core.attention.colours import blend_heat, shared_scale
from tmnet_core.data.preprocessing import Image
from tmnet_core.figures.style import INK, new_figure
from tmnet_core.models.branch import Branch

# Inches: the width of a picture, what is left free around it, and the room of a title.
_PICTURE, _GAP, _TITLE = 2.72, 0.06, 0.24


@dataclass(frozen=True)
class SeenFrame:
    """One frame and what the branches make of its class.

    Attributes:
        image: H×W×3 uint8 RGB, as the network sees it.
        maps: by branch, h×w class activation maps of the class.
        probabilities: by branch, of the class.
    """

    image: Image
    class_name: str
    maps: Mapping[Branch, npt.NDArray[np.float32]]
    probabilities: Mapping[Branch, float]


def draw_attention(seen: SeenFrame) -> Figure:
    """Draw the frame, and over it each branch's map of its class, on one scale, with the class's probability."""
    pictures = {seen.class_name: seen.image}
    scale = shared_scale(seen.maps.values())
    for branch, activation in seen.maps.items():
        picture = seen.image.copy()
        blend_heat(picture, activation, scale)
        pictures[f"{branch}, probability {seen.probabilities[branch]:.3f}"] = picture
    return _draw_row(pictures)


def _draw_row(pictures: Mapping[str, Image]) -> Figure:
    """Draw pictures of one size beside each other below their titles, in a figure that has just that room."""
    rows, columns = next(iter(pictures.values())).shape[:2]
    wide = _PICTURE
    high = wide * rows / columns
    whole = (len(pictures) * (wide + _GAP) + _GAP, high + 2 * _GAP + _TITLE)
    figure = new_figure(*whole)
    figure.set_layout_engine("none")
    for number, (title, picture) in enumerate(pictures.items()):
        left = _GAP + number * (wide + _GAP)
        axes = figure.add_axes((left / whole[0], _GAP / whole[1], wide / whole[0], high / whole[1]))
        axes.imshow(picture, interpolation="bilinear")
        axes.set_title(title, fontsize=10, color=INK)
        axes.set_axis_off()
    return figure
