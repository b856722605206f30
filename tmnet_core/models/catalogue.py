"""The networks there are, as data: which part of each is 2D or 3D, what it can serve, and what fits together.

Nothing here loads torch, so that recipes, checkpoint headers and forms can say at once what cannot be built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tmnet_core.models.branch import Branch

BackboneName = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "mobilenet_v2",
]
Network3dName = Literal["slowonly_r50", "i3d_r50", "r3d_18"]
VariantName = Literal["tmnet-2d", "tmnet-3d-a", "tmnet-3d-b", "tsn", "tsm", "i3d-r50", "slowonly-r50", "r3d-18", "c3d"]
Split = Literal["0/4", "1/3", "2/2", "3/1"]
BACKBONES: tuple[BackboneName, ...] = get_args(BackboneName)
NETWORKS_3D_NAMES: tuple[Network3dName, ...] = get_args(Network3dName)
SPLITS: tuple[Split, ...] = get_args(Split)

BOTH = (Branch.RB, Branch.CB, Branch.FUSED)


@dataclass(frozen=True, slots=True)
class Variant:
    """A row of the table of networks: a baseline is a TMNet without a regression branch.

    Attributes:
        title: what a person reads.
        base: whether the base backbone is 2D or 3D.
        classification: the same of the classification branch.
        regression: whether there is a regression branch, which is 2D in every variant (paper III-B.1).
        glance: the branches that answer for a single frame; none where the network needs a clip.
        clip: the branches that answer for a clip of T frames.
        network3d: the 3D network of a baseline; the TMNets choose theirs in the configuration.
        shift: whether the 2D stages exchange channels between frames (TSM).
    """

    title: str
    base: Literal["2D", "3D"]
    classification: Literal["2D", "3D"]
    regression: bool
    glance: tuple[Branch, ...]
    clip: tuple[Branch, ...]
    network3d: Network3dName | None = None
    shift: bool = False

    @property
    def uses_2d(self) -> bool:
        """Whether some part is cut from the 2D backbone."""
        return self.base == "2D" or self.regression

    @property
    def uses_3d(self) -> bool:
        """Whether some part is 3D."""
        return "3D" in (self.base, self.classification)


VARIANTS: dict[VariantName, Variant] = {
    "tmnet-2d": Variant("TMNet-2D", "2D", "2D", True, BOTH, BOTH),
    # Its fast inference is BB and RB alone (paper Fig. 7).
    "tmnet-3d-a": Variant("TMNet-3D-A", "2D", "3D", True, (Branch.RB,), BOTH),
    # Its own mode is clip -> BB -> RB; a glance is the frame standing still.
    "tmnet-3d-b": Variant("TMNet-3D-B", "3D", "3D", True, (Branch.RB,), BOTH),
    "tsn": Variant("TSN", "2D", "2D", False, (Branch.CB,), (Branch.CB,)),
    "tsm": Variant("TSM", "2D", "2D", False, (Branch.CB,), (Branch.CB,), shift=True),
    "i3d-r50": Variant("I3D-R50", "3D", "3D", False, (), (Branch.CB,), network3d="i3d_r50"),
    "slowonly-r50": Variant("SlowOnly-R50", "3D", "3D", False, (), (Branch.CB,), network3d="slowonly_r50"),
    "r3d-18": Variant("R3D-18", "3D", "3D", False, (), (Branch.CB,), network3d="r3d_18"),
    "c3d": Variant("C3D", "3D", "3D", False, (), (Branch.CB,)),
}

# C3D's fully connected layers fix its input (Tran et al., ICCV 2015, section 3).
C3D_FRAMES, C3D_SIZE = 16, 112


@dataclass(frozen=True, slots=True)
class Network3d:
    """A 3D network as a stem and four stages.

    Attributes:
        title: what a person reads.
        backbone: the 2D network that it is inflated from.
        temporal_kernels: of the stem and each stage; of several, block i has the i-th, cyclically.
        temporal_strides: by what the stem and each stage divide the length of a clip.
    """

    title: str
    backbone: BackboneName
    temporal_kernels: tuple[tuple[int, ...], ...]
    temporal_strides: tuple[int, ...]

    @property
    def temporal_stride(self) -> int:
        """By what the whole network divides the length of a clip."""
        product = 1
        for stride in self.temporal_strides:
            product *= stride
        return product


NETWORKS_3D: dict[Network3dName, Network3d] = {
    # The slow pathway alone: SlowFast (Feichtenhofer et al., ICCV 2019), Table 1.
    "slowonly_r50": Network3d("SlowOnly-R50", "resnet50", ((1,), (1,), (1,), (3,), (3,)), (1, 1, 1, 1, 1)),
    # I3D (Carreira and Zisserman, CVPR 2017) in the ResNet form of Non-local networks (Wang et al., CVPR 2018,
    # section 4: 3×1×1 kernels in every other block), with the stem of 5×7×7 and the one pool over time, before the
    # second stage, of the weights that SlowFast's code publishes for 8 frames.
    "i3d_r50": Network3d("I3D-R50", "resnet50", ((5,), (3,), (3, 1), (3, 1), (1, 3)), (1, 1, 2, 1, 1)),
    # R3D (Tran et al., CVPR 2018, Table 1).
    "r3d_18": Network3d("R3D-18", "resnet18", ((3,), (3,), (3,), (3,), (3,)), (1, 1, 2, 2, 2)),
}

_RESNET_BASIC = (64, 64, 128, 256, 512)
_RESNET_BOTTLENECK = (64, 256, 512, 1024, 2048)
_MOBILENET_V2 = (16, 24, 32, 96, 1280)


def stage_channels(backbone: BackboneName) -> tuple[int, ...]:
    """Return the channels that the stem and the four stages put out; of MobileNetV2 those at width 1."""
    if backbone == "mobilenet_v2":
        return _MOBILENET_V2
    return _RESNET_BASIC if backbone in ("resnet18", "resnet34") else _RESNET_BOTTLENECK


def chosen_network3d(variant: VariantName, network3d: Network3dName) -> Network3dName | None:
    """Return the network of a variant's 3D parts: a baseline's own, else the one chosen; None where none is 3D."""
    row = VARIANTS[variant]
    if not row.uses_3d or variant == "c3d":
        return None
    return row.network3d or network3d


def why_unfit(variant: VariantName, backbone: BackboneName, network3d: Network3dName, split: Split) -> str | None:
    """Return why these cannot be put together, as a clause for a person, or None where they can."""
    row = VARIANTS[variant]
    if not (row.uses_2d and row.uses_3d):
        return None
    network = NETWORKS_3D[network3d]
    cut = int(split[0])
    flat, deep = stage_channels(backbone), stage_channels(network.backbone)
    fitting = ", ".join(name for name in BACKBONES if stage_channels(name) == deep)
    if flat[-1] != deep[-1]:
        return (
            f"{backbone} ends with {flat[-1]} channels and {network3d} with {deep[-1]}, but RB and CB share one "
            f"classifier; backbones that fit are {fitting}"
        )
    if flat[cut] != deep[cut]:
        return (
            f"at split {split} {backbone} hands on {flat[cut]} channels and {network3d} {deep[cut]}; "
            f"backbones that fit are {fitting}"
        )
    sees_one_frame = all(set(kernels) == {1} for kernels in network.temporal_kernels[: cut + 1])
    if row.base == "3D" and sees_one_frame:
        return (
            f"up to split {split} {network3d} sees one frame at a time, so that this {variant} is a tmnet-3d-a; "
            "choose split 3/1 or network3d i3d_r50"
        )
    return None


def shortest_clip(variant: VariantName, network3d: Network3dName) -> int:
    """Return the fewest frames that a clip must have, so that each temporal stride has frames to stride over."""
    if variant == "c3d":
        return C3D_FRAMES
    chosen = chosen_network3d(variant, network3d)
    return 1 if chosen is None else NETWORKS_3D[chosen].temporal_stride
