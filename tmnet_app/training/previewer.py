"""Looks into a data set beside the window; a newer question ends the look before it."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, QTimer, Signal

from tmnet_core.config import DataSection
from tmnet_core.data.preview import DatasetPreview, preview_dataset

# Typing a path asks once, at its end.
_WAIT_MS = 300


class Previewer(QObject):
    """Answers the newest question with one `found`."""

    asked = Signal()  # another data set is in question; the last answer holds no longer
    started = Signal()
    found = Signal(object)  # a DatasetPreview
    _looked = Signal(object, object)  # which look, what it found

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._data: DataSection | None = None
        self._cancelled = threading.Event()
        self._threads: list[threading.Thread] = []
        self._wait = QTimer(self, singleShot=True, interval=_WAIT_MS)
        self._wait.timeout.connect(self._start)
        self._looked.connect(self._tell)

    def ask(self, data: DataSection) -> None:
        """Look into this data set, soon."""
        if data != self._data:
            self._data = data
            self._cancelled.set()
            self._wait.start()
            self.asked.emit()

    def forget(self) -> None:
        """Answer no more; there is nothing to look into."""
        self._data = None
        self._wait.stop()
        self._cancelled.set()

    @property
    def looking(self) -> bool:
        """Whether an answer is to come."""
        return self._wait.isActive() or any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """End the look and wait for it."""
        self._wait.stop()
        self._cancelled.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start(self) -> None:
        assert self._data is not None
        self._cancelled = threading.Event()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._look, args=(self._data, self._cancelled), name="data preview")
        self._threads.append(thread)
        thread.start()
        self.started.emit()

    def _look(self, data: DataSection, cancelled: threading.Event) -> None:
        try:
            found = preview_dataset(data, cancelled=cancelled.is_set)
        except Exception as error:
            # Whatever a strange file does to the decoder, the person hears of it.
            found = DatasetPreview(problems=(f"The data could not be looked into: {error}",))
        self._looked.emit(cancelled, found)

    def _tell(self, cancelled: threading.Event, found: DatasetPreview) -> None:
        if cancelled is self._cancelled and not cancelled.is_set():
            self.found.emit(found)
