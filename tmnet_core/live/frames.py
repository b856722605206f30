"""What travels through the live path: frames in, glances out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tmnet_core.data.preprocessing import Image, Placement
from tmnet_core.models.branch import Branch

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source.

    Attributes:
        image: H×W×3 uint8 RGB, contiguous; nobody writes into it.
        index: its number in the source, from 0 in presentation order; a camera counts its reads.
        time: seconds since the start of the source.
        captured: `time.perf_counter()` at the moment it was handed out by the source.
    """

    image: Image
    index: int
    time: float
    captured: float


@dataclass(frozen=True, slots=True)
class Glance:
    """What the network says about one frame (paper III-C).

    Attributes:
        frame: the frame that was looked at.
        placement: where the network's input lies on the frame.
        probabilities: by branch that the checkpoint serves, K values that sum to 1.
        maps: class activation maps by branch (RB and CB, where served), K×h×w: the contribution of each place to
            each class's logit; its mean over places plus the classifier's bias is the logit.
        features: the pooled C-vectors F_reg and F_cls by branch.
        finished: `time.perf_counter()` when the answer was ready.
        stages: milliseconds by stage of the live path, such as `preprocess` and `network`.
        second: what another network says about the same frame; None without one.
    """

    frame: Frame
    placement: Placement
    probabilities: Mapping[Branch, FloatArray]
    maps: Mapping[Branch, FloatArray]
    features: Mapping[Branch, FloatArray]
    finished: float
    stages: Mapping[str, float] = field(default_factory=dict)
    second: Glance | None = None

    @property
    def answer(self) -> Branch:
        """The branch to believe: the fusion where both branches are served, else the one there is."""
        return Branch.FUSED if Branch.FUSED in self.probabilities else next(iter(self.probabilities))
