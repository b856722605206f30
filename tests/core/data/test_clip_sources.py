import logging
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tmnet_core.config import DataSection
from tmnet_core.data.augmentation import MultiScaleCrop
from tmnet_core.data.clip_sources import (
    PackedClips,
    data_name,
    open_all_clips,
    open_clip_sources,
    open_validation_clips,
)
from tmnet_core.data.clips import ClipDataset, ClipsInMemory, EpochSampler, VideoClips, build_loader
from tmnet_core.data.packed_frames import PackHeader
from tmnet_core.data.packing import pack_dataset
from tmnet_core.data.sampling import ClipSampling
from tmnet_core.data.synthetic_people import CLASSES
from tmnet_core.errors import DataError


def test_a_folder_gives_training_and_validation(coloured_clips: Path) -> None:
    data = DataSection(root=str(coloured_clips), validation_fraction=0.34)
    training, validation = open_clip_sources(data)
    names = [{source.name(i) for i in range(len(source))} for source in (training, validation)]
    assert not names[0] & names[1]
    assert len(names[0] | names[1]) == len(open_all_clips(data)) == 18
    assert len(open_validation_clips(data)) == len(validation)


def test_frames_can_stay_in_memory(coloured_clips: Path) -> None:
    training, _ = open_clip_sources(DataSection(root=str(coloured_clips), cache="memory", cache_short_side=32))
    assert isinstance(training, ClipsInMemory)
    assert training.read(0, [0, 3]).shape[:2] == (2, 32)


def test_synthetic_people_need_no_folder() -> None:
    training, validation = open_clip_sources(
        DataSection(root="synthetic-people", synthetic_clips=120, validation_fraction=0.2)
    )
    assert (len(training), len(validation)) == (120, 24)
    assert tuple(training.classes) == CLASSES
    frames = training.read(5, [0, 31])
    assert frames.shape == (2, 120, 160, 3)
    assert np.array_equal(frames, training.read(5, [0, 31]))
    assert training.frames(5) == 32
    assert CLASSES[training.label(5)] == CLASSES[5]


def test_rendered_people_are_never_packed() -> None:
    with pytest.raises(DataError, match=r"is rendered and never packed; data\.cache = 'memory'"):
        open_clip_sources(DataSection(root="synthetic-people", cache="packed"))


def test_no_data_is_a_sentence() -> None:
    with pytest.raises(DataError, match="no data: give --data FOLDER"):
        open_clip_sources(DataSection())


def test_data_is_called_by_its_folder(coloured_clips: Path) -> None:
    assert data_name(str(coloured_clips)) == coloured_clips.name
    assert data_name("synthetic-people") == "synthetic-people"


RAW = PackHeader(encoding="raw", quality=0)


def make_unreadable(root: Path) -> None:
    """Spoil all videos so that it cannot be told from outside."""
    for path in root.rglob("*.mp4"):
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_packed_frames_are_used_where_they_are(coloured_clips: Path, tmp_path: Path) -> None:
    root = shutil.copytree(coloured_clips, tmp_path / "clips")
    data = DataSection(root=str(root))
    assert isinstance(open_clip_sources(data)[0], VideoClips)
    pack_dataset(data, RAW)
    assert isinstance(open_clip_sources(data.model_copy(update={"cache": "none"}))[0], VideoClips)
    expected = [VideoClips(source.source.dataset).read(1, [0, 5]) for source in open_clip_sources(data)]
    make_unreadable(root)
    for source, frames in zip(open_clip_sources(data.model_copy(update={"cache": "packed"})), expected, strict=True):
        assert isinstance(source, PackedClips)
        assert not source.unpacked
        assert source.frames(1) == 12
        assert np.array_equal(source.read(1, [0, 5]), frames)


def test_workers_read_packed_frames_as_this_process_does(coloured_clips: Path, tmp_path: Path) -> None:
    root = shutil.copytree(coloured_clips, tmp_path / "clips")
    pack_dataset(DataSection(root=str(root)), PackHeader(short_side=48))
    make_unreadable(root)
    source, _ = open_clip_sources(DataSection(root=str(root), cache="packed"))
    source.read(0, [0])  # so that there is an open map, which no worker can have
    assert len(pickle.dumps(source)) < 10_000
    dataset = ClipDataset(source, ClipSampling("interval", 3, 2), size=32, crop=MultiScaleCrop(), seed=1)
    here, there = (
        list(build_loader(dataset, 5, sampler=EpochSampler(len(dataset), seed=2), workers=workers))
        for workers in (0, 2)
    )
    assert sum(map(len, there)) == len(dataset)
    for batch, expected in zip(there, here, strict=True):
        assert torch.equal(batch.frames, expected.frames)
        assert batch.unreadable == expected.unreadable == ()


def test_frames_of_other_files_are_not_used(
    coloured_clips: Path, tmp_path: Path, make_video: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    root = shutil.copytree(coloured_clips, tmp_path / "clips")
    data = DataSection(root=str(root), validation_fraction=0.34)
    strict = data.model_copy(update={"cache": "packed"})
    with pytest.raises(DataError, match=r"clips\.packed holds no packed frames; tmnet data pack makes them"):
        open_clip_sources(strict)
    pack_dataset(data, RAW)
    training = open_clip_sources(data)[0]
    changed = Path(training.name(2))
    make_video(str(changed), frames=7)
    with pytest.raises(
        DataError, match=rf"no frames of 1 of the 12 videos .*{changed.name}; tmnet data pack adds them"
    ):
        open_clip_sources(strict)
    with caplog.at_level(logging.WARNING):
        source = open_clip_sources(data)[0]
    assert "no frames of 1 of the 12 videos" in caplog.text
    assert "read from their files" in caplog.text
    assert isinstance(source, PackedClips)
    assert source.unpacked == [2]
    assert source.frames(2) == 7
    assert source.frames(3) == 12
    caplog.clear()
    # Frames of another version of this program stand in nobody's way.
    (tmp_path / "clips.packed" / "index.jsonl").write_text('{"format": "another"}\n')
    assert isinstance(open_clip_sources(data)[0], VideoClips)
    assert "is not the index of frames" in caplog.text


def test_parts_of_a_packed_video(coloured_clips: Path, tmp_path: Path) -> None:
    """At 25 frames a second, frame i begins at i / 25 s."""
    root = shutil.copytree(coloured_clips, tmp_path / "clips")
    rows = ["blue/blue_0.mp4,a,0,0.2,train", "blue/blue_0.mp4,b,0.2,,train", "red/red_0.mp4,a,,,validation"]
    (root / "split.csv").write_text("\n".join(["path,label,start,end,subset", *rows]))
    data = DataSection(root=str(root))
    from_files, _ = open_clip_sources(data)
    pack_dataset(data, RAW)
    source, validation = open_clip_sources(data.model_copy(update={"cache": "packed"}))
    assert [source.frames(0), source.frames(1), validation.frames(0)] == [5, 7, 12]
    for part in (0, 1):
        assert np.array_equal(source.read(part, [0, 4, 1]), from_files.read(part, [0, 4, 1]))
