"""Memory of networks that are no longer needed, freed at once.

A traced network refers to itself, so that Python alone would let go of its weights whenever its collector comes by.
To call the collector holds up all threads, the one that draws too, for half a second.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from tmnet_core.live.engines.packing import PackedConvolution


def release_weights(parts: Iterable[nn.Module], kept: nn.Module | None = None) -> None:
    """Take the weights out of modules that nobody calls any more, but for those that are in `kept`."""
    staying = set(kept.modules()) if kept is not None else set()
    for part in set(parts) - staying:
        part._parameters.clear()
        part._buffers.clear()
        if isinstance(part, PackedConvolution):
            part.release()
