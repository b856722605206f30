"""The network and the video that ship with the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tmnet_core.assets import asset

_VIDEOS = (".mp4", ".mkv", ".avi", ".webm")


@dataclass(frozen=True)
class Demo:
    """What `--demo` opens."""

    checkpoint: Path
    video: Path


def find_demo() -> Demo | None:
    """Return the demo, or None in an installation that was made without it."""
    folder = asset("demo")
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    checkpoint = next((file for file in files if file.suffix == ".safetensors"), None)
    video = next((file for file in files if file.suffix in _VIDEOS), None)
    return Demo(checkpoint, video) if checkpoint and video else None
