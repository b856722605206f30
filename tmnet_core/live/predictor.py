"""One glance: a frame in, probabilities and attention out (paper III-C and V)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from tmnet_core.checkpoint import CheckpointHeader, LoadedCheckpoint, load_checkpoint
from tmnet_core.data.preprocessing import Crop, Image, Preprocessing
from tmnet_core.device import choose_device, describe_device
from tmnet_core.errors import CheckpointError
from tmnet_core.live.frames import FloatArray, Frame, Glance
from tmnet_core.models.branch import Branch
from tmnet_core.models.cam import class_activation_maps
from tmnet_core.models.tmnet import use_channels_last


class GlancePredictor:
    """Looks at one frame at a time with a loaded network.

    Use it from one thread at a time.
    """

    def __init__(self, checkpoint: LoadedCheckpoint, device: str | torch.device = "auto") -> None:
        self.header: CheckpointHeader = checkpoint.header
        if not checkpoint.model.glances:
            raise CheckpointError(
                f"checkpoint {checkpoint.path}: {self.header.title} needs a clip of frames, it cannot answer for one"
            )
        self.device = choose_device(device) if isinstance(device, str) else device
        self.model = checkpoint.model.eval().to(self.device)
        use_channels_last(self.model)

    @classmethod
    def from_file(cls, path: str | Path, device: str = "auto") -> Self:
        """Load a checkpoint; raises CheckpointError."""
        return cls(load_checkpoint(path), device)

    @property
    def classes(self) -> list[str]:
        """The K class names, in the order of the probabilities."""
        return self.header.classes

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that this checkpoint serves; TSN serves CB alone, TMNet-3D-A and -3D-B RB alone."""
        return self.model.glances

    @property
    def preprocessing(self) -> Preprocessing:
        """What turns a frame into the network's input."""
        return self.header.preprocessing

    @property
    def engine(self) -> str:
        """What computes, for a person."""
        return f"{describe_device(self.device)} · torch fp32"

    def glance(
        self,
        frame: Frame | Image,
        *,
        mirror: bool = False,
        quarter_turns: int = 0,
        crop: Crop | None = None,
    ) -> Glance:
        """Look at one frame.

        Args:
            frame: a Frame, or an H×W×3 uint8 RGB image of any size.
            mirror: whether the network sees the frame mirrored left to right.
            quarter_turns: clockwise turns of 90° before the network sees the frame.
            crop: what part the network sees, where it shall differ from the checkpoint's own.
        """
        if not isinstance(frame, Frame):
            frame = Frame(frame, 0, 0.0, time.perf_counter())
        preprocessing = self.preprocessing if crop is None else self.preprocessing.model_copy(update={"crop": crop})
        stages: dict[str, float] = {}
        with _timed(stages, "preprocess"):
            height, width = frame.image.shape[:2]
            placement = preprocessing.place(width, height, mirror=mirror, quarter_turns=quarter_turns)
            cut = torch.from_numpy(preprocessing.cut(frame.image, placement))
        with _timed(stages, "network"):
            probabilities, maps, features = self._look(cut.unsqueeze(0))
        return Glance(frame, placement, probabilities, maps, features, time.perf_counter(), stages)

    @torch.inference_mode()
    def _look(
        self, images: Tensor
    ) -> tuple[dict[Branch, FloatArray], dict[Branch, FloatArray], dict[Branch, FloatArray]]:
        """Run the network on 1×size×size×3 uint8 and bring the answers to the host."""
        inputs = self.preprocessing.normalise(images.to(self.device))
        seen = self.model.glance(inputs)
        found = {Branch.RB: seen.regression, Branch.CB: seen.classification}
        feature_maps = {branch: feature_map for branch, feature_map in found.items() if feature_map is not None}
        features = {branch: feature_map.mean((2, 3)) for branch, feature_map in feature_maps.items()}
        logits = {branch: self.model.classifier(feature) for branch, feature in features.items()}
        probabilities = {branch: logit.softmax(-1) for branch, logit in logits.items()}
        if Branch.FUSED in self.branches:
            probabilities[Branch.FUSED] = self.model.fuse(logits[Branch.RB], logits[Branch.CB])
        maps = {
            branch: class_activation_maps(feature_map, self.model.classifier)
            for branch, feature_map in feature_maps.items()
        }
        return _to_host(probabilities), _to_host(maps), _to_host(features)


def _to_host(tensors: dict[Branch, Tensor]) -> dict[Branch, FloatArray]:
    return {branch: np.asarray(tensor[0].float().cpu().numpy()) for branch, tensor in tensors.items()}


@contextmanager
def _timed(stages: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    stages[name] = (time.perf_counter() - start) * 1e3
