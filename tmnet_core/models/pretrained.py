"""The weights that a network starts from: torchvision's by name, or a local state dict."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from tmnet_core.errors import CheckpointError
from tmnet_core.files import is_torch_pickle
from tmnet_core.models.catalogue import BackboneName

IMAGENET = "imagenet"
RANDOM = "none"


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What a weight file did to a network: how many tensors it set, and the names of those it did not cover."""

    origin: str
    covered: int
    missing: tuple[str, ...]


def load_start_weights(
    network: nn.Module, backbone: BackboneName, weights: str, *, partial: bool = False
) -> LoadedWeights:
    """Load weights into a whole torchvision network, its head included.

    Args:
        network: the network to change in place.
        backbone: its name, for torchvision's own weights.
        weights: `imagenet`, `none`, or the path of a state dict (.pth, .pt, .safetensors).
        partial: accept a file that lacks some tensors; they keep their random values and are listed.

    Raises:
        CheckpointError: naming the file and the first tensors that do not fit.
    """
    if weights == RANDOM:
        return LoadedWeights("random", 0, tuple(network.state_dict()))
    state = _download_imagenet(backbone) if weights == IMAGENET else read_state_dict(Path(weights))
    expected = network.state_dict()
    _refuse_foreign(state, expected, weights)
    missing = tuple(name for name in expected if name not in state and not name.endswith("num_batches_tracked"))
    if missing and not partial:
        raise CheckpointError(
            f"weights {weights}: {len(missing)} of {backbone}'s tensors are missing, such as {missing[0]}; "
            "set start.partial = true to start these at random"
        )
    network.load_state_dict(state, strict=False)
    origin = "ImageNet" if weights == IMAGENET else Path(weights).name
    return LoadedWeights(origin, len(state), missing)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .safetensors, .pth or .pt file without running any code that is in it."""
    if path.is_dir():
        raise CheckpointError(f"weights {path}: it is a folder")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"weights {path}: there is no such file") from None
    except PermissionError:
        raise CheckpointError(f"weights {path}: it may not be read") from None
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        # A file of any other kind fails as unpicklable too.
        if isinstance(error, pickle.UnpicklingError) and is_torch_pickle(path):
            cause = "it holds Python objects beside tensors, which could run code, and is refused"
        else:
            cause = "it is damaged or no weight file"
        raise CheckpointError(f"weights {path}: {cause}") from None
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()) or not state:
        raise CheckpointError(f"weights {path}: it holds no state dict of tensors")
    return state


def _download_imagenet(backbone: BackboneName) -> dict[str, Tensor]:
    try:
        state = torchvision.models.get_model_weights(backbone)["DEFAULT"].get_state_dict(progress=True)
    except OSError as error:
        raise CheckpointError(
            f"weights imagenet: torchvision's weights of {backbone} could not be downloaded ({error}); "
            "set start.weights to a local file"
        ) from None
    return dict(state)


def _refuse_foreign(state: dict[str, Tensor], expected: dict[str, Tensor], weights: str) -> None:
    foreign = [name for name in state if name not in expected]
    if foreign:
        raise CheckpointError(
            f"weights {weights}: {len(foreign)} tensors belong to another network, such as {foreign[0]}"
        )
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape:
            raise CheckpointError(
                f"weights {weights}: {name} is {_shape(tensor)}, the network's is {_shape(expected[name])}"
            )


def _shape(tensor: Tensor) -> str:
    return "×".join(str(side) for side in tensor.shape) or "a single number"
