"""The network that a run starts with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from tmnet_core.checkpoint import is_checkpoint, load_checkpoint
from tmnet_core.config import ModelConfig, Recipe
from tmnet_core.data.fingerprints import Fingerprints
from tmnet_core.errors import CheckpointError
from tmnet_core.models.catalogue import NETWORKS_3D, VARIANTS, BackboneName, Network3dName, chosen_network3d
from tmnet_core.models.pretrained import (
    IMAGENET,
    INFLATE,
    KINETICS,
    RANDOM,
    LoadedWeights,
    kinetics_statistics,
    load_published_weights,
    load_start_weights,
)
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.stages3d import build_network3d
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model

Channels = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class StartedModel:
    """A network with the weights it starts from.

    Attributes:
        origin: what a person reads about these weights.
        mean, std: what they expect of the input, per channel, of values in [0, 1].
        trained_on: the clips that they have seen already.
    """

    model: TMNet
    origin: str
    mean: Channels
    std: Channels
    trained_on: Fingerprints = field(default_factory=Fingerprints)


def start_model(recipe: Recipe, classes: list[str]) -> StartedModel:
    """Build the recipe's network; raises CheckpointError where its start weights do not fit."""
    start, model = recipe.start, recipe.model
    row = VARIANTS[model.variant]
    if is_checkpoint(Path(start.weights)):
        return _go_on_from(Path(start.weights), recipe, classes)
    if model.variant == "c3d" and start.weights != RANDOM:
        raise CheckpointError(
            f"weights {start.weights}: c3d starts at random or from a checkpoint; set start.weights = 'none'"
        )
    network = network3d = None
    origins = []
    if row.uses_2d:
        network, origin = _load_2d(recipe, model.backbone)
        origins.append(origin)
    chosen = chosen_network3d(model.variant, model.network3d)
    if chosen is not None:
        network3d, origin = _load_3d(recipe, chosen, network)
        origins.append(origin)
    mean, std = start.mean, start.std
    if row.base == "3D" and start.weights3d == KINETICS:
        mean, std = kinetics_statistics()
    origin = "; ".join(origins) or "random"
    return StartedModel(build_model(model, len(classes), network, network3d), origin, mean, std)


def _load_2d(recipe: Recipe, backbone: BackboneName) -> tuple[nn.Module, str]:
    start = recipe.start
    network = build_network(backbone, recipe.model.width if backbone == recipe.model.backbone else 1.0)
    return network, _describe(load_start_weights(network, backbone, start.weights, partial=start.partial))


def _load_3d(recipe: Recipe, name: Network3dName, network2d: nn.Module | None) -> tuple[nn.Module, str]:
    """Return the 3D network with its own weights, or with those of its 2D form, which the 2D parts may share."""
    start, backbone = recipe.start, NETWORKS_3D[name].backbone
    if start.weights3d != INFLATE:
        network = build_network3d(name)
        return network, _describe(load_published_weights(network, name, start.weights3d, partial=start.partial))
    if start.weights == RANDOM:
        return build_network3d(name), f"{name} random"
    if network2d is not None and recipe.model.backbone == backbone:
        return build_network3d(name, network2d, start.inflation), f"inflated into {name}"
    if network2d is not None and start.weights != IMAGENET:
        raise CheckpointError(
            f"weights {start.weights}: they are {recipe.model.backbone}'s, but {name} is inflated from {backbone}; "
            "set start.weights3d to a file of its own"
        )
    flat, origin = _load_2d(recipe, backbone)
    return build_network3d(name, flat, start.inflation), f"{origin} inflated into {name}"


def _describe(loaded: LoadedWeights) -> str:
    # The network's own head is left out: its tensors are of no concern.
    uncovered = sum(not name.startswith(("fc.", "classifier.")) for name in loaded.missing)
    return loaded.origin if not (loaded.covered and uncovered) else f"{loaded.origin}, {uncovered} tensors at random"


def _go_on_from(path: Path, recipe: Recipe, classes: list[str]) -> StartedModel:
    """Take the weights of a checkpoint: RB from its CB where it has no RB, a new classifier for other classes."""
    loaded = load_checkpoint(path)
    theirs, ours = loaded.header.model, recipe.model
    if _parts(theirs) != _parts(ours) or (VARIANTS[ours.variant].uses_3d and ours.variant != theirs.variant):
        raise CheckpointError(f"weights {path}: a checkpoint of {theirs.variant}, which is no start of {ours.variant}")
    for key in ("backbone", "width", "split") if VARIANTS[ours.variant].uses_2d else ("split",):
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
    preprocessing, training = loaded.header.preprocessing, loaded.header.training
    seen = training.trained_on if training else None
    return StartedModel(model, loaded.header.title, preprocessing.mean, preprocessing.std, seen or Fingerprints())


def _parts(model: ModelConfig) -> tuple[object, ...]:
    """Return what decides on the tensors of BB and CB besides the 2D backbone and the split."""
    row = VARIANTS[model.variant]
    return row.base, row.classification, row.shift, chosen_network3d(model.variant, model.network3d)


def _renamed(state: dict[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {new + name.removeprefix(old): value for name, value in state.items() if name.startswith(old)}
