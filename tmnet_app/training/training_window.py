"""The window of training: a new one, all that there were, and a page for each that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QTabBar, QTabWidget, QVBoxLayout, QWidget

from tmnet_app.training.command_dialog import CommandDialog
from tmnet_app.training.compare_page import ComparePage
from tmnet_app.training.history_page import HistoryPage
from tmnet_app.training.network_panel import LoadedNetwork
from tmnet_app.training.run_page import RunPage
from tmnet_app.training.run_watch import RunWatch
from tmnet_app.training.setup_page import SetupPage
from tmnet_app.views.status_line import Message
from tmnet_core.config import Recipe
from tmnet_core.errors import TMNetError
from tmnet_core.training.launching import RunProcess, active_runs, launch
from tmnet_core.training.run_folder import RunFolder


class TrainingWindow(QWidget):
    """Stands beside the main window, which plays on.

    Args:
        runs: the folder of all runs.
        loaded: returns the network that the main window looks with, None without one.
    """

    watch_requested = Signal(str, bool)  # a person wants the player to look with it; whether better ones may come
    run_ended = Signal(str)  # a sentence: which run, and how
    run_went_on = Signal(str)  # the sentence of its end, which no longer holds
    run_moved = Signal(object, object)  # the folder's path that was, and the one that is
    best_found = Signal(str)  # the player looks with it, and it is better now
    best_settled = Signal(str)  # the player looks with it, and no better one will come

    def __init__(self, runs: Path, loaded: Callable[[], LoadedNetwork | None], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.runs = runs
        self.setWindowTitle("Training – TMNet")
        self.setAcceptDrops(True)
        self.setup = SetupPage(loaded)
        self.history = HistoryPage(runs)
        self.message = Message()
        self.message.hide()
        self.message.dismissed.connect(self.message.hide)
        self._told: dict[RunWatch, str] = {}
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setTabsClosable(True)
        self.tabs.addTab(self.setup, "New training")
        self.tabs.addTab(self.history, "All runs")
        for place in (0, 1):
            for side in (QTabBar.ButtonPosition.LeftSide, QTabBar.ButtonPosition.RightSide):
                self.tabs.tabBar().setTabButton(place, side, None)
        self.tabs.tabCloseRequested.connect(self._close_tab)
        self.tabs.currentChanged.connect(self.message.hide)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.message)
        self.setMinimumSize(1160, 600)
        self.resize(1180, 800)
        self.setup.start_requested.connect(self.start)
        self.history.open_requested.connect(self.open_run)
        self.history.resume_requested.connect(self.resume)
        self.history.compare_requested.connect(self.compare)
        self.history.command_requested.connect(self._run_command)
        self.history.renamed.connect(self._move)
        self.history.deleted.connect(self._close_run)
        self.history.failed.connect(self.show_message)
        self.history.asked.connect(self.message.hide)

    # Runs

    def start(self, recipe: Recipe, processes: int = 1) -> None:
        """Train by a recipe in the background, in several processes where wished, and show the run."""
        try:
            run = RunFolder.create(self.runs, recipe)
            self.open_run(run, launch(run, processes=processes))
        except TMNetError as error:
            self.show_message(str(error))

    def resume(self, run: RunFolder) -> None:
        """Go on with a run, and show it."""
        self.open_run(run).watch.resume()

    def open_run(self, run: RunFolder, process: RunProcess | None = None) -> RunPage:
        """Show a run in a page of its own."""
        page = self._page_of(run)
        if page is None:
            watch = RunWatch(run, process)
            page = RunPage(watch)
            watch.setParent(page)
            page.watch_requested.connect(lambda checkpoint, page=page: self._watch(page, checkpoint))
            page.best_found.connect(self.best_found)
            watch.ended.connect(self.history.model.refresh)
            watch.ended.connect(lambda page=page: self._on_end(page))
            watch.went_on.connect(lambda watch=watch: self.run_went_on.emit(self._told.pop(watch, "")))
            self.tabs.addTab(page, run.path.name)
            self._name_tab(page)
        self.tabs.setCurrentWidget(page)
        return page

    def _on_end(self, page: RunPage) -> None:
        watch = page.watch
        if page.follow_best:
            self.best_settled.emit(str(watch.run.best_checkpoint))
        sentence = watch.standing.sentence
        self._told[watch] = f"{watch.run.path.name}: {sentence[:1].lower()}{sentence[1:]}"
        self.run_ended.emit(self._told[watch])

    def _watch(self, page: RunPage, checkpoint: str) -> None:
        for other in self.run_pages:
            other.follow(other is page)
        self.watch_requested.emit(checkpoint, page.watch.standing.active)

    def stop_following(self, checkpoint: str) -> None:
        """Note that the player looks with this network now, which may be another one than a run's best."""
        for page in self.run_pages:
            if page.follow_best and Path(checkpoint) != page.watch.run.best_checkpoint:
                page.follow(False)

    def compare(self, runs: Sequence[RunFolder]) -> None:
        """Show the curves of several runs in one page."""
        page = ComparePage([RunWatch(run) for run in runs])
        self.tabs.addTab(page, f"{len(runs)} runs compared")
        self.tabs.setCurrentWidget(page)

    def open_active_runs(self) -> None:
        """Show the runs that are still going, whoever started them."""
        for run in active_runs(self.runs):
            if self._page_of(run) is None:
                self.open_run(run)

    @property
    def run_pages(self) -> list[RunPage]:
        """The runs that are shown."""
        return [page for page in self._pages() if isinstance(page, RunPage)]

    def active_watches(self) -> list[RunWatch]:
        """Return every run that is still going; one whose page was closed is shown again."""
        self.open_active_runs()
        return [page.watch for page in self.run_pages if page.watch.standing.active]

    def show_message(self, sentence: str, details: str = "") -> None:
        """Show a sentence below the pages until it is dismissed."""
        self.message.show_message(sentence, details)
        self.message.show()

    def _pages(self) -> Iterator[QWidget]:
        for place in range(self.tabs.count()):
            page = self.tabs.widget(place)
            assert page is not None
            yield page

    def _page_of(self, run: RunFolder) -> RunPage | None:
        return next((page for page in self.run_pages if page.watch.run.path == run.path), None)

    def _move(self, before: RunFolder, run: RunFolder) -> None:
        """Follow a run whose folder has another name now."""
        page = self._page_of(before)
        if page is not None:
            page.move_to(run)
            self._name_tab(page)
        for other in self._pages():
            if isinstance(other, ComparePage):
                other.move_to(before, run)
        self.run_moved.emit(before.path, run.path)

    def _close_run(self, run: RunFolder) -> None:
        page = self._page_of(run)
        if page is not None:
            self._close_tab(self.tabs.indexOf(page))

    def _name_tab(self, page: RunPage) -> None:
        place, path = self.tabs.indexOf(page), page.watch.run.path
        self.tabs.setTabText(place, path.name)
        self.tabs.setTabToolTip(place, str(path))

    def _close_tab(self, place: int) -> None:
        page = list(self._pages())[place]
        self.tabs.removeTab(place)
        if isinstance(page, RunPage) and page.follow_best and page.watch.run.best_checkpoint.exists():
            self.best_settled.emit(str(page.watch.run.best_checkpoint))
        _close_page(page)
        page.deleteLater()

    def _run_command(self, title: str, arguments: list[str]) -> None:
        dialog = CommandDialog(title, arguments, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    # What Qt tells

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a folder of clips anywhere."""
        self.setup.data.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take it for a new training."""
        self.tabs.setCurrentWidget(self.setup)
        self.setup.data.dropEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Go out of sight; runs go on, and so does the main window."""
        event.accept()

    def shut_down(self) -> None:
        """End everything but the runs."""
        self.setup.close_threads()
        self.history.close_threads()
        for page in self._pages():
            _close_page(page)
        for dialog in self.findChildren(CommandDialog):
            dialog.close()
        self.close()


def _close_page(page: QWidget) -> None:
    if isinstance(page, RunPage):
        page.watch.close()
    elif isinstance(page, ComparePage):
        page.close_watches()
