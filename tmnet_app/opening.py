"""What can be opened, and the ways to open it: menus, dialogs, the demo, a name."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from tmnet_app import menus
from tmnet_app.actions import Actions
from tmnet_app.demo import find_demo
from tmnet_app.live_session import LiveSession
from tmnet_app.preferences import Preferences, remember
from tmnet_app.views.empty_state import Choice
from tmnet_app.views.top_bar import TopBar
from tmnet_core.live.sources import SourceKind, list_cameras, public_spec, source_kind

_CHECKPOINTS = (".safetensors", ".onnx", ".pt", ".pth")
_VIDEO_FILTER = "Videos (*.mp4 *.mkv *.avi *.mov *.webm *.m4v *.mpg *.mpeg *.ts);;All files (*)"
CHECKPOINT_FILTER = "Checkpoints (*.safetensors *.onnx);;All files (*)"


def network_choices(actions: Actions) -> list[Choice]:
    """Return the ways to a network, for a person who has none."""
    return [
        Choice(actions["open_demo"], "Try the demo", "The network and the video that come with TMNet"),
        Choice(actions["open_checkpoint"], "Open a checkpoint", "A network that you or somebody else trained"),
        Choice(actions["train"], "Train your own", "On your clips, and watch it learn"),
    ]


def picture_choices(actions: Actions) -> list[Choice]:
    """Return the ways to pictures, for a person who has none."""
    return [
        Choice(actions["open_camera"], "Use a camera", "Look at what is in front of it now"),
        Choice(actions["open_video"], "Open a video", "A file on this computer"),
    ]


class Opener(QObject):
    """Lets the session open what a person names or chooses, and remembers what was opened.

    Args:
        preferences: keeps the recent checkpoints and sources.
        top_bar: its menus are filled when they are about to be shown.
        window: what dialogs belong to.
    """

    refused = Signal(str)  # one sentence
    demo_opened = Signal()

    def __init__(
        self, session: LiveSession, preferences: Preferences, actions: Actions, top_bar: TopBar, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._preferences = preferences
        self._actions = actions
        self._top_bar = top_bar
        self._window = window
        actions["open_demo"].setVisible(find_demo() is not None)
        top_bar.open.menu().aboutToShow.connect(self._fill_open_menu)
        top_bar.model.menu().aboutToShow.connect(self._fill_model_menu)
        top_bar.camera.menu().aboutToShow.connect(self._fill_camera_menu)
        session.checkpoint_loaded.connect(self._remember_checkpoint)
        session.source_opened.connect(self._remember_source)

    def open_anything(self, path: str) -> None:
        """Open a checkpoint or a source, told apart by the name."""
        if source_kind(path) is SourceKind.FILE and Path(path).suffix.lower() in _CHECKPOINTS:
            self.open_checkpoint(path)
        else:
            self.open_source(path)

    def open_checkpoint(self, path: str, *, for_now: bool = False) -> None:
        """Load a checkpoint in the background; `for_now` where another one will take its place in minutes."""
        self._session.load_checkpoint(path, for_now=for_now)

    def open_source(self, spec: str) -> None:
        """Open what a spec names: a file, a folder, an address, "camera:0", "screen", "pattern"."""
        self._session.playback.open(spec)

    def open_demo(self) -> None:
        """Open what ships with the project."""
        demo = find_demo()
        if demo is None:
            self.refused.emit("This installation came without the demo; open a checkpoint and a video.")
            return
        self.open_checkpoint(str(demo.checkpoint))
        self.open_source(str(demo.video))
        self.demo_opened.emit()

    def choose_video(self) -> None:
        """Ask for a video."""
        folder = _folder(self._preferences.recent_sources)
        path, _ = QFileDialog.getOpenFileName(self._window, "Open a video", folder, _VIDEO_FILTER)
        if path:
            self.open_source(path)

    def choose_folder(self) -> None:
        """Ask for a folder of images."""
        folder = _folder(self._preferences.recent_sources)
        path = QFileDialog.getExistingDirectory(self._window, "Open a folder of images", folder)
        if path:
            self.open_source(path)

    def choose_stream(self) -> None:
        """Ask for an address."""
        question = "Address of the stream (RTSP, or HTTP with MJPEG, HLS or a video):"
        url, agreed = QInputDialog.getText(self._window, "Open a stream", question, text="rtsp://")
        if agreed and source_kind(url.strip()) is SourceKind.STREAM:
            self.open_source(url.strip())
        elif agreed:
            self.refused.emit("That is no address of a stream: it begins with rtsp:// or http://, and a host.")

    def choose_checkpoint(self) -> None:
        """Ask for a checkpoint."""
        folder = _folder(self._preferences.recent_checkpoints)
        path, _ = QFileDialog.getOpenFileName(self._window, "Open a checkpoint", folder, CHECKPOINT_FILTER)
        if path:
            self.open_checkpoint(path)

    def choose_camera(self) -> None:
        """Open the only camera, or ask which."""
        cameras = list_cameras()
        if len(cameras) == 1:
            self.open_source(f"camera:{cameras[0].index}")
        elif cameras:
            self._top_bar.camera.showMenu()
        else:
            self.refused.emit("No camera was found; plug one in, or open a video.")

    def _fill_open_menu(self) -> None:
        recent = self._preferences
        menus.fill_open_menu(
            self._top_bar.open.menu(),
            self._actions,
            recent.recent_sources,
            recent.recent_checkpoints,
            self.open_anything,
        )

    def _fill_model_menu(self) -> None:
        recent = self._preferences.recent_checkpoints
        menus.fill_model_menu(self._top_bar.model.menu(), self._actions, recent, self.open_checkpoint)

    def _fill_camera_menu(self) -> None:
        menus.fill_camera_menu(self._top_bar.camera.menu(), list_cameras(), self.open_source)

    def _remember_checkpoint(self, path: str) -> None:
        self._preferences.recent_checkpoints = remember(self._preferences.recent_checkpoints, _absolute(path))

    def _remember_source(self, spec: str) -> None:
        self._preferences.recent_sources = remember(self._preferences.recent_sources, _absolute(spec))


def _absolute(spec: str) -> str:
    """Return a spec that can be kept: found from any folder, and without passwords."""
    return str(Path(spec).absolute()) if source_kind(spec) is SourceKind.FILE else public_spec(spec)


def _folder(recent: list[str]) -> str:
    paths = [Path(path) for path in recent if source_kind(path) is SourceKind.FILE]
    return next((str(path.parent) for path in paths if path.parent.is_dir()), "")
