"""What preprocessing costs beside what people would use instead."""

from __future__ import annotations

import tempfile
from pathlib import Path

from torchvision import transforms

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.benchmarks.video import VIDEO_SIZE, VideoLoop, render_video
from tmnet_core.data.preprocessing import Image, Preprocessing

OURS = "preprocessing of a decoded 720p frame"
USUAL = "PIL + torchvision"
_REACH = 0.10


def measure_preprocessing(conditions: Conditions) -> Figure:
    """Return what the way from a 1280×720 frame to the network costs beside the usual one, on the CPU."""
    return ratio_figure(time_preprocessing(conditions), OURS, USUAL, f"<= {_REACH:.2f}")


def time_preprocessing(conditions: Conditions) -> Timings:
    """Time both ways; ours ends in uint8, as the engines' graphs normalise.

    Each has a frame of its own that was decoded just before, as in the window: a frame from long ago would have to come
    from memory first, and that takes as long as our resize.
    """
    preprocessing = Preprocessing(size=conditions.size)
    placement = preprocessing.place(*VIDEO_SIZE)
    usual = transforms.Compose(
        [
            transforms.ToPILImage(),
            transforms.CenterCrop(placement.box.width),
            transforms.Resize(preprocessing.size),
            transforms.ToTensor(),
            transforms.Normalize(preprocessing.mean, preprocessing.std),
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        video = VideoLoop(render_video(Path(folder)))
        decoded: list[Image] = [video.read()]

        def decode() -> None:
            decoded[0] = video.read()

        try:
            return conditions.time(
                {OURS: lambda: preprocessing.cut(decoded[0], placement), USUAL: lambda: usual(decoded[0])}, decode
            )
        finally:
            video.close()
