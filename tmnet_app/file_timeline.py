"""The timeline of a file: scanned in the background, drawn while it grows, with previews under the pointer."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from tmnet_app.actions import Actions
from tmnet_app.frame_preview import FramePreviews
from tmnet_app.live_session import LiveSession
from tmnet_app.preferences import Preferences
from tmnet_app.sentences import sentence
from tmnet_app.views.preview_bubble import PreviewBubble
from tmnet_app.views.timeline import Span, Strip
from tmnet_app.views.transport_bar import TransportBar, clock
from tmnet_core.attention.classes import shown_name
from tmnet_core.attention.scan import Scan
from tmnet_core.attention.scan_cache import ScanCache
from tmnet_core.attention.scanning import scan_file
from tmnet_core.data.preprocessing import Crop
from tmnet_core.errors import TMNetError
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import SourceKind, source_kind

if TYPE_CHECKING:
    from tmnet_core.live.predictor import GlancePredictor

_log = logging.getLogger(__name__)
# Long files are looked at more sparsely than four times a second.
_MOST_GLANCES = 2000
_GLANCES_A_SECOND = 4.0


class FileTimeline(QObject):
    """Owns the scan that runs, the previews and what the timeline shows."""

    said = Signal(str)

    def __init__(
        self,
        session: LiveSession,
        transport: TransportBar,
        actions: Actions,
        preferences: Preferences,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._transport, self._preferences = session, transport, preferences
        self._action = actions["timeline"]
        self.scan: Scan | None = None
        self._scanning: _Scanning | None = None
        self._abandoned: list[_Scanning] = []
        self._wanted: object = None
        self._scannable = False
        self._previews: FramePreviews | None = None
        self._pointed = -1
        self._bubble = PreviewBubble(window)
        self._action.setChecked(preferences.timeline)
        self._action.toggled.connect(self._toggle)
        transport.timeline.seek_requested.connect(transport.seek_requested)
        for bar in (transport.timeline, transport.slider):
            bar.pointed_at.connect(self._point_at)
        session.ticked.connect(self._follow)
        self._show()

    def close(self) -> None:
        """Stop the threads, and wait for them."""
        self._stop()
        for scanning in self._abandoned:
            scanning.join(10.0)
        if self._previews is not None:
            self._previews.close()

    @property
    def running(self) -> bool:
        """Whether a scan is under way."""
        return self._scanning is not None

    def _toggle(self, on: bool) -> None:
        self._preferences.timeline = on
        self._wanted = self.scan = None
        self._scannable = False
        self._stop()
        self._show()

    def _follow(self) -> None:
        """Begin a scan where another one is wanted than before, and take what has come of it."""
        wanted = self._what_to_scan()
        if wanted != self._wanted:
            self._wanted = wanted
            self._stop()
            self.scan = None
            # A folder of images is a file source, too, but nothing that could be scanned.
            if wanted is not None and not Path(wanted[1]).is_file():
                wanted = None
            self._scannable = wanted is not None
            if wanted is not None:
                predictor = cast("GlancePredictor", self._session.model)
                every = _every(self._session.playback.frame_count or 1, self._session.playback.fps)
                self._scanning = _Scanning(predictor, every, *wanted[:4])
            self._show()
        self._take()
        self._show_preview()

    def _what_to_scan(self) -> tuple[str, str, bool, Crop | None, int] | None:
        """Return checkpoint, video, mirror and crop, and which model it is; None where there is nothing to scan."""
        session = self._session
        file = source_kind(session.playback.source) is SourceKind.FILE and Path(session.playback.source).is_file()
        if (
            not self._preferences.timeline
            or not file
            or not session.playback.frame_count
            or not hasattr(session.model, "look")
        ):
            return None
        return session.checkpoint, session.playback.source, session.mirror, session.crop, id(session.model)

    def _take(self) -> None:
        scanning = self._scanning
        if scanning is None:
            return
        ended = not scanning.is_alive()
        scan = scanning.grown.take(0)
        if scan is not None:
            self.scan = scan
            self._show()
        if ended:
            self._scanning = None
            if scanning.failure:
                self.said.emit(scanning.failure)

    def _stop(self) -> None:
        scanning, self._scanning = self._scanning, None
        if scanning is not None:
            # It ends by itself soon; the window does not wait for it.
            scanning.abandon()
            self._abandoned = [one for one in self._abandoned if one.is_alive()] + [scanning]

    def _show(self) -> None:
        timeline, scan = self._transport.timeline, self.scan
        shown = self._preferences.timeline and self._scannable
        timeline.setVisible(shown)
        frames = self._session.playback.frame_count or 0
        strip = Strip(frames, ()) if scan is None or not len(scan.frames) else _strip(scan, frames)
        names = [] if scan is None else [shown_name(name) for name in scan.classes]
        timeline.show_strip(strip if shown else None, names)

    # Previews

    def _point_at(self, index: int) -> None:
        self._pointed = index
        video = self._session.playback.source
        if index < 0 or not self._session.playback.frame_count or not Path(video).is_file():
            self._bubble.hide()
            return
        if self._previews is None:
            self._previews = FramePreviews()
        self._previews.ask(video, index)

    def _show_preview(self) -> None:
        preview = None if self._previews is None else self._previews.take()
        if preview is None or self._pointed < 0 or preview.path != self._session.playback.source:
            return
        slider = self._transport.slider
        over = slider.mapTo(self._bubble.window_over, slider.rect().topLeft())
        x = over.x() + (self._pointed + 0.5) / max(1, self._session.playback.frame_count or 1) * slider.width()
        self._bubble.show_over(round(x), over.y(), preview.image, self._words(preview.index))

    def _words(self, index: int) -> str:
        words = clock(index / self._session.playback.fps) if self._session.playback.fps else f"Frame {index}"
        scan = self.scan
        if scan is None or not len(scan.frames):
            return words
        place = int(np.abs(scan.frames - index).argmin())
        if not scan.complete and index > scan.frames[-1] + np.diff(scan.frames).max(initial=1):
            return words
        values = scan.answer[place]
        best = int(values.argmax())
        return f"{words} · {shown_name(scan.classes[best])} {values[best]:.2f}"


class _Scanning(threading.Thread):
    """Scans one file."""

    def __init__(
        self, predictor: GlancePredictor, every: int, checkpoint: str, video: str, mirror: bool, crop: Crop | None
    ) -> None:
        super().__init__(name="tmnet-scan", daemon=True)
        self.grown: LatestSlot[Scan] = LatestSlot()
        self.failure = ""
        self._predictor, self._checkpoint, self._video = predictor, Path(checkpoint), Path(video)
        self._every, self._mirror, self._crop = every, mirror, crop
        self._stopping = threading.Event()
        self.start()

    def abandon(self) -> None:
        """Stop; nothing more is told."""
        self._stopping.set()

    def run(self) -> None:
        """Scan until the end or until it is stopped."""
        try:
            scan_file(
                self._predictor,
                self._video,
                every=self._every,
                mirror=self._mirror,
                crop=self._crop,
                cache=ScanCache(self._checkpoint),
                grown=self.grown.put,
                stop=self._stopping,
            )
        except Exception as error:
            if self._stopping.is_set():
                return  # the network was taken away meanwhile
            if not isinstance(error, TMNetError | OSError):
                _log.error("A scan failed", exc_info=error)
            self.failure = sentence(
                f"The timeline of {self._video.name} is not complete: {error or type(error).__name__}"
            )


def _every(frames: int, fps: float | None) -> int:
    return max(1, round((fps or _GLANCES_A_SECOND) / _GLANCES_A_SECOND), -(-frames // _MOST_GLANCES))


def _strip(scan: Scan, frames: int) -> Strip:
    seconds = np.concatenate([[0.0], scan.times, [max(scan.duration, float(scan.times[-1]))]])
    numbers = np.concatenate([[0], scan.frames, [frames]])

    def frame_at(moment: float) -> int:
        return round(float(np.interp(moment, seconds, numbers)))

    spans = [Span(frame_at(one.start), frame_at(one.end), one.index, one.probability) for one in scan.segments()]
    ends = (scan.best, scan.worst) if scan.complete else (None, None)
    return Strip(frames, spans, *ends)
