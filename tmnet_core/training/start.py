"""The network that a run starts with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from tmnet_core.checkpoint import is_checkpoint, load_checkpoint
from tmnet_core.config import Recipe
from tmnet_core.errors import CheckpointError
from tmnet_core.models.pretrained import load_start_weights
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model

Channels = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class StartedModel:
    """A network with the weights it starts from.

    Attributes:
        origin: what a person reads about these weights.
        mean, std: what they expect of the input, per channel, of values in [0, 1].
    """

    model: TMNet
    origin: str
    mean: Channels
    std: Channels


def start_model(recipe: Recipe, classes: list[str]) -> StartedModel:
    """Build the recipe's network; raises CheckpointError where its start weights do not fit."""
    start = recipe.start
    if is_checkpoint(Path(start.weights)):
        return _go_on_from(Path(start.weights), recipe, classes)
    network = build_network(recipe.model.backbone, recipe.model.width)
    loaded = load_start_weights(network, recipe.model.backbone, start.weights, partial=start.partial)
    # The network's own head is left out: its tensors are of no concern.
    uncovered = sum(not name.startswith(("fc.", "classifier.")) for name in loaded.missing)
    origin = loaded.origin if not (loaded.covered and uncovered) else f"{loaded.origin}, {uncovered} tensors at random"
    return StartedModel(build_model(recipe.model, len(classes), network), origin, start.mean, start.std)


def _go_on_from(path: Path, recipe: Recipe, classes: list[str]) -> StartedModel:
    """Take the weights of a checkpoint: RB from its CB where it has no RB, a new classifier for other classes."""
    loaded = load_checkpoint(path)
    theirs, ours = loaded.header.model, recipe.model
    for key in ("backbone", "width", "split"):
        if getattr(theirs, key) != getattr(ours, key):
            raise CheckpointError(
                f"weights {path}: a checkpoint with {key} {getattr(theirs, key)}, the recipe's is {getattr(ours, key)}"
            )
    model = build_model(ours, len(classes))
    state = loaded.model.state_dict()
    if model.regression is not None and loaded.model.regression is None:
        state |= _renamed(state, "classification.", "regression.")
    if loaded.header.classes != classes:
        state |= {f"classifier.{name}": value for name, value in model.classifier.state_dict().items()}
    expected = model.state_dict()
    model.load_state_dict({name: value for name, value in state.items() if name in expected})
    return StartedModel(model, loaded.header.title, loaded.header.preprocessing.mean, loaded.header.preprocessing.std)


def _renamed(state: dict[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {new + name.removeprefix(old): value for name, value in state.items() if name.startswith(old)}
