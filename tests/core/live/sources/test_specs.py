from __future__ import annotations

import pytest

from tmnet_core.live.sources import SourceKind, public_spec, short_name, source_kind


@pytest.mark.parametrize(
    ("spec", "kind", "name"),
    [
        ("clips/walk.mp4", SourceKind.FILE, "walk.mp4"),
        ("C:\\clips", SourceKind.FILE, None),
        ("patterns.mp4", SourceKind.FILE, "patterns.mp4"),
        ("camera:0", SourceKind.CAMERA, "camera 0"),
        ("camera:Desk camera?fps=30", SourceKind.CAMERA, "Desk camera"),
        ("screen", SourceKind.SCREEN, "the screen"),
        ("pattern", SourceKind.PATTERN, "the test pattern"),
        ("pattern:320x240@30", SourceKind.PATTERN, "the test pattern"),
        ("RTSP://door/1", SourceKind.STREAM, "rtsp://door/1"),
        ("ftp://door/1", SourceKind.STREAM, "ftp://door/1"),
    ],
)
def test_what_a_spec_names(spec: str, kind: SourceKind, name: str | None) -> None:
    assert source_kind(spec) is kind
    if name is not None:
        assert short_name(spec) == name


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("rtsp://anna:s3cret@door:554/live?token=s3cret", "rtsp://door:554/live"),
        ("http://[::1]:8080/a.mjpg", "http://[::1]:8080/a.mjpg"),
        ("http://anna:s3cret@door:port/s", "http://…"),
        ("http://s3cret@/x", "http:///x"),
        ("camera:0", "camera:0"),
    ],
)
def test_an_address_is_shown_without_its_secrets(spec: str, shown: str) -> None:
    assert public_spec(spec) == shown
    assert "s3cret" not in short_name(spec)
