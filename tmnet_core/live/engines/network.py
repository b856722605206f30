"""From uint8 frames to everything that a glance or a look at a clip says, as one module: what all engines compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tmnet_core.data.preprocessing import Preprocessing, normalise_rows
from tmnet_core.live.engines.clip import ClipLook
from tmnet_core.live.engines.outputs import FEATURES, MAPS, PROBABILITIES, name_outputs
from tmnet_core.models.branch import Branch
from tmnet_core.models.cam import class_activation_maps
from tmnet_core.models.tmnet import GlanceMaps, TMNet


class GlanceNetwork(nn.Module):
    """Normalisation, network, probabilities, maps and features of B×H×W×3 uint8 frames, in evaluation mode.

    Looking at clips, B×T×H×W×3, RB sees the key frame, and what CB sees is averaged over the frames.

    Attributes:
        branches: the answers that it gives. Where RB or CB is asked for alone, the other is not computed.
        output_names: what `forward` returns, in its order.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        model: TMNet,
        preprocessing: Preprocessing,
        branches: Sequence[Branch] | None = None,
        *,
        maps: bool = True,
        clip: ClipLook | None = None,
    ) -> None:
        super().__init__()
        self.clip = clip
        self.branches = served_branches(model, clip) if branches is None else tuple(branches)
        self.output_names = name_outputs(self.branches, maps=maps)
        self.model = restrict(model, self.branches)
        self.precision = next((parameter.dtype for parameter in self.model.base.parameters()), torch.float32)
        mean, scale = preprocessing.row_constants(preprocessing.size)
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return float32 probabilities (B×K), maps (B×K×h×w) and features (B×C), as `output_names` says."""
        # Of NHWC this is a view in channels_last order, which convolutions like best.
        frames = normalise_rows(images, self.mean, self.scale)
        feature_maps = self._feature_maps(frames.to(self.precision))
        features = {branch: feature_map.mean((2, 3)) for branch, feature_map in feature_maps.items()}
        logits = {branch: self.model.classifier(feature) for branch, feature in features.items()}
        outputs = {f"{PROBABILITIES}.{branch}": logit.softmax(-1) for branch, logit in logits.items()}
        if Branch.FUSED in self.branches:
            outputs[f"{PROBABILITIES}.{Branch.FUSED}"] = self.model.fuse(logits[Branch.RB], logits[Branch.CB])
        for branch, feature_map in feature_maps.items():
            outputs[f"{FEATURES}.{branch}"] = features[branch]
            if f"{MAPS}.{branch}" in self.output_names:
                outputs[f"{MAPS}.{branch}"] = class_activation_maps(feature_map, self.model.classifier)
        return tuple(outputs[name] for name in self.output_names)

    def _feature_maps(self, frames: Tensor) -> Mapping[Branch, Tensor]:
        """Return the last feature map of each branch that is computed, B×C×h×w in float32."""
        seen = look(self.model, frames, self.clip)
        found = {Branch.RB: seen.regression, Branch.CB: seen.classification}
        return {branch: feature_map.float() for branch, feature_map in found.items() if feature_map is not None}


def look(model: TMNet, frames: Tensor, clip: ClipLook | None) -> GlanceMaps:
    """Look at normalised frames, B×3×H×W, or at clips of them, B×T×3×H×W."""
    return model.glance(frames) if clip is None else model.look(frames, clip.key_frame)


def served_branches(model: TMNet, clip: ClipLook | None) -> tuple[Branch, ...]:
    """Return the branches that a network answers with: of a clip all there are, of a single frame not always."""
    if clip is None:
        return model.glances
    return (Branch.CB,) if model.regression is None else (Branch.RB, Branch.CB, Branch.FUSED)


def restrict(model: TMNet, branches: Sequence[Branch]) -> TMNet:
    """Return a network of the same parts that runs only what these answers take."""
    taken = (Branch.RB, Branch.CB, Branch.FUSED) if Branch.FUSED in branches else tuple(branches)
    return TMNet(
        model.base, model.classification, model.regression, model.classifier, fusion=model.fusion, glances=taken
    )
