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
    figure = new_figure(2.8 * (1 + len(seen.maps)), 3.2)
    panes = figure.subplots(1, 1 + len(seen.maps), squeeze=False)[0]
    panes[0].imshow(seen.image, interpolation="bilinear")
    panes[0].set_title(seen.class_name, fontsize=10, color=INK)
    scale = shared_scale(seen.maps.values())
    for axes, (branch, activation) in zip(panes[1:], seen.maps.items(), strict=True):
        picture = seen.image.copy()
        blend_heat(picture, activation, scale)
        axes.imshow(picture, interpolation="bilinear")
        axes.set_title(f"{branch}, probability {seen.probabilities[branch]:.3f}", fontsize=10, color=INK)
    for axes in panes:
        axes.set_axis_off()
    return figure
