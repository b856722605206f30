"""Where frames come from, one file a kind, all behind `FrameSource`."""

from tmnet_core.live.sources.camera import CameraInfo, CameraSource, list_cameras
from tmnet_core.live.sources.image_folder import ImageFolderSource
from tmnet_core.live.sources.opening import open_source
from tmnet_core.live.sources.pattern import PatternSource, read_pattern_number
from tmnet_core.live.sources.screen import ScreenSource
from tmnet_core.live.sources.source import FrameSource
from tmnet_core.live.sources.specs import SourceKind, public_spec, short_name, source_kind
from tmnet_core.live.sources.stream import StreamSource
from tmnet_core.live.sources.video_file import VideoFileSource

__all__ = [
    "CameraInfo",
    "CameraSource",
    "FrameSource",
    "ImageFolderSource",
    "PatternSource",
    "ScreenSource",
    "SourceKind",
    "StreamSource",
    "VideoFileSource",
    "list_cameras",
    "open_source",
    "public_spec",
    "read_pattern_number",
    "short_name",
    "source_kind",
]
