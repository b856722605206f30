"""From a recipe's data section to the clips that a run trains and validates on."""

from __future__ import annotations

from pathlib import Path

from tmnet_core.config import DataSection
from tmnet_core.data.annotations import load_split
from tmnet_core.data.clips import ClipsInMemory, ClipSource, VideoClips
from tmnet_core.errors import DataError


def open_clip_sources(data: DataSection) -> tuple[ClipSource, ClipSource]:
    """Return the training and the validation clips; raises DataError."""
    if not data.root:
        raise DataError("no data: give --data FOLDER, or set data.root in the recipe")
    training, validation = load_split(
        Path(data.root).expanduser(),
        data.validation_fraction,
        data.split_seed,
        Path(data.validation_root).expanduser() if data.validation_root else None,
    )
    return _cached(VideoClips(training), data), _cached(VideoClips(validation), data)


def data_name(data: DataSection) -> str:
    """Return what a checkpoint calls its data: the folder's name."""
    return Path(data.root).expanduser().resolve().name


def _cached(source: ClipSource, data: DataSection) -> ClipSource:
    return ClipsInMemory(source, data.cache_short_side) if data.cache == "memory" else source
