"""Looks closer at what is on the screen while a panel that tells of it is seen."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject

from tmnet_app.analysis import Analysis, Finding, Subject, new_meter
from tmnet_app.live_session import LiveSession, Moment
from tmnet_app.views.clip_panel import ClipPanel
from tmnet_app.views.motion_panel import MotionPanel
from tmnet_app.views.stage import Stage
from tmnet_core.attention.measuring import GlanceMeter
from tmnet_core.attention.motion import MotionState

_TEXT_EVERY = 0.25


class CloserLook(QObject):
    """Owns the analysis thread and its panels; the thread starts when a panel is first seen.

    Attributes:
        always: whether it looks closer also while no panel of its is seen.
    """

    def __init__(self, session: LiveSession, stage: Stage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._stage = session, stage
        self.always = False
        self.analysis: Analysis | None = None
        self._streams = 0
        self._written = -math.inf
        self.motion = MotionPanel()
        tip = "How much of each branch's attention lies where things move, with the camera's own motion taken out"
        stage.details.panels.add("motion", "Motion", tip, self.motion)
        self.clip = ClipPanel()
        tip = "One glance beside CB over the last frames, and how near F_reg of one frame comes to F_cls of the clip"
        stage.details.panels.add("clip", "Clip", tip, self.clip)
        session.ticked.connect(self._show_findings)
        session.source_opened.connect(self._begin_anew)
        session.checkpoint_loaded.connect(self._begin_anew)
        stage.details.panels.chosen.connect(lambda: session.show_again())

    def close(self) -> None:
        """Stop the thread."""
        if self.analysis is not None:
            self.analysis.close()

    def _begin_anew(self) -> None:
        self._streams += 1
        self.motion.clear()
        self.clip.clear()

    @property
    def _wanted(self) -> bool:
        return self.always or any(self._stage.details.panels.is_seen(name) for name in ("motion", "clip"))

    def follow(self, moment: Moment) -> None:
        """Look closer at a moment that has just been shown, if somebody wants to know."""
        if not self._wanted:
            self._stage.input.show_region(None)
            return
        header = self._session.header
        if moment.glance is None or header is None:
            return
        if self.analysis is None:
            self.analysis = Analysis()
            self.analysis.start()
        shown = self._stage.first.shown_by_branch
        maps = {branch: one.values for branch, one in shown.items()}
        stream = self._stream(moment)
        self.analysis.submit(Subject(moment.glance, maps, stream, self._session.checkpoint, header))

    def meter(self, moment: Moment) -> GlanceMeter:
        """Return a meter that goes on from what was seen of a moment's stream, or anew where nobody looked."""
        checkpoint, header = self._session.checkpoint, self._session.header
        seen = None if self.analysis is None else self.analysis.meter_of(checkpoint, self._stream(moment))
        if seen is None:
            return GlanceMeter() if header is None else new_meter(checkpoint, header)
        return seen

    def _stream(self, moment: Moment) -> object:
        return self._streams, moment.placement.box

    def _show_findings(self, now: float) -> None:
        if self.analysis is None or not self._wanted:
            return
        finding = self.analysis.take()
        if finding is not None:
            self._show(finding, now)
        elif self.analysis.failure is not None:
            self.motion.words.setText(self.analysis.failure)
            self.clip.words.set_full_text(self.analysis.failure)

    def _show(self, finding: Finding, now: float) -> None:
        write = not self._session.playback.playing or now - self._written >= _TEXT_EVERY
        if write:
            self._written = now
        self.motion.show_agreement(finding.measured.agreement, now, write=write)
        self._show_clip(finding, now, write=write)
        motion = finding.measured.motion
        moving = motion.state is MotionState.MOVING and self._stage.details.panels.is_seen("motion")
        self._stage.input.show_region(motion.region if moving else None)

    def _show_clip(self, finding: Finding, now: float, *, write: bool) -> None:
        glance, classes = finding.subject.glance, self._stage.classes
        shown = self._stage.first.shown_by_branch
        if len(glance.probabilities[glance.answer]) != len(classes) or not shown:
            return  # another network has come meanwhile
        one = next(iter(shown.values()))
        self.clip.show_clip(finding.measured.clip, glance, one.index, classes, now, write=write, colours=one.colours)
