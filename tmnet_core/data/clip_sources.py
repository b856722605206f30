"""The clips that a recipe or a command line names: a folder of classes, or synthetic people rendered on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tmnet_core.config import DataSection
from tmnet_core.data.clips import ClipsInMemory, ClipSource, VideoClips
from tmnet_core.data.datasets import load_all, load_split
from tmnet_core.data.synthetic_people import SyntheticPeople
from tmnet_core.errors import DataError

SYNTHETIC_PEOPLE = "synthetic-people"


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

    def frames(self, index: int) -> int:
        """Return a clip's length in frames."""
        return self.people.frames

    def read(self, index: int, indices: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Render frames of a clip."""
        return self.people.clip(index, indices)


def open_clip_sources(data: DataSection) -> tuple[ClipSource, ClipSource]:
    """Return the training and the validation clips; raises DataError."""
    if not data.root:
        raise DataError("no data: give --data FOLDER, or set data.root in the recipe")
    if data.root == SYNTHETIC_PEOPLE:
        training = RenderedClips(SyntheticPeople(data.synthetic_clips, data.split_seed))
        return _cached(training, data), _cached(synthetic_validation_clips(data), data)
    training_videos, validation_videos = load_split(data)
    return _cached(VideoClips(training_videos), data), _cached(VideoClips(validation_videos), data)


def synthetic_validation_clips(data: DataSection) -> ClipSource:
    """Return clips of people and backgrounds that no training clip shows."""
    count = max(12, round(data.synthetic_clips * data.validation_fraction))
    return RenderedClips(SyntheticPeople(count, data.split_seed, subset="validation"))


def open_validation_clips(data: DataSection) -> ClipSource:
    """Return the clips kept for validation; raises DataError."""
    return open_clip_sources(data.model_copy(update={"cache": "none"}))[1]


def open_all_clips(data: DataSection | str) -> ClipSource:
    """Return training and validation clips together; raises DataError."""
    return VideoClips(load_all(DataSection(root=data) if isinstance(data, str) else data))


def data_name(root: str) -> str:
    """Return what a checkpoint calls its data: the folder's name."""
    return root if root == SYNTHETIC_PEOPLE else Path(root).expanduser().resolve().name


def _cached(source: ClipSource, data: DataSection) -> ClipSource:
    if data.cache != "memory":
        return source
    return ClipsInMemory(source, data.cache_short_side, limit=round(data.cache_gib * 2**30))
