"""How long the videos of a source are, and how many are too short for the clips that are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from tmnet_core.data.sampling import ClipSampling
from tmnet_core.errors import SourceError

if TYPE_CHECKING:
    from tmnet_core.data.clips import ClipSource

# Videos that are opened for it: a second or two, and of thousands enough to tell a share within some points.
_SAMPLED = 200


def sample_lengths(clips: ClipSource) -> list[int]:
    """Return the lengths in frames of videos spread over a source; those that cannot be read are passed over."""
    lengths = []
    for index in np.unique(np.linspace(0, len(clips) - 1, _SAMPLED).astype(int)).tolist():
        try:
            lengths.append(clips.frames(index))
        except SourceError:
            continue
    return lengths


def describe_short(lengths: Iterable[int], sampling: ClipSampling) -> str:
    """Say how many videos are too short, and what becomes of them; nothing where all are long enough."""
    short = [sampling.is_too_long_for(length) for length in lengths]
    if not any(short):
        return ""
    count = f"{sum(short)} of {len(short)} videos"
    return f"{count} are too short for {sampling}: their frames lie closer together or repeat"
