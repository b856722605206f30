"""What painting all pictures costs beside painting bare ones."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QRegion
from PySide6.QtWidgets import QWidget

from tmnet_app.benchmarks.stand_in_window import CLASSES, VIDEO_SIZE, StandIn
from tmnet_app.live_session import Moment
from tmnet_app.views.linked_view import LinkedView
from tmnet_app.views.network_views import NetworkViews
from tmnet_app.views.picture_view import FrameScaler, PictureView
from tmnet_app.views.probability_bars import ProbabilityBars
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import time_interleaved
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.readout import Readouts

PAINTING_REACH = 4.0
_BARE = "painting three bare pictures"
_ALL = "painting input, RB, CB and RB \u2212 CB with contours"
_PICTURE = (400, 300)
_FRAMES_A_ROUND = 20


def measure_painting(rounds: int) -> list[Figure]:
    """Return the time to paint input, RB, CB and their difference, with contours, over that of three bare pictures."""
    bare, all_panes = _Bare(), _AllPanes()
    cases = {_BARE: bare.paint_frames, _ALL: all_panes.paint_frames}
    timings = time_interleaved(cases, max(3, rounds), warmup=1, clock="processor")
    return [ratio_figure(timings, _ALL, _BARE, f"<= {PAINTING_REACH:g}", what=f"{_ALL} / {_BARE}, 400×300 each")]


class _Canvas:
    """Paints views into a picture of their size, in the format of a screen; what is hidden is painted as well."""

    def __init__(self, views: list[PictureView]) -> None:
        self.views = views
        self._image = QImage(*_PICTURE, QImage.Format.Format_RGB32)
        for view in views:
            # A layout that a view is in would make it as small as a pane is that nobody placed.
            view.setFixedSize(*_PICTURE)

    def paint(self) -> None:
        """Paint all now."""
        for view in self.views:
            view.render(self._image, QPoint(), QRegion(), QWidget.RenderFlag(0))


class _Bare:
    """The frame and what the network sees of it, three times."""

    def __init__(self) -> None:
        scaler = FrameScaler()
        self._canvas = _Canvas([PictureView(scaler) for _ in range(3)])
        self._glances = _glances()

    def paint_frames(self) -> None:
        for glance in self._glances:
            for view in self._canvas.views:
                view.show_frame(glance.frame, glance.placement)
            self._canvas.paint()


class _AllPanes:
    """The frame, both maps and their difference, with contours and legends."""

    def __init__(self) -> None:
        scaler, link, self._parent = FrameScaler(), LinkedView(), QWidget()
        self._networks = NetworkViews(scaler, link, ProbabilityBars(self._parent), self._parent)
        self._networks.set_model(CLASSES, StandIn.branches)
        self._networks.set_look(AttentionSettings(third="difference", contour=0.5), visible=True)
        self._input = PictureView(scaler, link)
        self._canvas = _Canvas([self._input, *self._networks.views.values()])
        self._glances, self._readouts = _glances(), Readouts()

    def paint_frames(self) -> None:
        for glance in self._glances:
            readout = self._readouts.read(glance)
            moment = Moment(glance.frame, glance.placement, glance, readout, False)
            self._input.show_frame(glance.frame, glance.placement)
            self._networks.show(moment, glance, readout, time.perf_counter())
            self._canvas.paint()


def _glances() -> list[Glance]:
    """What there is to paint: frames that no view has seen yet, so that each is scaled anew."""
    stand_in = StandIn(0.0)
    picture = np.random.default_rng(0).integers(0, 255, (VIDEO_SIZE[1], VIDEO_SIZE[0], 3), np.uint8)
    frames = [Frame(picture.copy(), number, number / 30, 0.0) for number in range(_FRAMES_A_ROUND)]
    return [stand_in.glance(frame) for frame in frames]
