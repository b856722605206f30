import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import torch

from tmnet_core.data.annotations import LabelledVideo, VideoDataset
from tmnet_core.data.augmentation import MultiScaleCrop
from tmnet_core.data.clips import (
    ClipBatch,
    ClipDataset,
    ClipKey,
    ClipsInMemory,
    EpochSampler,
    GlanceBatch,
    GlanceDataset,
    UnreadableVideo,
    VideoClips,
    build_loader,
)
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.resizing import shrink
from tmnet_core.data.sampling import ClipSampling, spread_fractions
from tmnet_core.errors import SourceError

LENGTH = 20
WHOLE_FRAME = MultiScaleCrop((1.0,), squash=True)


class NumberedClips:
    """Videos of plain frames: red is the video, green 10 × the frame; what is in `broken` cannot be read."""

    classes = ("even", "odd")

    def __init__(self, count: int = 6, broken: Sequence[int] = (), width: int = 48, height: int = 32) -> None:
        self.count, self.broken, self.width, self.height = count, broken, width, height
        self.reads: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return self.count

    def label(self, index: int) -> int:
        return index % 2

    def name(self, index: int) -> str:
        return f"video {index}"

    def frames(self, index: int) -> int:
        return LENGTH

    def read(self, index: int, indices: Sequence[int]) -> np.ndarray:
        if index in self.broken:
            raise SourceError(f"video {index} is broken.")
        self.reads.append((index, len(indices)))
        frames = np.zeros((len(indices), self.height, self.width, 3), dtype=np.uint8)
        frames[..., 0] = index
        frames[..., 1] = 10 * np.asarray(indices)[:, None, None]
        return frames


def write_video(path: Path, frames: int = LENGTH) -> Path:
    """Frame i is plain, with brightness 10·i and a dark left edge."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(frames):
        frame = np.full((48, 64, 3), 10 * number, dtype=np.uint8)
        frame[:, :8] = 0
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> VideoDataset:
    """Five videos, of which number 3 is no video."""
    root = tmp_path_factory.mktemp("videos")
    paths = [write_video(root / f"{i}.avi") for i in range(5)]
    paths[3].write_bytes(b"this is no video")
    labelled = tuple(LabelledVideo(path, i % 2, path.stem) for i, path in enumerate(paths))
    return VideoDataset(root, ("even", "odd"), labelled)


def clips(source: object, **options: object) -> ClipDataset:
    settings = {"size": 32, "seed": 7, **options}
    return ClipDataset(source, ClipSampling("interval", 4, 2), **settings)


def same(a: dict[str, object], b: dict[str, object]) -> bool:
    return torch.equal(a["frames"], b["frames"]) and all(a[key] == b[key] for key in a if key != "frames")


def test_an_item_is_what_its_key_says() -> None:
    dataset = clips(NumberedClips(), crop=WHOLE_FRAME)
    sample = dataset[ClipKey(0, 5)]
    assert sample["frames"].shape == (4, 32, 32, 3)
    assert sample["frames"].dtype == torch.uint8
    assert sample["frames"][..., 0].unique().tolist() == [5]
    numbers = [frame[0, 0, 1].item() // 10 for frame in sample["frames"]]
    assert np.diff(numbers).tolist() == [2, 2, 2]
    assert (sample["label"], sample["index"]) == (1, 5)
    assert 1 / 3 <= sample["key_frame"] < 2 / 3


def test_augmentation_depends_on_seed_epoch_and_index_alone() -> None:
    dataset, again = clips(NumberedClips()), clips(NumberedClips())
    keys = [ClipKey(epoch, index) for epoch in range(3) for index in range(6)]
    first = {key: dataset[key] for key in keys}
    assert all(same(first[key], again[key]) for key in reversed(keys))
    other_seed = clips(NumberedClips(), seed=8)
    assert not all(same(first[key], other_seed[key]) for key in keys)
    assert len({first[ClipKey(epoch, 2)]["key_frame"] for epoch in range(3)}) == 3
    assert len({first[ClipKey(0, index)]["key_frame"] for index in range(6)}) == 6


@pytest.mark.parametrize(("probability", "flips"), [(0.0, {False}), (1.0, {True}), (0.5, {False, True})])
def test_flips(probability: float, flips: set[bool]) -> None:
    dataset = clips(NumberedClips(), flip=probability)
    assert {dataset[ClipKey(epoch, 0)]["flip"] for epoch in range(20)} == flips


def test_a_key_frame_at_the_centre_of_the_last_third() -> None:
    dataset = clips(NumberedClips(), segment="ending", position="centre")
    assert dataset[ClipKey(3, 1)]["key_frame"] == pytest.approx(5 / 6)


def test_each_epoch_shows_every_clip_once_in_its_own_order() -> None:
    sampler = EpochSampler(50, seed=1)
    first = list(sampler)
    assert sorted(key.index for key in first) == list(range(50))
    assert {key.epoch for key in first} == {0}
    begun = iter(sampler)
    sampler.epoch = 1
    second = list(sampler)
    assert list(begun) == first
    assert [key.index for key in second] != [key.index for key in first]
    assert list(EpochSampler(50, seed=1, epoch=1)) == second
    assert [key.index for key in EpochSampler(50, seed=2)] != [key.index for key in first]


def test_a_resumed_epoch_goes_on_with_the_same_batches() -> None:
    dataset = clips(NumberedClips(10))
    whole = list(build_loader(dataset, 3, sampler=EpochSampler(10, seed=1, epoch=4)))
    resumed = list(build_loader(dataset, 3, sampler=EpochSampler(10, seed=1, epoch=4, start=6)))
    assert [len(batch) for batch in resumed] == [3, 1]
    for batch, expected in zip(resumed, whole[2:], strict=True):
        assert torch.equal(batch.frames, expected.frames)
        assert torch.equal(batch.index, expected.index)
        assert torch.equal(batch.flip, expected.flip)
    assert len(build_loader(dataset, 3, sampler=EpochSampler(10, 1, start=6), drop_last=True)) == 1


def test_a_batch_leaves_out_what_cannot_be_read_and_says_so() -> None:
    dataset = clips(NumberedClips(4, broken=[2]))
    (batch,) = build_loader(dataset, 4, sampler=EpochSampler(4, seed=0))
    assert isinstance(batch, ClipBatch)
    assert len(batch) == 3
    assert batch.frames.shape == (3, 4, 32, 32, 3)
    assert set(batch.index.tolist()) == {0, 1, 3}
    assert batch.label.tolist() == [index % 2 for index in batch.index.tolist()]
    assert (batch.flip.dtype, batch.key_frame.dtype) == (torch.bool, torch.float32)
    assert batch.unreadable == (UnreadableVideo(2, "video 2", "video 2 is broken."),)


def test_a_batch_of_which_nothing_can_be_read() -> None:
    (batch,) = build_loader(clips(NumberedClips(2, broken=[0, 1])), 2, sampler=EpochSampler(2, seed=0))
    assert len(batch) == len(batch.frames) == 0
    assert {video.index for video in batch.unreadable} == {0, 1}


def test_flipped_frames_mirrors_the_clips_that_flip_names() -> None:
    frames = torch.arange(2 * 1 * 2 * 3 * 3, dtype=torch.uint8).reshape(2, 1, 2, 3, 3)
    batch = ClipBatch(
        frames, torch.tensor([False, True]), torch.zeros(2), torch.zeros(2), torch.zeros(2), unreadable=()
    )
    flipped = batch.flipped_frames("cpu")
    assert torch.equal(flipped[0], frames[0])
    assert torch.equal(flipped[1, :, :, 0], frames[1, :, :, 2])
    assert torch.equal(flipped[1, :, :, 1], frames[1, :, :, 1])


def test_glances_are_cut_as_the_live_view_cuts_them(videos: VideoDataset) -> None:
    preprocessing = Preprocessing(size=32, crop="whole")
    batches = list(build_loader(GlanceDataset(VideoClips(videos), preprocessing, spread_fractions(2)), 2))
    assert all(isinstance(batch, GlanceBatch) for batch in batches)
    assert [batch.index.tolist() for batch in batches] == [[0, 1], [2], [4]]
    assert [video.index for video in batches[1].unreadable] == [3]
    frames = batches[0].frames
    assert frames.shape == (2, 2, 32, 32, 3)
    # Frames 5 and 15 of 20; the dark edge stays on the left.
    assert frames[0, 0, 16, 24, 0].item() == pytest.approx(50, abs=4)
    assert frames[0, 1, 16, 24, 0].item() == pytest.approx(150, abs=4)
    assert frames[0, 1, 16, 1, 0].item() < 20


def test_spawned_workers_load_what_this_process_loads(videos: VideoDataset) -> None:
    dataset = clips(VideoClips(videos))
    sampler = EpochSampler(len(dataset), seed=3)
    loader = build_loader(dataset, 2, sampler=sampler, workers=1)
    here = build_loader(dataset, 2, sampler=sampler)
    for epoch in range(2):
        sampler.epoch = epoch
        for batch, expected in zip(loader, here, strict=True):
            assert torch.equal(batch.frames, expected.frames)
            assert torch.equal(batch.key_frame, expected.key_frame)
            assert torch.equal(batch.flip, expected.flip)
            assert torch.equal(batch.index, expected.index)
            assert batch.unreadable == expected.unreadable


def test_a_video_that_becomes_unreadable_is_reported(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi")
    source = VideoClips(VideoDataset(tmp_path, ("a",), (LabelledVideo(path, 0, "a"),)))
    dataset = clips(source)
    assert not isinstance(dataset[ClipKey(0, 0)], UnreadableVideo)
    write_video(path, frames=2)
    shorter = dataset[ClipKey(1, 0)]
    path.unlink()
    missing = dataset[ClipKey(2, 0)]
    assert isinstance(shorter, UnreadableVideo)
    assert "shorter" in shorter.reason
    assert isinstance(missing, UnreadableVideo)
    assert (missing.index, missing.name) == (0, str(path))
    assert str(path) in missing.reason


def test_a_part_of_a_video_is_a_video(tmp_path: Path) -> None:
    """At 25 frames a second, frame i begins at i / 25 s."""
    path = write_video(tmp_path / "a.avi")
    parts = [(0.0, 0.2), (0.2, 0.4), (0.6, None), (5.0, 6.0)]
    videos = tuple(LabelledVideo(path, 0, "a", start, end) for start, end in parts)
    source = VideoClips(VideoDataset(tmp_path, ("a",), videos))
    assert [source.frames(i) for i in range(4)] == [5, 5, 5, 0]
    brightness = [source.read(i, [0, 4])[:, 24, 32, 0].tolist() for i in range(3)]
    assert np.allclose(brightness, [[0, 40], [50, 90], [150, 190]], atol=4)
    assert source.name(1) == f"{path} (0.2 s to 0.4 s)"
    empty = clips(source)[ClipKey(0, 3)]
    assert isinstance(empty, UnreadableVideo)
    assert empty.reason == f"{path} (5 s to 6 s) has no frames."


def test_a_video_of_one_frame_is_a_clip_that_stands_still(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", frames=1)
    dataset = clips(VideoClips(VideoDataset(tmp_path, ("a",), (LabelledVideo(path, 0, "a"),))), flip=0.0)
    sample = dataset[ClipKey(0, 0)]
    assert sample["frames"].shape == (4, 32, 32, 3)
    assert all(torch.equal(frame, sample["frames"][0]) for frame in sample["frames"])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
def test_workers_end_with_a_process_that_is_killed(videos: VideoDataset, tmp_path: Path) -> None:
    """One that waits for work, and one that is still being prepared."""
    script = tmp_path / "load.py"
    script.write_text(
        """
import sys, time
from pathlib import Path
from tmnet_core.data import clips
from tmnet_core.data.annotations import LabelledVideo, VideoDataset
from tmnet_core.data.clips import ClipDataset, EpochSampler, VideoClips, build_loader
from tmnet_core.data.sampling import ClipSampling

prepare = clips._prepare_worker

def prepare_late(worker):
    while worker and not Path(sys.argv[1]).exists():
        time.sleep(0.01)
    prepare(worker)

clips._prepare_worker = prepare_late

if __name__ == "__main__":
    videos = tuple(LabelledVideo(Path(path), 0, path) for path in sys.argv[2:])
    dataset = ClipDataset(VideoClips(VideoDataset(Path(), ("a",), videos)), ClipSampling("even", 2), size=32)
    for batch in build_loader(dataset, 1, sampler=EpochSampler(len(dataset), 0), workers=2):
        print(len(batch), flush=True)
        time.sleep(60)
"""
    )
    paths = [str(video.path) for video in videos.videos[:2]]
    killed = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, str(script), str(killed), *paths], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.kill()
    killed.touch()
    left = psutil.wait_procs(children, timeout=30)[1]
    for child in left:
        child.kill()
    process.communicate()
    assert left == []


def test_a_source_of_no_frames_is_unreadable() -> None:
    source = NumberedClips()
    source.frames = lambda index: 0  # type: ignore[method-assign]
    assert clips(source)[ClipKey(0, 1)] == UnreadableVideo(1, "video 1", "video 1 has no frames.")


def test_memory_reads_each_video_once_and_shrinks_it() -> None:
    source = NumberedClips(2)
    memory = ClipsInMemory(source, short_side=16)
    first = memory.read(1, [3, 3, 0])
    assert first.shape == (3, 16, 24, 3)
    assert (first[:, 0, 0, 1] // 10).tolist() == [3, 3, 0]
    assert (memory.read(1, [19])[0, 0, 0] == (1, 190, 0)).all()
    assert source.reads == [(1, LENGTH)]
    assert (len(memory), memory.frames(0), memory.label(1), memory.name(1)) == (2, LENGTH, 1, "video 1")


@pytest.mark.parametrize("limits", [{"longest": LENGTH - 1}, {"limit": 0}])
def test_memory_passes_on_what_it_cannot_keep(limits: dict[str, int]) -> None:
    source = NumberedClips(2)
    memory = ClipsInMemory(source, short_side=16, **limits)
    for _ in range(2):
        assert memory.read(1, [3, 4]).shape == (2, 16, 24, 3)
    assert source.reads == [(1, 2), (1, 2)]


def test_memory_reports_what_cannot_be_read() -> None:
    sample = clips(ClipsInMemory(NumberedClips(broken=[0]), short_side=16))[ClipKey(0, 0)]
    assert isinstance(sample, UnreadableVideo)


@pytest.mark.parametrize(("short_side", "shape"), [(16, (16, 24)), (32, (32, 48)), (40, (32, 48)), (15, (15, 22))])
def test_shrink_keeps_the_aspect_ratio_and_never_enlarges(short_side: int, shape: tuple[int, int]) -> None:
    assert shrink(NumberedClips().read(0, [0, 1]), short_side).shape == (2, *shape, 3)
