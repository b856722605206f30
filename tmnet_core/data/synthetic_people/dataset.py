"""A seeded collection of clips: rendered on the fly, or written as an ordinary video data set."""

import csv
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.actions import CLASSES
from tmnet_core.data.synthetic_people.renderer import RenderedClip, Subset, render_clip
from tmnet_core.errors import DataError
from tmnet_core.files import replacing

_SEEDS_A_COLLECTION = 1 << 24
_GROUP_OF_PICTURES = 8  # frames between key frames: seeking stays cheap
_QUALITY_CRF = 18


@dataclass(frozen=True)
class SyntheticPeople:
    """Clips numbered from 0, classes in turn; the same arguments give the same pixels everywhere.

    Training and validation share no person and no background, whatever their seeds.
    """

    clips: int
    seed: int = 0
    subset: Subset = "train"
    size: tuple[int, int] = (160, 120)
    frames: int = 32
    fps: float = 25
    classes: tuple[str, ...] = CLASSES

    def __post_init__(self) -> None:
        if unknown := [name for name in self.classes if name not in CLASSES]:
            raise DataError(f"There is no synthetic action {unknown[0]!r}; there are {', '.join(CLASSES)}.")
        if not self.classes or len(set(self.classes)) < len(self.classes):
            raise DataError("Synthetic people need at least one class, and each class once.")
        if not 0 < self.clips < _SEEDS_A_COLLECTION:
            raise DataError(f"There cannot be {self.clips} synthetic clips; 1 to {_SEEDS_A_COLLECTION - 1} can be.")
        if self.seed < 0:
            raise DataError(f"The seed {self.seed} is negative; seeds are 0 or more.")

    def __len__(self) -> int:
        return self.clips

    def label(self, i: int) -> int:
        """Position in `classes`."""
        return i % len(self.classes)

    def clip(self, i: int, indices: Sequence[int] | None = None) -> npt.NDArray[np.uint8]:
        """(T, H, W, 3) uint8 RGB: the whole clip, or those of its frames."""
        return self.rendered(i, indices).frames

    def rendered(self, i: int, indices: Sequence[int] | None = None, ground_truth: bool = False) -> RenderedClip:
        """The clip with its joints, and on request its masks and motion; its label is that within `CLASSES`."""
        if not 0 <= i < self.clips:
            raise IndexError(f"clip {i} of {self.clips}")
        return render_clip(
            self.classes[self.label(i)],
            self.seed * _SEEDS_A_COLLECTION + i,
            frames=self.frames,
            size=self.size,
            fps=self.fps,
            subset=self.subset,
            indices=indices,
            ground_truth=ground_truth,
        )


def write_dataset(
    out: Path,
    clips: int,
    *,
    size: tuple[int, int] = (160, 120),
    seed: int = 0,
    classes: Sequence[str] = CLASSES,
    validation_fraction: float = 0.2,
    frames: int = 32,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 0,
) -> Path:
    """Write OUT/<class>/<subject>_<class>_<number>.mp4 and OUT/split.csv, and return the latter's path.

    `progress` gets the number of clips written and of all. With `workers` > 0 that many processes render.
    `split.csv` comes last, so a folder without it was interrupted, and the same call completes it.

    Raises:
        DataError: OUT already holds a data set, or an argument cannot be used.
    """
    split = out / "split.csv"
    if split.exists():
        raise DataError(f"{out} already holds a data set.")
    if size[0] % 2 or size[1] % 2:
        raise DataError(f"A video of {size[0]}×{size[1]} cannot be written: width and height have to be even.")
    if clips < 2 * len(classes):
        raise DataError(f"{clips} clips are too few: both subsets need each of the {len(classes)} classes.")
    validation = min(max(round(validation_fraction * clips), len(classes)), clips - len(classes))
    parts = {"train": clips - validation, "validation": validation}
    jobs = [
        (out, SyntheticPeople(count, seed, subset, size, frames, classes=tuple(classes)), i)  # type: ignore[arg-type]
        for subset, count in parts.items()
        for i in range(count)
    ]
    for name in classes:
        (out / name).mkdir(parents=True, exist_ok=True)
    rows = []
    with _mapping(workers) as run:
        for done, row in enumerate(run(_write_clip, jobs), start=1):
            rows.append(row)
            if progress is not None:
                progress(done, clips)
    with replacing(split) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "subset"])
        writer.writerows(rows)
    return split


_Job = tuple[Path, SyntheticPeople, int]
_Row = tuple[str, str, str]


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[[Callable[[_Job], _Row], list[_Job]], Iterable[_Row]]]:
    """An ordered map in this process, or in spawned ones."""
    if workers < 1:
        yield map
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield lambda function, jobs: pool.imap(function, jobs, chunksize=4)


def _write_clip(job: _Job) -> _Row:
    out, people, i = job
    clip = people.rendered(i)
    # Numbers are unique within a class and a subset, and subjects differ between subsets.
    number = i // len(people.classes)
    relative = f"{clip.class_name}/{clip.subject}_{clip.class_name}_{number:04d}.mp4"
    with replacing(out / relative) as temporary:
        write_video(temporary, clip.frames, people.fps, people.size)
    return relative, clip.class_name, people.subset


def write_video(path: Path, frames: Iterable[npt.NDArray[np.uint8]], fps: float, size: tuple[int, int]) -> None:
    """Encode (H, W, 3) RGB frames as H.264 in an MP4 container with a key frame every few pictures."""
    with av.open(str(path), "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)
        options = {"crf": str(_QUALITY_CRF), "preset": "veryfast", "threads": "1"}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = _GROUP_OF_PICTURES
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
