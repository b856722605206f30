"""What the three views cost to draw, beside blending with OpenCV."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from tmnet_app.views.attention_view import AttentionView
from tmnet_app.views.picture_view import FrameScaler, PictureView
from tmnet_core.attention.colours import own_scale
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import ShownMap
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import time_interleaved
from tmnet_core.data.preprocessing import Image, Placement, Preprocessing
from tmnet_core.live.frames import FloatArray, Frame
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

FRAME_SIZES = ((640, 480), (1280, 720))
VIEW_SIZE = (408, 306)
REACH = 0.35
OURS = "three views"
BLENDED = "blending with OpenCV and painting"
_OPACITY = 0.45


def measure_drawing(rounds: int) -> list[Figure]:
    """Return the time that input, RB and CB take to be coloured and painted over that of blending them first."""
    return [_measure(size, rounds) for size in FRAME_SIZES]


def _measure(size: tuple[int, int], rounds: int) -> Figure:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (2, size[1], size[0], 3), np.uint8)
    maps = {branch: rng.random((1, 7, 7), np.float32) for branch in (Branch.RB, Branch.CB)}
    placement = Preprocessing().place(*size)
    canvas = QImage(*VIEW_SIZE, QImage.Format.Format_RGB32)
    cases: dict[str, Callable[[], object]] = {
        OURS: _Views(pictures, maps, placement, canvas).draw,
        BLENDED: _Blending(pictures, maps, placement, canvas).draw,
    }
    timings = time_interleaved(cases, rounds, clock="processor")
    return ratio_figure(timings, OURS, BLENDED, f"<= {REACH:.2f}", what=f"{OURS} of {size[0]}×{size[1]} / {BLENDED}")


class _Views:
    """The app's own views; each drawing is of another frame, as while a video plays."""

    def __init__(self, pictures: Image, maps: dict[Branch, FloatArray], placement: Placement, canvas: QImage) -> None:
        self._pictures, self._placement, self._canvas = pictures, placement, canvas
        scaler = FrameScaler()
        self._input = PictureView(scaler)
        self._heat = {branch: AttentionView(scaler) for branch in maps}
        self._shown = {
            branch: ShownMap(values[0], own_scale(values[0]), AttentionSettings().colours, 0)
            for branch, values in maps.items()
        }
        self._count = 0
        self._all: list[QWidget] = [self._input, *self._heat.values()]
        for widget in self._all:
            widget.resize(*VIEW_SIZE)

    def draw(self) -> None:
        """Colour and paint."""
        self._count += 1
        frame = Frame(self._pictures[self._count % 2], self._count, 0.0, time.perf_counter())
        self._input.show_frame(frame, self._placement)
        for branch, view in self._heat.items():
            view.show_attention(frame, self._placement, self._shown[branch])
        for widget in self._all:
            widget.render(self._canvas)


class _Blending:
    """What is usual: maps enlarged to the frame, coloured and blended in OpenCV, then painted as pictures."""

    def __init__(self, pictures: Image, maps: dict[Branch, FloatArray], placement: Placement, canvas: QImage) -> None:
        self._pictures, self._maps, self._placement, self._canvas = pictures, maps, placement, canvas
        self._count = 0

    def draw(self) -> None:
        """Blend and paint."""
        self._count += 1
        picture = self._pictures[self._count % 2]
        box = self._placement.box
        self._paint(picture)
        for values in self._maps.values():
            blended = picture.copy()
            seen = blended[box.top : box.bottom, box.left : box.right]
            enlarged = cv2.resize(values[0], (box.width, box.height), interpolation=cv2.INTER_CUBIC)
            levels = cv2.normalize(enlarged, np.empty_like(enlarged), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
            heat = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
            seen[:] = cv2.addWeighted(seen, 1 - _OPACITY, heat, _OPACITY, 0)
            self._paint(blended)

    def _paint(self, picture: Image) -> None:
        height, width = picture.shape[:2]
        image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        painter = QPainter(self._canvas)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self._canvas.rect(), image)
        painter.end()
