"""Fixtures for every test: real data, videos made on the spot, and a watch for what a test leaves behind."""

from __future__ import annotations

import os

# Before anything imports Qt: tests need no display.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before anything imports torch: networks this small only make threads wait for each other. Child processes inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import psutil
import pytest

from tmnet_core import priority
from tmnet_core.config import Recipe
from tmnet_core.training import launching
from tmnet_core.training.run_folder import RunFolder

Image = npt.NDArray[np.uint8]

_BITS = 10
_GRACE = 3.0
# What stays until the interpreter ends: a process of the standard library that serves all that were spawned, and a
# thread of tqdm that serves the bars of the exporter.
_TRACKER, _BARS = "resource_tracker", "tqdm_monitor"
_LOWERED_BY = priority.LOWERED_BY


def pytest_configure(config: pytest.Config) -> None:
    """Hand the files to several processes in their order: the longest have few tests, and would all come last."""
    if config.pluginmanager.hasplugin("xdist"):
        config.option.loadscopereorder = False


@pytest.fixture(autouse=True, scope="session")
def _nothing_yields() -> Iterator[None]:
    """Keep what runs in the background as fast as the rest: tests load every core, and wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(priority, "LOWERED_BY", 0)
        yield


@pytest.fixture
def background_yields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what runs in the background yield the processor after all, as it does outside the tests."""
    monkeypatch.setattr(priority, "LOWERED_BY", _LOWERED_BY)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """A function that waits until a condition holds, and fails where it does not within so many seconds."""

    def wait(done: Callable[[], object], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets and videos: TMNET_TEST_DATA, or `shared/data` beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TMNET_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder} (set TMNET_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def shared_weights(shared_data: Path) -> Path:
    """The folder of pretrained weights, `weights` beside the test data."""
    folder = shared_data.parent / "weights"
    if not folder.is_dir():
        pytest.skip(f"no pretrained weights at {folder}")
    return folder


def draw_bar_code(number: int, width: int, height: int) -> Image:
    """An H×W×3 picture whose vertical bars, white for 1, are the bits of a number below 1024, the highest first."""
    picture = np.zeros((height, width, 3), np.uint8)
    for bit in range(_BITS):
        if number >> (_BITS - 1 - bit) & 1:
            picture[:, bit * width // _BITS : (bit + 1) * width // _BITS] = 255
    return picture


@pytest.fixture(scope="session")
def read_bar_code() -> Callable[[Image], int]:
    """A function that returns the number drawn into a picture that `make_video` wrote."""

    def read(picture: Image) -> int:
        bars = np.array_split(picture.mean(axis=(0, 2)), _BITS)
        return int(sum(1 << (_BITS - 1 - bit) for bit, bar in enumerate(bars) if np.median(bar) > 127))

    return read


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a small video whose frames carry their index as a bar code, and returns its path."""

    def make(
        name: str = "clip.mp4",
        *,
        frames: int = 30,
        size: tuple[int, int] = (120, 64),
        fps: Fraction | int = 30,
        codec: str = "libx264",
        pixels: str = "yuv420p",
        options: Mapping[str, str] | None = None,
        times: Sequence[float] | None = None,
        rotation: int = 0,
        container_options: Mapping[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w", options=dict(container_options or {})) as container:
            stream = container.add_stream(codec, rate=fps, options=dict(options or {}))
            stream.width, stream.height, stream.pix_fmt = *size, pixels
            if rotation:
                stream.set_display_rotation(rotation)
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            for index in range(frames):
                picture = av.VideoFrame.from_ndarray(draw_bar_code(index, *size), format="rgb24")
                if times is not None:
                    picture.pts, picture.time_base = round(times[index] * 1000), Fraction(1, 1000)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def script_child(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that puts `scripted_child.py` in the place of the next training processes, to do what it is told."""

    def script(*words: str) -> None:
        program = str(Path(__file__).with_name("scripted_child.py"))
        monkeypatch.setattr(
            launching, "train_command", lambda run, **options: [sys.executable, program, str(run.path), *words]
        )

    return script


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunFolder]:
    """A run that has not begun, in a folder with a space and letters beyond ASCII; its processes end with the test."""
    folder = RunFolder.create(tmp_path / "my rüns 走る", Recipe(name="wave ü"))
    yield folder
    launching.cancel(folder)


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread or a child process running."""
    threads = set(threading.enumerate())
    children = set(psutil.Process().children(recursive=True))
    yield
    left = [thread for thread in threading.enumerate() if thread not in threads and thread.name != _BARS]
    for thread in left:
        thread.join(_GRACE)
    threads_left = [thread.name for thread in left if thread.is_alive()]
    assert not threads_left, f"threads left running: {threads_left}"
    new = [child for child in psutil.Process().children(recursive=True) if child not in children]
    new = [child for child in new if _TRACKER not in _command(child)]
    processes_left = [_command(child) for child in psutil.wait_procs(new, timeout=_GRACE)[1]] if new else []
    assert not processes_left, f"processes left running: {processes_left}"


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return str(process.pid)


@pytest.fixture(scope="session")
def coloured_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three classes, each of six short videos of noise over its own colour: learned in a few steps."""
    root = tmp_path_factory.mktemp("coloured clips ü")
    rng = np.random.default_rng(0)
    for label, (name, colour) in enumerate(
        {"blue": (20, 40, 200), "green": (30, 200, 40), "red": (210, 30, 30)}.items()
    ):
        (root / name).mkdir()
        for number in range(6):
            with av.open(str(root / name / f"{name}_{number}.mp4"), "w") as container:
                stream = container.add_stream("libx264", rate=25)
                stream.width, stream.height, stream.pix_fmt = 96, 64 + 16 * (label == 1), "yuv420p"
                for _ in range(12):
                    noise = rng.integers(-30, 30, (stream.height, stream.width, 3))
                    picture = np.clip(np.asarray(colour) + noise, 0, 255).astype(np.uint8)
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                container.mux(stream.encode(None))
    return root


@pytest.fixture
def tiny_recipe(coloured_clips: Path) -> Recipe:
    """A recipe that learns the coloured clips in seconds on a CPU, from random weights."""
    return Recipe.model_validate(
        {
            "name": "tiny",
            "model": {"backbone": "mobilenet_v2", "width": 0.25, "dropout": 0.0},
            "data": {
                "root": str(coloured_clips),
                "validation_fraction": 0.34,
                "cache": "memory",
                "cache_short_side": 64,
            },
            "start": {"weights": "none"},
            "clip": {"frames": 2, "interval": 3, "size": 32},
            "augmentation": {"scales": (1.0, 0.75)},
            "optimizer": {"name": "adamw", "learning_rate": 0.003},
            "schedule": {"iterations": 12, "kind": "cosine"},
            "training": {"batch_size": 6, "device": "cpu", "workers": 0, "validate_every": 6, "key_frames": 2},
        }
    )
