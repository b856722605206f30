"""The weights that a network starts from: torchvision's by name, or a local state dict, of 2D and of 3D networks."""

from __future__ import annotations

import pickle
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from tmnet_core.errors import CheckpointError
from tmnet_core.files import is_packed_archive, is_torch_pickle
from tmnet_core.models.catalogue import BackboneName, Network3dName

IMAGENET = "imagenet"
RANDOM = "none"
INFLATE = "inflate"
KINETICS = "kinetics"

# A bottleneck's convolutions a, b, c of published files are torchvision's 1, 2, 3.
_NUMBERS = {"a": "1", "b": "2", "c": "3"}
_HEAD = re.compile(r"(fc|head|blocks\.\d+\.proj)\.")


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
    state = _download(backbone) if weights == IMAGENET else read_state_dict(Path(weights))
    expected = network.state_dict()
    _refuse_foreign(state, expected, weights)
    missing = _missing(state, expected)
    if missing and not partial:
        raise _incomplete(weights, backbone, missing)
    network.load_state_dict(state, strict=False)
    origin = "ImageNet" if weights == IMAGENET else Path(weights).name
    return LoadedWeights(origin, len(state), missing)


def load_published_weights(
    network: nn.Module, name: Network3dName, weights: str, *, partial: bool = False
) -> LoadedWeights:
    """Load 3D weights into a 3D network; their head, of other classes, is left out.

    Args:
        network: as `build_network3d` makes it, changed in place.
        name: which one it is.
        weights: `kinetics`, torchvision's R3D-18; or a state dict of SlowOnly-R50 or I3D-R50 as PySlowFast,
            PyTorchVideo or torchvision name their tensors.
        partial: as in `load_start_weights`.

    Raises:
        CheckpointError: naming the file and the first tensors that do not fit.
    """
    if weights == KINETICS and name != "r3d_18":
        raise CheckpointError(f"weights kinetics: torchvision publishes none of {name}; set start.weights3d to a file")
    state = _download(name) if weights == KINETICS else translate_names(read_state_dict(Path(weights)))
    state = {tensor: value for tensor, value in state.items() if not _HEAD.match(tensor)}
    expected = {tensor: value for tensor, value in network.state_dict().items() if not _HEAD.match(tensor)}
    _refuse_foreign(state, expected, weights)
    missing = _missing(state, expected)
    if missing and not partial:
        raise _incomplete(weights, name, missing)
    network.load_state_dict(state, strict=False)
    return LoadedWeights("Kinetics-400" if weights == KINETICS else Path(weights).name, len(state), missing)


def translate_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a 3D ResNet-50's state dict with torchvision's names, where it has PySlowFast's or PyTorchVideo's.

    PySlowFast: `s1.pathway0_stem.conv.weight`, `s2.pathway0_res0.branch2.a_bn.bias`, `s2.pathway0_res0.branch1.weight`.
    PyTorchVideo: `blocks.0.norm.bias`, `blocks.1.res_blocks.0.branch2.conv_a.weight`; a pool between two stages
    takes a number of its own. Names of neither kind stay as they are.
    """
    state = {name.removeprefix("model."): tensor for name, tensor in state.items()}
    numbers = sorted({int(found[1]) for name in state if (found := re.match(r"blocks\.(\d+)\.res_blocks\.", name))})
    stages = {str(number): str(stage) for stage, number in enumerate(numbers, start=1)}
    return {_translate(name, stages): tensor for name, tensor in state.items()}


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .safetensors, .pth or .pt file without running any code that is in it."""
    if path.is_dir():
        raise CheckpointError(f"weights {path}: it is a folder")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if is_packed_archive(path):
            raise CheckpointError(f"weights {path}: it is compressed, as files of torch.save never are, and is refused")
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
    for wrapper in ("state_dict", "model_state"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()) or not state:
        raise CheckpointError(f"weights {path}: it holds no state dict of tensors")
    return state


def kinetics_statistics() -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the mean and the standard deviation that torchvision's R3D-18 expects of its input."""
    transforms = torchvision.models.get_model_weights("r3d_18")["DEFAULT"].transforms()
    mean, std = (tuple(float(value) for value in values) for values in (transforms.mean, transforms.std))
    return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def _translate(name: str, stages: dict[str, str]) -> str:
    if found := re.fullmatch(r"s1\.pathway0_stem\.(conv|bn)\.(\w+)", name):
        return f"{found[1]}1.{found[2]}"
    if found := re.fullmatch(r"s(\d)\.pathway0_res(\d+)\.branch(?:1|2\.([abc]))(_bn)?\.(\w+)", name):
        stage, block, letter, norm, tensor = found.groups()
        return _bottleneck_name(str(int(stage) - 1), block, letter, bool(norm), tensor)
    if found := re.fullmatch(r"blocks\.0\.(conv|norm)\.(\w+)", name):
        return f"{'conv1' if found[1] == 'conv' else 'bn1'}.{found[2]}"
    places = r"blocks\.(\d+)\.res_blocks\.(\d+)\.(?:branch1_(conv|norm)|branch2\.(conv|norm)_([abc]))\.(\w+)"
    if found := re.fullmatch(places, name):
        number, block, shortcut, layer, letter, tensor = found.groups()
        return _bottleneck_name(stages[number], block, letter, "norm" in (shortcut, layer), tensor)
    return name


def _bottleneck_name(stage: str, block: str, letter: str | None, norm: bool, tensor: str) -> str:
    """Return torchvision's name of a tensor in a bottleneck; without a letter it is of the shortcut."""
    layer = f"downsample.{int(norm)}" if letter is None else f"{'bn' if norm else 'conv'}{_NUMBERS[letter]}"
    return f"layer{stage}.{block}.{layer}.{tensor}"


def _download(name: BackboneName | Network3dName) -> dict[str, Tensor]:
    kind, key = (KINETICS, "weights3d") if name == "r3d_18" else (IMAGENET, "weights")
    try:
        state = torchvision.models.get_model_weights(name)["DEFAULT"].get_state_dict(progress=True)
    except OSError as error:
        raise CheckpointError(
            f"weights {kind}: torchvision's weights of {name} could not be downloaded ({_why(error)}); "
            f"set start.{key} to a local file"
        ) from None
    return dict(state)


def _why(error: OSError) -> str:
    if isinstance(error, HTTPError):
        return f"the server answered {error.code}"
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, socket.gaierror):
        return "there is no connection to the server"
    return getattr(cause, "strerror", None) or str(cause)


def _missing(state: dict[str, Tensor], expected: dict[str, Tensor]) -> tuple[str, ...]:
    # Files from before BatchNorm counted its batches are whole too.
    return tuple(name for name in expected if name not in state and not name.endswith("num_batches_tracked"))


def _incomplete(weights: str, network: str, missing: tuple[str, ...]) -> CheckpointError:
    return CheckpointError(
        f"weights {weights}: {len(missing)} of {network}'s tensors are missing, such as {missing[0]}; "
        "set start.partial = true to start these at random"
    )


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
