"""Takes along what is on the screen: snapshots, recordings and numbers."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QMenu, QWidget

from tmnet_app.actions import Actions
from tmnet_app.closer_look import CloserLook
from tmnet_app.live_session import LiveSession, Moment
from tmnet_app.preferences import PaneName, Preferences
from tmnet_app.recorder import MovieShots, Recorder, ShotWriter, TableShots
from tmnet_app.saving import ask_where_to_save, write_picture
from tmnet_app.second_model import SecondModel
from tmnet_app.sentences import sentence
from tmnet_app.shots import ShotTaker
from tmnet_app.views.stage import Stage
from tmnet_app.views.transport_bar import TransportBar
from tmnet_core.errors import TMNetError

_COMPOSED = "Pictures, answers and caption (*.png *.jpg)"
_AS_SEEN = "The pictures as they are on the screen (*.png *.jpg)"
_VIDEO, _BOTH = "Video (*.mp4)", "Video, and numbers beside it (*.mp4)"
_CSV, _JSON = "Numbers only, CSV (*.csv)", "Numbers only, JSON lines (*.jsonl)"
_FPS_WHEN_UNKNOWN = 30.0
_TEXT_EVERY = 0.25


class Exports(QObject):
    """Owns the recorder; `said` carries what became of a snapshot or a recording."""

    said = Signal(str)
    recording_changed = Signal(str)  # how long and how much, empty when nothing is recorded any more

    def __init__(
        self,
        session: LiveSession,
        stage: Stage,
        transport: TransportBar,
        actions: Actions,
        preferences: Preferences,
        closer_look: CloserLook,
        second: SecondModel,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._stage, self._transport = session, stage, transport
        self._record = actions["record"]
        self._preferences, self._window = preferences, window
        self._closer_look, self._second = closer_look, second
        self.recorder: Recorder | None = None
        self._taker: ShotTaker | None = None
        self._began = self._written = 0.0
        self._record.triggered.connect(self._toggle)
        actions["snapshot"].triggered.connect(self.choose_snapshot)
        for name, pane in stage.panes.items():
            pane.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            pane.customContextMenuRequested.connect(partial(self._offer_picture, name))
        session.ticked.connect(self._look_after)
        # Its classes are others, and so are the columns.
        for another in (session.checkpoint_loaded, second.loaded, second.closed):
            another.connect(self._stop)

    def close(self) -> None:
        """End a recording, and wait until all of it is written."""
        if self.recorder is not None:
            self.recorder.close()

    # Snapshots

    def choose_snapshot(self) -> None:
        """Ask where to, and save what is on the screen as PNG."""
        if self._session.moment is None:
            self.said.emit("There is no picture to save yet.")
            return
        # Now, not when the dialog is answered: the picture goes on meanwhile.
        composed, as_seen = self._composed(self._session.moment), self._stage.snapshot()
        found = ask_where_to_save(self._window, "Save a snapshot", f"{self._name()}.png", f"{_COMPOSED};;{_AS_SEEN}")
        if found is not None:
            path, kind = found
            self._save(as_seen if kind == _AS_SEEN else composed, path)

    def picture_menu(self, name: PaneName) -> QMenu:
        """Return what can be done with one picture."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Save this picture…", partial(self.choose_picture, name))
        menu.addAction("Copy this picture", lambda: QGuiApplication.clipboard().setImage(self._picture(name)))
        menu.addAction("This picture alone, or all", partial(self._stage.toggle_alone, name))
        return menu

    def choose_picture(self, name: PaneName) -> None:
        """Ask where to, and save one picture as it is on the screen."""
        image = self._picture(name)
        proposed = f"{self._name()}-{name}.png"
        found = ask_where_to_save(self._window, "Save this picture", proposed, "Picture (*.png *.jpg)")
        if found is not None:
            self._save(image, found[0])

    def _offer_picture(self, name: PaneName, place: QPoint) -> None:
        # While one paints, the right button brings back.
        if not self._stage.link.brushing:
            self.picture_menu(name).popup(self._stage.panes[name].mapToGlobal(place))

    def _picture(self, name: PaneName) -> QImage:
        return self._stage.panes[name].view.grab().toImage()

    def _save(self, image: QImage, path: Path) -> None:
        try:
            write_picture(image, path)
        except OSError as error:
            self.said.emit(f"The snapshot could not be written to {path}: {error.strerror}.")

    def _composed(self, moment: Moment) -> QImage:
        taker = self._new_taker()
        shot = taker.take(moment)
        picture = taker.composer(moment, agreement=False).paint(shot.frame, shot.placement, shot.content)
        height, width = picture.shape[:2]
        return QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()

    # Recordings

    def _stop(self) -> None:
        if self.recorder is not None:
            self.recorder.stop()

    def _toggle(self) -> None:
        if self.recorder is not None:
            self._stop()
        else:
            self.choose_recording()
        self._record.setChecked(self.recorder is not None)

    def choose_recording(self) -> None:
        """Ask where to, and begin to record."""
        if self._session.moment is None:
            self.said.emit("There is nothing to record yet.")
            return
        kinds = ";;".join((_VIDEO, _BOTH, _CSV, _JSON))
        found = ask_where_to_save(self._window, "Record", f"{self._name()}.mp4", kinds, _numbers_beside)
        if found is not None:
            self.start_recording(found[0], numbers=bool(_numbers_beside(*found)))

    def start_recording(self, path: Path, *, numbers: bool = False) -> None:
        """Record every picture from now on into an `.mp4`, or its numbers into a `.csv` or `.jsonl`.

        With `numbers`, a `.csv` is written beside the video.
        """
        moment = self._session.moment
        if moment is None or self.recorder is not None:
            return
        taker = self._new_taker()
        writers: list[ShotWriter] = []
        try:
            self._open_writers(writers, path, numbers, taker, moment)
        except TMNetError as error:
            for writer in writers:
                writer.close()
            self.said.emit(sentence(error))
            return
        # The numbers that are written go on from those on the screen.
        self._taker, self.recorder = taker, Recorder(writers, self._closer_look.meter(moment))
        self._began, self._written = time.perf_counter(), 0.0
        self._record.setChecked(True)
        self.follow(moment)

    def _open_writers(
        self, writers: list[ShotWriter], path: Path, numbers: bool, taker: ShotTaker, moment: Moment
    ) -> None:
        """Add what a recording goes to; where one cannot be opened, those before it are there to be closed."""
        model, second = self._session.model, self._second.model
        if path.suffix.lower() == ".mp4":
            composer = taker.composer(moment, agreement=model is not None)
            writers.append(MovieShots(path, composer, self._session.playback.fps or _FPS_WHEN_UNKNOWN))
        if numbers or path.suffix.lower() != ".mp4":
            lines = _numbers_of(path) if numbers else path
            writers.append(TableShots(lines, model, second))

    def follow(self, moment: Moment) -> None:
        """Record a moment that has just been shown, if that is wanted."""
        if self.recorder is not None and self._taker is not None:
            self.recorder.add(self._taker.take(moment))

    def _look_after(self, now: float) -> None:
        recorder = self.recorder
        if recorder is None:
            return
        if recorder.ended:
            self._report(recorder)
        elif now - self._written >= _TEXT_EVERY:
            self._written = now
            self._tell(now - self._began, recorder.frames)

    def _tell(self, seconds: float | None, frames: int = 0) -> None:
        self._transport.show_recording(seconds, frames)
        self.recording_changed.emit("" if seconds is None else self._transport.recording.text())

    def _report(self, recorder: Recorder) -> None:
        self.recorder = self._taker = None
        self._record.setChecked(False)
        self._tell(None)
        names = " and ".join(path.name for path in recorder.paths)
        if recorder.failure is None:
            self.said.emit(f"Recorded {recorder.frames} pictures into {names}; none was left out.")
        else:
            kept = f" {recorder.frames} pictures are in {names}." if names else ""
            self.said.emit(sentence(recorder.failure) + kept)

    def _new_taker(self) -> ShotTaker:
        preferences = self._preferences
        settings = preferences.attention_views.model_copy()
        panes = self._stage.visible_panes
        return ShotTaker(self._session, self._stage, panes, settings, heat=preferences.attention)

    def _name(self) -> str:
        moment = self._session.moment
        index = 0 if moment is None else moment.frame.index
        return f"{Path(self._session.playback.title).stem or 'tmnet'}-{index:06}"


def _numbers_of(video: Path) -> Path:
    return video.with_suffix(".csv")


def _numbers_beside(path: Path, kind: str) -> list[Path]:
    """Return what a recording of this kind writes beside a video; nothing where the name itself asks for numbers."""
    return [_numbers_of(path)] if kind == _BOTH and path.suffix.lower() == ".mp4" else []
