"""Exports a whole file, every frame of it, beside whatever is being looked at."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QWidget

from tmnet_app.actions import Actions
from tmnet_app.live_session import EngineChoice, LiveSession
from tmnet_app.preferences import Preferences
from tmnet_app.saving import ask_where_to_save
from tmnet_app.second_model import SecondModel
from tmnet_app.views.stage import Stage
from tmnet_app.views.status_line import StatusLine
from tmnet_core.errors import TMNetError

_log = logging.getLogger(__name__)
_TEXT_EVERY = 0.25


class WholeFile(QObject):
    """Renders the open file with the open network in a thread of its own; the same action stops it."""

    said = Signal(str)

    def __init__(
        self,
        session: LiveSession,
        stage: Stage,
        status: StatusLine,
        actions: Actions,
        preferences: Preferences,
        second: SecondModel,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._stage, self._status = session, stage, status
        self._preferences, self._second, self._window = preferences, second, window
        self._action = actions["render"]
        self._words = self._action.text()
        self._rendering: _Rendering | None = None
        self._written = 0.0
        self._action.triggered.connect(self._toggle)
        session.ticked.connect(self._look_after)

    @property
    def running(self) -> bool:
        """Whether a file is being exported."""
        return self._rendering is not None

    def close(self) -> None:
        """Stop, and keep what was written."""
        if self._rendering is not None:
            self._rendering.stop()
            self._rendering.join(10.0)

    def export(self, out: Path) -> None:
        """Begin to write the open file, with maps and answers, to an `.mp4`."""
        from tmnet_core.attention.render import RenderOptions

        shown, bars = self._stage.visible_panes, self._stage.details.bars
        model = self._session.model
        dark = self._stage.palette().color(QPalette.ColorRole.Window).lightness() < 128
        options = RenderOptions(
            settings=self._preferences.attention_views.model_copy(),
            class_name=model.classes[bars.pinned] if model and bars.pinned >= 0 else None,
            third="both" in shown,
            mirror=self._session.mirror,
            crop=self._session.crop,
            ink="dark" if dark else "light",
            smoothing=self._preferences.smoothing,
        )
        second = Path(self._second.checkpoint) if self._second.checkpoint else None
        paths = Path(self._session.checkpoint), Path(self._session.playback.source)
        self._rendering = _Rendering(*paths, out, options, second, self._session.engine)
        self._action.setText("Stop the export")

    def _toggle(self) -> None:
        if self._rendering is not None:
            self._rendering.stop()
            return
        if self._session.model is None or not Path(self._session.playback.source).is_file():
            self.said.emit("Open a video file and a network to export the whole video.")
            return
        name = f"{Path(self._session.playback.title).stem}-attention.mp4"
        found = ask_where_to_save(self._window, "Export the whole video", name, "Video (*.mp4)")
        if found is not None:
            self.export(found[0])

    def _look_after(self, now: float) -> None:
        rendering = self._rendering
        if rendering is None:
            return
        if not rendering.is_alive():
            self._rendering = None
            self._action.setText(self._words)
            self.said.emit(rendering.result)
        elif now - self._written >= _TEXT_EVERY:
            self._written = now
            done, total = rendering.progress
            share = f"{100 * done / total:.0f} %" if total else "0 %"
            self._status.show_message(
                f"Exporting {rendering.out.name}: {share}, frame {done} of {total}. Ctrl+E stops."
            )


class _Rendering(threading.Thread):
    """Writes one file."""

    def __init__(
        self,
        checkpoint: Path,
        video: Path,
        out: Path,
        options: object,
        second: Path | None,
        engine: EngineChoice,
    ) -> None:
        super().__init__(name="tmnet-render", daemon=True)
        self.out = out
        self.progress = 0, 0
        self.result = ""
        self._paths, self._second = (checkpoint, video), second
        self._options, self._engine = options, engine
        self._stopping = threading.Event()
        self.start()

    def stop(self) -> None:
        """End soon, and keep what was written."""
        self._stopping.set()

    def run(self) -> None:
        """Render."""
        # torch comes with it, and the window is there before torch.
        from tmnet_core.attention.render import RenderOptions, render_file

        assert isinstance(self._options, RenderOptions)
        try:
            found = render_file(
                *self._paths,
                self.out,
                self._options,
                second=self._second,
                device=self._engine.device,
                engine=self._engine.name,
                progress=self._note,
                stop=self._stopping,
            )
            self.result = f"{found}."
        except (TMNetError, OSError) as error:
            self.result = f"The video was not exported: {error}."
        except Exception as error:
            _log.error("An export failed", exc_info=error)
            self.result = f"The video was not exported: {error or type(error).__name__}."

    def _note(self, done: int, total: int) -> None:
        self.progress = done, total
