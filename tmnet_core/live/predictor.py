"""One glance: a frame in, probabilities and attention out (paper III-C and V)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import torch

from tmnet_core.checkpoint import CheckpointHeader
from tmnet_core.data.preprocessing import Crop, Image, Preprocessing
from tmnet_core.device import describe_device
from tmnet_core.live.engines.choice import open_engine
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.frames import FloatArray, Frame, Glance
from tmnet_core.models.branch import Branch


class GlancePredictor:
    """Looks at one frame at a time: preprocessing, then an engine.

    Use it from one thread at a time.
    """

    def __init__(self, header: CheckpointHeader, engine: Engine, device: torch.device) -> None:
        self.header = header
        self.device = device
        self._engine = engine

    @classmethod
    def from_file(
        cls, path: str | Path, device: str | torch.device = "auto", engine: str = "auto", *, threads: int | None = None
    ) -> Self:
        """Load a checkpoint or an exported ONNX file into an engine, as `open_engine` does and with its errors.

        Args:
            path: a `.safetensors` checkpoint or an `.onnx` file of `tmnet export`.
            device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
            engine: `auto`, or a name of `available_engines`.
            threads: CPU threads of onnxruntime; where None as many as torch has, less one core for everything else.
        """
        opened = open_engine(Path(path), device, engine, threads=threads)
        return cls(opened.header, opened.engine, opened.device)

    @property
    def classes(self) -> list[str]:
        """The K class names, in the order of the probabilities."""
        return self.header.classes

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that this checkpoint serves; TSN serves CB alone, TMNet-3D-A and -3D-B RB alone."""
        return self._engine.branches

    @property
    def preprocessing(self) -> Preprocessing:
        """What turns a frame into the network's input."""
        return self.header.preprocessing

    @property
    def engine(self) -> str:
        """What computes, for a person; it changes when a faster engine takes over."""
        return f"{describe_device(self.device)} · {self._engine.title}"

    def glance(
        self,
        frame: Frame | Image,
        *,
        mirror: bool = False,
        quarter_turns: int = 0,
        crop: Crop | None = None,
        branches: Sequence[Branch] | None = None,
    ) -> Glance:
        """Look at one frame.

        Args:
            frame: a Frame, or an H×W×3 uint8 RGB image of any size.
            mirror: whether the network sees the frame mirrored left to right.
            quarter_turns: clockwise turns of 90° before the network sees the frame.
            crop: what part the network sees, where it shall differ from the checkpoint's own.
            branches: the answers wanted, all where None; with RB or CB alone the other one is not computed.
        """
        if not isinstance(frame, Frame):
            frame = Frame(frame, 0, 0.0, time.perf_counter())
        preprocessing = self.preprocessing if crop is None else self.preprocessing.model_copy(update={"crop": crop})
        start = time.perf_counter()
        height, width = frame.image.shape[:2]
        placement = preprocessing.place(width, height, mirror=mirror, quarter_turns=quarter_turns)
        cut = preprocessing.cut(frame.image, placement)
        preprocessed = time.perf_counter()
        seen = self._engine.look(cut[None], branches)
        stages = {"preprocess": (preprocessed - start) * 1e3, **seen.stages}
        probabilities, maps, features = map(_of_one, (seen.probabilities, seen.maps, seen.features))
        return Glance(frame, placement, probabilities, maps, features, time.perf_counter(), stages)

    def close(self) -> None:
        """Free the network and whatever prepares a faster engine; may be called again."""
        self._engine.close()


def _of_one(values: Mapping[Branch, FloatArray]) -> dict[Branch, FloatArray]:
    return {branch: batch[0] for branch, batch in values.items()}
