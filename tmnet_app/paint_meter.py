"""How fast frames reach the screen, how old they are by then, and where that time went."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from tmnet_core.live.rates import RateMeter
from tmnet_core.live.stage_meter import StageMeter
from tmnet_core.live.timing import Drops, TimingLog

if TYPE_CHECKING:
    from tmnet_app.live_session import Moment
    from tmnet_core.live.frames import Glance


class PaintMeter:
    """Takes note of frames that have been painted.

    Attributes:
        displayed: how many frames a second.
        timing: of each frame of this source, when it was captured, looked at and painted.
        stages: where the time of frames went that this network looked at.
        age: seconds from capturing to painting, of the last frame; NaN before the first.
    """

    def __init__(self) -> None:
        self.displayed = RateMeter()
        self.timing = TimingLog()
        self.stages = StageMeter()
        self.age = math.nan
        self._captured = 0.0

    def note(self, captured: float, moment: Moment | None, drops: Drops) -> None:
        """Count a frame by when it was captured; panes that paint the same frame count once.

        Args:
            moment: what is shown now, which may be newer.
            drops: what of this source never reached the screen so far.
        """
        if captured == self._captured:
            return
        now = time.perf_counter()
        self._captured = captured
        self.age = now - captured
        self.displayed.tick(now)
        if moment is not None and moment.frame.captured == captured:
            frame, glance = moment.frame, moment.glance
            self.timing.note(frame.index, frame.time, captured, glance.finished if glance else None, now, drops)
            if glance is not None:
                self._note_stages(glance, now)

    def _note_stages(self, glance: Glance, painted: float) -> None:
        whole = 1e3 * (painted - glance.frame.captured)
        show = 1e3 * (painted - glance.finished)
        wait = whole - show - sum(glance.stages.values())
        self.stages.note({"wait": wait, **glance.stages, "show": show, "whole": whole})
