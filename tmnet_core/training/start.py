"""The network that a run starts with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor, nn

from tmnet_core.checkpoint import LoadedCheckpoint, is_checkpoint, load_checkpoint
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
from tmnet_core.models.stages2d import build_network, cut_stages
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
    earlier = load_checkpoint(Path(start.weights)) if is_checkpoint(Path(start.weights)) else None
    if earlier and _is_same_network(earlier.header.model, model):
        return _go_on_from(earlier, recipe, classes)
    if model.variant == "c3d" and start.weights != RANDOM:
        raise CheckpointError(
            f"weights {start.weights}: c3d starts at random or from a checkpoint of c3d; set start.weights = 'none'"
        )
    network = network3d = None
    origins = []
    if row.uses_2d:
        network, origin = _load_2d(recipe, model.backbone, earlier)
        origins.append(origin)
    chosen = chosen_network3d(model.variant, model.network3d)
    if chosen is not None:
        network3d, origin = _load_3d(recipe, chosen, network, earlier)
        origins.append(origin)
    built = build_model(model, len(classes), network, network3d)
    origin = "; ".join(origins) or "random"
    started = StartedModel(built, origin, start.mean, start.std)
    # A 3D network with a file of its own has nothing of the checkpoint.
    if earlier and (row.uses_2d or start.weights3d == INFLATE):
        _keep_classifier(built, earlier, classes)
        started = _as_expected_by(earlier, built, origin)
    if row.base == "3D" and start.weights3d == KINETICS:
        mean, std = kinetics_statistics()
        return replace(started, mean=mean, std=std)
    return started


def _keep_classifier(model: TMNet, earlier: LoadedCheckpoint, classes: list[str]) -> None:
    """Take over a checkpoint's classifier where it is one of the same classes and features."""
    theirs = earlier.model.classifier
    if earlier.header.classes == classes and model.classifier.weight.shape == theirs.weight.shape:
        model.classifier.load_state_dict(theirs.state_dict())


def _as_expected_by(earlier: LoadedCheckpoint, model: TMNet, origin: str) -> StartedModel:
    """Return a network with what the checkpoint that it starts from expects of the input, and has seen."""
    preprocessing, training = earlier.header.preprocessing, earlier.header.training
    seen = training.trained_on if training else None
    return StartedModel(model, origin, preprocessing.mean, preprocessing.std, seen or Fingerprints())


def _load_2d(recipe: Recipe, backbone: BackboneName, earlier: LoadedCheckpoint | None) -> tuple[nn.Module, str]:
    """Return the whole 2D network; of a checkpoint it is the stages of BB and CB, which may be cut elsewhere now."""
    start = recipe.start
    if earlier:
        return _join_stages(earlier, recipe.model, backbone), f"{earlier.header.title}, its 2D stages"
    network = build_network(backbone, recipe.model.width if backbone == recipe.model.backbone else 1.0)
    return network, _describe(load_start_weights(network, backbone, start.weights, partial=start.partial))


def _load_3d(
    recipe: Recipe, name: Network3dName, network2d: nn.Module | None, earlier: LoadedCheckpoint | None
) -> tuple[nn.Module, str]:
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
    flat, origin = _load_2d(recipe, backbone, earlier)
    return build_network3d(name, flat, start.inflation), f"{origin} inflated into {name}"


def _describe(loaded: LoadedWeights) -> str:
    # The network's own head is left out: its tensors are of no concern.
    uncovered = sum(not name.startswith(("fc.", "classifier.")) for name in loaded.missing)
    return loaded.origin if not (loaded.covered and uncovered) else f"{loaded.origin}, {uncovered} tensors at random"


def _is_same_network(theirs: ModelConfig, ours: ModelConfig) -> bool:
    """Whether BB and CB have the same tensors under the same names; an RB is made of CB where there is none."""
    row = VARIANTS[ours.variant]
    if _parts(theirs) != _parts(ours) or theirs.split != ours.split:
        return False
    if row.uses_3d and theirs.variant != ours.variant:
        return False
    return not row.uses_2d or (theirs.backbone, theirs.width) == (ours.backbone, ours.width)


def _parts(model: ModelConfig) -> tuple[object, ...]:
    """Return what decides on the tensors of BB and CB besides the 2D backbone and the split."""
    row = VARIANTS[model.variant]
    return row.base, row.classification, row.shift, chosen_network3d(model.variant, model.network3d)


def _go_on_from(earlier: LoadedCheckpoint, recipe: Recipe, classes: list[str]) -> StartedModel:
    """Take the weights of a checkpoint: RB from its CB where it has no RB, a new classifier for other classes."""
    model = build_model(recipe.model, len(classes))
    state = earlier.model.state_dict()
    if model.regression is not None and earlier.model.regression is None:
        state |= _renamed(state, "classification.", "regression.")
    if earlier.header.classes != classes:
        state |= {f"classifier.{name}": value for name, value in model.classifier.state_dict().items()}
    expected = model.state_dict()
    model.load_state_dict({name: value for name, value in state.items() if name in expected})
    return _as_expected_by(earlier, model, earlier.header.title)


def _join_stages(earlier: LoadedCheckpoint, ours: ModelConfig, backbone: BackboneName) -> nn.Module:
    """Return the 2D network that a checkpoint's BB and CB were cut from; its head keeps random weights."""
    theirs = earlier.header.model
    row = VARIANTS[theirs.variant]
    if row.shift or "3D" in (row.base, row.classification):
        raise CheckpointError(
            f"weights {earlier.path}: a checkpoint of {theirs.variant}, which is no start of {ours.variant}"
        )
    width = ours.width if backbone == ours.backbone else 1.0
    for key, value in {"backbone": backbone, "width": width}.items():
        if getattr(theirs, key) != value:
            wanted = f"the recipe's is {value}" if value == getattr(ours, key) else f"inflation needs {value}"
            raise CheckpointError(f"weights {earlier.path}: a checkpoint with {key} {getattr(theirs, key)}, {wanted}")
    network = build_network(backbone, width)
    for name, stage in cut_stages(network).items():
        parts = (earlier.model.base, earlier.model.classification)
        source = next(part.network for part in parts if hasattr(part.network, name))
        stage.load_state_dict(getattr(source, name).state_dict())
    return network


def _renamed(state: dict[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {new + name.removeprefix(old): value for name, value in state.items() if name.startswith(old)}
