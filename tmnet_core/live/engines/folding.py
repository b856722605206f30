"""Folds BatchNorm into the convolutions before it, which costs nothing in accuracy and saves a pass over memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tmnet_core.models.inflation import ClipConv3d
from tmnet_core.models.stages3d import PoolOverTime
from tmnet_core.models.temporal_shift import ShiftedConvolution

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


# Tracing replaces nn.Module's call for all threads: one at a time, or the wrong one would be put back.
_tracing = threading.Lock()


class _Tracer(fx.Tracer):
    """Keeps whole what does something else for a single frame than for a clip; sees its own thread's calls alone."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one node of the graph."""
        whole = isinstance(m, ClipConv3d | PoolOverTime | ShiftedConvolution)
        return whole or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Trace a call; another thread's network, which may look meanwhile, is called as ever."""
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Return the module, in evaluation mode, with every BatchNorm folded that directly follows a convolution.

    What cannot be traced is folded child by child, in place; modules that nothing is folded into are shared.
    """
    if not any(isinstance(part, _BATCH_NORMS) for part in module.modules()):
        return module.eval()
    try:
        with _tracing:
            graph = _Tracer().trace(module.eval())
    except (fx.proxy.TraceError, TypeError, ValueError, RuntimeError):
        for name, child in module.named_children():
            setattr(module, name, fold_batch_norms(child))
        return module
    return _fold(fx.GraphModule(module, graph))


def _fold(traced: fx.GraphModule) -> fx.GraphModule:
    for node in traced.graph.nodes:
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        place = str(before.target)
        if isinstance(traced.get_submodule(place), ShiftedConvolution):
            place = f"{place}.convolution"
        convolution, norm = traced.get_submodule(place), traced.get_submodule(str(node.target))
        if isinstance(convolution, _CONVOLUTIONS) and isinstance(norm, _BATCH_NORMS):
            traced.set_submodule(place, fuse_conv_bn_eval(convolution, norm))
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced
