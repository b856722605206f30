"""What computes: one interface, whatever stands behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.outputs import EngineOutputs
from tmnet_core.models.branch import Branch


class Engine(ABC):
    """Runs one network; for use by one thread at a time."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What runs, for a person, such as `onnxruntime fp32`; it may change while another engine is prepared."""

    @property
    @abstractmethod
    def branches(self) -> tuple[Branch, ...]:
        """The branches that the network answers with."""

    @abstractmethod
    def look(self, images: Image, branches: Sequence[Branch] | None = None, *, maps: bool = True) -> EngineOutputs:
        """Look at B×size×size×3 uint8 RGB images, cut by `Preprocessing`; opened for clips, at B×T×size×size×3.

        Args:
            images: contiguous; nobody writes into it.
            branches: the answers wanted, all where None; with RB or CB alone the other one is not computed.
            maps: whether class activation maps are wanted.

        Raises:
            EngineError: the network does not answer with such a branch, or the device cannot go on.
        """

    @abstractmethod
    def close(self) -> None:
        """Free what it holds; may be called again."""

    def chosen(self, branches: Sequence[Branch] | None) -> tuple[Branch, ...]:
        """Return the branches to compute, in the order of `Engine.branches`."""
        if branches is None:
            return self.branches
        foreign = [branch for branch in branches if branch not in self.branches]
        if foreign or not branches:
            wanted = foreign[0] if foreign else "none"
            raise EngineError(f"branch {wanted}: this network answers with {', '.join(self.branches)}")
        return tuple(branch for branch in self.branches if branch in branches)
