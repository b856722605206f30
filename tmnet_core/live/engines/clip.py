"""How a network looks at T frames at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tmnet_core.checkpoint import CheckpointHeader
from tmnet_core.config import ClipSection
from tmnet_core.data.sampling import key_frame_fraction
from tmnet_core.errors import CheckpointError
from tmnet_core.models.catalogue import C3D_FRAMES, VARIANTS, shortest_clip
from tmnet_core.onnx_file import CLIP_KEY, SUFFIX, read_metadata


@dataclass(frozen=True, slots=True)
class ClipLook:
    """A look at a clip.

    Attributes:
        frames: T.
        key_frame: the fraction of the clip, in [0, 1), at which RB looks.
    """

    frames: int
    key_frame: float


def choose_look(path: Path, header: CheckpointHeader, frames: int) -> ClipLook | None:
    """Return how a file looks at clips of that many frames, RB where it looked in training; None for single frames, 0.

    Raises:
        CheckpointError: the network does not take that; of an exported file, it was exported for something else.
    """
    model = header.model
    if path.suffix == SUFFIX:
        said = read_metadata(path).get(CLIP_KEY)
        exported = ClipLook(**json.loads(said)) if said else None
        if frames != (exported.frames if exported else 0):
            made_for = f"clips of {exported.frames} frames" if exported else "single frames"
            asked = f"clips of {frames} frames" if frames else "single frames"
            raise CheckpointError(f"checkpoint {path}: it was exported for {made_for}, not for {asked}")
        return exported
    if not frames:
        if not VARIANTS[model.variant].glance:
            raise CheckpointError(f"checkpoint {path}: {header.title} needs a clip of frames, it cannot answer for one")
        return None
    shortest = shortest_clip(model.variant, model.network3d)
    if frames < shortest or (model.variant == "c3d" and frames != C3D_FRAMES):
        wanted = f"{shortest} frames" if model.variant == "c3d" else f"at least {shortest} frames"
        raise CheckpointError(f"checkpoint {path}: {header.title} takes clips of {wanted}, not of {frames}")
    return ClipLook(frames, trained_key_frame(header))


def trained_key_frame(header: CheckpointHeader) -> float:
    """Return the fraction of a clip, in [0, 1), at which RB looked in training, or the paper's middle."""
    segment = header.training.clip.key_frame if header.training else ClipSection().key_frame
    return key_frame_fraction(segment)
