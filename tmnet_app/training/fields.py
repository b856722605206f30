"""The values of a recipe by key: their definitions, and what a person calls them."""

from __future__ import annotations

import re

from pydantic.fields import FieldInfo

from tmnet_core.config import Recipe, Section

# Of the values that the form lays out by hand; the others are called after their keys.
_LABELS = {
    "name": "Name of the run",
    "data.root": "Folder",
    "data.format": "Read as",
    "data.split": "Official split",
    "model.variant": "Network",
    "model.backbone": "Backbone",
    "model.split": "Split",
    "start.weights": "Start from",
    "schedule.iterations": "Iterations",
    "clip.frames": "Frames of a clip, T",
    "clip.size": "Picture size",
    "objective.alpha": "Weight of RB, alpha",
    "clip.key_frame": "Key frame",
    "training.device": "Device",
    "training.precision": "Precision",
}


def recipe_fields() -> dict[str, FieldInfo]:
    """Return every value of a recipe by its key, such as `clip.frames`, with its definition."""
    fields: dict[str, FieldInfo] = {}
    for name, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            fields |= {f"{name}.{key}": inner for key, inner in field.annotation.model_fields.items()}
        else:
            fields[name] = field
    return fields


def name_of(key: str) -> str:
    """Return what a person calls a value: `training.batch_size` is `Batch size`."""
    if key in _LABELS:
        return _LABELS[key]
    words = key.rpartition(".")[2].replace("_", " ").replace("3d", " 3D").replace("gib", "GiB")
    return f"{words[:1].upper()}{words[1:]}"


def in_form_words(sentence: str) -> str:
    """Return a sentence that speaks of `clip.frames` as one that speaks of “Frames of a clip, T”, as the form does."""
    keys = sorted((key for key in recipe_fields() if "." in key), key=len, reverse=True)
    # A key in quotes is a value or a path.
    pattern = rf"(?<![\w.'/\\])({'|'.join(map(re.escape, keys))})(?!\w)"
    return re.sub(pattern, lambda found: f"“{name_of(found[1])}”", sentence)
