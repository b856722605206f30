"""What the window remembers from one day to the next."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from PySide6.QtCore import QSettings

from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.data.preprocessing import Crop
from tmnet_core.live.readout import SMOOTHING

_log = logging.getLogger(__name__)
_KEY = "preferences"
_RECENT = 10

ThemeName = Literal["system", "light", "dark"]
PaneName = Literal["input", "rb", "cb", "both"]
PANES: tuple[PaneName, ...] = ("input", "rb", "cb", "both")


class Preferences(BaseModel):
    """Everything that is remembered; a value out of its bounds makes the whole record unreadable."""

    model_config = ConfigDict(validate_assignment=True)

    geometry: str = Field("", description="Window geometry, base64 of what Qt saves.")
    theme: ThemeName = "system"
    recent_checkpoints: list[str] = Field(default_factory=list, max_length=_RECENT)
    recent_sources: list[str] = Field(default_factory=list, max_length=_RECENT)
    smoothing: float = Field(
        SMOOTHING, ge=0.0, le=5.0, description="Time constant in seconds; 0 shows each glance as it is."
    )
    unsure: float = Field(
        0.3, ge=0.0, le=1.0, description="Below this probability, or 1.5 / K of K classes, it is unsure; 0: never."
    )
    mirror_cameras: bool = True
    mirror_files: bool = False
    crop: Crop | None = Field(None, description="What the network sees; None: as it was trained.")
    panes: list[PaneName] = Field(default_factory=lambda: list(PANES), min_length=1)
    attention: bool = True
    attention_views: AttentionSettings = Field(default_factory=AttentionSettings)
    details: bool = True
    timeline: bool = Field(True, description="Whether files are scanned for the strip under the seek bar.")
    panel: str = Field("speed", description="Which of the panels under the answers is seen.")
    loop: bool = True
    every_frame: bool = Field(False, description="Files wait for each frame to be shown instead of keeping time.")
    next_steps: bool = Field(True, description="Whether the demo comes with a hint of what to try next.")


def remember(recent: list[str], item: str) -> list[str]:
    """Return the recent list with `item` in front, once."""
    return [item, *(other for other in recent if other != item)][:_RECENT]


class PreferenceStore:
    """Reads and writes Preferences; a record or a file that cannot be read is set aside and defaults are used.

    Attributes:
        set_aside: a sentence for the person when that happened.
    """

    def __init__(self, settings: QSettings | None = None) -> None:
        self.set_aside: str | None = None
        self._settings = settings or _user_settings()

    def load(self) -> Preferences:
        """Return what was saved, or the defaults."""
        if self._settings.status() != QSettings.Status.NoError:
            self._set_file_aside()
            return Preferences()
        text = self._settings.value(_KEY)
        if text is None:
            return Preferences()
        try:
            return Preferences.model_validate_json(str(text))
        except ValidationError:
            _log.warning("Unreadable preferences", exc_info=True)
            self._settings.setValue(f"{_KEY}_set_aside", text)
            self._settings.remove(_KEY)
            self.set_aside = "Your settings could not be read; they were set aside and the defaults are used."
            return Preferences()

    def save(self, preferences: Preferences) -> None:
        """Write them now."""
        self._settings.setValue(_KEY, preferences.model_dump_json())
        self._settings.sync()

    def _set_file_aside(self) -> None:
        path = Path(self._settings.fileName())
        aside = path.with_name(f"{path.name}.unreadable")
        self.set_aside = f"Your settings could not be read; they were set aside as {aside.name}."
        try:
            path.replace(aside)
        except OSError:
            _log.warning("Unreadable settings could not be set aside", exc_info=True)
            self.set_aside = f"Your settings in {path.name} could not be read; the defaults are used."
        self._settings = QSettings(str(path), QSettings.Format.IniFormat)


def _user_settings() -> QSettings:
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "TMNet", "TMNet")
