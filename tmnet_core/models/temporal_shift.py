"""The temporal shift of TSM (Lin, Gan, Han, ICCV 2019): 2D stages that exchange channels between frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import BasicBlock, Bottleneck

# An eighth of the channels moves forward in time and an eighth backward (section 4.1 there).
SHARE = 8


def shift_channels(clip: Tensor) -> Tensor:
    """Move the first eighth of the channels of B×T×C×H×W one frame back and the second eighth one frame on.

    The first eighth of a frame is then its successor's, the second its predecessor's; beyond the clip's ends are
    zeros. A clip of one frame comes back unchanged: taken literally the shift would zero a quarter of its channels,
    which no frame of a longer clip ever shows the layers behind; unchanged, it is the frame standing still for ever.
    """
    if clip.shape[1] == 1:
        return clip
    moved = clip.shape[2] // SHARE
    from_next, from_previous, staying = clip[:, :, :moved], clip[:, :, moved : 2 * moved], clip[:, :, 2 * moved :]
    nothing = torch.zeros_like(from_next[:, :1])
    return torch.cat(
        [
            torch.cat([from_next[:, 1:], nothing], dim=1),
            torch.cat([nothing, from_previous[:, :-1]], dim=1),
            staying,
        ],
        dim=2,
    )


class ShiftedConvolution(nn.Module):
    """A 2D convolution behind a temporal shift, over the B·T frames of clips of `frames` frames.

    Attributes:
        frames: T, which `ShiftedFramewise` sets, as the frames of all clips come as one batch.
    """

    def __init__(self, convolution: nn.Module) -> None:
        super().__init__()
        self.convolution = convolution
        self.frames = 1

    def forward(self, frames: Tensor) -> Tensor:
        """Map B·T×C×H×W to B·T×C'×H'×W'."""
        clips = frames.reshape(-1, self.frames, *frames.shape[1:])
        out: Tensor = self.convolution(shift_channels(clips).flatten(0, 1))
        return out


class ShiftedFramewise(nn.Module):
    """Lets a 2D network with temporal shifts speak B×T×C×H×W."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, clip: Tensor) -> Tensor:
        """Map B×T×C×H×W to B×T×C'×H'×W'."""
        for module in self.network.modules():
            if isinstance(module, ShiftedConvolution):
                module.frames = clip.shape[1]
        out: Tensor = self.network(clip.flatten(0, 1))
        return out.reshape(*clip.shape[:2], *out.shape[1:])


def insert_shifts(network: nn.Module) -> None:
    """Put a shift before the first convolution inside every residual branch, so that the shortcut keeps each frame.

    That is every block of a ResNet or ResNeXt, and the inverted residual blocks of MobileNetV2 that have a shortcut.
    """
    for block in list(network.modules()):
        if isinstance(block, BasicBlock | Bottleneck):
            block.conv1 = ShiftedConvolution(block.conv1)
        elif isinstance(block, InvertedResidual) and block.use_res_connect:
            block.conv[0] = ShiftedConvolution(block.conv[0])
