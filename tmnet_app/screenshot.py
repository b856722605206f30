"""Screenshots and short animations of the window, made without a hand on it."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication

from tmnet_app.main_window import MainWindow
from tmnet_core.live.playback import PlaybackState

_SETTLE_MS = 400
_LATE = 2.0
_ANIMATION_FPS = 8
_ANIMATION_WIDTH = 960
_ANIMATION_QUALITY = 60


class Screenshooter(QObject):
    """Plays until a second of the source has been looked at and painted, saves the window and quits."""

    def __init__(self, window: MainWindow, path: Path, second: float, presentation: bool) -> None:
        super().__init__(window)
        self._window, self._path, self._second = window, path, second
        self._presentation = presentation
        session = window.session
        session.failed.connect(partial(_give_up, window))
        session.ticked.connect(self._look)
        self._prepared = False
        self._rewound = 0.0

    def _look(self) -> None:
        if self._presentation and self._window.session.playback.source and not self._window.big_answer.isVisible():
            self._present()
        if self._waiting():
            return
        if self._prepared and self._there():
            self._window.session.ticked.disconnect(self._look)
            if self._window.session.playback.playing:
                self._save()
            else:
                QTimer.singleShot(_SETTLE_MS, self, self._save)
        elif not self._prepared:
            # Playing up to the moment from here, not jumping to it, gives the graphs a past.
            self._prepared = True
            self._rewound = time.perf_counter()
            self._window.session.playback.seek(0)
            self._window.session.playback.play()

    def _present(self) -> None:
        """Present in a window of the size that was asked for, not of this screen's."""
        size = self._window.size()
        self._window.present(True)
        self._window.showNormal()
        self._window.resize(size)

    def _waiting(self) -> bool:
        """Tell whether a source or a network that was asked for has still to show something."""
        session = self._window.session
        moment = session.moment
        if session.playback.opening or session.loading:
            return True
        return bool(session.playback.source) and (
            moment is None or (bool(session.checkpoint) and moment.glance is None)
        )

    def _there(self) -> bool:
        session = self._window.session
        moment = session.moment
        if moment is None or session.playback.state is PlaybackState.ENDED:
            return True
        return moment.frame.captured > self._rewound and self._second <= moment.frame.time < self._second + _LATE

    def _save(self) -> None:
        # Where the pointer happens to be is no part of the picture.
        for button in self._window.findChildren(QAbstractButton):
            button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
        saved = self._window.grab().save(str(self._path))
        _quit(self._window, 0 if saved else 1)


class Animator(QObject):
    """Watches the window from the first glance on for some seconds, saves an animated WebP and quits."""

    def __init__(self, window: MainWindow, path: Path, seconds: float) -> None:
        super().__init__(window)
        self._window, self._path, self._seconds = window, path, seconds
        self._pictures: list[Image.Image] = []
        self._timer = QTimer(self, interval=1000 // _ANIMATION_FPS)
        self._timer.timeout.connect(self._grab)
        self._timer.start()
        window.session.failed.connect(partial(_give_up, window))

    def _grab(self) -> None:
        moment = self._window.session.moment
        if moment is None or (moment.glance is None and bool(self._window.session.loading)):
            return
        picture = self._window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        picture = picture.scaledToWidth(_ANIMATION_WIDTH, Qt.TransformationMode.SmoothTransformation)
        size, line = (picture.width(), picture.height()), picture.bytesPerLine()
        self._pictures.append(Image.frombuffer("RGB", size, bytes(picture.constBits()), "raw", "RGB", line, 1))
        if len(self._pictures) >= self._seconds * _ANIMATION_FPS:
            self._save()

    def _save(self) -> None:
        self._timer.stop()
        first, *others = self._pictures
        first.save(
            self._path,
            format="WEBP",
            save_all=True,
            append_images=others,
            duration=1000 // _ANIMATION_FPS,
            loop=0,
            quality=_ANIMATION_QUALITY,
        )
        _quit(self._window, 0)


def _give_up(window: MainWindow, sentence: str, _details: str = "") -> None:
    """End with what the session says it could not do."""
    print(sentence)
    _quit(window, 1)


def _quit(window: MainWindow, status: int) -> None:
    window.close()
    QApplication.exit(status)
