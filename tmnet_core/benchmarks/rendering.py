"""How fast synthetic people are rendered, and whether rendering on the fly keeps a training step fed."""

import tempfile
import time
from pathlib import Path
from statistics import median

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.config import load_recipe
from tmnet_core.data.synthetic_people import render_clip
from tmnet_core.data.synthetic_people.actions import CLASSES
from tmnet_core.opencv import cv2

SECONDS = 10.0
STEPS = 5
_FRAMES = 32
_BLUR_SIGMA_PX = 2.0
_RESIZED = (224, 224)


def measure(conditions: Conditions) -> list[Figure]:
    """Return what a frame costs beside blurring and resizing it, and a batch beside the step that learns from it."""
    found = measure_rendering(SECONDS)
    made, learned = time_feeding(STEPS)
    return [
        Figure(
            what="rendering a 160×120 frame of synthetic people / blurring and resizing it",
            value=found["ratio"],
            detail=f"{found['frames_a_second']:.0f} frames/s on one core (reach >= 300), {found['clips']:.0f} clips",
        ),
        Figure(
            what="recipe demo, a batch: rendering it on the fly / learning from it",
            value=median(m / n for m, n in zip(made, learned, strict=True)),
            limit="<= 1",
            detail=f"{1000 * median(made):.0f} ms on one core / {1000 * median(learned):.0f} ms",
        ),
    ]


def measure_rendering(seconds: float, size: tuple[int, int] = (160, 120)) -> dict[str, float]:
    """Render for about that long on one core, in turn with blurring and resizing the same frames.

    Returns `frames_a_second`, `milliseconds_a_frame`, `blur_resize_milliseconds`, their `ratio`, and `clips`; all are
    medians over clips, classes in turn.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        drawn, processed = _interleaved(seconds, size)
    finally:
        cv2.setNumThreads(threads)
    frame = 1000 * median(drawn) / _FRAMES
    reference = 1000 * median(processed) / _FRAMES
    return {
        "frames_a_second": 1000 / frame,
        "milliseconds_a_frame": frame,
        "blur_resize_milliseconds": reference,
        "ratio": median(d / p for d, p in zip(drawn, processed, strict=True)),
        "clips": float(len(drawn)),
    }


def time_feeding(steps: int, overrides: tuple[str, ...] = ()) -> tuple[list[float], list[float]]:
    """Return the seconds that each batch of the recipe `demo` takes to render, and each step on it to learn.

    One process renders and then learns, in turns; the first step, which warms up, is left out.
    """
    from tmnet_core.training.run_folder import RunFolder
    from tmnet_core.training.trainer import Trainer

    fixed = ["data.cache=none", "training.workers=0", "training.device=cpu", "start.weights=none"]
    recipe = load_recipe("demo", [*fixed, *overrides])
    made: list[float] = []
    learned: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(recipe, RunFolder.create(Path(folder), recipe), lambda event: None)
        steps_read = trainer.read_steps()
        for _ in range(steps + 1):
            start = time.perf_counter()
            parts = next(steps_read)
            middle = time.perf_counter()
            trainer.step(parts, sum(map(len, parts)))
            made.append(middle - start)
            learned.append(time.perf_counter() - middle)
    return made[1:], learned[1:]


def _interleaved(seconds: float, size: tuple[int, int]) -> tuple[list[float], list[float]]:
    """Seconds a clip for rendering and for blur and resize, alternating so that both meet the same load."""
    render_clip(0, 0, size=size)  # fills the noise tiles
    drawn: list[float] = []
    processed: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not drawn:
        clip = len(drawn)
        start = time.perf_counter()
        frames = render_clip(clip % len(CLASSES), clip, frames=_FRAMES, size=size).frames
        middle = time.perf_counter()
        for frame in frames:
            cv2.resize(cv2.GaussianBlur(frame, (0, 0), _BLUR_SIGMA_PX), _RESIZED)
        drawn.append(middle - start)
        processed.append(time.perf_counter() - middle)
    return drawn, processed
