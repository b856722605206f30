from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tmnet_core.errors import SourceError
from tmnet_core.live import sources
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources import CameraInfo, CameraSource, VideoFileSource, list_cameras, open_source
from tmnet_core.opencv import cv2

_NO_CAMERA = 97


def test_a_file_hands_out_its_frames(
    make_video: Callable[..., Path], read_bar_code: Callable[[np.ndarray], int]
) -> None:
    source = open_source(make_video("my clip.mp4", frames=6, fps=10))
    assert isinstance(source, VideoFileSource)
    assert (source.title, source.live, source.width, source.height) == ("my clip.mp4", False, 120, 64)
    assert (source.fps, source.frames, len(source.times)) == (10.0, 6, 6)
    frames: list[Frame] = list(iter(source.read, None))
    assert [frame.index for frame in frames] == list(range(6))
    assert [frame.time for frame in frames] == source.times
    assert [read_bar_code(frame.image) for frame in frames] == list(range(6))
    assert all(earlier.captured < later.captured for earlier, later in pairwise(frames))
    source.seek(4)
    assert source.read().index == 4
    source.close()
    source.close()


def test_frames_are_not_written_to_after_they_were_handed_out(
    make_video: Callable[..., Path], read_bar_code: Callable[[np.ndarray], int]
) -> None:
    source = open_source(make_video(frames=30))
    images = [frame.image for frame in iter(source.read, None)]
    source.close()
    assert all(image.flags.c_contiguous and image.dtype == np.uint8 for image in images)
    assert [read_bar_code(image) for image in images] == list(range(30))


@pytest.mark.parametrize("spec", ["missing.mp4", "camera:x", "camera:", ""])
def test_what_is_no_source_is_refused(spec: str) -> None:
    with pytest.raises(SourceError, match="cannot be read as a video: "):
        open_source(spec)


def test_a_camera_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(f"camera:{_NO_CAMERA}")
    assert str(caught.value) == f"There is no camera {_NO_CAMERA}."
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def test_a_camera_that_is_there_but_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "list_cameras", lambda: [CameraInfo(_NO_CAMERA, "Desk camera")])
    with pytest.raises(SourceError) as caught:
        open_source(f"camera:{_NO_CAMERA}")
    assert str(caught.value) == f"Camera {_NO_CAMERA} is in use by another program or gives no picture."


def test_cameras_have_numbers_and_names() -> None:
    cameras = list_cameras()
    assert len({camera.index for camera in cameras}) == len(cameras)
    assert all(camera.name for camera in cameras)


class _Device:
    """Stands in for cv2.VideoCapture, of which there is none to open on a machine without cameras."""

    def __init__(self, pictures: int) -> None:
        self.left = pictures
        self.released = False

    def isOpened(self) -> bool:
        return True

    def get(self, _: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        blue = np.zeros((4, 6, 3), np.uint8)
        blue[..., 0] = 200
        return (True, blue) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


def test_a_camera_gives_rgb_until_it_is_unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device(pictures=1 + 2)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    camera = CameraSource(0)
    assert camera.live
    assert camera.frames is None
    assert (camera.width, camera.height) == (6, 4)
    frames = [camera.read(), camera.read()]
    assert [frame.index for frame in frames] == [0, 1]
    assert frames[0].time == 0.0 < frames[1].time
    assert frames[0].image[0, 0].tolist() == [0, 0, 200]
    with pytest.raises(SourceError, match="Camera 0 gives no picture any more"):
        camera.read()
    with pytest.raises(SourceError, match="is live"):
        camera.seek(0)
    camera.close()
    assert device.released


def test_a_camera_without_a_picture_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device(pictures=0)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    with pytest.raises(SourceError, match="in use by another program or gives no picture"):
        CameraSource(0)
    assert device.released
