"""Convolutions as oneDNN likes them best: weights laid out once, and the sum and ReLU behind them done in passing.

torch lays its weights out anew for every call and passes over memory once more for each sum and each ReLU. The
operators used here are the ones that torch.compile makes of a frozen network, without the compiler.
"""

from __future__ import annotations

import contextlib
import copy
import operator
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, fx, nn

from tmnet_core.models.tmnet import GlanceMaps, TMNet

Shapes = dict[nn.Module, list[int]]


# Of a value, as a fraction of the largest one: rounding apart, packed and plain are the same sums.
_DIFFERENCE = 1e-4


@torch.inference_mode()
def pack_convolutions(model: TMNet, look: Callable[[TMNet], GlanceMaps]) -> TMNet:
    """Return a network whose 2D convolutions are packed; the one given where this build of torch cannot, or errs.

    Args:
        model: folded, in fp32 on the CPU; it stays as it was.
        look: looks with a network at frames of the size that it will see, on which the layout depends; no constant.
    """
    if not _can_pack():
        return model
    packed = copy.deepcopy(model)
    try:
        with _input_shapes(packed) as shapes:
            wanted = look(packed)
        for part in list(packed.modules()):
            if isinstance(part, fx.GraphModule):
                _pack_graph(part, shapes)
        found = look(packed)
    except RuntimeError:
        return model
    same = _agree(found.regression, wanted.regression) and _agree(found.classification, wanted.classification)
    return packed if same else model


def _can_pack() -> bool:
    operators = ("_convolution_pointwise", "_reorder_convolution_weight")
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and all(hasattr(torch.ops.mkldnn, name) for name in operators)


def _agree(found: Tensor | None, wanted: Tensor | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return bool((found - wanted).abs().max() <= _DIFFERENCE * wanted.abs().max())


class PackedConvolution(nn.Module):
    """A 2D convolution, then the sum with another feature map where one is given, then an activation.

    Args:
        convolution: what it computes; its weights are copied.
        shape: of its input.
        activation: oneDNN's name, and its limits.
    """

    def __init__(self, convolution: nn.Conv2d, shape: list[int], activation: tuple[str, list[float]]) -> None:
        super().__init__()
        padding = [int(side) for side in convolution.padding]
        self._geometry = (padding, list(convolution.stride), list(convolution.dilation), convolution.groups)
        weight = convolution.weight.detach()
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(weight, *self._geometry, shape)
        self._bias = None if convolution.bias is None else convolution.bias.detach()
        self._activation, self._limits = activation

    def release(self) -> None:
        """Free the weights; it cannot be called any more."""
        self._weight = self._bias = None

    def forward(self, frames: Tensor, other: Tensor | None = None) -> Tensor:
        """Map B×C×H×W to B×C'×H'×W'."""
        tensors, geometry = (self._weight, self._bias), self._geometry
        if other is None:
            out: Tensor = torch.ops.mkldnn._convolution_pointwise(
                frames, *tensors, *geometry, self._activation, self._limits, ""
            )
            return out
        activation = None if self._activation == "none" else self._activation
        out = torch.ops.mkldnn._convolution_pointwise.binary(
            frames, other, *tensors, *geometry, "add", 1.0, activation, [], None
        )
        return out


@contextlib.contextmanager
def _input_shapes(module: nn.Module) -> Iterator[Shapes]:
    """Write down what shape each 2D convolution is given while the block runs."""
    shapes: Shapes = {}

    def note(convolution: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        shapes[convolution] = list(inputs[0].shape)

    hooks = [part.register_forward_pre_hook(note) for part in module.modules() if type(part) is nn.Conv2d]
    try:
        yield shapes
    finally:
        for hook in hooks:
            hook.remove()


def _pack_graph(traced: fx.GraphModule, shapes: Shapes) -> None:
    places = {node: place for place, node in enumerate(traced.graph.nodes)}
    for node in list(traced.graph.nodes):
        convolution = traced.get_submodule(str(node.target)) if node.op == "call_module" else None
        if type(convolution) is not nn.Conv2d or convolution not in shapes or convolution.padding_mode != "zeros":
            continue
        last, other = node, _added_before(node, places)
        if other is not None:
            (last,) = node.users
        activation = _activation_after(traced, last)
        if activation is None or (other is not None and activation[1]):
            # Behind a sum oneDNN takes no limits.
            activation = "none", []
        else:
            (last,) = last.users
        name = f"packed{places[node]}"
        traced.add_submodule(name, PackedConvolution(convolution, shapes[convolution], activation))
        with traced.graph.inserting_before(last):
            packed = traced.graph.call_module(name, (node.args[0], *([] if other is None else [other])))
        places[packed] = places[last]
        last.replace_all_uses_with(packed)
    traced.graph.eliminate_dead_code()
    traced.delete_all_unused_submodules()
    traced.recompile()


def _added_before(node: fx.Node, places: dict[fx.Node, int]) -> fx.Node | None:
    """Return what is added to a node's value and nothing else is done with it, if it is there before."""
    if len(node.users) != 1:
        return None
    (total,) = node.users
    if total.op != "call_function" or total.target not in (operator.add, operator.iadd, torch.add):
        return None
    others = [value for value in total.args if value is not node]
    if len(total.args) != 2 or len(others) != 1 or not isinstance(others[0], fx.Node):
        return None
    return others[0] if places[others[0]] < places[node] else None


def _activation_after(traced: fx.GraphModule, node: fx.Node) -> tuple[str, list[float]] | None:
    """Return the activation that alone follows a node, as oneDNN calls it."""
    following = list(node.users)
    if len(following) != 1 or following[0].op != "call_module":
        return None
    module = traced.get_submodule(str(following[0].target))
    if isinstance(module, nn.ReLU6):
        return "hardtanh", [0.0, 6.0]
    return ("relu", []) if isinstance(module, nn.ReLU) else None
