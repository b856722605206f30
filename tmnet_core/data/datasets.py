"""The data set that a recipe names, in whatever form it comes: folders of classes, a CSV file, or official splits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tmnet_core.config import DataSection
from tmnet_core.data.annotations import VideoDataset, folder_of_classes, listed, visible_entries
from tmnet_core.data.csv_annotations import csv_split
from tmnet_core.data.official_splits import (
    HMDB51_FOLDERS,
    UCF101_FOLDER,
    hmdb51_split,
    is_hmdb51,
    is_ucf101,
    listed_classes,
    ucf101_split,
)
from tmnet_core.data.splitting import split_by_source
from tmnet_core.errors import DataError

Format = Literal["folders", "csv", "ucf101", "hmdb51"]

SYNTHETIC_PEOPLE = "synthetic-people"

SPLIT_FILE = "split.csv"


@dataclass(frozen=True)
class Layout:
    """What form a data set has.

    Attributes:
        root: the folder that its videos lie in.
        annotations: the CSV file or the folder of lists; None for folders of classes.
    """

    format: Format
    root: Path
    annotations: Path | None


def find_layout(data: DataSection) -> Layout:
    """Return the form of a recipe's data; raises DataError where it is not clear or its annotations are missing."""
    if data.root == SYNTHETIC_PEOPLE:
        raise DataError(f"{SYNTHETIC_PEOPLE} is rendered as it is trained on: there are no files.")
    root = Path(data.root).expanduser()
    if root.is_file() and root.suffix.lower() == ".csv" and data.format in {"auto", "csv"}:
        return Layout("csv", root.parent, root)
    visible_entries(root)
    if data.annotations:
        annotations = root / Path(data.annotations).expanduser()
        if not annotations.exists():
            raise DataError(f"The annotations {annotations} do not exist.")
        found = _format_of(annotations) if data.format == "auto" else data.format
        if found is None:
            raise DataError(f"{annotations} is neither a CSV file nor a folder of UCF101's or HMDB51's lists.")
        return Layout(found, root, None if found == "folders" else annotations)
    if data.format == "auto":
        return _detect(root)
    return Layout(data.format, root, _search(data.format, root))


def data_form(data: DataSection) -> str:
    """Return what says which videos are for validation, such as `folders` or `ucf101`; raises DataError."""
    if data.root == SYNTHETIC_PEOPLE:
        return SYNTHETIC_PEOPLE
    return "validation_root" if data.validation_root else find_layout(data).format


def describe_split(data: DataSection) -> str:
    """Return what chose a recipe's validation videos, for a person; raises DataError."""
    form = data_form(data)
    known = {
        SYNTHETIC_PEOPLE: "other people and places",
        "folders": f"split by source, seed {data.split_seed}",
        "validation_root": f"those in {data.validation_root}",
        "csv": "as the CSV file says",
    }
    return known.get(form, f"{form}, split {data.split}")


def is_official(data: DataSection) -> bool:
    """Tell whether published lists choose a recipe's validation videos; raises DataError."""
    return data_form(data) not in (SYNTHETIC_PEOPLE, "folders", "validation_root", "csv")


def load_split(data: DataSection) -> tuple[VideoDataset, VideoDataset]:
    """Return training and validation videos, as the data set's own annotations say, else split by source video.

    With `validation_root` both are folders of classes and neither is split.

    Raises:
        DataError: the data set, or its annotations, cannot be used; the classes of the two folders differ, or a video
            is in both.
    """
    if data.validation_root:
        training = folder_of_classes(Path(data.root).expanduser())
        validation = folder_of_classes(Path(data.validation_root).expanduser())
        _check_same_classes(training, validation)
        _check_apart(training, validation)
        return training, validation
    layout = find_layout(data)
    skip = data.missing == "skip"
    if layout.annotations is None:
        return split_by_source(folder_of_classes(layout.root), data.validation_fraction, data.split_seed)
    if layout.format == "ucf101":
        return ucf101_split(layout.root, layout.annotations, data.split, skip_missing=skip)
    if layout.format == "hmdb51":
        return hmdb51_split(layout.root, layout.annotations, data.split, skip_missing=skip)
    return csv_split(layout.annotations, layout.root, data.validation_fraction, data.split_seed, skip_missing=skip)


def load_all(data: DataSection) -> VideoDataset:
    """Return training and validation videos together; raises DataError."""
    if not data.validation_root and find_layout(data).annotations is None:
        # Also where the folders' sources allow no split.
        return folder_of_classes(Path(data.root).expanduser())
    training, validation = load_split(data)
    return VideoDataset(training.root, training.classes, training.videos + validation.videos)


def _format_of(annotations: Path) -> Format | None:
    if annotations.is_file():
        return "csv" if annotations.suffix.lower() == ".csv" else None
    if is_ucf101(annotations):
        return "ucf101"
    return "hmdb51" if is_hmdb51(annotations) else None


def _detect(root: Path) -> Layout:
    """Look for annotations in `root`; folders of classes where there are none."""
    places = [root / SPLIT_FILE, root, *(root / name for name in (UCF101_FOLDER, *HMDB51_FOLDERS))]
    found = {place: format_ for place in places if place.exists() and (format_ := _format_of(place)) is not None}
    if len(found) > 1:
        raise DataError(
            f"{root} holds more than one form of annotations, {listed(str(place) for place in found)}; "
            "say data.annotations."
        )
    for place, format_ in found.items():
        return Layout(format_, root, place)
    return _detect_beside(root) or Layout("folders", root, None)


def _detect_beside(root: Path) -> Layout | None:
    """Look beside `root`, where archives of lists and of videos unpack side by side, for lists of its very classes."""
    folders = {entry.name.casefold() for entry in visible_entries(root) if entry.is_dir()}
    for name in (UCF101_FOLDER, *HMDB51_FOLDERS):
        lists = root.parent / name
        found = _format_of(lists) if lists.is_dir() else None
        if found is not None and folders and folders == {name.casefold() for name in listed_classes(lists)}:
            return Layout(found, root, lists)
    return None


def _search(wanted: Format, root: Path) -> Path | None:
    """Return the annotations of a form that was asked for, in or beside `root`."""
    if wanted == "folders":
        return None
    names = {"csv": (SPLIT_FILE,), "ucf101": (UCF101_FOLDER,), "hmdb51": HMDB51_FOLDERS}[wanted]
    places = [root, *(folder / name for folder in (root, root.parent) for name in names)]
    for place in places:
        if place.exists() and _format_of(place) == wanted:
            return place
    raise DataError(
        f"{root} has no annotations of the form {wanted!r} ({' or '.join(names)}) in it or beside it; "
        "say data.annotations."
    )


def _check_same_classes(training: VideoDataset, validation: VideoDataset) -> None:
    missing = sorted(set(training.classes) - set(validation.classes))
    unknown = sorted(set(validation.classes) - set(training.classes))
    differences = [f"lacks {listed(missing)}"] * bool(missing) + [f"adds {listed(unknown)}"] * bool(unknown)
    if differences:
        raise DataError(
            f"The classes of {validation.root} are not those of {training.root}: it {' and '.join(differences)}."
        )


def _check_apart(training: VideoDataset, validation: VideoDataset) -> None:
    """Raise where a file is on both sides, such as through a link: names alone do not say that two are the same."""
    trained = {os.path.realpath(video.path) for video in training.videos}
    shared = next((video for video in validation.videos if os.path.realpath(video.path) in trained), None)
    if shared is not None:
        raise DataError(
            f"data.validation_root {validation.root} and data.root {training.root} both have {shared.path.name}: what "
            "is trained on cannot be validated on."
        )
