from collections.abc import Callable
from pathlib import Path

import pytest

from tmnet_core.errors import CheckpointError, SourceError
from tmnet_core.live.glance_file import glance_file

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
    lines = glance_file(make_checkpoint()[0], make_video(frames=7), every=3, device="cpu")
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
