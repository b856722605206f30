"""3D ResNets as a stem and four stages: SlowOnly-R50 and I3D-R50 inflated from torchvision's ResNet, and its R3D-18."""

from __future__ import annotations

from collections import OrderedDict

import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from tmnet_core.models.catalogue import NETWORKS_3D, Network3d, Network3dName
from tmnet_core.models.inflation import (
    Borders,
    ClipConv3d,
    Inflation,
    inflate_network,
    inflate_state,
    use_clip_convolutions,
)
from tmnet_core.models.stages2d import STAGES, STEM, build_network, cut_stages


class Clipwise(nn.Module):
    """Lets a 3D network speak B×T×C×H×W, while its layers want the channels before time.

    A clip of one frame is taken for a frame that stands still for ever: every temporal kernel is its sum over time,
    and no temporal stride or pool has anything to skip.

    Args:
        borders: what the temporal borders of longer clips are.
    """

    def __init__(self, network: nn.Module, borders: Borders = "zeros") -> None:
        super().__init__()
        self.network = network
        self.borders: Borders = borders

    def forward(self, clip: Tensor) -> Tensor:
        """Map B×T×C×H×W to B×T'×C'×H'×W'."""
        borders: Borders = "replicate" if clip.shape[1] == 1 else self.borders
        for module in self.network.modules():
            if isinstance(module, ClipConv3d):
                module.borders = borders
        out: Tensor = self.network(clip.transpose(1, 2))
        return out.transpose(1, 2)


class PoolOverTime(nn.Module):
    """Max pooling of neighbouring frames of B×C×T×H×W; a single frame stays as it is."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames

    def forward(self, clip: Tensor) -> Tensor:
        """Map B×C×T×H×W to B×C×T/frames×H×W."""
        return clip if clip.shape[2] == 1 else F.max_pool3d(clip, (self.frames, 1, 1))


def build_network3d(
    name: Network3dName, network2d: nn.Module | None = None, inflation: Inflation = "mean"
) -> nn.Module:
    """Return a 3D network with torchvision's names of tensors.

    Args:
        name: SlowOnly-R50, I3D-R50 or R3D-18.
        network2d: its 2D form, whose weights are inflated and which stays as it is; random ones where it is None.
        inflation: how these weights are spread over time.
    """
    facts = NETWORKS_3D[name]
    if name == "r3d_18":
        network: nn.Module = torchvision.models.video.r3d_18(weights=None)
        use_clip_convolutions(network)
        if network2d is not None:
            _load_r3d(network, network2d, inflation)
        return network
    network2d = build_network(facts.backbone) if network2d is None else network2d
    return inflate_network(network2d, lambda path: _bottleneck_kernel(path, facts), inflation)


def cut_stages3d(network: nn.Module, name: Network3dName) -> OrderedDict[str, nn.Module]:
    """Cut a 3D network into `stem`, `stage1` .. `stage4`, which map B×C×T×H×W; its head is left out."""
    if name == "r3d_18":
        parts = (network.stem, network.layer1, network.layer2, network.layer3, network.layer4)
        return OrderedDict(zip((STEM, *STAGES), parts, strict=True))  # type: ignore[arg-type]
    stages = cut_stages(network)
    for part, stride in zip(stages, NETWORKS_3D[name].temporal_strides, strict=True):
        if stride > 1:
            # The published networks pool between two stages; the pool goes with the later one.
            stages[part] = nn.Sequential(OrderedDict(pool=PoolOverTime(stride), stage=stages[part]))
    return stages


def _bottleneck_kernel(path: str, facts: Network3d) -> int:
    """Return the temporal kernel of a ResNet's convolution: a bottleneck looks along time in its first 1×1."""
    if path == "conv1":
        return facts.temporal_kernels[0][0]
    layer, block, convolution = path.split(".")[:3]
    kernels = facts.temporal_kernels[int(layer.removeprefix("layer"))]
    return kernels[int(block) % len(kernels)] if convolution == "conv1" else 1


def _load_r3d(network: nn.Module, network2d: nn.Module, inflation: Inflation) -> None:
    """Inflate ResNet-18's weights into R3D-18, whose blocks are the same but for their names; its head stays."""
    expected = network.state_dict()
    state = {_r3d_name(name): tensor for name, tensor in network2d.state_dict().items() if not name.startswith("fc.")}
    network.load_state_dict(inflate_state(state, expected, inflation), strict=False)


def _r3d_name(name: str) -> str:
    """Translate ResNet-18's `layer1.0.conv2.weight` and `layer1.0.bn2.weight` to R3D-18's `layer1.0.conv2.0`, `.1`."""
    *places, layer, tensor = name.split(".")
    if places and places[-1] == "downsample":
        return name
    number = layer.removeprefix("conv").removeprefix("bn")
    position = "0" if layer.startswith("conv") else "1"
    return ".".join([*places, f"conv{number}", position, tensor] if places else [STEM, position, tensor])
