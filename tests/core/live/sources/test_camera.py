from __future__ import annotations

import numpy as np
import pytest

from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.sources import CameraInfo, CameraSource, camera, list_cameras, open_source
from tmnet_core.opencv import cv2

_NO_CAMERA = 97


def test_a_camera_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(f"camera:{_NO_CAMERA}")
    assert str(caught.value) == f"There is no camera {_NO_CAMERA}."
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def test_a_camera_that_is_there_but_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "list_cameras", lambda: [CameraInfo(_NO_CAMERA, "Desk camera")])
    for spec in (f"camera:{_NO_CAMERA}", "camera:Desk camera"):
        with pytest.raises(SourceError, match="is in use by another program or gives no picture"):
            open_source(spec)


def test_an_unknown_name_is_answered_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "list_cameras", lambda: [CameraInfo(0, "Desk camera"), CameraInfo(1, "Phone")])
    with pytest.raises(SourceError) as caught:
        open_source("camera:Door")
    assert str(caught.value) == "There is no camera 'Door': Desk camera, Phone."


@pytest.mark.parametrize("mode", ["size=big", "fps=x", "format=MJPEG2", "zoom=3"])
def test_what_no_camera_can_be_asked_for(mode: str) -> None:
    with pytest.raises(SourceError, match="cannot be asked for"):
        open_source(f"camera:0?{mode}")


def test_cameras_have_numbers_and_names() -> None:
    cameras = list_cameras()
    assert len({camera.index for camera in cameras}) == len(cameras)
    assert all(camera.name for camera in cameras)


class _Device:
    """Stands in for cv2.VideoCapture, of which there is none to open on a machine without cameras."""

    def __init__(self, pictures: int, size: tuple[int, int] = (6, 4)) -> None:
        self.left = pictures
        self.released = False
        self.asked: list[int] = []
        self._size = size

    def isOpened(self) -> bool:
        return True

    def set(self, what: int, _: float) -> bool:
        self.asked.append(what)
        return True

    def get(self, what: int) -> float:
        return {cv2.CAP_PROP_FPS: 25.0, cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"YUYV"))}.get(what, 0.0)

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        blue = np.zeros((*self._size[::-1], 3), np.uint8)
        blue[..., 0] = 200
        return (True, blue) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


def test_a_camera_gives_rgb_until_it_is_unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device(pictures=1 + 2)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    camera = CameraSource("camera:0")
    assert camera.live
    assert camera.frames is None
    assert (camera.width, camera.height) == (6, 4)
    frames = [camera.read(), camera.read()]
    assert [frame.index for frame in frames] == [0, 1]
    assert frames[0].time == 0.0 < frames[1].time
    assert frames[0].image[0, 0].tolist() == [0, 0, 200]
    with pytest.raises(SourceLostError, match="Camera 0 gives no picture any more"):
        camera.read()
    with pytest.raises(SourceError, match="is live"):
        camera.seek(0)
    camera.close()
    assert device.released


def test_what_a_camera_really_gives_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device(pictures=1, size=(640, 480))
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    camera = CameraSource("camera:0?size=1920x1080&fps=60&format=MJPG")
    assert device.asked == [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FPS,
    ]
    assert camera.gives == "640×480 · 25 fps · YUYV (not 1920×1080, 60 fps, MJPG as asked)"
    camera.close()


def test_a_camera_without_a_picture_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device(pictures=0)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    with pytest.raises(SourceError, match="in use by another program or gives no picture"):
        CameraSource("camera:0")
    assert device.released
