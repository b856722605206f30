"""Four pictures from a folder of clips to a network that looks, made without a hand on the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from tmnet_app.main_window import MainWindow
from tmnet_app.theme import GRID, tabular
from tmnet_app.training.draft import flatten
from tmnet_app.views.probability_bars import EN_DASH
from tmnet_core.config import load_recipe
from tmnet_core.data.annotations import VIDEO_SUFFIXES

_LOOK_MS = 100
_SETTLE_MS = 1500
_PICTURE = QSize(960, 600)
_QUALITY = 80
_CAPTIONS = ("1  Drop a folder of clips", "2  Watch it learn", "3  See what it learned", "4  Let it look")


class FilmStrip(QObject):
    """Trains on a folder through the window, takes a picture at each step, saves them as one, and quits.

    Args:
        clips: a folder of classes, one of whose videos is looked at in the end.
        overrides: `section.key=value` changes of the recipe `quick`.
        path: the picture to write; its suffix says the format.
    """

    def __init__(self, window: MainWindow, clips: Path, overrides: Sequence[str], path: Path) -> None:
        super().__init__(window)
        self._main = window
        self._clips = clips
        self._path = path
        self._recipe = load_recipe("quick", overrides)
        self.pictures: list[QImage] = []
        self._training = window.training.show()
        self._steps: list[tuple[Callable[[], bool], Callable[[], None]]] = [
            (lambda: bool(window.session.header) or not window.session.loading, self._set_up),
            (self._training.setup.start.isEnabled, self._start),
            (self._half_way, lambda: self._take(self._training)),
            (self._ended, self._watch),
            (self._looking, self._finish),
        ]
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()
        window.session.failed.connect(self._give_up)

    def _look(self) -> None:
        there, act = self._steps[0]
        if there():
            self._steps.pop(0)
            self._timer.stop()
            # What was asked for is painted a moment later.
            QTimer.singleShot(_SETTLE_MS, self, lambda: self._act(act))

    def _act(self, act: Callable[[], None]) -> None:
        act()
        if self._steps:
            self._timer.start()

    def _set_up(self) -> None:
        setup = self._training.setup
        self._training.resize(_PICTURE * 1.25)
        self._main.resize(_PICTURE * 1.25)
        for key, value in flatten(self._recipe).items():
            setup.draft.set_value(key, value)
        if self._main.session.header is not None:
            setup.network.start_from_loaded()
        setup.take_dropped(self._clips)

    def _start(self) -> None:
        self._take(self._training)
        self._training.setup.start.click()

    def _half_way(self) -> bool:
        page = self._training.run_pages[0]
        record = page.watch.record
        return not page.watch.standing.active or (
            record.samples is not None and 2 * record.iteration >= record.iterations
        )

    def _ended(self) -> bool:
        return not self._training.run_pages[0].watch.standing.active

    def _watch(self) -> None:
        page = self._training.run_pages[0]
        self._take(self._training)
        if page.watch.standing.state != "finished":
            self._give_up(page.watch.standing.sentence)
            return
        page.watch_it.click()
        self._main.opener.open_source(str(_some_video(self._clips)))

    def _looking(self) -> bool:
        session, best = self._main.session, self._training.run_pages[0].watch.run.best_checkpoint
        answered = self._main.stage.details.bars.headline.text() not in {"", EN_DASH}
        return session.checkpoint == str(best) and bool(session.playback.source) and answered

    def _finish(self) -> None:
        self._take(self._main)
        saved = compose(self.pictures, self._main).save(str(self._path), quality=_QUALITY)
        self._quit(0 if saved else 1)

    def _take(self, widget: QWidget) -> None:
        self.pictures.append(widget.grab().toImage())

    def _give_up(self, sentence: str, _details: str = "") -> None:
        print(sentence)
        self._steps.clear()
        self._quit(1)

    def _quit(self, status: int) -> None:
        self._timer.stop()
        self._main.close()
        QApplication.exit(status)


def compose(pictures: Sequence[QImage], window: QWidget) -> QImage:
    """Return the pictures two by two, each under its caption, in the window's colours and font."""
    caption = 5 * GRID
    columns, gap = 2, 2 * GRID
    rows = -(-len(pictures) // columns)
    width = columns * _PICTURE.width() + (columns + 1) * gap
    height = rows * (_PICTURE.height() + caption) + gap
    strip = QImage(width, height, QImage.Format.Format_RGB32)
    strip.fill(window.palette().window().color())
    painter = QPainter(strip)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setFont(tabular(window.font(), scale=1.6, bold=True))
    painter.setPen(window.palette().windowText().color())
    for number, (picture, text) in enumerate(zip(pictures, _CAPTIONS, strict=False)):
        left = gap + number % columns * (_PICTURE.width() + gap)
        top = number // columns * (_PICTURE.height() + caption)
        painter.drawText(QRectF(left, top, _PICTURE.width(), caption), Qt.AlignmentFlag.AlignVCenter, text)
        scaled = picture.scaled(
            _PICTURE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        painter.drawImage(left, top + caption, scaled)
    painter.end()
    return strip


def _some_video(clips: Path) -> Path:
    """Return a video of the last class."""
    return sorted(path for path in clips.glob("*/*") if path.suffix.lower() in VIDEO_SUFFIXES)[-1]
