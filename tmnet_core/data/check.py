"""A whole data set looked over, file by file: what it holds, which files cannot be read, whose headers lie."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

import platformdirs
from pydantic import BaseModel, ValidationError

from tmnet_core.config import DataSection
from tmnet_core.data.annotations import VideoDataset, all_videos
from tmnet_core.data.datasets import find_layout, load_split
from tmnet_core.data.inspection import VideoReport, crashed_video, inspect_video
from tmnet_core.data.official_splits import HMDB51_COUNTS, UCF101_COUNTS
from tmnet_core.data.preview import one_sided
from tmnet_core.data.spawned import run_spawned
from tmnet_core.errors import DataError

_PUBLISHED = {("ucf101", 101): UCF101_COUNTS, ("hmdb51", 51): HMDB51_COUNTS}


class ClassReport(BaseModel):
    """The videos of one class.

    Attributes:
        training, validation: how many are named for either side, parts of a file one by one.
        frames: the shortest, the median and the longest of those that can be read.
        unreadable, lying, flawed: how many files.
    """

    name: str
    training: int = 0
    validation: int = 0
    frames: tuple[int, float, int] = (0, 0.0, 0)
    unreadable: int = 0
    lying: int = 0
    flawed: int = 0


class DatasetReport(BaseModel):
    """What was found in a data set.

    Attributes:
        form: folders, csv, ucf101 or hmdb51; empty where it cannot be used as a data set.
        problems: a sentence for each thing that is wrong with the whole.
        not_named: how many videos lie in the folder that the annotations do not name.
        sizes, rates: how many files there are of each width×height, and of each number of frames a second.
        videos: each file.
    """

    root: str
    form: str = ""
    split: int = 1
    classes: list[ClassReport] = []
    problems: list[str] = []
    not_named: int = 0
    sizes: dict[str, int] = {}
    rates: dict[str, int] = {}
    seconds: float = 0.0
    videos: list[VideoReport] = []

    @property
    def unreadable(self) -> list[VideoReport]:
        """The files that cannot be read."""
        return [video for video in self.videos if video.error]

    @property
    def lying(self) -> list[VideoReport]:
        """The files whose headers lie."""
        return [video for video in self.videos if video.lies]

    @property
    def flawed(self) -> list[VideoReport]:
        """The files that can be read and have a flaw."""
        return [video for video in self.videos if video.flaws]

    @property
    def sound(self) -> bool:
        """Whether it can be trained on with every file: a lying header or a flaw does not stand against that."""
        return not self.problems and not self.unreadable


def default_journal(root: str) -> Path:
    """Return where what was found in a data set is kept, so that an interrupted check goes on."""
    name = hashlib.sha256(str(Path(root).expanduser().resolve()).encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("tmnet", appauthor=False) / "checks" / f"{name}.jsonl"


def check_dataset(
    data: DataSection,
    journal: Path,
    *,
    workers: int = 0,
    decode: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DatasetReport:
    """Open every file of a recipe's data and report.

    What is wrong with the data is in the report. Each file's findings are added to the journal as they come; those of
    an earlier call are taken from there where the file is still the same.

    Args:
        workers: processes that read; 0 reads in this one.
        decode: decode every frame; without it the packets are counted.
        progress: told how many of the files are done.

    Raises:
        DataError: there is no such folder, or no video in it.
    """
    report, paths, labelled = _list_files(data)
    if not paths:
        raise DataError(f"{data.root} holds no videos.")
    before = _read_journal(journal, decode=decode)
    found = {path: before[path] for path in paths if path in before and before[path].is_of(Path(path))}
    progress(len(found), len(paths))
    journal.parent.mkdir(parents=True, exist_ok=True)
    left = [path for path in paths if path not in found]
    inspected = run_spawned(partial(inspect_video, decode=decode), left, workers, crashed=crashed_video)
    with journal.open("a", encoding="utf-8") as file, closing(inspected):
        if before:
            file.write("\n")  # Ends a line that an interrupted call left half-written.
        for path, seen in inspected:
            found[path] = seen
            file.write(seen.model_dump_json() + "\n")
            file.flush()
            progress(len(found), len(paths))
    report.videos = [found[path] for path in paths]
    _sum_up(report, labelled)
    return report


def _list_files(data: DataSection) -> tuple[DatasetReport, list[str], dict[str, str]]:
    """Return a report of the annotations, the files to open, and the class of each."""
    report = DatasetReport(root=data.root, split=data.split)
    try:
        training, validation = load_split(data)
    except DataError as error:
        report.problems = [str(error)]
        # The files can be looked over all the same, by the folders they lie in.
        paths = [str(path) for path in all_videos(Path(data.root).expanduser())]
        return report, paths, {path: Path(path).parent.name for path in paths}
    report.form = "folders" if data.validation_root else find_layout(data).format
    report.problems = [*one_sided(training, validation), *_published(report.form, data.split, training, validation)]
    counts = [Counter(video.label for video in side.videos) for side in (training, validation)]
    report.classes = [
        ClassReport(name=name, training=counts[0][label], validation=counts[1][label])
        for label, name in enumerate(training.classes)
    ]
    labelled = {str(video.path): side.classes[video.label] for side in (training, validation) for video in side.videos}
    if report.form != "folders":
        named = {Path(path).resolve() for path in labelled}
        report.not_named = sum(path.resolve() not in named for path in all_videos(training.root))
    return report, list(labelled), labelled


def _published(form: str, split: int, training: VideoDataset, validation: VideoDataset) -> list[str]:
    """Return a sentence where the lists are UCF101's or HMDB51's but do not name as many videos as is published."""
    published = _PUBLISHED.get((form, len(training.classes)))
    found = (len(training.videos), len(validation.videos))
    if published is None or found == published[split - 1]:
        return []
    expected = published[split - 1]
    return [
        f"Split {split} names {found[0]} training and {found[1]} test videos, not the published {expected[0]} and "
        f"{expected[1]}."
    ]


def _read_journal(journal: Path, *, decode: bool) -> dict[str, VideoReport]:
    """Return what was found before, the newest last; a half-written line of an interrupted call is passed over."""
    found: dict[str, VideoReport] = {}
    if not journal.is_file():
        return found
    for line in journal.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            seen = VideoReport.model_validate_json(line)
        except ValidationError:
            continue
        if seen.error or not decode or seen.decoded is not None:
            found[seen.path] = seen
    return found


def _sum_up(report: DatasetReport, labelled: dict[str, str]) -> None:
    by_class: dict[str, list[VideoReport]] = {}
    for video in report.videos:
        by_class.setdefault(labelled[video.path], []).append(video)
    if not report.classes:
        report.classes = [ClassReport(name=name) for name in sorted(by_class)]
    for entry in report.classes:
        videos = by_class.get(entry.name, [])
        lengths = sorted(video.frames for video in videos if not video.error)
        if lengths:
            entry.frames = (lengths[0], statistics.median(lengths), lengths[-1])
        entry.unreadable = sum(bool(video.error) for video in videos)
        entry.lying = sum(bool(video.lies) for video in videos)
        entry.flawed = sum(bool(video.flaws) for video in videos)
    readable = [video for video in report.videos if not video.error]
    report.sizes = _counted(f"{video.width}×{video.height}" for video in readable)
    report.rates = _counted(f"{video.fps:.4g}" for video in readable)
    report.seconds = sum(video.seconds for video in readable)


def _counted(values: Iterable[str]) -> dict[str, int]:
    """Count values, the most frequent first."""
    return dict(Counter(values).most_common())
