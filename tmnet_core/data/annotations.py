"""Which video shows which class: labelled videos, and a folder of classes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tmnet_core.errors import DataError

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts",
    ".vob", ".webm", ".wmv",
})
# fmt: on

# HMDB51 and JHMDB: visible body parts, camera motion, people, viewpoint, quality, clip number.
_HMDB_MARKS = r"_[a-z]+_(?:cm|nm)_np\d+_(?:fr|ba|le|ri)_(?:goo|med|bad)_\d+"
_UCF_CLIP = re.compile(r"(v_.+_g\d+)_c\d+")


@dataclass(frozen=True)
class LabelledVideo:
    """One video file, or a part of it.

    Attributes:
        label: its class's position in `VideoDataset.classes`.
        source: the source video that it was cut from; clips of one source look alike.
        start, end: the part of the file, in seconds; an end of None is the file's own.
    """

    path: Path
    label: int
    source: str
    start: float = 0.0
    end: float | None = None

    @property
    def whole(self) -> bool:
        """Whether this is all of the file."""
        return self.start == 0.0 and self.end is None

    def __str__(self) -> str:
        if self.whole:
            return str(self.path)
        return f"{self.path} ({self.start:g} s to {'its end' if self.end is None else f'{self.end:g} s'})"


@dataclass(frozen=True)
class VideoDataset:
    """Labelled videos; a part of a data set keeps all classes of the whole, so that labels agree.

    Classes are sorted by name whatever the files number them, so that labels agree between forms of a data set, too.
    """

    root: Path
    classes: tuple[str, ...]
    videos: tuple[LabelledVideo, ...]


def folder_of_classes(root: Path | str) -> VideoDataset:
    """Read a folder whose subfolders are classes with videos directly inside.

    Classes are sorted by name, videos naturally (`clip2` before `clip10`); hidden files and files that are no
    videos by their suffix are ignored.

    Raises:
        DataError: no such folder, fewer than two classes, two classes that differ only by case, or a class
            without videos.
    """
    root = Path(root)
    folders = [entry for entry in visible_entries(root) if entry.is_dir()]
    if not folders:
        if any(map(is_video, visible_entries(root))):
            raise DataError(f"{root} has videos but no class folders; choose the folder that holds a folder a class.")
        raise DataError(f"{root} has no class folders.")
    classes = tuple(sorted(folder.name for folder in folders))
    check_classes(root, classes)
    videos: list[LabelledVideo] = []
    for label, name in enumerate(classes):
        paths = [path for path in visible_entries(root / name) if is_video(path)]
        if not paths:
            raise DataError(f"The class folder {root / name} has no videos.")
        paths.sort(key=lambda path: (_natural_key(path.name), path.name))
        videos += [LabelledVideo(path, label, source_video(path.stem, name)) for path in paths]
    return VideoDataset(root, classes, tuple(videos))


def source_video(stem: str, class_name: str) -> str:
    """Return the source video that a file name tells.

    HMDB51 and JHMDB write `<source>_<class>_<marks>`, UCF101 `v_<Class>_g<group>_c<clip>`, whose group is the
    source. Any other name is taken to be a source of its own.
    """
    if hmdb := re.fullmatch(rf"(.+)_{re.escape(class_name)}{_HMDB_MARKS}", stem):
        return hmdb[1]
    if ucf := _UCF_CLIP.fullmatch(stem):
        return ucf[1]
    return stem


def visible_entries(folder: Path) -> list[Path]:
    """Return what is in a folder and not hidden, in any order; raises DataError."""
    if not folder.is_dir():
        cause = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"The data folder {folder} {cause}.")
    try:
        return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"The data folder {folder} cannot be read: {error.strerror}.") from error


def all_videos(root: Path) -> Iterator[Path]:
    """Yield the videos of a folder and of those below it, in the same order each time; hidden ones are passed over."""
    visible_entries(root)
    seen: set[str] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        # A link to a folder above would lead round for ever.
        seen.add(os.path.realpath(folder))
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".") and os.path.realpath(os.path.join(folder, name)) not in seen
        )
        for path in map(Path(folder).joinpath, sorted(names)):
            if not path.name.startswith(".") and is_video(path):
                yield path


def is_video(path: Path) -> bool:
    """Whether this is a file with a video's suffix."""
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()


def _natural_key(name: str) -> list[str | int]:
    return [int(part) if i % 2 else part.casefold() for i, part in enumerate(re.split(r"([0-9]+)", name))]


def check_classes(root: Path, classes: tuple[str, ...]) -> None:
    """Raise DataError unless there are two or more classes, no two of which differ only by case."""
    if len(classes) < 2:
        raise DataError(f"{root} has only one class, {listed(classes)}; training needs two or more.")
    by_folded: dict[str, str] = {}
    for name in classes:
        other = by_folded.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(f"The classes {other!r} and {name!r} of {root} differ only by case.")


def check_sides(named_by: Path | str, training: VideoDataset, validation: VideoDataset) -> None:
    """Raise DataError where a class has no training videos, or where there is nothing to validate on."""
    if untrained := set(range(len(training.classes))) - {video.label for video in training.videos}:
        raise DataError(f"{named_by} has no training videos of {listed(training.classes[i] for i in untrained)}.")
    if not validation.videos:
        raise DataError(f"{named_by} has no validation videos.")


def listed(names: Iterable[str]) -> str:
    """Return names in quotes, sorted."""
    return ", ".join(repr(name) for name in sorted(names))
