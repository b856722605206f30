"""Which video shows which class, and which videos are held out for validation."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tmnet_core.errors import DataError

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts",
    ".vob", ".webm", ".wmv",
})
# fmt: on
SPLIT_FILE = "split.csv"
_SPLIT_COLUMNS = ("path", "label", "subset")
_SUBSETS = ("train", "validation")
_SPLIT_ATTEMPTS = 20

# HMDB51 and JHMDB: visible body parts, camera motion, people, viewpoint, quality, clip number.
_HMDB_MARKS = r"_[a-z]+_(?:cm|nm)_np\d+_(?:fr|ba|le|ri)_(?:goo|med|bad)_\d+"
_UCF_CLIP = re.compile(r"(v_.+_g\d+)_c\d+")


@dataclass(frozen=True)
class LabelledVideo:
    """One video file.

    Attributes:
        label: its class's position in `VideoDataset.classes`.
        source: the source video that it was cut from; clips of one source look alike.
    """

    path: Path
    label: int
    source: str


@dataclass(frozen=True)
class VideoDataset:
    """Labelled videos; a part of a data set keeps all classes of the whole, so that labels agree."""

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
    folders = [entry for entry in _visible_entries(root) if entry.is_dir()]
    if not folders:
        raise DataError(f"{root} has no class folders.")
    classes = tuple(sorted(folder.name for folder in folders))
    _check_classes(root, classes)
    videos: list[LabelledVideo] = []
    for label, name in enumerate(classes):
        paths = [path for path in _visible_entries(root / name) if _is_video(path)]
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


def split_by_source(dataset: VideoDataset, validation_fraction: float, seed: int) -> tuple[VideoDataset, VideoDataset]:
    """Split into training and validation so that no source video is on both sides.

    About `validation_fraction` of each class's videos is held out. A source that occurs in several classes moves
    as a whole; every class of two or more sources is on both sides, a class of one source only in training.
    The same seed and file names give the same split, whatever order the videos come in.

    Raises:
        DataError: the sources do not allow such a split.
    """
    if not 0.0 < validation_fraction < 1.0:
        raise ValueError(f"validation_fraction is {validation_fraction}, not between 0 and 1")
    sources = sorted({video.source for video in dataset.videos})
    row = {source: i for i, source in enumerate(sources)}
    counts = np.zeros((len(sources), len(dataset.classes)), dtype=np.int64)
    for video in dataset.videos:
        counts[row[video.source], video.label] += 1
    if not ((counts > 0).sum(axis=0) >= 2).any():
        raise DataError(f"{dataset.root} cannot be split: each class comes from a single source video.")
    rng = np.random.default_rng(seed)
    attempts = (_hold_out(counts, validation_fraction, rng) for _ in range(_SPLIT_ATTEMPTS))
    held_out = next((attempt for attempt in attempts if attempt is not None), None)
    if held_out is None:
        raise DataError(
            f"{dataset.root} cannot be split by source video with every class on both sides, because classes "
            f"share too few sources; name the validation videos in {SPLIT_FILE}."
        )
    return _divide(dataset, lambda video: bool(held_out[row[video.source]]))


def predefined_split(root: Path | str) -> tuple[VideoDataset, VideoDataset]:
    """Read training and validation from `split.csv` in `root`.

    Its columns are `path` (relative to `root`), `label` (a class name) and `subset` (`train` or `validation`).

    Raises:
        DataError: the file cannot be read, a column is missing, a row names a missing file or an unknown subset
            or a video a second time, or a class has no training videos.
    """
    root = Path(root)
    rows = _read_split_rows(root / SPLIT_FILE)
    classes = tuple(sorted({row["label"] for row in rows}))
    _check_classes(root, classes)
    label = {name: i for i, name in enumerate(classes)}
    subsets: dict[Path, str] = {}
    videos: list[LabelledVideo] = []
    for row in rows:
        path = root / row["path"]
        if not path.is_file():
            raise DataError(f"{root / SPLIT_FILE} names {row['path']}, which does not exist.")
        if path in subsets:
            raise DataError(f"{root / SPLIT_FILE} names {row['path']} twice.")
        subsets[path] = row["subset"]
        videos.append(LabelledVideo(path, label[row["label"]], source_video(path.stem, row["label"])))
    whole = VideoDataset(root, classes, tuple(videos))
    training, validation = _divide(whole, lambda video: subsets[video.path] == "validation")
    if untrained := set(range(len(classes))) - {video.label for video in training.videos}:
        raise DataError(f"{root / SPLIT_FILE} has no training videos of {_listed(classes[i] for i in untrained)}.")
    if not validation.videos:
        raise DataError(f"{root / SPLIT_FILE} has no validation videos.")
    return training, validation


def load_split(
    root: Path | str, validation_fraction: float, seed: int, validation_root: Path | str | None = None
) -> tuple[VideoDataset, VideoDataset]:
    """Return training and validation: from two folders, by `root`'s own `split.csv`, or split by source video.

    Raises:
        DataError: either folder cannot be used, or the two do not have the same classes.
    """
    if validation_root is not None:
        training, validation = folder_of_classes(root), folder_of_classes(validation_root)
        _check_same_classes(training, validation)
        return training, validation
    if (Path(root) / SPLIT_FILE).is_file():
        return predefined_split(root)
    return split_by_source(folder_of_classes(root), validation_fraction, seed)


def _visible_entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        cause = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"The data folder {folder} {cause}.")
    try:
        return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"The data folder {folder} cannot be read: {error.strerror}.") from error


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()


def _natural_key(name: str) -> list[str | int]:
    return [int(part) if i % 2 else part.casefold() for i, part in enumerate(re.split(r"([0-9]+)", name))]


def _check_classes(root: Path, classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        raise DataError(f"{root} has only one class, {_listed(classes)}; training needs two or more.")
    by_folded: dict[str, str] = {}
    for name in classes:
        other = by_folded.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(f"The classes {other!r} and {name!r} of {root} differ only by case.")


def _check_same_classes(training: VideoDataset, validation: VideoDataset) -> None:
    missing = sorted(set(training.classes) - set(validation.classes))
    unknown = sorted(set(validation.classes) - set(training.classes))
    differences = [f"lacks {_listed(missing)}"] * bool(missing) + [f"adds {_listed(unknown)}"] * bool(unknown)
    if differences:
        raise DataError(
            f"The classes of {validation.root} are not those of {training.root}: it {' and '.join(differences)}."
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _divide(dataset: VideoDataset, held_out: Callable[[LabelledVideo], bool]) -> tuple[VideoDataset, VideoDataset]:
    training = tuple(video for video in dataset.videos if not held_out(video))
    validation = tuple(video for video in dataset.videos if held_out(video))
    return replace(dataset, videos=training), replace(dataset, videos=validation)


def _read_split_rows(path: Path) -> list[dict[str, str]]:
    try:
        # utf-8-sig: spreadsheets write a byte order mark.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            missing = [column for column in _SPLIT_COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path} lacks the column {_listed(missing)}.")
            rows = list(reader)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}.") from error
    for number, row in enumerate(rows, start=1):
        if row["subset"] not in _SUBSETS:
            raise DataError(f"{path} has the unknown subset {row['subset']!r} in row {number}.")
        if not row["path"] or not row["label"]:
            raise DataError(f"{path} has no path or no label in row {number}.")
    if not rows:
        raise DataError(f"{path} names no videos.")
    return rows


def _hold_out(counts: npt.NDArray[np.int64], fraction: float, rng: np.random.Generator) -> npt.NDArray[np.bool_] | None:
    """Choose the sources to hold out from their S×K counts of videos; None if a class would lack a side."""
    splittable = (counts > 0).sum(axis=0) >= 2
    # The only source of a class has to be trained on, and takes its videos of other classes along.
    free = np.flatnonzero((counts[:, ~splittable] == 0).all(axis=1))
    share = counts / np.maximum(counts.sum(axis=0), 1)
    target = np.where(splittable, fraction, 0.0)
    held_out = np.zeros(len(counts), dtype=bool)
    held_share = np.zeros_like(target)
    for source in rng.permutation(free):
        if _distance(held_share + share[source], target) < _distance(held_share, target):
            held_out[source] = True
            held_share += share[source]
    return _fill_both_sides(held_out, free, share, target)


def _fill_both_sides(
    held_out: npt.NDArray[np.bool_],
    free: npt.NDArray[np.int64],
    share: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_] | None:
    """Move single sources until every class with a target is on both sides; None where no move helps."""
    occurs = (share > 0)[:, target > 0].astype(np.float64)
    absent = _absent(held_out @ occurs, occurs)
    while absent > 0:
        direction = np.where(held_out[free], -1.0, 1.0)[:, None]
        absent_after = _absent(held_out @ occurs + direction * occurs[free], occurs)
        distance_after = _distance(held_out @ share + direction * share[free], target)
        if not absent_after.size or absent_after.min() >= absent:
            return None
        best = np.lexsort((distance_after, absent_after))[0]
        held_out[free[best]] ^= True
        absent = absent_after[best]
    return held_out


def _absent(held: npt.NDArray[np.float64], occurs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Count the classes that lack a side, given how many of their sources (last axis) are held out."""
    one_sided = (held == 0) | (held == occurs.sum(axis=0))
    return np.asarray(one_sided.sum(axis=-1), dtype=np.float64)


def _distance(share: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(((share - target) ** 2).sum(axis=-1), dtype=np.float64)
