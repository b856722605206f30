"""2D networks inflated to 3D ones, and what their convolutions do with a frame that stands still."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Inflation = Literal["centre", "mean"]
Borders = Literal["zeros", "replicate"]


class ClipConv3d(nn.Conv3d):
    """A convolution over B×C×T×H×W whose temporal borders can repeat the first and the last frame.

    With `borders` "zeros", as published networks have it, it is torch's. With "replicate", a single frame stands for
    itself for ever: each kernel is then its sum over time, at the cost of a 2D convolution.
    """

    borders: Borders = "zeros"

    def forward(self, clip: Tensor) -> Tensor:
        """Map B×C×T×H×W to B×C'×T'×H'×W'."""
        border = int(self.padding[0])
        if self.borders == "zeros" or self.kernel_size[0] == 1:
            return super().forward(clip)
        weight, stride = self.weight, self.stride
        if clip.shape[2] == 1:
            weight, stride = weight.sum(2, keepdim=True), (1, *stride[1:])
        else:
            clip = F.pad(clip, (0, 0, 0, 0, border, border), mode="replicate")
        padding = (0, *(int(side) for side in self.padding[1:]))
        return F.conv3d(clip, weight, self.bias, stride, padding, self.dilation, self.groups)


def inflate_weight(weight: Tensor, frames: int, inflation: Inflation) -> Tensor:
    """Return an O×I×frames×h×w kernel of an O×I×h×w one, so that it gives the same answer where nothing moves.

    `mean` spreads it evenly over time (Carreira and Zisserman, CVPR 2017, section 2.4); `centre` puts it all on the
    middle frame and leaves zeros beside it, so that motion is learned from nothing.
    """
    if inflation == "mean":
        return weight.unsqueeze(2).repeat(1, 1, frames, 1, 1) / frames
    kernel = weight.new_zeros(*weight.shape[:2], frames, *weight.shape[2:])
    kernel[:, :, frames // 2] = weight
    return kernel


def inflate_network(network: nn.Module, temporal_kernel: Callable[[str], int], inflation: Inflation) -> nn.Module:
    """Return a copy whose convolutions, BatchNorms and max pools are 3D; every tensor keeps its name.

    Args:
        network: a 2D network, which stays as it is.
        temporal_kernel: from a convolution's name to its odd length over time.
        inflation: how the 2D weights are spread over time.
    """
    inflated = copy.deepcopy(network)
    for path, module in list(inflated.named_modules()):
        if isinstance(module, nn.Conv2d):
            frames = temporal_kernel(path)
            weight = inflate_weight(module.weight.detach(), frames, inflation)
            _replace(inflated, path, _with_weight(module, weight, frames))
        elif isinstance(module, nn.BatchNorm2d):
            deep = nn.BatchNorm3d(module.num_features, module.eps, module.momentum, device=module.weight.device)
            deep.load_state_dict(module.state_dict())
            _replace(inflated, path, deep)
        elif isinstance(module, nn.MaxPool2d):
            kernel, stride, padding = map(_pair, (module.kernel_size, module.stride, module.padding))
            _replace(inflated, path, nn.MaxPool3d((1, *kernel), (1, *stride), (0, *padding)))
    return inflated


def use_clip_convolutions(network: nn.Module) -> None:
    """Put a `ClipConv3d` with the same parameters in the place of each of a network's 3D convolutions."""
    for path, module in list(network.named_modules()):
        if isinstance(module, nn.Conv3d):
            _replace(network, path, _with_weight(module, module.weight, module.kernel_size[0]))


def inflate_state(state: dict[str, Tensor], expected: dict[str, Tensor], inflation: Inflation) -> dict[str, Tensor]:
    """Return a 2D state dict with each kernel as long in time as the one of that name in `expected`."""
    return {
        name: inflate_weight(tensor, expected[name].shape[2], inflation)
        if tensor.dim() == 4 and expected[name].dim() == 5
        else tensor
        for name, tensor in state.items()
    }


def _replace(network: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, module)


def _with_weight(module: nn.Conv2d | nn.Conv3d, weight: Tensor, frames: int) -> ClipConv3d:
    """Return a 3D convolution like `module` in space, with this weight, O×I×frames×h×w."""
    stride, padding = (1, frames // 2) if isinstance(module, nn.Conv2d) else (module.stride[0], int(module.padding[0]))
    convolution = ClipConv3d(
        module.in_channels,
        module.out_channels,
        (frames, *_pair(module.kernel_size[-2:])),
        (stride, *_pair(module.stride[-2:])),
        (padding, int(module.padding[-2]), int(module.padding[-1])),
        groups=module.groups,
        bias=module.bias is not None,
        device=weight.device,
    )
    with torch.no_grad():
        convolution.weight.copy_(weight)
        if module.bias is not None and convolution.bias is not None:
            convolution.bias.copy_(module.bias)
    return convolution


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
