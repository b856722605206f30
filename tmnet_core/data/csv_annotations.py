"""A data set as a table: `path,label`, and where they are known `start,end` in seconds, `subset` and `source`."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from tmnet_core.data.annotations import (
    LabelledVideo,
    VideoDataset,
    check_classes,
    check_sides,
    listed,
    source_video,
)
from tmnet_core.data.splitting import divide, split_by_source
from tmnet_core.errors import DataError
from tmnet_core.files import is_larger

_REQUIRED = ("path", "label")
_MOST_BYTES = 256 * 2**20
_SUBSETS = ("train", "validation")


def csv_split(
    file: Path, root: Path, validation_fraction: float, seed: int, *, skip_missing: bool = False
) -> tuple[VideoDataset, VideoDataset]:
    """Read training and validation from a CSV file with a header.

    Its columns are `path` (relative to `root`, or absolute) and `label` (a class name), and these that may be left out:
    `start` and `end`, in seconds, of the part of the file that shows the action; `subset`, `train` or `validation`;
    `source`, what parts of one source video have in common. Without `subset` the videos are split by source.

    Raises:
        DataError: the file cannot be read, a column is missing, a row cannot be used or occurs twice, a class has no
            training videos, a source is in both subsets, or, unless `skip_missing`, a file does not exist.
    """
    rows = _read_rows(file)
    classes = tuple(sorted({row["label"] for row in rows}))
    check_classes(file, classes)
    label = {name: i for i, name in enumerate(classes)}
    subsets: dict[tuple[Path, float, float | None], str] = {}
    videos: list[LabelledVideo] = []
    missing: list[str] = []
    for number, row in enumerate(rows, start=1):
        path = root / row["path"]
        start, end = _part(file, number, row)
        if not _exists(path):
            missing.append(row["path"])
        if (path, start, end) in subsets:
            raise DataError(f"{file} names {row['path']} twice.")
        subsets[path, start, end] = row.get("subset", "")
        source = row.get("source") or _source(root, path, row["label"])
        videos.append(LabelledVideo(path, label[row["label"]], source, start, end))
    if missing and not skip_missing:
        count = f" ({len(missing)} files are missing in all)" if len(missing) > 1 else ""
        raise DataError(f"{file} names {missing[0]}, which does not exist{count}.")
    whole = VideoDataset(root, classes, tuple(videos))
    if "subset" not in rows[0]:
        return split_by_source(whole, validation_fraction, seed)
    sides = divide(whole, lambda video: subsets[video.path, video.start, video.end] == "validation")
    check_sides(file, *sides)
    _check_apart(file, *sides)
    return sides


def _check_apart(file: Path, training: VideoDataset, validation: VideoDataset) -> None:
    """Raise where parts of one file, or videos of one source, are on both sides."""
    sources = {video.source for video in training.videos}
    files = {os.path.realpath(video.path) for video in training.videos}
    for video in validation.videos:
        if video.source in sources:
            shared = f"videos of the source {video.source!r}"
        elif os.path.realpath(video.path) in files:
            shared = f"parts of {video.path.name}"
        else:
            continue
        raise DataError(f"{file} puts {shared} into both subsets, train and validation; they belong into one.")


def _source(root: Path, path: Path, label: str) -> str:
    """Return the source that a file's name tells; else the file is one of its own, in whatever folder it lies."""
    source = source_video(path.stem, label)
    if source != path.stem:
        return source
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that the file system cannot have
        return False


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        if is_larger(path, _MOST_BYTES):
            raise DataError(f"{path} is too large for a table of videos: it has more than {_MOST_BYTES // 2**20} MiB.")
        # utf-8-sig: spreadsheets write a byte order mark.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            missing = [column for column in _REQUIRED if column not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path} lacks the column {listed(missing)}.")
            rows = [{key: value for key, value in row.items() if isinstance(value, str)} for row in reader]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}.") from error
    for number, row in enumerate(rows, start=1):
        if "subset" in row and row["subset"] not in _SUBSETS:
            raise DataError(f"{path} has the unknown subset {row['subset']!r} in row {number}.")
        if not row["path"] or not row["label"]:
            raise DataError(f"{path} has no path or no label in row {number}.")
    if not rows:
        raise DataError(f"{path} names no videos.")
    return rows


def _part(file: Path, number: int, row: dict[str, str]) -> tuple[float, float | None]:
    """Return start and end in seconds; nothing written is the file's own beginning or end."""
    try:
        start = float(row.get("start") or 0.0)
        end = float(row["end"]) if row.get("end") else None
    except ValueError:
        raise DataError(
            f"{file} has start {row.get('start', '')!r} and end {row.get('end', '')!r} in row {number}, which are no "
            "seconds."
        ) from None
    if not start >= 0.0 or not (end is None or end > start):
        until = "the end" if end is None else f"{end:g} s"
        raise DataError(f"{file} has the part from {start:g} s to {until} in row {number}, which there cannot be.")
    return start, end
