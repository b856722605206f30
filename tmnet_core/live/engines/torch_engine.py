"""torch without a graph: the CPU's engine until onnxruntime is ready, and that of Apple's GPUs."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence

import torch

from tmnet_core.allocator import give_back_memory
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.clip import ClipLook
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.folding import fold_batch_norms
from tmnet_core.live.engines.network import GlanceNetwork, look, restrict, served_branches
from tmnet_core.live.engines.outputs import EngineOutputs, group_outputs
from tmnet_core.live.engines.packing import pack_convolutions
from tmnet_core.live.engines.release import release_weights
from tmnet_core.models.branch import Branch
from tmnet_core.models.tmnet import TMNet, use_channels_last


class TorchEngine(Engine):
    """fp32 on the CPU or on MPS: BatchNorm folded, channels_last, on the CPU packed for oneDNN where torch has it.

    It leaves the model that it is given as it was.

    `note` follows the title, such as why no faster engine runs.
    """

    def __init__(
        self,
        model: TMNet,
        preprocessing: Preprocessing,
        device: torch.device | str = "cpu",
        *,
        clip: ClipLook | None = None,
        note: str = "",
    ) -> None:
        self._device = torch.device(device)
        self._clip = clip
        self._branches = served_branches(model, clip)
        folded = copy.deepcopy(model).eval()
        parts = [*folded.modules()]
        fold_batch_norms(folded)
        use_channels_last(folded)
        if self._device.type == "cpu":
            shape = ([1] if clip is None else [1, clip.frames]) + [preprocessing.size] * 2 + [3]
            frames = torch.rand(shape).movedim(-1, -3)
            parts += folded.modules()
            folded = pack_convolutions(folded, lambda part: look(restrict(part, self._branches), frames, clip))
        release_weights(parts, kept=folded)
        self._model: TMNet | None = folded.to(self._device)
        self._preprocessing = preprocessing
        self._networks: dict[tuple[tuple[Branch, ...], bool], GlanceNetwork] = {}
        self._note = note

    @property
    def title(self) -> str:
        """What runs."""
        return f"torch fp32 ({self._note})" if self._note else "torch fp32"

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that the network answers with."""
        return self._branches

    @torch.inference_mode()
    def look(self, images: Image, branches: Sequence[Branch] | None = None, *, maps: bool = True) -> EngineOutputs:
        """Look at B×size×size×3 uint8 images, or at clips of them."""
        network = self._network(self.chosen(branches), maps)
        start = time.perf_counter()
        found = network(torch.as_tensor(images).to(self._device))
        values = {name: value.cpu().numpy() for name, value in zip(network.output_names, found, strict=True)}
        return group_outputs(values, {"network": (time.perf_counter() - start) * 1e3})

    def close(self) -> None:
        """Free the weights."""
        self._networks.clear()
        if self._model is not None:
            release_weights(self._model.modules())
        self._model = None
        give_back_memory()

    def _network(self, branches: tuple[Branch, ...], maps: bool) -> GlanceNetwork:
        """Return a view of the one set of weights that computes what is wanted and no more."""
        if self._model is None:
            raise EngineError("this engine has been closed")
        if (branches, maps) not in self._networks:
            network = GlanceNetwork(self._model, self._preprocessing, branches, maps=maps, clip=self._clip)
            self._networks[branches, maps] = network.to(self._device)
        return self._networks[branches, maps]
