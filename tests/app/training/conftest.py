from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox

from tmnet_app.training.draft import flatten
from tmnet_app.training.training_window import TrainingWindow
from tmnet_core.config import Recipe
from tmnet_core.training import launching
from tmnet_core.training.run_folder import RunFolder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of runs of this test; their processes end with it."""
    folder = tmp_path / "alle Läufe"
    monkeypatch.setenv("TMNET_RUNS", str(folder))
    yield folder
    for path in folder.iterdir() if folder.exists() else ():
        launching.cancel(RunFolder(path))


@pytest.fixture
def training(qtbot, runs: Path) -> Iterator[TrainingWindow]:
    window = TrainingWindow(runs, lambda: None)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.shut_down()


@pytest.fixture
def set_up() -> Callable[[TrainingWindow, Recipe], None]:
    """A function that writes a recipe into the form."""

    def write(window: TrainingWindow, recipe: Recipe) -> None:
        for key, value in flatten(recipe).items():
            window.setup.draft.set_value(key, value)

    return write


@pytest.fixture
def answer_question(qtbot) -> Callable[[str], None]:
    """A function that clicks a button of the question that is asked."""

    def click(text: str) -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        next(button for button in box.buttons() if button.text() == text).click()

    return click
