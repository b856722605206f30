"""Taking parts of a frame away and seeing what the branches say then: a map can be checked, not only admired."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from tmnet_core.attention.colours import enlarge
from tmnet_core.data.preprocessing import Image, Placement, Preprocessing
from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

if TYPE_CHECKING:
    # torch comes with it, and the window is there before torch.
    from tmnet_core.live.predictor import GlancePredictor

# The colour that is nothing to the network; the frame itself out of focus; or the mean colour of the rest of the frame.
Removal = Literal["erase", "blur", "mean"]
REMOVALS: dict[Removal, str] = {"erase": "Erase", "blur": "Blur", "mean": "Mean colour"}

_BLUR = 0.08
_STEPS = 16
_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """What the branches say without a region, beside what they said with it.

    Attributes:
        image: the H×W×3 frame without the region.
        before: K probabilities by branch.
        after: the same without the region.
    """

    image: Image
    before: Mapping[Branch, FloatArray]
    after: Mapping[Branch, FloatArray]

    def change(self, branch: Branch) -> FloatArray:
        """Return by how much each class's probability rose, in [-1, 1]."""
        return self.after[branch] - self.before[branch]


def probe(
    predictor: GlancePredictor, glance: Glance, region: npt.NDArray[np.bool_] | FloatArray, how: Removal = "erase"
) -> Probed:
    """Look at a glance's frame once more, without a region of it.

    Args:
        predictor: the one that the glance is from.
        glance: of the whole frame.
        region: H×W over the frame as it came from its source: True, or 1, where it is taken away.
        how: what stands there then.
    """
    image = without(glance.frame.image, region, how, predictor.preprocessing)
    cut = predictor.preprocessing.cut(image, glance.placement)
    seen = predictor.look(cut[None], tuple(glance.probabilities), maps=False)
    return Probed(image, glance.probabilities, {branch: one[0] for branch, one in seen.probabilities.items()})


def without(
    image: Image, region: npt.NDArray[np.bool_] | FloatArray, how: Removal, preprocessing: Preprocessing
) -> Image:
    """Return a frame without a region; ValueError where the two differ in size.

    Args:
        image: H×W×3 uint8 RGB.
        region: H×W; parts between 0 and 1 are taken away in part, as at a soft brush's edge.
        how: what stands there then.
        preprocessing: whose mean colour is nothing to the network.
    """
    if region.shape != image.shape[:2]:
        raise ValueError(f"a region of {region.shape} for a frame of {image.shape[:2]}")
    share = np.asarray(region, np.float32)[..., None]
    filling = _filling(image, share, how, preprocessing)
    return np.asarray(image + (filling - image) * share + 0.5, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """How probable a class is while parts of a frame are taken away, or come back.

    Attributes:
        shares: of the network's input, from 0 to 1.
        probabilities: of the class, by branch, one at each share.
    """

    shares: FloatArray
    probabilities: Mapping[Branch, FloatArray]

    def area(self, branch: Branch) -> float:
        """Return the area under the curve, in [0, 1]."""
        return float(np.trapezoid(self.probabilities[branch], self.shares))


@dataclass(frozen=True, slots=True, eq=False)
class MapCheck:
    """Deletion and insertion curves of one map (Petsiuk et al., RISE, BMVC 2018).

    A map that shows what a branch goes by has a small area under `deletion`, the warmest places first taken away, and
    a large one under `insertion`, the warmest places first put into a blurred frame.
    """

    deletion: Curve
    insertion: Curve


def check_map(
    predictor: GlancePredictor,
    glance: Glance,
    activation_map: FloatArray,
    index: int,
    *,
    steps: int = _STEPS,
    batch: int = _BATCH,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> MapCheck | None:
    """Take a frame away from the network in the order of a map, and put it back in.

    Args:
        predictor: the one that the glance is from.
        glance: of the whole frame.
        activation_map: h×w, oriented as the network's input, of either branch or of anybody.
        index: the class whose probability is followed.
        steps: pieces, each of the same number of pixels; 2 × (steps + 1) images are looked at.
        batch: images at once.
        progress: told (images done, images in all).
        stop: set from another thread, it ends the check.

    Returns:
        The curves; None where it was stopped.
    """
    whole = predictor.preprocessing.cut(glance.frame.image, glance.placement)
    order = _warmest_first(activation_map, whole.shape[0])
    everywhere = np.ones((*order.shape, 1), np.float32)
    nothing = np.broadcast_to(_filling(whole, everywhere, "erase", predictor.preprocessing), whole.shape)
    blurred = _filling(whole, everywhere, "blur", predictor.preprocessing)
    shares = np.linspace(0.0, 1.0, steps + 1, dtype=np.float32)
    images = np.empty((2 * len(shares), *whole.shape), np.uint8)
    for place, share in enumerate(shares):
        chosen = order < share
        images[place] = np.where(chosen[..., None], nothing, whole)
        images[len(shares) + place] = np.where(chosen[..., None], whole, blurred)
    found: dict[Branch, list[FloatArray]] = {}
    for start in range(0, len(images), batch):
        if stop is not None and stop.is_set():
            return None
        seen = predictor.look(images[start : start + batch], tuple(glance.probabilities), maps=False)
        for branch, one in seen.probabilities.items():
            found.setdefault(branch, []).append(one[:, index])
        progress(min(start + batch, len(images)), len(images))
    curves = {branch: np.concatenate(parts) for branch, parts in found.items()}
    deletion = {branch: curve[: len(shares)] for branch, curve in curves.items()}
    insertion = {branch: curve[len(shares) :] for branch, curve in curves.items()}
    return MapCheck(Curve(shares, deletion), Curve(shares, insertion))


def region_of_box(placement: Placement, left: float, top: float, right: float, bottom: float) -> npt.NDArray[np.bool_]:
    """Return an H×W region of a frame that is True in a rectangle, given in shares of the frame's width and height."""
    width, height = placement.frame_size
    region = np.zeros((height, width), np.bool_)
    region[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    return region


def _filling(image: Image, share: FloatArray, how: Removal, preprocessing: Preprocessing) -> FloatArray:
    """What stands in the place of what is taken away: a colour, or a picture of the image's size."""
    if how == "erase":
        return np.asarray(preprocessing.mean, np.float32) * 255.0
    if how == "blur":
        sigma = max(1.0, _BLUR * min(image.shape[:2]))
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    kept = 1.0 - share
    # Of a frame that is taken away as a whole nothing is left to take the mean of.
    weights = kept if kept.any() else np.ones_like(kept)
    return np.asarray((image * weights).sum(axis=(0, 1)) / weights.sum(), np.float32)


def _warmest_first(activation_map: FloatArray, side: int) -> FloatArray:
    """Return each pixel's place in the order of falling heat, side×side in [0, 1)."""
    heat = enlarge(activation_map, (side, side)).ravel()
    order = np.empty(heat.size, np.float32)
    order[np.argsort(-heat, kind="stable")] = np.arange(heat.size, dtype=np.float32) / heat.size
    return order.reshape(side, side)
