"""Tries a few steps of a recipe in a process beside the window."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pydantic import ValidationError
from PySide6.QtCore import QObject, QProcess, Signal

from tmnet_app.training.fields import in_form_words
from tmnet_core.config import Recipe, dump_recipe
from tmnet_core.training.outcome import what_and_remedy
from tmnet_core.training.trial_result import TrialResult


class TrialRunner(QObject):
    """One trial at a time; a new one ends the one before."""

    progressed = Signal(str)  # what is being done
    finished = Signal(object)  # a TrialResult
    failed = Signal(str)  # a sentence

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def running(self) -> bool:
        """Whether a result is to come."""
        return self._process is not None

    def start(self, recipe: Recipe) -> None:
        """Try this recipe."""
        self.cancel()
        self._folder = tempfile.TemporaryDirectory(prefix="tmnet-trial-")
        folder = Path(self._folder.name)
        (folder / "recipe.toml").write_text(dump_recipe(recipe), encoding="utf-8")
        process = self._process = QProcess(self)
        process.setProgram(sys.executable)
        process.setArguments(
            ["-m", "tmnet_core", "trial", str(folder / "recipe.toml"), "--json", str(folder / "result.json")]
        )
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._give_up)
        process.start()
        process.closeWriteChannel()

    def cancel(self) -> None:
        """End the trial, if there is one, without a word."""
        process, self._process = self._process, None
        if process is not None:
            process.disconnect(self)
            process.kill()
            process.waitForFinished(5000)
            process.deleteLater()
        self._clear()

    def _read(self) -> None:
        if self._process is not None:
            lines = _text(self._process.readAllStandardOutput().data()).splitlines()
            if lines:
                self.progressed.emit(f"{lines[-1]} …")

    def _finish(self) -> None:
        process, self._process = self._process, None
        if process is None or self._folder is None:
            return
        try:
            result = TrialResult.model_validate_json((Path(self._folder.name) / "result.json").read_bytes())
        except (OSError, ValidationError):
            self.failed.emit(_what_went_wrong(_text(process.readAllStandardError().data())))
        else:
            self.finished.emit(result)
        process.deleteLater()
        self._clear()

    def _give_up(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self.failed.emit(f"The trial could not be started: {self._process.errorString()}.")
            self.cancel()

    def _clear(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _text(data: bytes | memoryview | bytearray) -> str:
    return bytes(data).decode("utf-8", errors="replace")


def _what_went_wrong(output: str) -> str:
    """Return the last line of what the trial said, and what helps."""
    said = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "it ended without a word")
    what, remedy = what_and_remedy(said.removeprefix("tmnet: "))
    return in_form_words(f"{what[:1].upper()}{what[1:]}. {remedy}".strip())
