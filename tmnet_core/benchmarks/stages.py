"""What each stage of the live path costs beside all of a glance: from a file's bytes to pixels on the screen."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.benchmarks.video import VideoLoop, render_video
from tmnet_core.benchmarks.window import measure_app
from tmnet_core.config import ModelConfig
from tmnet_core.data.annotations import VIDEO_SUFFIXES
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.errors import TMNetError
from tmnet_core.live.engines.folding import fold_batch_norms
from tmnet_core.live.engines.packing import pack_convolutions
from tmnet_core.models.cam import class_activation_maps
from tmnet_core.models.tmnet import TMNet, over_time, use_channels_last
from tmnet_core.models.variants import build_model

CLASSES = 101
WHOLE = "all of these"

Case = Callable[[], object]


def measure(conditions: Conditions) -> list[Figure]:
    """Return the share of each stage, and what drawing costs where the app is installed.

    Without `conditions.data` the video is one of rendered people, 1280×720.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = VideoLoop(_choose_video(conditions.data) or render_video(Path(folder)))
        try:
            cases = stage_cases(conditions, source)
            timings = conditions.time(cases)
        finally:
            source.close()
    return [*stage_figures(timings), *_drawing()]


def stage_cases(conditions: Conditions, source: VideoLoop) -> dict[str, Case]:
    """Return each stage as something to time; a stage that a device does not have is left out."""
    device, preprocessing = conditions.device, Preprocessing(size=conditions.size)
    frame = source.read()
    height, width = frame.shape[:2]
    placement = preprocessing.place(width, height)
    image = preprocessing.cut(frame, placement)
    parts = _Parts(conditions, image)
    cases: dict[str, Case] = {"decode": source.read, "preprocess": lambda: preprocessing.cut(frame, placement)}
    if device.type != "cpu":
        cases["upload"] = parts.upload
    cases |= {name: _on(device, run) for name, run in parts.steps.items()}
    if device.type != "cpu":
        cases["download"] = parts.download
    return cases


def stage_figures(timings: Timings) -> list[Figure]:
    """Return each stage's share of the sum of all, round by round, and its median and 95th percentile."""
    columns = np.array([timings.seconds[case] for case in timings.seconds])
    shares = columns / columns.sum(axis=0)
    figures = []
    for name, seconds, share in zip(timings.seconds, columns, shares, strict=True):
        low, middle, high = np.percentile(share, [25, 50, 75])
        half, most = np.percentile(1e3 * seconds, [50, 95])
        figures.append(
            Figure(
                what=f"{name} / {WHOLE}",
                value=float(middle),
                spread=(float(low), float(high)),
                detail=f"median {half:.2f} ms, 95 % {most:.2f} ms",
            )
        )
    return figures


class _Parts:
    """The network's parts on the device, folded and packed as in its engine, each with its input at hand."""

    def __init__(self, conditions: Conditions, image: Image) -> None:
        device, preprocessing = conditions.device, Preprocessing(size=conditions.size)
        torch.manual_seed(0)
        model = copy.deepcopy(build_model(ModelConfig(backbone=conditions.backbone), CLASSES)).eval()
        fold_batch_norms(model)
        use_channels_last(model)
        host = torch.as_tensor(image)[None]
        if device.type == "cpu":
            # The engines' normalisation leaves channels_last frames.
            seen = preprocessing.normalise(host)
            model = pack_convolutions(model, lambda part: part.glance(seen))
        self._model: TMNet = model.to(device)
        self._device = device
        self._host = host.pin_memory() if device.type == "cuda" else host
        with torch.inference_mode():
            uploaded = self._host.to(device)
            frames = preprocessing.normalise(uploaded)
            encoded = model.base(frames.unsqueeze(1))
            assert model.regression is not None
            regression, classification = model.regression(encoded), model.classification(encoded)
            self._answer = torch.cat([part.flatten() for part in self._answers(regression, classification)])
        self.steps: dict[str, Case] = {
            "normalise": lambda: preprocessing.normalise(uploaded),
            "BB": lambda: model.base(frames.unsqueeze(1)),
            "RB": lambda: model.regression(encoded) if model.regression is not None else None,
            "CB": lambda: model.classification(encoded),
            "probabilities and maps": lambda: self._answers(regression, classification),
        }

    def upload(self) -> None:
        """Bring a frame to the device and wait for it."""
        self._host.to(self._device, non_blocking=True)
        _wait(self._device)

    def download(self) -> None:
        """Bring the answers back."""
        self._answer.cpu()

    def _answers(self, regression: Tensor, classification: Tensor) -> list[Tensor]:
        model, answers = self._model, []
        logits = []
        for part in (regression, classification):
            feature_map = over_time(part)
            answers.append(class_activation_maps(feature_map, model.classifier))
            logits.append(model.classifier(feature_map.mean((2, 3))))
        return [*answers, *(values.softmax(-1) for values in logits), model.fuse(*logits)]


def _on(device: torch.device, run: Case) -> Case:
    """Return what runs without gradients and waits; on CUDA captured, so that no kernel waits for Python."""

    def timed() -> None:
        with torch.inference_mode():
            run()
        _wait(device)

    if device.type != "cuda":
        return timed
    with torch.inference_mode(), torch.cuda.device(device):
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        with torch.cuda.stream(stream):
            for _ in range(3):
                run()
        torch.cuda.synchronize(device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            run()

    def replayed() -> None:
        graph.replay()
        _wait(device)

    return replayed


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _choose_video(data: Path | None) -> Path | None:
    if data is None:
        return None
    found = [data] if data.is_file() else sorted(path for path in data.rglob("*") if path.suffix in VIDEO_SUFFIXES)
    if not found:
        raise TMNetError(f"data {data}: it holds no video")
    return found[0]


def _drawing() -> list[Figure]:
    try:
        return measure_app("drawing")
    except TMNetError:
        # Without the app there is nothing that draws.
        return []
