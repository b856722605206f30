"""What it costs to read a file in a process of its own, beside reading it in this one."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import av
import psutil

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.live.sources import FrameSource, PatternSource, VideoFileSource
from tmnet_core.live.sources.remote import ReaderProcess, RemoteSource

FRAMES = 120
SIZES = {"240p": (320, 240), "1080p": (1920, 1080)}
REACH = 2.0


def measure(conditions: Conditions) -> list[Figure]:
    """Return the CPU time and the time to read a file through shared memory over those in this process."""
    figures = []
    for place, (name, (width, height)) in enumerate(SIZES.items()):
        with tempfile.TemporaryDirectory() as folder:
            path = write_pattern(Path(folder) / "pattern.mp4", width, height, FRAMES)
            cpu, wall = _time_reading(path, conditions, place * conditions.rounds)
        what = f"reading {name}, {FRAMES} frames, in a process of its own / here"
        figures.append(ratio_figure(cpu, "process", "here", f"<= {REACH:g}", what=f"CPU time: {what}"))
        figures.append(ratio_figure(wall, "process", "here", what=f"time: {what}"))
    return figures


def _time_reading(path: Path, conditions: Conditions, done: int) -> tuple[Timings, Timings]:
    """Read a file here and in a reader process in turns; returns CPU seconds of both processes, and seconds."""
    cpu: dict[str, list[float]] = {"here": [], "process": []}
    wall: dict[str, list[float]] = {"here": [], "process": []}
    process = ReaderProcess()
    here, there = VideoFileSource(path), RemoteSource(str(path), lambda: process)
    there.open()
    reader = psutil.Process(process.pid)
    for number in range(-1, conditions.rounds):
        for name, source in (("here", here), ("process", there)):
            start, started = _cpu_seconds(reader), time.perf_counter()
            _read_all(source)
            if number >= 0:
                cpu[name].append(_cpu_seconds(reader) - start)
                wall[name].append(time.perf_counter() - started)
        conditions.progress(done + number + 1, len(SIZES) * conditions.rounds)
    here.close()
    there.close()
    return _timings(cpu), _timings(wall)


def _timings(seconds: dict[str, list[float]]) -> Timings:
    return Timings({name: tuple(found) for name, found in seconds.items()})


def _cpu_seconds(reader: psutil.Process) -> float:
    times = reader.cpu_times()
    return time.process_time() + float(times.user + times.system)


def write_pattern(path: Path, width: int, height: int, frames: int) -> Path:
    """Write the test pattern as a video of 30 frames a second, with a key frame every second."""
    source = PatternSource(f"pattern:{width}x{height}@30#{frames}")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "g": "30"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in iter(source.read, None):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _read_all(source: FrameSource) -> None:
    source.seek(0)
    while source.read() is not None:
        pass
