"""One glance beside CB over the last frames: what both say, and how near F_reg comes to F_cls."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tmnet_app.theme import BRANCH_COLOURS, GRID
from tmnet_app.views.curve_legend import CurveLegend
from tmnet_app.views.figure_table import FigureTable
from tmnet_app.views.history_graph import SECONDS, HistoryGraph, Stroke
from tmnet_app.views.map_thumb import MapThumb
from tmnet_app.views.status_line import ElidedLabel
from tmnet_core.attention.clip_memory import ClipAnswer
from tmnet_core.attention.colours import ColourMap
from tmnet_core.live.frames import Glance
from tmnet_core.models.branch import Branch

_GLANCE, _CLIP = "One glance", "CB, the clip"
_RB_COSINE, _CB_COSINE, _RB_DISTANCE = "RB cosine", "CB cosine", "RB distance"
_STROKES = {
    _RB_COSINE: Stroke(BRANCH_COLOURS[Branch.RB]),
    _CB_COSINE: Stroke(BRANCH_COLOURS[Branch.CB]),
    _RB_DISTANCE: Stroke(None, Qt.PenStyle.DotLine),
}
_CURVES_TIP = (
    "How near one frame's features are to F_cls of the whole clip. RB cosine: of F_reg, which RB foresees. CB cosine: "
    "of the frame's own F_cls, which F_reg has to beat. RB distance: of F_reg, over the length of the clip's F_cls"
)
_ROWS = {
    "Answer": "The top class of one glance, and of CB over the last frames",
    "Latency": "Milliseconds in the network: for one frame, and for all frames of the clip as a network without a "
    "memory would need them",
}
_NO_MEMORY = "This network's CB does not look at each frame for itself, so a clip cannot be put together from glances."


class ClipPanel(QWidget):
    """Shows one comparison after the other, and the last seconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Glance against clip")
        self._agreed: deque[tuple[float, bool]] = deque()
        self.table = FigureTable("Glance against clip", (_GLANCE, _CLIP), _ROWS)
        self.graph = HistoryGraph(
            "One frame's features against the clip's, over the last 20 seconds", _STROKES, 0.0, 1.0
        )
        self.legend = CurveLegend("One frame's features against the clip's", _STROKES)
        self.title = ElidedLabel()
        self.title.set_full_text("Features of one frame against those of the clip")
        for part in (self.graph, self.legend, self.title):
            part.setToolTip(_CURVES_TIP)
        self.rb = MapThumb("RB, now", "RB's map of this frame, at its own scale")
        self.cb = MapThumb(
            "CB, mean", "The mean of CB's maps over the clip; the paper says that RB's map looks like it"
        )
        self.figures = ElidedLabel()
        self.words = ElidedLabel()
        for label in (self.figures, self.words, self.title):
            label.setProperty("muted", True)
        self._lay_out()
        self.clear()

    def _lay_out(self) -> None:
        maps = QHBoxLayout()
        maps.setSpacing(GRID)
        maps.addWidget(self.graph, 5)
        maps.addWidget(self.rb, 2)
        maps.addWidget(self.cb, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.table)
        layout.addWidget(self.figures)
        layout.addWidget(self.title)
        layout.addWidget(self.legend)
        layout.addLayout(maps, 1)
        layout.addWidget(self.words)

    def show_clip(
        self,
        clip: ClipAnswer | None,
        glance: Glance,
        index: int,
        classes: Sequence[str],
        now: float,
        *,
        write: bool,
        colours: ColourMap = "inferno",
    ) -> None:
        """Take a comparison; `index` is the class whose maps are shown, `write` lets numbers and words change."""
        if clip is None:
            self.clear()
            self.words.set_full_text(_NO_MEMORY)
            return
        self._note(now, clip.same_answer)
        self.graph.add(now, _features(clip))
        to_frame = glance.placement.map_to_frame
        rb = glance.maps.get(Branch.RB)
        self.rb.show_map(None if rb is None else to_frame(rb[index]), colours)
        self.cb.show_map(to_frame(clip.maps[index]), colours)
        if write:
            self._write(clip, glance, index, classes)

    def clear(self) -> None:
        """Forget the past."""
        self._agreed.clear()
        self.table.clear()
        self.graph.clear()
        self.rb.show_map(None)
        self.cb.show_map(None)
        self.legend.write({})
        self.figures.set_full_text("")
        self.words.set_full_text("Play something to compare one frame with the last ones.")

    @property
    def agreed(self) -> float:
        """Share of the last 20 seconds in which both gave one answer; NaN before the first."""
        return sum(same for _, same in self._agreed) / len(self._agreed) if self._agreed else math.nan

    def _note(self, now: float, same: bool) -> None:
        self._agreed.append((now, same))
        while self._agreed[0][0] < now - SECONDS:
            self._agreed.popleft()

    def _write(self, clip: ClipAnswer, glance: Glance, index: int, classes: Sequence[str]) -> None:
        for column, values in ((_GLANCE, glance.probabilities[glance.answer]), (_CLIP, clip.probabilities)):
            best = int(values.argmax())
            self.table.write("Answer", column, f"{classes[best]} {values[best]:.2f}")
        self.table.write("Latency", _GLANCE, f"{clip.glance_ms:.1f} ms")
        self.table.write("Latency", _CLIP, f"{clip.clip_ms:.1f} ms")
        parts = [f"Same answer {100 * self.agreed:.0f} %"]
        correlation = clip.map_correlation(glance, index)
        parts += [] if correlation is None else [f"RB's map and CB's mean map correlate: {_number(correlation)}"]
        self.figures.set_full_text(" · ".join(parts))
        found = _features(clip).items()
        self.legend.write({name: _number(value) for name, value in found if math.isfinite(value)})
        self.words.set_full_text(f"{clip.frames} of {clip.wanted} frames of the clip, over {clip.seconds:.2f} s")


def _features(clip: ClipAnswer) -> dict[str, float]:
    """Return the value of each curve; NaN where there is none."""
    values = {_RB_COSINE: clip.cosine, _CB_COSINE: clip.frame_cosine, _RB_DISTANCE: clip.distance}
    return {name: math.nan if value is None else value for name, value in values.items()}


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "\u2212")
