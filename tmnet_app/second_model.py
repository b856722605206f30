"""A second network that looks at the same frames, to be compared with the first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tmnet_app.live_session import LiveSession
from tmnet_core.errors import TMNetError
from tmnet_core.live.frames import Glance
from tmnet_core.live.glancer import GlanceModel

_log = logging.getLogger(__name__)


class SecondModel(QObject):
    """Loads the second network in the background; it then looks right after the first one, in the same thread.

    So both always speak of the same frame, at the price of the rate.

    Attributes:
        model: the second network, None without one.
        checkpoint: its path, empty without one.
        loading: the path of what is being loaded, else empty.
    """

    loaded = Signal()
    failed = Signal(str, str)  # one sentence, details
    closed = Signal()

    def __init__(self, session: LiveSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model: GlanceModel | None = None
        self.checkpoint = self.loading = ""
        self._loader: _Loader | None = None
        self._abandoned: list[_Loader] = []
        self._broken = False
        self._trouble: str | None = None
        # Held while the network looks, so that it is never freed under a glance.
        self._lock = threading.Lock()
        session.ticked.connect(self._notice)

    def load(self, path: str) -> None:
        """Load a checkpoint in place of the second one there is."""
        self._abandon()
        self.loading = path
        self._loader = _Loader(path, self._session.read_model)

    def close(self) -> None:
        """Stop comparing and free the network."""
        self._abandon()
        self._session.extend_glances(None)
        self._swap(None)
        self.checkpoint = ""
        self.closed.emit()

    def wait(self, timeout: float = 10.0) -> None:
        """Wait until nothing is being loaded any more."""
        for loader in self._abandoned:
            loader.join(timeout)

    def _abandon(self) -> None:
        """Let what is being loaded go, once it is loaded; the window does not wait for it."""
        loader, self._loader, self.loading = self._loader, None, ""
        if loader is not None:
            loader.wanted = False
            self._abandoned = [one for one in self._abandoned if one.is_alive()] + [loader]

    def _notice(self) -> None:
        loader = self._loader
        if loader is not None and not loader.is_alive():
            path, self._loader, self.loading = self.loading, None, ""
            if loader.model is not None:
                self.checkpoint = path
                self._swap(loader.model)
                self._session.extend_glances(self._look)
                self.loaded.emit()
            else:
                self.failed.emit(*loader.failure)
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            self.failed.emit(trouble, "")

    def _swap(self, model: GlanceModel | None) -> None:
        with self._lock:
            before, self.model, self._broken = self.model, model, False
        free = getattr(before, "close", None)
        if free is not None:
            free()

    def _look(self, glance: Glance) -> Glance:
        """Let the second network look at the frame of a glance; called in the glance thread."""
        with self._lock:
            if self.model is None:
                return glance
            try:
                second = self.model.glance(glance.frame, mirror=glance.placement.mirror, crop=self._session.crop)
            except Exception as error:
                if not self._broken:
                    _log.error("The second network failed", exc_info=error)
                    self._trouble = f"The second network could not look at a frame: {error or type(error).__name__}."
                self._broken = True
                return glance
        self._broken = False
        return replace(glance, second=second)


class _Loader(threading.Thread):
    """Loads one checkpoint."""

    def __init__(self, path: str, read: Callable[[str], GlanceModel]) -> None:
        super().__init__(name="tmnet-load-second", daemon=True)
        self.model: GlanceModel | None = None
        self.failure = "", ""
        self.wanted = True
        self._path, self._read = path, read
        self.start()

    def run(self) -> None:
        """Load."""
        try:
            model = self._read(self._path)
        except TMNetError as error:
            self.failure = f"{error}", ""
            return
        except Exception as error:
            _log.warning("The second checkpoint could not be loaded", exc_info=True)
            self.failure = f"{Path(self._path).name} could not be loaded: {error or type(error).__name__}.", ""
            return
        if self.wanted:
            self.model = model
        elif (free := getattr(model, "close", None)) is not None:
            free()


def compare_classes(first: Sequence[str], second: Sequence[str]) -> str:
    """Say how the classes of two networks differ; empty where they are the same."""
    if set(first) == set(second):
        return ""
    common = len(set(first) & set(second))
    if not common:
        return "The two networks have no class in common, so each shows where its own answer comes from."
    known = f"{common} class{'es' if common > 1 else ''} in common (of {len(first)} and {len(second)})"
    return f"The two networks have {known}; for any other, the second one shows where its own answer comes from."
