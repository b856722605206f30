from collections.abc import Callable
from pathlib import Path

from tmnet_core.data.annotations import folder_of_classes
from tmnet_core.data.clip_lengths import describe_short, sample_lengths
from tmnet_core.data.clips import VideoClips
from tmnet_core.data.sampling import ClipSampling


def test_short_videos_are_counted_and_unreadable_ones_passed_over(
    tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    for number, frames in enumerate((5, 7, 8, 30)):
        make_video(f"clips/{'ab'[number % 2]}/{number}.mp4", frames=frames)
    (tmp_path / "clips" / "a" / "broken.mp4").write_bytes(b"")
    lengths = sample_lengths(VideoClips(folder_of_classes(tmp_path / "clips")))
    assert sorted(lengths) == [5, 7, 8, 30]
    assert describe_short(lengths, ClipSampling("interval", 4, 2)) == (
        "1 of 4 videos are too short for 4 frames at interval 2: their frames lie closer together or repeat"
    )
    assert describe_short(lengths, ClipSampling("segments", 6)).startswith("1 of 4 videos are too short for 6 frames: ")
    assert describe_short(lengths, ClipSampling("even", 5)) == ""
