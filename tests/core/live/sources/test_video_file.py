from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tmnet_core.errors import SourceError
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources import VideoFileSource, open_source

MakeVideo = Callable[..., Path]
ReadBarCode = Callable[[np.ndarray], int]


def test_a_file_hands_out_its_frames(make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
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
    make_video: MakeVideo, read_bar_code: ReadBarCode
) -> None:
    source = open_source(make_video(frames=30))
    images = [frame.image for frame in iter(source.read, None)]
    source.close()
    assert all(image.flags.c_contiguous and image.dtype == np.uint8 for image in images)
    assert [read_bar_code(image) for image in images] == list(range(30))


@pytest.mark.parametrize("spec", ["missing.mp4", ""])
def test_what_is_no_source_is_refused(spec: str) -> None:
    with pytest.raises(SourceError, match="cannot be"):
        open_source(spec)
