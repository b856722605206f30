from collections.abc import Callable
from pathlib import Path

import pytest

from tmnet_core.errors import CheckpointError, SourceError
from tmnet_core.live.glance_file import FileLook, glance_file

MakeCheckpoint = Callable[..., tuple[Path, object, object]]


def test_every_frame_is_looked_at(make_checkpoint: MakeCheckpoint, make_video: Callable[..., Path]) -> None:
    lines = list(glance_file(make_checkpoint()[0], make_video(frames=7), top=2, device="cpu"))
    assert [line.frame for line in lines] == list(range(7))
    assert [line.time for line in lines] == pytest.approx([i / 30 for i in range(7)], abs=1e-3)
    for line in lines:
        assert set(line.branches) == {"RB", "CB", "RB+CB"}
        assert line.answer == line.branches["RB+CB"][0]
        first, second = line.branches["RB"]
        assert first.probability >= second.probability
        assert set(line.milliseconds) == {"preprocess", "network"}


def test_every_nth_frame(make_checkpoint: MakeCheckpoint, make_video: Callable[..., Path]) -> None:
    lines = glance_file(make_checkpoint()[0], make_video(frames=7), FileLook(every=3), device="cpu")
    assert [line.frame for line in lines] == [0, 3, 6]


def test_a_network_without_rb_answers_with_cb(make_checkpoint: MakeCheckpoint, make_video: Callable[..., Path]) -> None:
    line = next(glance_file(make_checkpoint(variant="tsn")[0], make_video(frames=2), device="cpu"))
    assert list(line.branches) == ["CB"]
    assert line.answer == line.branches["CB"][0]


def test_what_cannot_be_used_is_said_before_the_first_line(
    tmp_path: Path, make_checkpoint: MakeCheckpoint, make_video: Callable[..., Path]
) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.mp4"):
        next(glance_file(make_checkpoint()[0], tmp_path / "nowhere.mp4"))
    with pytest.raises(CheckpointError, match=r"nowhere\.safetensors"):
        next(glance_file(tmp_path / "nowhere.safetensors", make_video(frames=2)))


def test_frames_looked_at_together_get_the_answers_of_each_alone(
    make_checkpoint: MakeCheckpoint, make_video: Callable[..., Path]
) -> None:
    checkpoint, video = make_checkpoint()[0], make_video(frames=7)
    alone = list(glance_file(checkpoint, video, device="cpu"))
    together = list(glance_file(checkpoint, video, FileLook(batch=3), device="cpu"))
    assert [line.frame for line in together] == list(range(7))
    for one, other in zip(together, alone, strict=True):
        assert one.answer.name == other.answer.name
        assert one.answer.probability == pytest.approx(other.answer.probability, abs=2e-5)


def test_clips_cover_the_video(make_checkpoint: MakeCheckpoint, make_video: Callable[..., Path]) -> None:
    checkpoint = make_checkpoint()[0]
    look = FileLook(clip=3, interval=2, batch=2)
    lines = list(glance_file(checkpoint, make_video(frames=12), look, device="cpu"))
    assert [line.frames for line in lines] == [[0, 2, 4], [5, 7, 9], [7, 9, 11]]
    assert [line.frame for line in lines] == [2, 7, 9]
    assert set(lines[0].branches) == {"RB", "CB", "RB+CB"}
    sliding = glance_file(checkpoint, make_video(frames=8), FileLook(clip=3, interval=2, every=1), device="cpu")
    assert [line.frames for line in sliding] == [[0, 2, 4], [1, 3, 5], [2, 4, 6], [3, 5, 7]]
    (short,) = glance_file(checkpoint, make_video(frames=2), look, device="cpu")
    assert short.frames == [0, 1, 1]


def test_a_clip_of_a_network_that_needs_one(make_checkpoint: MakeCheckpoint, make_video: Callable[..., Path]) -> None:
    checkpoint = make_checkpoint(variant="r3d-18")[0]
    (line,) = glance_file(checkpoint, make_video(frames=8), FileLook(clip=8, interval=1), device="cpu")
    assert list(line.branches) == ["CB"]
    with pytest.raises(CheckpointError, match="needs a clip of frames"):
        next(glance_file(checkpoint, make_video(frames=8), device="cpu"))
    with pytest.raises(CheckpointError, match="takes clips of at least 8 frames, not of 3"):
        next(glance_file(checkpoint, make_video(frames=8), FileLook(clip=3), device="cpu"))
