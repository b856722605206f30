"""The window: puts the widgets together and connects them with the session."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

import tmnet_core
from tmnet_app import menus
from tmnet_app.actions import Actions
from tmnet_app.dialogs.card_dialog import CardDialog
from tmnet_app.dialogs.preferences_dialog import PreferencesDialog
from tmnet_app.dialogs.shortcuts_dialog import ShortcutsDialog
from tmnet_app.engine_controls import EngineControls
from tmnet_app.keyboard import belongs_to
from tmnet_app.live_session import LiveSession, Moment
from tmnet_app.opening import Opener, network_choices, picture_choices
from tmnet_app.preferences import PANES, PaneName, Preferences, PreferenceStore, ThemeName
from tmnet_app.saving import ask_where_to_save
from tmnet_app.source_state import describe_source, words_over_picture
from tmnet_app.theme import GRID, apply_theme
from tmnet_app.training.controller import TrainingController
from tmnet_app.views.big_answer import BigAnswer
from tmnet_app.views.empty_state import EmptyState
from tmnet_app.views.next_steps import NextSteps
from tmnet_app.views.stage import Stage
from tmnet_app.views.status_line import StatusLine, padded, padded_after
from tmnet_app.views.top_bar import TopBar
from tmnet_app.views.transport_bar import TransportBar
from tmnet_app.workbench import Workbench
from tmnet_core.attention.classes import shown_name
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.sources import short_name

_log = logging.getLogger(__name__)
_FILE_ACTIONS = ("step_back", "step_forward", "jump_back", "jump_forward", "slower", "faster", "loop", "every_frame")
_TEXT_EVERY_TICKS = 8
_GRAPHS_EVERY_TICKS = 3


class MainWindow(QMainWindow):
    """One window; it owns the views, the session owns the threads."""

    def __init__(self, session: LiveSession, store: PreferenceStore | None = None) -> None:
        super().__init__()
        self.session = session
        self.preferences = store.load() if store else Preferences()
        self._store = store
        self._ticks = 0
        self._presenting = False
        self._was_maximized = False
        self.actions_by_name = Actions(self)
        self._build()
        self._connect_actions()
        self._connect_session()
        self._restore()

    # Putting together

    def _build(self) -> None:
        actions = self.actions_by_name
        self.setWindowTitle("TMNet")
        self.setAcceptDrops(True)
        self.setMinimumSize(640, 420)
        self.top_bar = TopBar(actions)
        menus.fill_main_menu(self.top_bar.menu.menu(), actions)
        self.opener = Opener(self.session, self.preferences, actions, self.top_bar, self)
        self.training = TrainingController(self.session, self.opener.open_checkpoint, self)
        self.empty = EmptyState(network_choices(actions), picture_choices(actions))
        self.next_steps = NextSteps(actions)
        self.stage = Stage(network_choices(actions))
        self.big_answer = BigAnswer()
        self.big_answer.hide()
        self.transport = TransportBar(actions)
        self.status = StatusLine()
        self.workbench = Workbench(
            self.session, self.stage, self.transport, self.status, actions, self.preferences, self
        )
        self.workbench.exports.recording_changed.connect(self.big_answer.show_recording)
        self.engine_controls = EngineControls(self.session, self.top_bar, self.stage, self)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(_with_margins(self.stage))
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.top_bar)
        layout.addWidget(self.next_steps)
        layout.addWidget(self.pages, 1)
        for widget in (self.big_answer, self.transport, self.status):
            layout.addWidget(widget)
        self.setCentralWidget(central)
        # Else the first button would wear a focus ring that nobody asked for.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()

    def _connect_actions(self) -> None:
        session = self.session
        triggered = {
            "open_video": self.opener.choose_video,
            "open_checkpoint": self.opener.choose_checkpoint,
            "open_camera": self.opener.choose_camera,
            "open_folder": self.opener.choose_folder,
            "open_stream": self.opener.choose_stream,
            "open_screen": lambda: self.opener.open_source("screen"),
            "open_pattern": lambda: self.opener.open_source("pattern"),
            "open_demo": self.opener.open_demo,
            "train": self.training.show,
            "save_timing": self.save_timing,
            "quit": self.close,
            "play": session.playback.toggle_play,
            "step_back": lambda: session.playback.step(-1),
            "step_forward": lambda: session.playback.step(1),
            "jump_back": lambda: session.playback.jump(-5),
            "jump_forward": lambda: session.playback.jump(5),
            "slower": lambda: session.playback.change_speed(-1),
            "faster": lambda: session.playback.change_speed(1),
            "leave": self._leave,
            "card": self._show_card,
            "preferences": self._show_preferences,
            "shortcuts": lambda: ShortcutsDialog(self).exec(),
            "about": self._show_about,
        }
        for name, slot in triggered.items():
            self.actions_by_name[name].triggered.connect(slot)
        for name, switch in self._toggled().items():
            self.actions_by_name[name].toggled.connect(switch)

    def _toggled(self) -> dict[str, Callable[[bool], None]]:
        return {
            "loop": self._set_loop,
            "every_frame": self._set_every_frame,
            "mirror": self._set_mirror,
            "attention": self._set_attention,
            "details": self._set_details,
            "presentation": self.present,
            **{f"pane_{name}": self._panes_changed for name in PANES},
        }

    def _connect_session(self) -> None:
        session = self.session
        session.add_viewer(self._show_moment)
        session.ticked.connect(self._on_tick)
        session.checkpoint_loaded.connect(self._on_checkpoint_loaded)
        session.source_opened.connect(self._on_source_opened)
        session.state_changed.connect(self._on_state_changed)
        session.failed.connect(self.status.show_message)
        self.opener.refused.connect(self.status.show_message)
        self.training.said.connect(self.status.show_message)
        self.training.outdated.connect(self.status.take_back)
        self.training.closable.connect(self.close)
        self.opener.demo_opened.connect(self._show_next_steps)
        self.next_steps.done.connect(self._forget_next_steps)
        self.stage.painted.connect(session.note_painted)
        self.stage.details.bars.class_pinned.connect(self._on_class_pinned)
        self.transport.seek_requested.connect(session.playback.seek)
        self.transport.speed_chosen.connect(session.playback.set_speed)
        self.status.cancel.clicked.connect(session.playback.cancel_opening)

    # What is remembered

    def _restore(self) -> None:
        preferences, actions = self.preferences, self.actions_by_name
        panes = tuple(preferences.panes)  # changes while the actions are being checked
        for name in PANES:
            actions[f"pane_{name}"].setChecked(name in panes)
        self._panes_changed()
        actions["attention"].setChecked(preferences.attention)
        actions["details"].setChecked(preferences.details)
        actions["loop"].setChecked(preferences.loop)
        actions["every_frame"].setChecked(preferences.every_frame)
        self.resize(1280, 800)
        if preferences.geometry:
            self.restoreGeometry(QByteArray.fromBase64(preferences.geometry.encode()))
        self._apply_preferences()
        self.session.playback.set_loop(preferences.loop)
        self.stage.set_details(preferences.details)
        if self._store and self._store.set_aside:
            self.status.show_message(self._store.set_aside)
        self._on_state_changed()

    def _apply_preferences(self) -> None:
        preferences = self.preferences
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, preferences.theme)
        self.session.set_smoothing(preferences.smoothing)
        self.session.set_crop(preferences.crop)
        self.stage.details.bars.set_unsure(preferences.unsure)
        self.stage.set_attention(preferences.attention_views, visible=preferences.attention)
        self._tint()

    def set_theme(self, theme: ThemeName) -> None:
        """Dress in a theme and remember it."""
        self.preferences.theme = theme
        self._apply_preferences()

    def _save(self) -> None:
        if self._presenting:
            self.present(False)
        self.preferences.geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        if self._store:
            self._store.save(self.preferences)

    def _tint(self) -> None:
        self.actions_by_name.tint(self.palette())
        self.actions_by_name.show_playing(self.session.playback.playing, self.palette())
        self.top_bar.tint(self.palette())
        self.next_steps.tint(self.palette())

    # Opening and saving

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.opener.open_anything(url.toLocalFile())
        event.acceptProposedAction()

    def save_timing(self) -> None:
        """Ask where to, and save when the last frames were captured, looked at and shown."""
        if not len(self.session.painted.timing):
            self.status.show_message("No frame has been shown yet.")
            return
        name = f"{Path(self.session.playback.title).stem or 'tmnet'}-timing.csv"
        found = ask_where_to_save(self, "Save timing", name, "Tables (*.csv *.json)")
        if found is not None:
            path, _ = found
            try:
                self.session.painted.timing.write(path)
            except OSError as error:
                self.status.show_message(f"The timing could not be written to {path}: {error.strerror}.")

    # What the session tells

    def _on_checkpoint_loaded(self, path: str) -> None:
        model = self.session.model
        if model is None:
            return
        self.stage.set_model([shown_name(name) for name in model.classes], model.branches)
        self.status.clear_message()
        self._show_model_title()

    def _on_source_opened(self, spec: str) -> None:
        session = self.session
        self.pages.setCurrentIndex(1)
        self.stage.begin_source()
        mirror = self.preferences.mirror_cameras if session.playback.live else self.preferences.mirror_files
        self.actions_by_name["mirror"].setChecked(mirror)
        session.set_mirror(mirror)
        self.transport.show_source(session.playback.live, session.playback.frame_count, session.playback.fps)
        self.status.clear_message()

    def _on_state_changed(self) -> None:
        session = self.session
        self.actions_by_name.show_playing(session.playback.playing, self.palette())
        there = session.playback.state is not PlaybackState.CLOSED
        self.transport.setVisible(there and not self._presenting)
        seekable = there and not session.playback.live
        for name in _FILE_ACTIONS:
            self.actions_by_name[name].setEnabled(seekable)
        self.transport.show_speed(session.playback.speed)
        self.empty.show_picture(f"Opening {short_name(session.playback.opening)} …" if session.playback.opening else "")
        self.status.cancel.setVisible(bool(session.playback.opening))
        self._show_model_title()
        self._write_status()

    def _show_model_title(self) -> None:
        session = self.session
        loading = f"Loading {Path(session.loading).name} …" if session.loading else ""
        title = loading or (session.header.title if session.header else "")
        self.top_bar.show_model(title or "No network")
        self.empty.show_network(title)
        self.stage.show_loading(loading)
        self.actions_by_name["card"].setEnabled(session.header is not None)
        source = f"{session.playback.title} – " if session.playback.title else ""
        self.setWindowTitle(f"{source}TMNet")

    def _show_moment(self, moment: Moment) -> None:
        now = time.perf_counter()
        self.stage.show_moment(moment, now)
        height, width = moment.frame.image.shape[:2]
        rate = f" · {self.session.playback.fps:.4g} fps" if self.session.playback.fps else ""
        self.stage.show_size(self.session.playback.gives or f"{width}×{height}{rate}")
        self.workbench.follow(moment)
        self._show_position(write=moment.still)
        if moment.still:
            self._write_status()
        if self._presenting:
            self.big_answer.show_text(self.stage.details.bars.headline.text())

    def _show_position(self, *, write: bool) -> None:
        session = self.session
        if session.moment is not None:
            index = session.moment.frame.index
            self.transport.show_position(index, session.playback.frame_count, session.playback.fps, write=write)

    @property
    def _writes_text(self) -> bool:
        return self._ticks % _TEXT_EVERY_TICKS == 0

    def _on_tick(self, now: float) -> None:
        self._ticks += 1
        self.stage.details.bars.ease(now)
        if self._writes_text:
            self._write_status()
            self._show_position(write=True)
        if self._ticks % _GRAPHS_EVERY_TICKS == 0 and self.stage.details.isVisible():
            self.stage.details.graphs.show_rates(self.session.rates, now, write=self._ticks % 9 == 0)

    def _write_status(self) -> None:
        session = self.session
        self.status.light.show_playing(session.playback.state is PlaybackState.PLAYING)
        self.status.state.set_full_text(self._status_text())
        self.stage.panes["input"].view.say(words_over_picture(session, time.perf_counter()))
        # Asked for again and again: a faster engine may have taken over.
        self.status.engine.setText(session.model.engine if session.model else "")
        drops = session.drops
        self.status.drops.setText(
            f"Dropped: capture {padded_after(drops.capture, 4)} · network {padded_after(drops.inference, 4)} · "
            f"drawing {padded_after(drops.display, 4)}"
            if session.playback.source
            else ""
        )

    def _status_text(self) -> str:
        session = self.session
        words = [describe_source(session, time.perf_counter())]
        if session.moment is not None and not session.playback.opening:
            digits = len(str(session.playback.frame_count or 100_000))
            words.append(f"Frame {padded(session.moment.frame.index, digits)}")
        return " · ".join(words)

    # What the person does

    def _set_loop(self, on: bool) -> None:
        self.preferences.loop = on
        self.session.playback.set_loop(on)

    def _set_every_frame(self, on: bool) -> None:
        self.preferences.every_frame = on
        self.session.set_every_frame(on)

    def _set_mirror(self, on: bool) -> None:
        self.session.set_mirror(on)
        if self.session.playback.source:
            setattr(self.preferences, "mirror_cameras" if self.session.playback.live else "mirror_files", on)

    def _set_attention(self, on: bool) -> None:
        self.preferences.attention = on
        self.stage.set_attention(self.preferences.attention_views, visible=on)

    def _set_details(self, on: bool) -> None:
        self.preferences.details = on
        self.stage.set_details(on and not self._presenting)

    def _panes_changed(self, on: bool = True) -> None:
        shown: list[PaneName] = [name for name in PANES if self.actions_by_name[f"pane_{name}"].isChecked()]
        if not shown:
            # The last pane stays: a window without any picture would look broken.
            self.actions_by_name[f"pane_{self.preferences.panes[0]}"].setChecked(True)
            return
        self.preferences.panes = shown
        self.stage.set_panes(shown)

    def _on_class_pinned(self, index: int) -> None:
        self.session.show_again()

    def present(self, on: bool) -> None:
        """Fill the screen with the pictures and the answer, or go back."""
        if on == self._presenting:
            return
        self._presenting = on
        self.actions_by_name["presentation"].setChecked(on)
        for widget in (self.top_bar, self.status, self.transport):
            widget.setVisible(not on)
        self.next_steps.hide()
        self.big_answer.setVisible(on)
        self.stage.set_details(self.preferences.details and not on)
        self.stage.enlarge(1.6 if on else 1.0)
        if on:
            self._was_maximized = self.isMaximized()
            self.showFullScreen()
        elif self._was_maximized:
            self.showMaximized()
        else:
            self.showNormal()
        self._on_state_changed()

    def _leave(self) -> None:
        if self._presenting:
            self.present(False)
        elif self.session.playback.opening:
            self.session.playback.cancel_opening()
        elif not self.workbench.leave():
            self.status.clear_message()

    def _show_card(self) -> None:
        if self.session.header is not None:
            self._show_dialog(CardDialog(self.session.header.describe(), self))

    def _show_preferences(self) -> None:
        dialog = PreferencesDialog(self.preferences, self)
        dialog.changed.connect(self._apply_preferences)
        self._show_dialog(dialog)

    def _show_dialog(self, dialog: QDialog) -> None:
        """Show it beside the window, which goes on."""
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def _show_about(self) -> None:
        QMessageBox.about(
            self,
            "About TMNet",
            f"<b>TMNet {tmnet_core.__version__}</b><p>Temporal Memory Network: learn from clips, recognise an action "
            "from one frame. After Liu, Li, Gao, Qin, IEEE Access 2020.</p>",
        )

    def _show_next_steps(self) -> None:
        # Only a person who will come back has a store; pictures of the window are taken without the hint.
        self.next_steps.setVisible(self._store is not None and self.preferences.next_steps)

    def _forget_next_steps(self) -> None:
        if self.next_steps.isVisibleTo(self):
            self.preferences.next_steps = False
            self.next_steps.hide()

    # What Qt tells

    def event(self, event: QEvent) -> bool:
        """Leave a focused control the keys that it needs."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and belongs_to(self.focusWidget(), event)
        ):
            event.accept()
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "top_bar"):
            self._tint()

    def prepare_graphs(self) -> None:
        """Load the graphs once the window is there; importing them takes most of a second."""
        QTimer.singleShot(0, self, self.stage.details.graphs.build_graphs)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the big answer a sixth of the height."""
        super().resizeEvent(event)
        self.big_answer.setFixedHeight(max(96, self.height() // 6))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask what becomes of a run that goes on, remember, then stop all threads."""
        if not self.training.may_close():
            event.ignore()
            return
        self._save()
        self.hide()
        self.training.close()
        self.workbench.close()
        self.session.close()
        event.accept()


def _with_margins(widget: QWidget) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(GRID, 0, GRID, GRID)
    layout.addWidget(widget)
    return page
