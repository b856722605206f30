"""Every file of the test data that is hard to play, or that people like to show: played, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tmnet_core.errors import SourceError
from tmnet_core.live.sources import open_source

# Frames, width, height.
_PLAYED = {
    "demo/decord/flipping_a_pancake.mkv": (310, 426, 240),
    "demo/intel_asl_gestures/again.mkv": (77, 640, 480),
    "demo/intel_asl_gestures/bird.mkv": (63, 640, 480),
    "demo/intel_asl_gestures/book.mkv": (109, 640, 480),
    "demo/intel_asl_gestures/brother.mkv": (65, 640, 480),
    "demo/intel_asl_gestures/eat.mkv": (47, 640, 480),
    "demo/intel_asl_gestures/help.mkv": (58, 640, 480),
    "demo/intel_asl_gestures/hungry.mkv": (49, 640, 480),
    "demo/intel_asl_gestures/learn.mkv": (61, 640, 480),
    "demo/intel_asl_gestures/milk.mkv": (51, 640, 480),
    "demo/intel_asl_gestures/night.mkv": (68, 640, 480),
    "demo/intel_asl_gestures/no.mkv": (66, 640, 480),
    "demo/intel_asl_gestures/please.mkv": (73, 640, 480),
    "demo/intel_asl_gestures/school.mkv": (72, 640, 480),
    "demo/intel_asl_gestures/sister.mkv": (87, 640, 480),
    "demo/intel_asl_gestures/sorry.mkv": (73, 640, 480),
    "demo/intel_asl_gestures/student.mkv": (52, 640, 480),
    "demo/intel_asl_gestures/thanks.mkv": (51, 640, 480),
    "demo/intel_asl_gestures/walk.mkv": (89, 640, 480),
    "demo/intel_asl_gestures/want.mkv": (47, 640, 480),
    "demo/intel_asl_gestures/yes.mkv": (65, 640, 480),
    "demo/intel_sample_videos/one-by-one-person-detection.mp4": (1394, 768, 432),
    "demo/mmaction2/S001C001P001R001A001_rgb.avi": (103, 1920, 1080),
    "demo/mmaction2/demo.mp4": (280, 340, 256),
    "demo/mmaction2/demo_spatiotemporal_det.mp4": (57, 340, 256),
    "demo/mmaction2/test.mp4": (300, 340, 256),
    "demo/ucf101_samples/v_ApplyEyeMakeup_g01_c01.avi": (164, 320, 240),
    "demo/ucf101_samples/v_BaseballPitch_g01_c01.avi": (107, 320, 240),
    "robustness/decord/unordered.mov": (4, 50, 50),
    "robustness/decord/video_0.mov": (3, 568, 320),
    "robustness/decord/video_180.mov": (3, 568, 320),
    "robustness/decord/video_90.mov": (3, 320, 568),
    "robustness/made/naïve 走路 name with spaces.mp4": (40, 320, 240),
    "robustness/made/one_frame.mp4": (1, 320, 240),
    "robustness/made/wrong_frame_count_header_walk.avi": (40, 320, 240),
    "robustness/torchcodec/bt709_full_range.mp4": (30, 1280, 720),
    "robustness/torchcodec/h264_10bits.mp4": (30, 200, 200),
    "robustness/torchcodec/h265_video.mp4": (10, 128, 128),
    "robustness/torchcodec/nasa_13013.mp4": (390, 480, 270),
}
_REFUSED = {
    "robustness/made/empty.mp4": "it is empty.",
    "robustness/made/text_named.avi": "it is not a video, or only a piece of one.",
    "robustness/made/truncated_walk.mp4": "no frame of it can be decoded.",
}


@pytest.mark.parametrize("name", _PLAYED)
def test_it_is_played(name: str, shared_data: Path) -> None:
    frames, width, height = _PLAYED[name]
    source = open_source(shared_data / name)
    assert (source.frames, source.width, source.height) == (frames, width, height)
    for index in sorted({0, frames // 2, frames - 1}):
        source.seek(index)
        frame = source.read()
        assert (frame.index, frame.time, frame.image.shape) == (index, source.times[index], (height, width, 3))
    assert source.read() is None
    source.close()


@pytest.mark.parametrize("name", _REFUSED)
def test_it_is_refused(name: str, shared_data: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(shared_data / name)
    assert str(caught.value) == f"{shared_data / name} cannot be read as a video: {_REFUSED[name]}"


def test_none_is_left_out(shared_data: Path) -> None:
    there = [path for folder in ("robustness", "demo") for path in (shared_data / folder).rglob("*") if path.is_file()]
    assert {path.relative_to(shared_data).as_posix() for path in there} == {*_PLAYED, *_REFUSED}
