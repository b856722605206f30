from pathlib import Path

import pytest

from tmnet_core.reproduction.plans import Settings


@pytest.fixture
def tiny_settings(coloured_clips: Path) -> Settings:
    """Settings whose runs take a second each: a quarter of MobileNetV2 at 32 pixels, a few steps."""
    overrides = [
        "model.width=0.25",
        "start.weights=none",
        "data.validation_fraction=0.34",
        "data.cache_short_side=64",
        "clip.frames=4",
        "clip.size=32",
        "clip.glance_size=32",
        "schedule.iterations=4",
        "schedule.warmup=0",
        "training.batch_size=6",
        "training.device=cpu",
        "training.batch_norm=train",
    ]
    return Settings(str(coloured_clips), quick=True, overrides=overrides)
