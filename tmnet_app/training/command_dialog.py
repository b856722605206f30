"""A `tmnet` command beside the window, and what it says."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Sequence

from PySide6.QtCore import QProcess, QProcessEnvironment
from PySide6.QtGui import QCloseEvent, QFontDatabase, QTextCursor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from tmnet_app.theme import GRID

_LINES = 5000


class CommandDialog(QDialog):
    """Runs the command until it ends or the dialog is closed."""

    def __init__(self, title: str, arguments: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.state = QLabel("At work …")
        self.output = QPlainTextEdit()
        self.output.setReadOnly(True)
        self.output.setMaximumBlockCount(_LINES)
        self.output.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.output.setAccessibleName("What the command says")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.addWidget(self.state)
        layout.addWidget(self.output, 1)
        layout.addWidget(self.buttons)
        self.resize(880, 480)
        self._process = QProcess(self)
        # What comes may end in the middle of a letter.
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        self._start(arguments)

    def _start(self, arguments: Sequence[str]) -> None:
        process = self._process
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUTF8", "1")
        environment.insert("COLUMNS", "110")
        process.setProcessEnvironment(environment)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._show_error)
        process.start(sys.executable, ["-m", "tmnet_core", *arguments])
        process.closeWriteChannel()

    def _read(self) -> None:
        text = self._decoder.decode(bytes(self._process.readAllStandardOutput().data()))
        self.output.moveCursor(QTextCursor.MoveOperation.End)
        self.output.insertPlainText(text)

    def _finish(self, status: int) -> None:
        self.state.setText("Done." if status == 0 else "It could not be done; the reason is below.")

    def _show_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.state.setText(f"It could not be started: {self._process.errorString()}.")

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the command too."""
        if self._process.state() is not QProcess.ProcessState.NotRunning:
            self._process.disconnect(self)
            self._process.kill()
            self._process.waitForFinished(5000)
        event.accept()

    def reject(self) -> None:
        """As closing, for the escape key too."""
        self.close()
