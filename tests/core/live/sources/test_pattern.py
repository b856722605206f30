from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tmnet_core.errors import SourceError
from tmnet_core.live.sources import PatternSource, open_source, read_pattern_number
from tmnet_core.opencv import cv2


@pytest.mark.parametrize("size", [(32, 32), (101, 57), (640, 480)])
def test_every_frame_says_which_it_is(size: tuple[int, int]) -> None:
    source = open_source(f"pattern:{size[0]}x{size[1]}@50#65536")
    assert isinstance(source, PatternSource)
    assert (source.fps, source.frames, source.width, source.height) == (50.0, 65536, *size)
    for number in (0, 1, 2, 1023, 40_000, 65535):
        source.seek(number)
        frame = source.read()
        assert (frame.index, frame.time) == (number, number / 50)
        assert frame.image.shape == (size[1], size[0], 3)
        assert read_pattern_number(frame.image) == number
        if size[0] > 64:
            assert read_pattern_number(cv2.resize(frame.image, (80, 60), interpolation=cv2.INTER_AREA)) == number
    assert source.read() is None
    with pytest.raises(IndexError):
        source.seek(65536)


def test_the_number_survives_a_lossy_video(tmp_path: Path) -> None:
    source = PatternSource("pattern:160x120@25#40")
    path = tmp_path / "pattern.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "35"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for frame in iter(source.read, None):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
        container.mux(stream.encode(None))
    video = open_source(path)
    assert [read_pattern_number(frame.image) for frame in iter(video.read, None)] == list(range(40))
    video.close()


@pytest.mark.parametrize(
    "spec", ["pattern:", "pattern:8x8", "pattern:9999x9999", "pattern@0", "pattern#0", "pattern#99999", "pattern:1x"]
)
def test_what_is_no_pattern_is_refused(spec: str) -> None:
    with pytest.raises(SourceError, match="is no test pattern"):
        open_source(spec)


def test_frames_are_arrays_of_their_own() -> None:
    source = PatternSource()
    first, second = source.read(), source.read()
    assert not np.shares_memory(first.image, second.image)
