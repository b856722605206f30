"""A quick look into a data set before it is trained on: what it holds, some lengths and frames, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tmnet_core.config import DataSection
from tmnet_core.data.annotations import LabelledVideo, VideoDataset, listed
from tmnet_core.data.datasets import SYNTHETIC_PEOPLE, describe_split, is_official, load_split
from tmnet_core.data.decoding import VideoInfo, VideoReader
from tmnet_core.data.preprocessing import Image
from tmnet_core.data.resizing import shrink
from tmnet_core.errors import DataError, SourceError


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many videos of a class are trained on and how many validated on."""

    name: str
    training: int
    validation: int


@dataclass(frozen=True, slots=True)
class SampleFrame:
    """The middle frame of a video, H×W×3 uint8 RGB, shrunk; `video` is what a message calls it."""

    class_name: str
    video: str
    picture: Image


@dataclass(frozen=True)
class DatasetPreview:
    """What a quick look finds.

    Attributes:
        split: what chose the videos for validation, in words; empty where the data set cannot be used.
        classes: in the order of their labels; none where the data set cannot be used.
        looked_into: the files that were opened, spread over the classes.
        lengths: frames of these videos, ascending; of a part of a file the part's.
        samples: a frame each of some of them.
        problems: a sentence each.
        official: whether published lists chose them, of which there are several splits.
    """

    classes: tuple[ClassCount, ...] = ()
    looked_into: tuple[VideoInfo, ...] = ()
    lengths: tuple[int, ...] = ()
    samples: tuple[SampleFrame, ...] = ()
    problems: tuple[str, ...] = ()
    split: str = ""
    official: bool = False

    @property
    def usable(self) -> bool:
        """Whether it can be trained on."""
        return bool(self.classes)

    @property
    def videos(self) -> tuple[int, int]:
        """How many videos are trained on, and how many validated on."""
        return sum(count.training for count in self.classes), sum(count.validation for count in self.classes)


def preview_dataset(
    data: DataSection,
    *,
    probes: int = 24,
    samples: int = 12,
    short_side: int = 120,
    cancelled: Callable[[], bool] = lambda: False,
) -> DatasetPreview:
    """Look into a recipe's data; what is wrong with it is among the problems and never raised.

    Args:
        probes: how many videos are opened, spread evenly over the classes.
        samples: how many of those give a frame.
        short_side: of these frames at most, in pixels.
        cancelled: asked before each video is opened; the look then ends with what it has.
    """
    if data.root == SYNTHETIC_PEOPLE:
        return _preview_synthetic_people(data, samples)
    if not data.root:
        return DatasetPreview(problems=("No folder is chosen.",))
    try:
        training, validation = load_split(data)
        split, official = describe_split(data), is_official(data)
    except DataError as error:
        return DatasetPreview(problems=(str(error),))
    problems = one_sided(training, validation)
    looked_into: list[VideoInfo] = []
    lengths: list[int] = []
    frames: list[SampleFrame] = []
    for video in _spread(training, probes):
        if cancelled():
            break
        try:
            with VideoReader(video.path, threads="NONE") as reader:
                part = reader.between(video.start, video.end)
                if not part:
                    raise SourceError(f"{video} has no frames.")
                looked_into.append(reader.info)
                lengths.append(len(part))
                if len(frames) < samples:
                    picture = _picture(reader, part[len(part) // 2], short_side)
                    frames.append(SampleFrame(training.classes[video.label], str(video), picture))
        except SourceError as error:
            problems.append(str(error))
    if single := lengths.count(1):
        problems.append(f"{single} of the {len(lengths)} videos looked into have a single frame and so no motion.")
    counts = class_counts(training, validation)
    return DatasetPreview(
        counts, tuple(looked_into), tuple(sorted(lengths)), tuple(frames), tuple(problems), split, official
    )


def class_counts(training: VideoDataset, validation: VideoDataset) -> tuple[ClassCount, ...]:
    """Return how many videos of each class are on either side."""
    here, there = (Counter(video.label for video in side.videos) for side in (training, validation))
    return tuple(ClassCount(name, here[label], there[label]) for label, name in enumerate(training.classes))


def one_sided(training: VideoDataset, validation: VideoDataset) -> list[str]:
    """Return a sentence where classes are trained on but never validated."""
    unseen = [count.name for count in class_counts(training, validation) if not count.validation]
    return [f"No validation videos of {listed(unseen)}: nothing is learned of how well they do."] if unseen else []


def _spread(dataset: VideoDataset, count: int) -> list[LabelledVideo]:
    """Return up to `count` videos, every class's first before any class's second."""
    rounds: Counter[int] = Counter()
    order = []
    for place, video in enumerate(dataset.videos):
        order.append((rounds[video.label], place))
        rounds[video.label] += 1
    return [dataset.videos[place] for _, place in sorted(order)[:count]]


def _picture(reader: VideoReader, index: int, short_side: int) -> Image:
    reader.seek(index)
    found = reader.read()
    if found is None:
        raise SourceError(f"{reader.path} cannot be read as a video: frame {index} and all after it are damaged.")
    picture: Image = shrink(found[2][None], short_side)[0]
    return picture


def _preview_synthetic_people(data: DataSection, samples: int) -> DatasetPreview:
    from tmnet_core.data.synthetic_people import SyntheticPeople

    people = SyntheticPeople(data.synthetic_clips, data.split_seed)
    held_out = max(12, round(data.synthetic_clips * data.validation_fraction))
    counts = [Counter(i % len(people.classes) for i in range(clips)) for clips in (people.clips, held_out)]
    classes = tuple(ClassCount(name, counts[0][i], counts[1][i]) for i, name in enumerate(people.classes))
    frames = tuple(
        SampleFrame(name, f"synthetic clip {i}", people.clip(i, [people.frames // 2])[0])
        for i, name in enumerate(people.classes[:samples])
    )
    return DatasetPreview(classes, samples=frames, split=describe_split(data))
