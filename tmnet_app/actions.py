"""Everything a person can do, in one table: words, key, icon, tooltip."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence, QPalette
from PySide6.QtWidgets import QWidget

from tmnet_app.icons import icon


@dataclass(frozen=True)
class Entry:
    """One row of the table; `keys` are portable key sequences, the first is shown in menus."""

    name: str
    group: str
    text: str
    keys: tuple[str, ...]
    icon: str | None
    tip: str
    checkable: bool = False


TABLE = (
    Entry("open_video", "File", "Open video…", ("Ctrl+O",), "film", "Play a video file"),
    Entry("open_checkpoint", "File", "Open checkpoint…", ("Ctrl+Shift+O",), "model", "Load a trained network"),
    Entry("open_camera", "File", "Open camera", (), "camera", "Look through a camera"),
    Entry("open_folder", "File", "Open folder of images…", (), "open", "Play the images in a folder"),
    Entry("open_stream", "File", "Open stream…", ("Ctrl+L",), "stream", "Play a network stream: RTSP, or HTTP video"),
    Entry("open_screen", "File", "Screen", (), "screen", "Look at what is on the screen"),
    Entry("open_pattern", "File", "Test pattern", (), None, "Play frames that carry their number, to see what is lost"),
    Entry("open_demo", "File", "Open the demo", (), "demo", "Load the network and the video that ship with TMNet"),
    Entry(
        "compare",
        "File",
        "Compare with a second checkpoint",
        ("C",),
        "compare",
        "Let a second network look at the same frames, below the first",
        True,
    ),
    Entry("train", "File", "Train your own…", ("Ctrl+T",), "train", "Train a network on your clips, and see it learn"),
    Entry("snapshot", "File", "Save a snapshot…", ("S",), "snapshot", "Save the pictures as they are now, as PNG"),
    Entry("record", "File", "Record…", ("R",), "record", "Record what is shown, as a video or as numbers", True),
    Entry("save_timing", "File", "Save timing…", (), None, "Save when each frame was captured, looked at and shown"),
    Entry(
        "render",
        "File",
        "Export the whole video…",
        ("Ctrl+E",),
        None,
        "Write every frame of this file with its maps and answers, as fast as it goes; again: stop",
    ),
    Entry("quit", "File", "Quit", ("Ctrl+Q",), None, "Close the window"),
    Entry("play", "Playback", "Play", ("Space",), "play", "Play or pause"),
    Entry("step_back", "Playback", "One frame back", (",",), "step-back", "Pause and go one frame back"),
    Entry("step_forward", "Playback", "One frame forward", (".",), "step-forward", "Pause and go one frame forward"),
    Entry("jump_back", "Playback", "5 seconds back", ("Left",), "back", "Go 5 seconds back"),
    Entry("jump_forward", "Playback", "5 seconds forward", ("Right",), "forward", "Go 5 seconds forward"),
    Entry("slower", "Playback", "Slower", ("[",), None, "Play at the next lower speed"),
    Entry("faster", "Playback", "Faster", ("]",), None, "Play at the next higher speed"),
    Entry("loop", "Playback", "Loop", ("L",), "loop", "Start again at the end of the video", True),
    Entry(
        "every_frame",
        "Playback",
        "Every frame",
        ("E",),
        None,
        "Wait until each frame of a file was looked at and shown, instead of keeping time",
        True,
    ),
    Entry(
        "timeline",
        "Playback",
        "Timeline",
        ("T",),
        "timeline",
        "Scan the file in the background and show under the seek bar what leads when",
        True,
    ),
    Entry("mirror", "View", "Mirror", ("M",), "mirror", "Show the picture, and let the network see it, mirrored", True),
    Entry("attention", "View", "Attention", ("A",), "attention", "Show where each branch looks as a heat map", True),
    Entry(
        "attention_settings",
        "View",
        "How attention is shown",
        ("H",),
        "settings",
        "Class, scale, colours, contour and smoothing of the heat maps",
    ),
    Entry("pane_input", "View", "Input pane", ("1",), None, "Show the frame as it is", True),
    Entry("pane_rb", "View", "RB pane", ("2",), None, "Show where the regression branch looks", True),
    Entry("pane_cb", "View", "CB pane", ("3",), None, "Show where the classification branch looks", True),
    Entry("pane_both", "View", "RB+CB pane", ("4",), None, "Show where both branches look, or how they differ", True),
    Entry(
        "fill", "View", "One picture alone", ("F",), None, "Fill the window with the picture under the pointer", True
    ),
    Entry("details", "View", "Answers and speed", ("D",), "details", "Show the bars and the graphs", True),
    Entry(
        "presentation",
        "View",
        "Presentation",
        ("F11",),
        "fullscreen",
        "Fill the screen with the pictures and the answer; Esc goes back",
        True,
    ),
    Entry(
        "leave", "View", "Leave what fills the window, or unpin the class", ("Esc",), None, "Go back to the plain view"
    ),
    Entry("card", "Help", "About this checkpoint", ("I",), "info", "What the loaded network is and was trained on"),
    Entry("preferences", "Help", "Preferences…", ("Ctrl+,",), "settings", "Smoothing, the unsure threshold, the theme"),
    Entry("shortcuts", "Help", "Keyboard shortcuts", ("?", "F1"), "keys", "List all keys"),
    Entry("about", "Help", "About TMNet", (), None, "What this program is"),
)


class Actions:
    """The table as QActions of a window: `actions["play"]`."""

    def __init__(self, window: QWidget) -> None:
        self._actions = {entry.name: _action(entry, window) for entry in TABLE}
        window.addActions(list(self._actions.values()))

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def tint(self, palette: QPalette) -> None:
        """Draw the icons in the colours of a theme."""
        for entry in TABLE:
            if entry.icon:
                self._actions[entry.name].setIcon(icon(entry.icon, palette))

    def show_playing(self, playing: bool, palette: QPalette) -> None:
        """Turn the play action into pause, or back."""
        self["play"].setText("Pause" if playing else "Play")
        self["play"].setIcon(icon("pause" if playing else "play", palette))


def _action(entry: Entry, window: QWidget) -> QAction:
    action = QAction(entry.text, window)
    action.setObjectName(entry.name)
    action.setShortcuts([QKeySequence(key) for key in entry.keys])
    action.setCheckable(entry.checkable)
    keys = QKeySequence(entry.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if entry.keys else ""
    action.setToolTip(f"{entry.tip} ({keys})" if keys else entry.tip)
    action.setStatusTip("")
    return action
