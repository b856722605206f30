"""Probing: paint over the pictures, and see what the network says without what is painted over."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QPointF

from tmnet_app.live_session import LiveSession, Moment
from tmnet_app.painted_region import PaintedRegion
from tmnet_app.probe_thread import CheckTask, ProbeTask, ProbeThread
from tmnet_app.views.probe_panel import HINT, ProbePanel
from tmnet_app.views.stage import Stage
from tmnet_core.attention.probe import Probed, Removal
from tmnet_core.models.branch import Branch

if TYPE_CHECKING:
    from tmnet_core.live.predictor import GlancePredictor

_NOT_POSSIBLE = "This network cannot be probed."


class Probing(QObject):
    """Owns what is painted, the probe thread and the panel; painting is on while the panel is seen.

    Attributes:
        always: whether what is painted is taken away also while the panel is not seen.
    """

    def __init__(self, session: LiveSession, stage: Stage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._stage = session, stage
        self.panel = ProbePanel()
        self.region = PaintedRegion()
        self.always = False
        self._how: Removal = "erase"
        self._thread: ProbeThread | None = None
        self._checking: CheckTask | None = None
        self._checked: dict[Branch, str] = {}
        tip = "Paint over a part of the picture and see what the network says without it; check the maps"
        stage.details.panels.add("probe", "Probe", tip, self.panel)
        stage.details.panels.chosen.connect(self._turned)
        stage.link.brushed.connect(self._brush)
        self.panel.how_chosen.connect(self._choose)
        self.panel.clear_asked.connect(self.clear)
        self.panel.check_asked.connect(self.check)
        self.panel.stop_asked.connect(self._stop_check)
        session.ticked.connect(self._show_results)
        session.source_opened.connect(self.clear)
        session.checkpoint_loaded.connect(self.clear)

    def close(self) -> None:
        """Stop the thread."""
        if self._thread is not None:
            self._thread.close()

    def follow(self, moment: Moment) -> None:
        """Probe a moment that has just been shown, where something is painted."""
        self._stage.link.brushing = self._seen
        if not self._seen or self.region.empty:
            return
        predictor = self._predictor()
        if moment.glance is None or predictor is None:
            self.panel.words.setText(_NOT_POSSIBLE)
            return
        width, height = moment.placement.frame_size
        self.region.fit(width, height)
        task = ProbeTask(predictor, moment.glance, self.region.over(width, height), self._how)
        self._running().probe(task)

    def clear(self) -> None:
        """Take all paint away, and end a check: what it would say is of what was seen before."""
        self._stop_check()
        self.region.clear()
        self._stage.link.show_region(None)
        self.panel.bars.clear()
        self.panel.clear_check()
        self.panel.words.setText(HINT)

    def check(self) -> None:
        """Check the maps that are on the screen."""
        moment, predictor = self._session.moment, self._predictor()
        shown = self._stage.first.shown_by_branch
        if moment is None or moment.glance is None or predictor is None or not shown:
            self.panel.words.setText(_NOT_POSSIBLE)
            return
        maps = {branch: (one.values, one.index) for branch, one in shown.items()}
        self._checked = {branch: self._stage.classes[one.index] for branch, one in shown.items()}
        self._checking = CheckTask(predictor, moment.glance, maps)
        self._running().check(self._checking)

    @property
    def _seen(self) -> bool:
        return self.always or self._stage.details.panels.is_seen("probe")

    def _turned(self) -> None:
        self._stage.link.brushing = self._seen
        self._stage.link.show_region(self.region.mask if self._seen and not self.region.empty else None)

    def _brush(self, place: QPointF, paint: bool, begins: bool) -> None:
        moment = self._session.moment
        if moment is None:
            return
        self.region.fit(*moment.placement.frame_size)
        x = 1.0 - place.x() if moment.placement.mirror else place.x()
        self.region.stroke(x, place.y(), paint=paint, begins=begins)
        self._stage.link.show_region(self.region.mask)
        self.follow(moment)

    def _choose(self, how: str) -> None:
        self._how = cast(Removal, how)
        self._session.show_again()

    def _stop_check(self) -> None:
        self._checking = None
        if self._thread is not None:
            self._thread.stop_check()

    def _running(self) -> ProbeThread:
        if self._thread is None:
            self._thread = ProbeThread()
        return self._thread

    def _predictor(self) -> GlancePredictor | None:
        model = self._session.model
        return cast("GlancePredictor", model) if hasattr(model, "look") else None

    def _show_results(self) -> None:
        thread = self._thread
        if thread is None:
            return
        self.panel.show_progress(thread.progress)
        checked, probed = thread.take_checked(), thread.take_probed()
        # One that ended while it was being stopped is of what was seen before.
        if checked is not None and checked[0] is self._checking:
            self.panel.show_check(checked[1], self._checked)
        if probed is not None and not self.region.empty:
            self._show_probed(probed[1])
        if thread.failure is not None:
            self.panel.words.setText(thread.failure)

    def _show_probed(self, probed: Probed) -> None:
        classes = self._stage.classes
        if all(len(values) == len(classes) for values in probed.after.values()):
            self.panel.bars.show_change(classes, self._stage.details.bars.order, probed.before, probed.after)
