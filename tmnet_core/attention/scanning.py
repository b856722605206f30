"""Making a scan of a file: a glance at every n-th frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tmnet_core.attention.scan import Scan
from tmnet_core.attention.scan_cache import ScanCache
from tmnet_core.data.decoding import VideoReader
from tmnet_core.data.preprocessing import Crop, Image
from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch

if TYPE_CHECKING:
    # torch comes with it, and the window is there before torch.
    from tmnet_core.live.predictor import GlancePredictor

_A_SECOND = 4.0
_TELL_EVERY = 0.4


def scan_file(
    predictor: GlancePredictor,
    video: Path,
    *,
    every: int | None = None,
    mirror: bool = False,
    crop: Crop | None = None,
    cache: ScanCache | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    grown: Callable[[Scan], None] = lambda scan: None,
    stop: threading.Event | None = None,
) -> Scan:
    """Glance at every n-th frame of a file, or take a scan that was made before from a cache.

    Args:
        predictor: what looks; no other thread may use it meanwhile.
        video: the file.
        every: n; about four frames a second where None.
        mirror: whether the network sees the frames mirrored.
        crop: what part the network sees; the checkpoint's own where None.
        cache: where scans of this network are kept; nothing is looked up or kept where None.
        progress: told (frames done, frames in all).
        grown: given what there is so far, now and then, to draw it while it grows.
        stop: set from another thread, it ends the scan; what there is by then is returned, and not kept. So is a
            scan of a file whose rest is damaged.

    Raises:
        SourceError: the file cannot be read.
        EngineError: the device cannot go on.
    """
    stop = stop or threading.Event()
    with closing(VideoReader(video)) as reader:
        step = every or max(1, round(reader.info.fps / _A_SECOND))
        key = None if cache is None else cache.key(video, step, mirror=mirror, crop=crop)
        if cache is not None and key is not None and (kept := cache.load(key)) is not None:
            progress(len(kept.frames), len(kept.frames))
            grown(kept)
            return kept
        growing = _Growing(tuple(predictor.classes), reader.info.duration)
        wanted = range(0, len(reader.times), step)
        told, complete = time.perf_counter(), False
        for done, index in enumerate(wanted, start=1):
            if stop.is_set():
                break
            reader.seek(index)
            got = reader.read()
            if got is None:
                # All that is left is damaged.
                break
            growing.look(predictor, *got, mirror=mirror, crop=crop)
            progress(done, len(wanted))
            if time.perf_counter() - told >= _TELL_EVERY:
                grown(growing.scan())
                told = time.perf_counter()
        else:
            complete = True
    scan = growing.scan(complete=complete)
    grown(scan)
    if cache is not None and key is not None and scan.complete:
        cache.keep(key, scan)
    return scan


class _Growing:
    """A scan while it is made."""

    def __init__(self, classes: tuple[str, ...], duration: float) -> None:
        self._classes, self._duration = classes, duration
        self._frames: list[int] = []
        self._times: list[float] = []
        self._probabilities: dict[Branch, list[FloatArray]] = {}

    def look(
        self,
        predictor: GlancePredictor,
        index: int,
        seconds: float,
        image: Image,
        *,
        mirror: bool,
        crop: Crop | None,
    ) -> None:
        if self._frames and index <= self._frames[-1]:
            # A damaged frame is stood in for by one that was looked at.
            return
        glance = predictor.glance(image, mirror=mirror, crop=crop)
        self._frames.append(index)
        self._times.append(seconds)
        for branch, values in glance.probabilities.items():
            self._probabilities.setdefault(branch, []).append(values)

    def scan(self, *, complete: bool = False) -> Scan:
        count = len(self._classes)
        return Scan(
            self._classes,
            self._duration,
            np.array(self._frames, np.int64),
            np.array(self._times, np.float64),
            {branch: np.array(values, np.float32).reshape(-1, count) for branch, values in self._probabilities.items()},
            complete,
        )
