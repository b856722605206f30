"""The splits of UCF101, HMDB51 and JHMDB, read as they are published; there are three of each.

* UCF101, `ucfTrainTestlist`: `classInd.txt` numbers the classes from 1, `trainlist01.txt` names videos with their
  class's number, `testlist01.txt` without.
* HMDB51, `testTrainMulti_7030_splits`: for each class a file `<class>_test_split1.txt` of names and marks, 1 for
  training, 2 for testing, 0 for neither. JHMDB's `splits` are of the same form, without a 0.

Videos may lie flat or in folders, and under another suffix than the published `.avi`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tmnet_core.data.annotations import (
    LabelledVideo,
    VideoDataset,
    all_videos,
    check_classes,
    check_sides,
    listed,
    source_video,
)
from tmnet_core.errors import DataError

UCF101_FOLDER = "ucfTrainTestlist"
HMDB51_FOLDERS = ("testTrainMulti_7030_splits", "splits")

# Training and test videos of splits 1 to 3.
UCF101_COUNTS = ((9537, 3783), (9586, 3734), (9624, 3696))
HMDB51_COUNTS = ((3570, 1530),) * 3

_UCF_CLASSES = "classInd.txt"
_UCF_NAME = re.compile(r"v_(.+)_g\d+_c\d+")
_HMDB_FILE = re.compile(r"(.+)_test_split(\d+)\.txt")


@dataclass(frozen=True)
class _Named:
    """A video as a split file names it."""

    class_name: str
    file_name: str
    held_out: bool


def is_ucf101(folder: Path) -> bool:
    """Whether a folder holds the split files of UCF101."""
    return (folder / _UCF_CLASSES).is_file()


def is_hmdb51(folder: Path) -> bool:
    """Whether a folder holds split files of HMDB51's form."""
    return next(folder.glob("*_test_split1.txt"), None) is not None


def listed_classes(lists: Path) -> set[str]:
    """Return the classes of a folder of split files; raises DataError."""
    if is_ucf101(lists):
        return set(_ucf_classes(lists / _UCF_CLASSES).values())
    return set(_hmdb_classes(lists))


def ucf101_split(
    root: Path, lists: Path, split: int, *, skip_missing: bool = False
) -> tuple[VideoDataset, VideoDataset]:
    """Return training and test videos of a split of UCF101, 1 to 3, whose videos lie anywhere in `root`.

    Raises:
        DataError: a list cannot be read or contradicts itself, or, unless `skip_missing`, names missing videos.
    """
    classes = _ucf_classes(lists / _UCF_CLASSES)
    named = [
        *_ucf_list(lists / f"trainlist{split:02}.txt", classes, held_out=False),
        *_ucf_list(lists / f"testlist{split:02}.txt", classes, held_out=True),
    ]
    return _find_videos(root, lists, sorted(classes.values()), named, skip_missing)


def hmdb51_split(
    root: Path, lists: Path, split: int, *, skip_missing: bool = False
) -> tuple[VideoDataset, VideoDataset]:
    """Return training and test videos of a split of HMDB51 or JHMDB, 1 to 3, whose videos lie anywhere in `root`.

    Raises:
        DataError: a list cannot be read or contradicts itself, or, unless `skip_missing`, names missing videos.
    """
    files = {name: lists / f"{name}_test_split{split}.txt" for name in _hmdb_classes(lists)}
    if not files:
        raise DataError(f"{lists} has no split files such as wave_test_split{split}.txt.")
    named = [video for name, path in files.items() for video in _hmdb_list(path, name)]
    return _find_videos(root, lists, list(files), named, skip_missing)


def _hmdb_classes(lists: Path) -> list[str]:
    return sorted({match[1] for path in lists.glob("*.txt") if (match := _HMDB_FILE.fullmatch(path.name))})


def _ucf_classes(path: Path) -> dict[int, str]:
    classes: dict[int, str] = {}
    for place, words in _lines(path):
        if len(words) != 2 or not words[0].isdecimal():
            raise DataError(f"{place} is not a number and a class: {' '.join(words)!r}.")
        if int(words[0]) in classes or words[1] in classes.values():
            raise DataError(f"{place} names a number or a class a second time: {' '.join(words)!r}.")
        classes[int(words[0])] = words[1]
    return classes


def _ucf_list(path: Path, classes: dict[int, str], *, held_out: bool) -> Iterator[_Named]:
    by_folded = {name.casefold(): name for name in classes.values()}
    for place, words in _lines(path):
        # A test list has no numbers.
        number = words.pop() if len(words) == 2 and words[1].isdecimal() else None
        if len(words) != 1:
            raise DataError(f"{place} is not a video and its class's number: {' '.join(words)!r}.")
        name = PurePosixPath(words[0])
        told = name.parent.name or ((match := _UCF_NAME.fullmatch(name.stem)) and match[1]) or ""
        class_name = by_folded.get(told.casefold())
        if number is not None and int(number) not in classes:
            raise DataError(f"{place} gives {name} the number {number}, which {_UCF_CLASSES} does not have.")
        if number is not None and class_name not in {None, classes[int(number)]}:
            raise DataError(f"{place} gives {name} the number {number}, which is {classes[int(number)]}.")
        if number is not None:
            class_name = classes[int(number)]
        if class_name is None:
            raise DataError(f"{place} names {name}, whose class {_UCF_CLASSES} does not have.")
        yield _Named(class_name, name.name, held_out)


def _hmdb_list(path: Path, class_name: str) -> Iterator[_Named]:
    for place, words in _lines(path):
        *name, mark = words
        if not name or mark not in {"0", "1", "2"}:
            raise DataError(f"{place} is not a video and a mark 0, 1 or 2: {' '.join(words)!r}.")
        if mark != "0":
            yield _Named(class_name, " ".join(name), mark == "2")


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of each line that has some, and what a message calls the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"The split file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"The split file {path} is no text in UTF-8.") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if words := line.split():
            yield f"{path}, line {number},", words


def _find_videos(
    root: Path, lists: Path, classes: list[str], named: list[_Named], skip_missing: bool
) -> tuple[VideoDataset, VideoDataset]:
    check_classes(lists, tuple(classes))
    files = _VideoFiles(root)
    label = {name: i for i, name in enumerate(classes)}
    sides: tuple[list[LabelledVideo], list[LabelledVideo]] = ([], [])
    missing: list[str] = []
    seen: set[Path] = set()
    for video in named:
        path = files.find(video)
        if path is None:
            missing.append(video.file_name)
            # Left in, so that reading it is skipped, counted and reported like any video that cannot be read.
            path = root / video.class_name / video.file_name
        if path in seen:
            raise DataError(f"{lists} names {video.file_name} twice.")
        seen.add(path)
        source = source_video(path.stem, video.class_name)
        sides[video.held_out].append(LabelledVideo(path, label[video.class_name], source))
    if missing and not skip_missing:
        raise DataError(
            f"{lists} names {len(missing)} of {len(named)} videos that are not in {root}, such as "
            f"{listed(missing[:3])}; data.missing = 'skip' goes on without them."
        )
    training, validation = (VideoDataset(root, tuple(classes), tuple(videos)) for videos in sides)
    check_sides(lists, training, validation)
    return training, validation


class _VideoFiles:
    """The videos of a folder by their names."""

    def __init__(self, root: Path) -> None:
        self._by_stem: dict[str, list[Path]] = {}
        for path in all_videos(root):
            self._by_stem.setdefault(path.stem.casefold(), []).append(path)

    def find(self, video: _Named) -> Path | None:
        """Return the file of a video; of several the one of the very name, then the one in its class's folder."""
        found = self._by_stem.get(PurePosixPath(video.file_name).stem.casefold(), [])
        stem = PurePosixPath(video.file_name).stem
        found = [path for path in found if path.stem == stem] or found
        found = [path for path in found if path.parent.name == video.class_name] or found
        found = [path for path in found if path.name == video.file_name] or found
        if len(found) > 1:
            raise DataError(f"{video.file_name} is there more than once: {found[0]} and {found[1]}.")
        return found[0] if found else None
