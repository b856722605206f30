"""From what a person writes to a source that is open in this process."""

from __future__ import annotations

from pathlib import Path

from tmnet_core.live.sources.camera import CameraSource
from tmnet_core.live.sources.image_folder import ImageFolderSource
from tmnet_core.live.sources.pattern import PatternSource
from tmnet_core.live.sources.screen import ScreenSource
from tmnet_core.live.sources.source import FrameSource
from tmnet_core.live.sources.specs import SourceKind, source_kind
from tmnet_core.live.sources.stream import StreamSource
from tmnet_core.live.sources.video_file import VideoFileSource


def open_source(spec: str | Path) -> FrameSource:
    """Open what a spec names; SourceError.

    `camera:0`, `camera:Desk camera`, either with `?size=1280x720&fps=30&format=MJPG`; `screen`; `pattern`, see
    PatternSource; an RTSP or HTTP address; a folder of images; else a video file.
    """
    text = str(spec)
    match source_kind(text):
        case SourceKind.CAMERA:
            return CameraSource(text)
        case SourceKind.SCREEN:
            return ScreenSource()
        case SourceKind.PATTERN:
            return PatternSource(text)
        case SourceKind.STREAM:
            return StreamSource(text)
        case SourceKind.FILE:
            return ImageFolderSource(spec) if Path(spec).is_dir() else VideoFileSource(spec)
