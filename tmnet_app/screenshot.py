"""Screenshots of the window, made without a hand on it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from tmnet_app.main_window import MainWindow
from tmnet_core.live.player import PlaybackState

_SETTLE_MS = 600


class Screenshooter(QObject):
    """Plays until a second of the source has been looked at and painted, saves the window and quits."""

    def __init__(self, window: MainWindow, path: Path, second: float, presentation: bool) -> None:
        super().__init__(window)
        self._window, self._path, self._second = window, path, second
        self._presentation = presentation
        session = window.session
        session.failed.connect(self._give_up)
        session.ticked.connect(self._look)
        self._prepared = False

    def _look(self) -> None:
        if self._presentation and self._window.session.source:
            self._window.present(True)
        if self._waiting():
            return
        if self._prepared and self._there():
            self._window.session.pause()
            self._window.session.ticked.disconnect(self._look)
            QTimer.singleShot(_SETTLE_MS, self, self._save)
        elif not self._prepared:
            # Playing up to the moment from here, not jumping to it, gives the graphs a past.
            self._prepared = True
            self._window.session.seek(0)
            self._window.session.play()

    def _waiting(self) -> bool:
        """Tell whether a source or a network that was asked for has still to show something."""
        session = self._window.session
        moment = session.moment
        if session.opening or session.loading:
            return True
        return bool(session.source) and (moment is None or (bool(session.checkpoint) and moment.glance is None))

    def _there(self) -> bool:
        session = self._window.session
        moment = session.moment
        return moment is None or session.state is not PlaybackState.PLAYING or moment.frame.time >= self._second

    def _save(self) -> None:
        saved = self._window.grab().save(str(self._path))
        self._window.close()
        QApplication.exit(0 if saved else 1)

    def _give_up(self, sentence: str) -> None:
        print(sentence)
        self._window.close()
        QApplication.exit(1)
