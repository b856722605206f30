"""Who answers where clips are scored: a network in torch, or a file that was exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import torch
from torch import Tensor

from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.live.engines.engine import Engine
from tmnet_core.models.branch import Branch
from tmnet_core.models.tmnet import TMNet


class Answerer(Protocol):
    """Says what it takes frames for."""

    def answer(self, frames: Tensor, key_frame: float | None) -> dict[Branch, Tensor]:
        """Return probabilities by branch on the host, the logits of crops averaged.

        Args:
            frames: B×n×crops×size×size×3 uint8, cut as its preprocessing says.
            key_frame: None: each frame is looked at alone, which gives B×n×K. Else the n frames are one clip, at which
                fraction of it RB looks, which gives B×1×K.
        """


class NetworkAnswerer:
    """A network in torch, which is left in evaluation mode."""

    def __init__(self, model: TMNet, preprocessing: Preprocessing, device: torch.device) -> None:
        self._model = model
        self._preprocessing = preprocessing
        self._device = device

    @torch.inference_mode()
    def answer(self, frames: Tensor, key_frame: float | None) -> dict[Branch, Tensor]:
        """Answer as `Answerer` says."""
        model = self._model.eval()
        videos, _, crops = frames.shape[:3]
        seen = self._preprocessing.normalise(frames.to(self._device))
        if key_frame is None:
            maps = model.glance(seen.flatten(0, 2))
            looks = {Branch.RB: maps.regression, Branch.CB: maps.classification}
            features = {branch: look.mean((2, 3)) for branch, look in looks.items() if look is not None}
        else:
            clips = seen.transpose(1, 2).flatten(0, 1)
            made = model(clips, torch.full((len(clips),), key_frame, device=self._device))
            both = {Branch.RB: made.regression, Branch.CB: made.classification}
            features = {branch: feature for branch, feature in both.items() if feature is not None}
        logits = {
            branch: model.classify(feature).reshape(videos, -1, crops, model.classifier.out_features).mean(2)
            for branch, feature in features.items()
        }
        answers = {branch: values.softmax(-1) for branch, values in logits.items()}
        if len(logits) == 2:
            answers[Branch.FUSED] = model.fuse(logits[Branch.RB], logits[Branch.CB])
        return {branch: scores.float().cpu() for branch, scores in answers.items()}


class EngineAnswerer:
    """A file in an engine that was opened for what is asked of it: single frames, or clips with their key frame."""

    def __init__(self, engine: Engine, fusion: Literal["features", "probabilities"]) -> None:
        self._engine = engine
        self._fusion = fusion

    def answer(self, frames: Tensor, key_frame: float | None) -> dict[Branch, Tensor]:
        """Answer as `Answerer` says; at which frame of a clip RB looks, the file says itself."""
        videos, _, crops = frames.shape[:3]
        seen = frames.flatten(0, 2) if key_frame is None else frames.transpose(1, 2).flatten(0, 1)
        said = self._engine.look(seen.numpy(), maps=False).probabilities
        answers = {
            branch: torch.from_numpy(scores).reshape(videos, -1, crops, scores.shape[-1])
            for branch, scores in said.items()
        }
        return {branch: scores[:, :, 0] for branch, scores in answers.items()} if crops == 1 else self._mean(answers)

    def _mean(self, crops: Mapping[Branch, Tensor]) -> dict[Branch, Tensor]:
        """Return what the mean logits of crops give: logarithms of probabilities are logits but for a constant."""
        tiny = torch.finfo(torch.float32).tiny
        answers = {branch: scores.clamp_min(tiny).log().mean(2).softmax(-1) for branch, scores in crops.items()}
        if Branch.FUSED in answers and self._fusion == "probabilities":
            answers[Branch.FUSED] = (answers[Branch.RB] + answers[Branch.CB]) / 2
        return answers
