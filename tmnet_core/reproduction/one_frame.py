"""The frame of Figure 6: which one, and what a run's branches make of it."""

from __future__ import annotations

import torch

from tmnet_core.data.clip_sources import open_validation_clips
from tmnet_core.data.clips import ClipSource
from tmnet_core.figures.attention import SeenFrame
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.training.run_folder import RunFolder


def look_at_one_frame(run: RunFolder, device: torch.device) -> SeenFrame:
    """Look at the middle frame of the first validation clip of the first class that jumps, else of the first class."""
    clips = open_validation_clips(run.recipe().data)
    index = _choose(clips)
    predictor = GlancePredictor.from_file(run.last_checkpoint, device, "torch")
    try:
        frame = clips.read(index, [clips.frames(index) // 2])[0]
        glance = predictor.glance(frame)
    finally:
        predictor.close()
    label = clips.label(index)
    return SeenFrame(
        predictor.preprocessing.cut(frame, glance.placement),
        clips.classes[label],
        {branch: maps[label] for branch, maps in glance.maps.items()},
        {branch: float(values[label]) for branch, values in glance.probabilities.items()},
    )


def _choose(clips: ClipSource) -> int:
    jumping = [label for label, name in enumerate(clips.classes) if "jump" in name.lower()]
    label = jumping[0] if jumping else 0
    return next((index for index in range(len(clips)) if clips.label(index) == label), 0)
