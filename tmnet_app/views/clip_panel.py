"""One glance beside CB over the last frames: what both say, and how near F_reg comes to F_cls."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tmnet_app.theme import BRANCH_COLOURS, GRID
from tmnet_app.views.figure_table import FigureTable
from tmnet_app.views.history_graph import SECONDS, HistoryGraph, Stroke
from tmnet_app.views.map_thumb import MapThumb
from tmnet_app.views.status_line import ElidedLabel
from tmnet_core.attention.clip_memory import ClipAnswer
from tmnet_core.attention.colours import ColourMap
from tmnet_core.live.frames import Glance
from tmnet_core.models.branch import Branch

_GLANCE, _CLIP = "One glance", "CB, the clip"
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
            "F_reg and F_cls over the last 20 seconds",
            {
                "frame": Stroke(BRANCH_COLOURS[Branch.CB]),
                "cosine": Stroke(BRANCH_COLOURS[Branch.RB]),
                "distance": Stroke(None, Qt.PenStyle.DotLine),
            },
            0.0,
            1.0,
        )
        self.graph.setToolTip(
            "How near F_reg of one frame is to F_cls of the clip. Orange: cosine of both. Blue: cosine of the frame's "
            "own F_cls, which F_reg has to beat. Dotted: distance, over the length of F_cls"
        )
        self.rb = MapThumb("RB, now", "RB's map of this frame, at its own scale")
        self.cb = MapThumb(
            "CB, mean", "The mean of CB's maps over the clip; the paper says that RB's map looks like it"
        )
        self.figures = ElidedLabel()
        self.words = ElidedLabel()
        for label in (self.figures, self.words):
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
        values = {"frame": clip.frame_cosine, "cosine": _or_nan(clip.cosine), "distance": _or_nan(clip.distance)}
        self.graph.add(now, values)
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
        parts += [] if clip.cosine is None else [f"cosine {clip.cosine:.2f}"]
        parts += [] if clip.distance is None else [f"distance {clip.distance:.2f}"]
        correlation = clip.map_correlation(glance, index)
        parts += [] if correlation is None else [f"maps r {correlation:.2f}".replace("-", "\u2212")]
        self.figures.set_full_text(" · ".join(parts))
        self.words.set_full_text(f"{clip.frames} of {clip.wanted} frames of the clip, over {clip.seconds:.2f} s")


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
