"""Clips for training and frames for glances, as batches of uint8 tensors.

A clip source hands out frames; `ClipDataset` samples and augments them, `GlanceDataset` only preprocesses them.
Flipping and normalising is left to the device, so frames cross processes as uint8.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypedDict

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from tmnet_core.data.annotations import LabelledVideo, VideoDataset
from tmnet_core.data.augmentation import MultiScaleCrop, crop_and_resize
from tmnet_core.data.decoding import frames_between, probe, read_frames
from tmnet_core.data.preprocessing import Crops, Preprocessing
from tmnet_core.data.resizing import shrink
from tmnet_core.data.sampling import ClipSampling, Position, Segment, glance_indices, key_frame_fraction
from tmnet_core.data.spawned import end_with_parent
from tmnet_core.errors import SourceError
from tmnet_core.opencv import cv2

Frames = npt.NDArray[np.uint8]


class ClipSource(Protocol):
    """Numbered, labelled videos, whatever their frames come from; picklable, so that workers can have it."""

    @property
    def classes(self) -> Sequence[str]:
        """Class names by label."""

    def __len__(self) -> int: ...

    def label(self, index: int) -> int:
        """Return a video's class."""

    def name(self, index: int) -> str:
        """Return what a message calls a video."""

    def video(self, index: int) -> LabelledVideo | None:
        """Return the file and what of it is meant; None for what is rendered."""

    def frames(self, index: int) -> int:
        """Return a video's length in frames; raises SourceError where it cannot be read."""

    def read(self, index: int, indices: Sequence[int]) -> Frames:
        """Return N×H×W×3 uint8 RGB frames of a video; raises SourceError where it cannot be read."""


class VideoClips:
    """The videos of a data set, decoded from their files at each read."""

    def __init__(self, dataset: VideoDataset) -> None:
        self.dataset = dataset
        self.classes: Sequence[str] = dataset.classes
        self._parts: dict[int, range] = {}

    def __len__(self) -> int:
        return len(self.dataset.videos)

    def label(self, index: int) -> int:
        """Return a video's class."""
        return self.dataset.videos[index].label

    def name(self, index: int) -> str:
        """Return a video's path, and which part of it is meant."""
        return str(self.dataset.videos[index])

    def video(self, index: int) -> LabelledVideo | None:
        """Return the file and what of it is meant."""
        return self.dataset.videos[index]

    def frames(self, index: int) -> int:
        """Return a video's length in frames, counted once."""
        return len(self._part(index))

    def read(self, index: int, indices: Sequence[int]) -> Frames:
        """Decode frames of a video."""
        path = self.dataset.videos[index].path
        part = self._part(index)
        try:
            return read_frames(path, [part[i] for i in indices])
        except IndexError as error:
            raise SourceError(f"{path} has become shorter since its frames were counted.") from error

    def _part(self, index: int) -> range:
        """Return which frames of its file a video is."""
        if index not in self._parts:
            video = self.dataset.videos[index]
            if video.whole:
                self._parts[index] = range(probe(video.path).frames)
            else:
                self._parts[index] = frames_between(video.path, video.start, video.end)
        return self._parts[index]


class ClipsInMemory:
    """Keeps the whole short videos of a source, shrunk, from their first read on.

    The copy lives in one process: each worker of a loader fills its own, so this is for loading without workers.
    Videos longer than `longest` frames, and those that come when the kept ones have reached `limit` bytes, are
    read from the source each time; these too are shrunk.

    Args:
        short_side: frames are shrunk to this short side in pixels, never enlarged. The smallest training crop is
            half of it.
    """

    def __init__(self, source: ClipSource, short_side: int, *, longest: int = 300, limit: int = 4 * 2**30) -> None:
        self.source = source
        self.short_side = short_side
        self.longest = longest
        self.limit = limit
        self.classes = source.classes
        self._kept: dict[int, Frames] = {}
        self._kept_bytes = 0

    def __len__(self) -> int:
        return len(self.source)

    def __getstate__(self) -> dict[str, Any]:
        # A spawned worker gets no copy of what is kept here: it would be sent through a pipe.
        return {**self.__dict__, "_kept": {}, "_kept_bytes": 0}

    def label(self, index: int) -> int:
        """Return a video's class."""
        return self.source.label(index)

    def name(self, index: int) -> str:
        """Return what a message calls a video."""
        return self.source.name(index)

    def video(self, index: int) -> LabelledVideo | None:
        """Return the file and what of it is meant."""
        return self.source.video(index)

    def frames(self, index: int) -> int:
        """Return a video's length in frames."""
        return len(self._kept[index]) if index in self._kept else self.source.frames(index)

    def read(self, index: int, indices: Sequence[int]) -> Frames:
        """Return shrunk frames of a video."""
        if index not in self._kept:
            length = self.source.frames(index)
            if length > self.longest or self._kept_bytes >= self.limit:
                return shrink(self.source.read(index, indices), self.short_side)
            self._kept[index] = shrink(self.source.read(index, range(length)), self.short_side)
            self._kept_bytes += self._kept[index].nbytes
        return self._kept[index][np.asarray(indices), :]


class ChosenClips:
    """Some clips of a source, as a source.

    Args:
        classes: the source's, in the order that labels shall have; None: in the source's own.
    """

    def __init__(self, source: ClipSource, indices: Sequence[int], classes: Sequence[str] | None = None) -> None:
        self.source = source
        self.indices = indices
        self.classes: Sequence[str] = source.classes if classes is None else classes
        self._labels = [self.classes.index(name) for name in source.classes]

    def __len__(self) -> int:
        return len(self.indices)

    def label(self, index: int) -> int:
        """Return a clip's class."""
        return self._labels[self.source.label(self.indices[index])]

    def name(self, index: int) -> str:
        """Return what a message calls a clip."""
        return self.source.name(self.indices[index])

    def video(self, index: int) -> LabelledVideo | None:
        """Return the file and what of it is meant."""
        return self.source.video(self.indices[index])

    def frames(self, index: int) -> int:
        """Return a clip's length in frames."""
        return self.source.frames(self.indices[index])

    def read(self, index: int, indices: Sequence[int]) -> Frames:
        """Return frames of a clip."""
        return self.source.read(self.indices[index], indices)


def source_of(clips: ClipSource, index: int) -> str:
    """Return the source video that a clip was cut from; what is rendered is a source of its own."""
    video = clips.video(index)
    return clips.name(index) if video is None else video.source


@dataclass(frozen=True, slots=True)
class ClipKey:
    """Which clip of which epoch: all that its augmentation depends on, besides the seed."""

    epoch: int
    index: int


class EpochSampler(Sampler[ClipKey]):
    """Yields the clips of one epoch in an order that depends on (seed, epoch) alone.

    The epoch travels in the keys, so workers need no shared state. Set `epoch`, and `start` to the number of clips
    that a resumed epoch has already seen, before each pass.
    """

    def __init__(self, length: int, seed: int, *, epoch: int = 0, start: int = 0) -> None:
        self.length = length
        self.seed = seed
        self.epoch = epoch
        self.start = start

    def __len__(self) -> int:
        return max(0, self.length - self.start)

    def __iter__(self) -> Iterator[ClipKey]:
        # The third number is no clip's index, which keeps this stream apart from every clip's own.
        order = np.random.default_rng([self.seed, self.epoch, self.length]).permutation(self.length)
        return iter([ClipKey(self.epoch, index) for index in order[self.start :].tolist()])


@dataclass(frozen=True, slots=True)
class UnreadableVideo:
    """A video that was left out of a batch, and the one sentence that says why."""

    index: int
    name: str
    reason: str


class ClipSample(TypedDict):
    """One training clip: frames T×size×size×3 uint8, not yet flipped; the key frame as a fraction of the clip."""

    frames: Tensor
    flip: bool
    key_frame: float
    label: int
    index: int


class GlanceSample(TypedDict):
    """Frames n×size×size×3 uint8 of one video, each to be looked at alone, and how many it has in all."""

    frames: Tensor
    label: int
    index: int
    length: int


@dataclass(frozen=True)
class ClipBatch:
    """Training clips that could be read, and the videos that could not; possibly of size 0.

    Attributes:
        frames: B×T×size×size×3 uint8 RGB.
        flip: B booleans, whether to mirror a clip left to right.
        key_frame: B fractions of the clip in [0, 1).
        label: B classes.
        index: B positions in the clip source.
    """

    frames: Tensor
    flip: Tensor
    key_frame: Tensor
    label: Tensor
    index: Tensor
    unreadable: tuple[UnreadableVideo, ...]

    def __len__(self) -> int:
        return len(self.label)

    def pin_memory(self) -> ClipBatch:
        """Return the batch in page-locked memory; the data loader calls it."""
        return replace(
            self,
            frames=self.frames.pin_memory(),
            flip=self.flip.pin_memory(),
            key_frame=self.key_frame.pin_memory(),
            label=self.label.pin_memory(),
            index=self.index.pin_memory(),
        )

    def flipped_frames(self, device: torch.device | str) -> Tensor:
        """Copy the frames to a device and mirror there the clips that `flip` names."""
        frames = self.frames.to(device, non_blocking=True)
        flip = self.flip.to(device, non_blocking=True)
        return torch.where(flip[:, None, None, None, None], frames.flip(-2), frames)


@dataclass(frozen=True)
class GlanceBatch:
    """Frames B×n×size×size×3 uint8 of videos to be glanced at, how long each is, and those that could not be read."""

    frames: Tensor
    label: Tensor
    index: Tensor
    lengths: tuple[int, ...]
    unreadable: tuple[UnreadableVideo, ...]

    def __len__(self) -> int:
        return len(self.label)

    def pin_memory(self) -> GlanceBatch:
        """Return the batch in page-locked memory; the data loader calls it."""
        return replace(
            self,
            frames=self.frames.pin_memory(),
            label=self.label.pin_memory(),
            index=self.index.pin_memory(),
        )


class ClipDataset(Dataset[ClipSample | UnreadableVideo]):
    """Sampled and augmented training clips; an item depends on the seed and its key alone, not on the worker.

    Args:
        size: side of the square that crops are resized to, in pixels.
        segment: the third of the clip that the key frame is taken from.
        position: its place in the segment.
        flip: how likely a clip is mirrored left to right; 0 where classes tell left from right.
    """

    def __init__(
        self,
        source: ClipSource,
        sampling: ClipSampling,
        *,
        size: int,
        crop: MultiScaleCrop | None = None,
        segment: Segment = "middle",
        position: Position = "random",
        flip: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.source = source
        self.sampling = sampling
        self.size = size
        self.crop = crop or MultiScaleCrop()
        self.segment: Segment = segment
        self.position: Position = position
        self.flip = flip
        self.seed = seed

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, key: ClipKey) -> ClipSample | UnreadableVideo:
        index = key.index
        rng = np.random.default_rng([self.seed, key.epoch, index])
        try:
            frames = self.source.read(index, self.sampling.indices(_length(self.source, index), rng).tolist())
        except SourceError as error:
            return UnreadableVideo(index, self.source.name(index), str(error))
        height, width = frames.shape[1:3]
        return {
            "frames": torch.from_numpy(crop_and_resize(frames, self.crop.draw(rng, width, height), self.size)),
            "flip": bool(rng.random() < self.flip),
            "key_frame": key_frame_fraction(self.segment, self.position, rng),
            "label": self.source.label(index),
            "index": index,
        }

    @staticmethod
    def collate(samples: Sequence[ClipSample | UnreadableVideo]) -> ClipBatch:
        """Batch the clips that could be read."""
        readable = [sample for sample in samples if not isinstance(sample, UnreadableVideo)]
        return ClipBatch(
            frames=_stack_frames([sample["frames"] for sample in readable]),
            flip=torch.tensor([sample["flip"] for sample in readable], dtype=torch.bool),
            key_frame=torch.tensor([sample["key_frame"] for sample in readable], dtype=torch.float32),
            label=torch.tensor([sample["label"] for sample in readable], dtype=torch.int64),
            index=torch.tensor([sample["index"] for sample in readable], dtype=torch.int64),
            unreadable=tuple(sample for sample in samples if isinstance(sample, UnreadableVideo)),
        )


class GlanceDataset(Dataset[GlanceSample | UnreadableVideo]):
    """Whole videos at several key frames each, preprocessed as the live view does, without augmentation.

    Args:
        fractions: where in the video to look, each in [0, 1); see `spread_fractions`.
        sampling: take the T frames of one clip in their place, for what is looked at together.
        crops: of every frame, one after the other.
    """

    def __init__(
        self,
        source: ClipSource,
        preprocessing: Preprocessing,
        fractions: Sequence[float],
        sampling: ClipSampling | None = None,
        *,
        crops: Crops = 1,
    ) -> None:
        self.source = source
        self.preprocessing = preprocessing
        self.fractions = tuple(fractions)
        self.sampling = sampling
        self.crops: Crops = crops

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> GlanceSample | UnreadableVideo:
        try:
            length = _length(self.source, index)
            indices = self.sampling.indices(length) if self.sampling else glance_indices(length, self.fractions)
            frames = self.source.read(index, indices.tolist())
        except SourceError as error:
            return UnreadableVideo(index, self.source.name(index), str(error))
        placements = self.preprocessing.place_crops(frames.shape[2], frames.shape[1], self.crops)
        cut = np.stack([self.preprocessing.cut(frame, placement) for frame in frames for placement in placements])
        label = self.source.label(index)
        return {"frames": torch.from_numpy(cut), "label": label, "index": index, "length": length}

    @staticmethod
    def collate(samples: Sequence[GlanceSample | UnreadableVideo]) -> GlanceBatch:
        """Batch the videos that could be read."""
        readable = [sample for sample in samples if not isinstance(sample, UnreadableVideo)]
        return GlanceBatch(
            frames=_stack_frames([sample["frames"] for sample in readable]),
            label=torch.tensor([sample["label"] for sample in readable], dtype=torch.int64),
            index=torch.tensor([sample["index"] for sample in readable], dtype=torch.int64),
            lengths=tuple(sample["length"] for sample in readable),
            unreadable=tuple(sample for sample in samples if isinstance(sample, UnreadableVideo)),
        )


def build_loader(
    dataset: ClipDataset | GlanceDataset,
    batch_size: int = 1,
    *,
    sampler: EpochSampler | None = None,
    batches: Sampler[list[ClipKey]] | None = None,
    workers: int = 0,
    drop_last: bool = False,
    pin_memory: bool = False,
) -> DataLoader[Any]:
    """Return a loader of `ClipBatch`es, which need a sampler or `batches` of keys, or of `GlanceBatch`es, in order.

    Workers are spawned at the first pass and stay for the next ones; with none this process loads.
    """
    return DataLoader(
        dataset,
        batch_size,
        sampler=sampler,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=dataset.collate,
        pin_memory=pin_memory,
        drop_last=drop_last,
        worker_init_fn=_prepare_worker,
        # A forked worker can hang in OpenCV, and inherits locks of every thread there is.
        multiprocessing_context="spawn" if workers else None,
        persistent_workers=workers > 0,
        # Each pass draws a number; from torch's own generator, that would shift the dropout of a resumed run.
        generator=torch.Generator(),
    )


def _prepare_worker(worker: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    # Ctrl-C reaches the whole process group; the process that trains decides what to finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # torch's own watch takes whoever is the parent by then for it: of a process killed before, a worker stays for good.
    end_with_parent()


def _length(source: ClipSource, index: int) -> int:
    length = source.frames(index)
    if length < 1:
        raise SourceError(f"{source.name(index)} has no frames.")
    return length


def _stack_frames(samples: list[Tensor]) -> Tensor:
    return torch.stack(samples) if samples else torch.empty((0, 0, 0, 0, 3), dtype=torch.uint8)
