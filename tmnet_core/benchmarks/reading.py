"""How fast clips are read from files and from packed frames, augmented, and handed over by the loader."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import Clock, time_interleaved
from tmnet_core.config import DataSection
from tmnet_core.data.annotations import VideoDataset, folder_of_classes
from tmnet_core.data.augmentation import MultiScaleCrop, crop_and_resize
from tmnet_core.data.clip_sources import PackedClips
from tmnet_core.data.clips import ClipDataset, ClipSource, EpochSampler, VideoClips, build_loader
from tmnet_core.data.packed_frames import PackedFrames, PackHeader
from tmnet_core.data.packing import pack_dataset
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.sampling import ClipSampling
from tmnet_core.data.synthetic_people import render_clip
from tmnet_core.errors import SourceError
from tmnet_core.opencv import cv2

# As UCF101's, which are 320×240 and 186 frames long on average.
VIDEO_FRAMES = 180
VIDEO_SIZE = (320, 240)
VIDEOS = 4
CLIPS = 8
SAMPLING = ClipSampling("interval", 16, 2)
JPEG, RAW = PackHeader(), PackHeader(encoding="raw", quality=0)
# Processes of the loader: none beside this one, and one for each core.
WORKERS = (0, os.cpu_count() or 1)
# Frames from one key frame to the next.
GROUPS = {"short GOP": 12, "long GOP": 250}

Frames = npt.NDArray[np.uint8]


def measure(conditions: Conditions) -> list[Figure]:
    """Return the rates of reading, augmenting and loading, each over that of the way it replaces."""
    with _rendered_videos() as root, _packed(root, JPEG) as packed, _packed(root, RAW) as raw:
        files = packed.source
        figures = _reading_figures(conditions, files, packed, raw)
        figures.append(_augmentation_figure(conditions, files))
        figures += _loading_figures(conditions, files, packed)
    return figures


def read_in_sequence(path: Path, indices: Sequence[int]) -> Frames:
    """Read from the beginning to the last frame asked for with OpenCV, on one thread, and keep those asked for."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    wanted = set(indices)
    frames = []
    for index in range(max(indices) + 1):
        ok, frame = video.read()
        if not ok:
            raise SourceError(f"{path} has no frame {index}.")
        if index in wanted:
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    video.release()
    return np.stack(frames).astype(np.uint8)


def augment_twice_resized(
    frames: Frames, crop: MultiScaleCrop, size: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Augment as is usual: each frame as floats resized to 256×256, cropped, resized again, flipped, normalised."""
    preprocessing = Preprocessing()
    box = crop.draw(rng, 256, 256)
    flip = rng.random() < 0.5
    clip = np.empty((len(frames), 3, size, size), dtype=np.float32)
    for place, frame in zip(clip, frames, strict=True):
        square = cv2.resize(frame.astype(np.float32) / 255.0, (256, 256), interpolation=cv2.INTER_LINEAR)
        cut = square[box.top : box.bottom, box.left : box.right]
        image = cv2.resize(cut, (size, size), interpolation=cv2.INTER_LINEAR)
        if flip:
            image = image[:, ::-1]
        place[:] = ((image - preprocessing.mean) / preprocessing.std).transpose(2, 0, 1)
    return clip


def _reading_figures(conditions: Conditions, files: VideoClips, packed: PackedClips, raw: PackedClips) -> list[Figure]:
    cases: dict[str, Callable[[], object]] = {}
    for name in GROUPS:
        clips = _clips(files, name)
        cases[f"{name}, cv2"] = partial(_read_all, lambda i, frames: read_in_sequence(_path(files, i), frames), clips)
        cases[f"{name}, files"] = partial(_read_all, files.read, clips)
        cases[f"{name}, packed"] = partial(_read_all, packed.read, clips)
        cases[f"{name}, raw"] = partial(_read_all, raw.read, clips)
    timings = conditions.time(cases)
    reaches = {
        ("short GOP", "files"): ">= 1.8",
        ("short GOP", "packed"): ">= 2.5",
        ("long GOP", "files"): "",
        ("long GOP", "packed"): ">= 7",
    }
    figures = [
        ratio_figure(
            timings,
            f"{name}, cv2",
            f"{name}, {way}",
            limit,
            what=f"16 frames at interval 2, {name}: cv2 from the beginning / {'one seek' if way == 'files' else way}",
        )
        for (name, way), limit in reaches.items()
    ]
    what = "16 frames at interval 2, packed: as JPEGs / as raw pixels"
    return [*figures, ratio_figure(timings, "short GOP, packed", "short GOP, raw", what=what)]


def _augmentation_figure(conditions: Conditions, files: VideoClips) -> Figure:
    index, frames = _clips(files, "short GOP")[0]
    clip = files.read(index, frames)
    crop = MultiScaleCrop()
    rng = np.random.default_rng(0)

    def one_resize() -> object:
        return crop_and_resize(clip, crop.draw(rng, *VIDEO_SIZE), 224)

    timings = conditions.time({"once": one_resize, "twice": lambda: augment_twice_resized(clip, crop, 224, rng)})
    return ratio_figure(
        timings,
        "once",
        "twice",
        "<= 0.15",
        what="augmenting 16 frames: one crop and resize in uint8, the rest on the device / two resizes of floats",
    )


def _loading_figures(conditions: Conditions, files: VideoClips, packed: PackedClips) -> list[Figure]:
    """Return the loader's clips a second, in this process and in as many as there are cores; those by the wall."""
    figures = []
    for workers in WORKERS:
        loads = {name: _load_epochs(source, workers) for name, source in _sources(files, packed).items()}
        clock: Clock = "wall" if workers else conditions.clock
        rounds = max(3, conditions.rounds // 2)
        timings = time_interleaved(loads, rounds, warmup=1, clock=clock, progress=conditions.progress)
        rates = {name: len(files) / timings.median(name) for name in loads}
        figure = ratio_figure(timings, "files", "packed", what=f"loading an epoch, {workers} workers: files / packed")
        detail = " / ".join(f"{rates[name]:.0f} clips/s" for name in loads)
        figures.append(figure.model_copy(update={"detail": detail}))
    return figures


def _sources(files: VideoClips, packed: PackedClips) -> dict[str, ClipSource]:
    return {"files": files, "packed": packed}


def _load_epochs(source: ClipSource, workers: int) -> Callable[[], object]:
    """Return a function that loads one epoch of augmented clips; the workers stay."""
    dataset = ClipDataset(source, SAMPLING, size=224)
    sampler = EpochSampler(len(dataset), seed=0)
    # Batches so small that every worker has some.
    loader = build_loader(dataset, 2, sampler=sampler, workers=workers)
    return lambda: sum(len(batch) for batch in loader)


def _read_all(read: Callable[[int, Sequence[int]], object], clips: list[tuple[int, list[int]]]) -> None:
    for index, frames in clips:
        read(index, frames)


def _clips(files: VideoClips, name: str) -> list[tuple[int, list[int]]]:
    """Return clips of this class's videos in turn, whose beginnings are spread evenly over where they may lie."""
    label = files.classes.index(name)
    videos = [index for index in range(len(files)) if files.label(index) == label]
    span = SAMPLING.interval * (SAMPLING.frames - 1)
    starts = [int((i + 0.5) / CLIPS * (VIDEO_FRAMES - span)) for i in range(CLIPS)]
    return [
        (videos[i % len(videos)], list(range(start, start + span + 1, SAMPLING.interval)))
        for i, start in enumerate(starts)
    ]


def _path(files: VideoClips, index: int) -> Path:
    return files.dataset.videos[index].path


@contextmanager
def _rendered_videos() -> Iterator[Path]:
    """Yield a folder of rendered people, a class for each length of the groups of pictures."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "videos"
        for number in range(VIDEOS):
            frames = render_clip(number, number, frames=VIDEO_FRAMES, size=VIDEO_SIZE).frames
            for name, group in GROUPS.items():
                (root / name).mkdir(parents=True, exist_ok=True)
                _write(root / name / f"{number}.mp4", frames, group)
        yield root


@contextmanager
def _packed(root: Path, header: PackHeader) -> Iterator[PackedClips]:
    report = pack_dataset(DataSection(root=str(root), packed=f"../{header.encoding}"), header)
    frames = PackedFrames(report.folder)
    dataset: VideoDataset = folder_of_classes(root)
    yield PackedClips(VideoClips(dataset), frames)
    frames.close()


def _write(path: Path, frames: Frames, group: int) -> None:
    options = {"g": str(group), "keyint_min": str(group), "sc_threshold": "0", "crf": "20"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *VIDEO_SIZE, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
