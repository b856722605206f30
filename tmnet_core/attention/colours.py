"""Heat: from a map to colours, the same on the screen, in legends and in exports.

A map's values pass through a `HeatScale` to [0, 1] and then through one of 256 colours. Enlarging happens before
colouring: interpolated values are on the colour map, interpolated colours are not.

A value is what a place adds to a class's logit, so scales begin at zero: what adds nothing, or speaks against the
class, is cold, and a map without any positive value has no warm place. Pictures of class activation maps are often made
at the scale from the least to the greatest value instead (the paper does not say); there the place that speaks least
against a class looks as if it spoke for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from tmnet_core.data.preprocessing import Image
from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

ColourMap = Literal["inferno", "magma", "plasma", "viridis", "cividis", "rb-cb"]

# The perceptually uniform ones, for maps of one branch, as a person reads their names.
HEAT_MAPS: dict[ColourMap, str] = {
    "inferno": "Inferno",
    "magma": "Magma",
    "plasma": "Plasma",
    "viridis": "Viridis",
    "cividis": "Cividis",
}
# Diverging, for RB minus CB: CB's colour below zero, RB's above, dark where both agree.
DIFFERENCE_MAP: ColourMap = "rb-cb"

# Okabe and Ito's colours, told apart by nearly everyone.
BRANCH_RGB: dict[Branch, tuple[int, int, int]] = {
    Branch.RB: (0xE6, 0x9F, 0x00),
    Branch.CB: (0x56, 0xB4, 0xE9),
    Branch.FUSED: (0x00, 0x9E, 0x73),
}

HEAT_SIDE = 64
_SOLID_FROM = 0.8
# Scales below it are written with a power of ten.
_LEAST_WITH_DECIMALS = 1e-3


@dataclass(frozen=True, slots=True)
class HeatScale:
    """The values that the coldest and the warmest colour stand for; what lies beyond takes the nearer one's."""

    low: float
    high: float

    def normalise(self, values: FloatArray) -> FloatArray:
        """Return the values as heat in [0, 1]; 0 throughout where the scale has no extent."""
        if self.empty:
            return np.zeros_like(values)
        heat = np.subtract(values, self.low, dtype=np.float32)
        heat /= self.high - self.low
        return np.minimum(np.maximum(heat, 0.0, out=heat), 1.0, out=heat)

    def value(self, heat: float) -> float:
        """Return the value that heat in [0, 1] stands for: a legend's tick, a contour's level."""
        return self.low + heat * (self.high - self.low)

    @property
    def empty(self) -> bool:
        """Whether it has no extent, so that nothing is warm."""
        return self.high <= self.low

    @property
    def nothing_adds(self) -> bool:
        """Whether it is empty because no value is above zero: no place adds to the class."""
        return self.empty and self.high <= 0.0

    @property
    def ends(self) -> tuple[str, str]:
        """What is written at the cold and the warm end."""
        return "\u2264 0" if self.low == 0 else self.written(self.low), self.written(self.high)

    def written(self, value: float) -> str:
        """Return a value with as many decimals as this scale needs, and a minus sign of its own width."""
        reach = max(abs(self.low), abs(self.high))
        if 0 < reach < _LEAST_WITH_DECIMALS:
            text = f"{value:.1e}" if value else "0"
        else:
            fine = max(2, 1 - math.floor(math.log10(reach))) if reach else 2
            text = f"{value:.{fine if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"
        return text.replace("-", "\u2212") if float(text) else text.lstrip("-")


def own_scale(activation_map: FloatArray) -> HeatScale:
    """Return the scale from zero to a map's greatest value: shows where, not how much."""
    return shared_scale([activation_map])


def shared_scale(maps: Iterable[FloatArray]) -> HeatScale:
    """Return the scale from zero to the greatest value of all maps, so that they can be compared.

    Raises:
        ValueError: there is no map.
    """
    return HeatScale(0.0, max(0.0, max(float(activation_map.max()) for activation_map in maps)))


def min_max_scale(activation_map: FloatArray) -> HeatScale:
    """Return the scale from a map's least to its greatest value: the greatest is warm even where it is negative."""
    return HeatScale(float(activation_map.min()), float(activation_map.max()))


def difference_map(rb: FloatArray, cb: FloatArray) -> tuple[FloatArray, HeatScale]:
    """Return RB's map minus CB's, of one class, and the scale that puts zero in the middle of `DIFFERENCE_MAP`."""
    difference = rb - cb
    most = float(np.abs(difference).max()) or 1.0
    return difference, HeatScale(-most, most)


def enlarge(activation_map: FloatArray, size: tuple[int, int] = (HEAT_SIDE, HEAT_SIDE)) -> FloatArray:
    """Return an h×w map at (width, height), smoothly; the values that are painted, and read under a cursor."""
    return np.asarray(cv2.resize(np.ascontiguousarray(activation_map), size, interpolation=cv2.INTER_CUBIC))


def heat_levels(
    activation_map: FloatArray, scale: HeatScale | None = None, size: tuple[int, int] = (HEAT_SIDE, HEAT_SIDE)
) -> npt.NDArray[np.uint8]:
    """Return which of the 256 colours each place of the enlarged map has; at its own scale where none is given."""
    heat = (scale or own_scale(activation_map)).normalise(enlarge(activation_map, size))
    heat *= 255.0
    return heat.astype(np.uint8)


def heat_pixels(
    activation_map: FloatArray,
    scale: HeatScale | None = None,
    colours: ColourMap = "inferno",
    size: tuple[int, int] = (HEAT_SIDE, HEAT_SIDE),
) -> npt.NDArray[np.uint8]:
    """Turn an h×w map into height×width×4 premultiplied BGRA, as Qt's ARGB32_Premultiplied, at (width, height).

    The cold end of a heat map, and the middle of the difference map, let the frame through.
    """
    # Four bytes at once, which is ten times as fast as four times one.
    table = premultiplied(colours).view(np.uint32)[:, 0]
    pixels = table.take(heat_levels(activation_map, scale, size))
    return pixels.view(np.uint8).reshape(*pixels.shape, 4)


def blend_heat(
    picture: Image,
    activation_map: FloatArray,
    scale: HeatScale | None = None,
    colours: ColourMap = "inferno",
    opacity: float = 0.7,
) -> None:
    """Lay a map over an H×W×3 uint8 RGB picture (or a view of its part), in place, as `heat_pixels` over it would."""
    height, width = picture.shape[:2]
    levels = heat_levels(activation_map, scale, (width, height))
    added, kept = _blending(colours, opacity)
    background = cv2.multiply(picture, cv2.applyColorMap(levels, kept), scale=1 / 255)
    picture[:] = cv2.add(background, cv2.applyColorMap(levels, added))


def palette(colours: ColourMap) -> npt.NDArray[np.uint8]:
    """Return 256×3 opaque RGB, cold to warm, or CB to RB: a legend's colours. Nobody writes into it."""
    return _palette(colours)


def opacities(colours: ColourMap) -> FloatArray:
    """Return how opaque each of the 256 colours is over a frame, in [0, 1]."""
    heat = np.linspace(0.0, 1.0, 256, dtype=np.float32)
    # Of an even number of colours the two in the middle stand for zero.
    strength = np.maximum(np.abs(255.0 * heat - 127.5) - 0.5, 0.0) / 127.0 if colours == DIFFERENCE_MAP else heat
    return np.asarray(np.clip(strength / np.float32(_SOLID_FROM), 0.0, 1.0), np.float32)


@cache
def premultiplied(colours: ColourMap) -> npt.NDArray[np.uint8]:
    """Return 256×4 premultiplied BGRA. Nobody writes into it."""
    alpha = opacities(colours)[:, None]
    bgr = palette(colours)[:, ::-1].astype(np.float32)
    table = np.concatenate([bgr * alpha, 255.0 * alpha], axis=1).round().astype(np.uint8)
    table.flags.writeable = False
    return table


def contour_lines(activation_map: FloatArray, *levels: float) -> list[FloatArray]:
    """Return where the enlarged map crosses any of these values, as N×2 lines of (x, y) in [0, 1] of the map's box.

    A closed line ends where it begins. Of heat h the value is `scale.value(h)`.
    """
    from contourpy import FillType, LineType, SerialContourGenerator, ZInterp

    # By its class, since `contour_generator` spends four times as long on looking for masked values.
    generator = SerialContourGenerator(
        *_contour_places(),
        np.asarray(enlarge(activation_map), np.float64),
        None,  # type: ignore[arg-type]
        corner_mask=False,
        line_type=LineType.Separate,
        fill_type=FillType.OuterCode,
        quad_as_tri=False,
        z_interp=ZInterp.Linear,
    )
    return [np.asarray(line, np.float32) for level in levels for line in generator.lines(level)]


@cache
def _contour_places() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The x and y of each place of an enlarged map, each 64×64 in [0, 1]."""
    places = (np.arange(HEAT_SIDE) + 0.5) / HEAT_SIDE
    across, down = np.meshgrid(places, places)
    return across, down


@cache
def _palette(colours: ColourMap) -> npt.NDArray[np.uint8]:
    table = _diverging() if colours == DIFFERENCE_MAP else _uniform(colours)
    table.flags.writeable = False
    return table


def _uniform(colours: ColourMap) -> npt.NDArray[np.uint8]:
    if colours not in get_args(ColourMap):
        raise ValueError(f"{colours!r} is none of {', '.join(get_args(ColourMap))}")
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    table = cv2.applyColorMap(ramp, getattr(cv2, f"COLORMAP_{colours.upper()}"))
    return np.ascontiguousarray(table[:, 0, ::-1], dtype=np.uint8)


def _diverging() -> npt.NDArray[np.uint8]:
    """From CB's colour over near black to RB's, in even steps of CIE Lab on either side."""
    ends = np.array([[BRANCH_RGB[Branch.CB], (20, 20, 22), BRANCH_RGB[Branch.RB]]], np.float32) / 255.0
    cb, middle, rb = np.asarray(cv2.cvtColor(ends, cv2.COLOR_RGB2Lab))[0]
    side = np.linspace(0.0, 1.0, 128, dtype=np.float32)[:, None]
    lab = np.concatenate([cb + (middle - cb) * side, middle + (rb - middle) * side])[None]
    rgb = np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB))[0]
    return np.asarray((np.clip(rgb, 0.0, 1.0) * 255.0).round(), np.uint8)


@cache
def _blending(colours: ColourMap, opacity: float) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """256×1×3 that each level adds, and 256×1×3 of what it leaves of the frame, in 1/255."""
    alpha = opacities(colours)[:, None] * np.float32(opacity)
    added = (palette(colours) * alpha).round().astype(np.uint8)
    kept = np.repeat((255.0 * (1.0 - alpha)).round().astype(np.uint8), 3, axis=1)
    return added[:, None], kept[:, None]
