"""The clips that a recipe or a command line names: a folder of classes, or synthetic people rendered on the fly."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tmnet_core.config import DataSection
from tmnet_core.data.annotations import LabelledVideo, VideoDataset
from tmnet_core.data.clips import ClipsInMemory, ClipSource, VideoClips
from tmnet_core.data.datasets import SYNTHETIC_PEOPLE, describe_split, load_all, load_split
from tmnet_core.data.packed_frames import PackedFrames, packed_folder
from tmnet_core.data.synthetic_people import SyntheticPeople
from tmnet_core.errors import DataError

# Without a handler of the program's own, Python writes warnings to the error stream as they are.
_log = logging.getLogger(__name__)


class RenderedClips:
    """Synthetic people as a source of clips."""

    def __init__(self, people: SyntheticPeople) -> None:
        self.people = people
        self.classes: Sequence[str] = people.classes

    def __len__(self) -> int:
        return len(self.people)

    def label(self, index: int) -> int:
        """Return a clip's class."""
        return self.people.label(index)

    def name(self, index: int) -> str:
        """Return what a message calls a clip."""
        return f"synthetic {self.people.subset} clip {index}"

    def video(self, index: int) -> None:
        """Return nothing: there is no file."""

    def frames(self, index: int) -> int:
        """Return a clip's length in frames."""
        return self.people.frames

    def read(self, index: int, indices: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Render frames of a clip."""
        return self.people.clip(index, indices)


class PackedClips:
    """The videos of a data set from their packed frames; those not packed as they are now are read from their files."""

    def __init__(self, source: VideoClips, packed: PackedFrames) -> None:
        self.source = source
        self.packed = packed
        self.classes: Sequence[str] = source.classes
        dataset = source.dataset
        found = [packed.find(dataset.root, video.path) for video in dataset.videos]
        self._found = {index: video for index, video in enumerate(found) if video is not None}

    @property
    def unpacked(self) -> list[int]:
        """The videos that are read from their files."""
        return [index for index in range(len(self)) if index not in self._found]

    def __len__(self) -> int:
        return len(self.source)

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
        return len(self._part(index)) if index in self._found else self.source.frames(index)

    def read(self, index: int, indices: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Read frames of a video."""
        if index not in self._found:
            return self.source.read(index, indices)
        part = self._part(index)
        return self.packed.read(self._found[index], [part[i] for i in indices])

    def _part(self, index: int) -> range:
        """Return which frames of its file a video is."""
        video, packed = self.source.dataset.videos[index], self._found[index]
        times = self.packed.times(packed)
        last = len(times) if video.end is None else int(np.searchsorted(times, video.end))
        return range(int(np.searchsorted(times, video.start)), last)


def open_clip_sources(data: DataSection) -> tuple[ClipSource, ClipSource]:
    """Return the training and the validation clips; raises DataError."""
    if not data.root:
        raise DataError("no data: give --data FOLDER, or set data.root in the recipe")
    if data.root == SYNTHETIC_PEOPLE:
        if data.cache == "packed":
            raise DataError(f"{SYNTHETIC_PEOPLE} is rendered and never packed; data.cache = 'memory' keeps its frames.")
        training = RenderedClips(SyntheticPeople(data.synthetic_clips, data.split_seed))
        return _cached(training, data), _cached(synthetic_validation_clips(data), data)
    training_videos, validation_videos = load_split(data)
    return _open_videos(training_videos, data), _open_videos(validation_videos, data)


def synthetic_validation_clips(data: DataSection) -> ClipSource:
    """Return clips of people and backgrounds that no training clip shows."""
    count = max(12, round(data.synthetic_clips * data.validation_fraction))
    return RenderedClips(SyntheticPeople(count, data.split_seed, subset="validation"))


def open_training_clips(data: DataSection) -> ClipSource:
    """Return the clips to train on, from their files; raises DataError."""
    return open_clip_sources(data.model_copy(update={"cache": "none"}))[0]


def open_validation_clips(data: DataSection) -> ClipSource:
    """Return the clips kept for validation, from their files; raises DataError."""
    return open_clip_sources(data.model_copy(update={"cache": "none"}))[1]


def open_all_clips(data: DataSection) -> ClipSource:
    """Return training and validation clips together; raises DataError."""
    return VideoClips(load_all(data))


def describe_data(data: DataSection, clips: ClipSource) -> str:
    """Return what chose a recipe's validation clips and where its frames come from, for a person; raises DataError."""
    kinds = {RenderedClips: "rendered", ClipsInMemory: "kept in memory", PackedClips: "packed"}
    return f"{describe_split(data)}; frames {kinds.get(type(clips), 'decoded from the files')}"


def data_name(root: str) -> str:
    """Return what a checkpoint calls its data: the folder's name."""
    return root if root == SYNTHETIC_PEOPLE else Path(root).expanduser().resolve().name


def _open_videos(dataset: VideoDataset, data: DataSection) -> ClipSource:
    source = VideoClips(dataset)
    if data.cache not in {"auto", "packed"}:
        return _cached(source, data)
    folder = packed_folder(data, dataset.root)
    if data.cache == "auto" and not folder.exists():
        return source
    try:
        clips = PackedClips(source, PackedFrames(folder))
    except DataError as error:
        if data.cache == "packed":
            raise
        _log.warning("%s Frames come from the videos.", error)
        return source
    if not clips.unpacked:
        return clips
    problem = (
        f"{folder} has no frames of {len(clips.unpacked)} of the {len(clips)} videos of {dataset.root} as they are "
        f"now, such as {clips.name(clips.unpacked[0])}"
    )
    if data.cache == "packed":
        raise DataError(f"{problem}; tmnet data pack adds them.")
    _log.warning("%s; these are read from their files.", problem)
    return clips


def _cached(source: ClipSource, data: DataSection) -> ClipSource:
    if data.cache != "memory":
        return source
    return ClipsInMemory(source, data.cache_short_side, limit=round(data.cache_gib * 2**30))
