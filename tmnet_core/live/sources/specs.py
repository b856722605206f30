"""What a person writes to name a source, what kind of source that is, and what may be shown of it."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PATTERN = re.compile(r"pattern([:@#].*)?")


class SourceKind(StrEnum):
    """The kinds of sources."""

    FILE = "file"  # a video, or a folder of images
    CAMERA = "camera"
    STREAM = "stream"
    SCREEN = "screen"
    PATTERN = "pattern"


def source_kind(spec: str) -> SourceKind:
    """Tell what kind of source a spec names; what looks like nothing else is a file."""
    if spec.startswith("camera:"):
        return SourceKind.CAMERA
    if spec == "screen":
        return SourceKind.SCREEN
    if _PATTERN.fullmatch(spec):
        return SourceKind.PATTERN
    return SourceKind.STREAM if _ADDRESS.match(spec) else SourceKind.FILE


def public_spec(spec: str) -> str:
    """Return a spec as it may be shown, kept and logged: an address without user, password and query."""
    if source_kind(spec) is not SourceKind.STREAM:
        return spec
    try:
        parts = urlsplit(spec)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{spec.partition('://')[0]}://…"
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, "", ""))


def short_name(spec: str) -> str:
    """Return what to call a source before it is open."""
    match source_kind(spec):
        case SourceKind.CAMERA:
            name = spec.removeprefix("camera:").partition("?")[0]
            return f"camera {name}" if name.isdecimal() else name
        case SourceKind.SCREEN:
            return "the screen"
        case SourceKind.PATTERN:
            return "the test pattern"
        case SourceKind.STREAM:
            return public_spec(spec)
        case SourceKind.FILE:
            return Path(spec).name or spec
