"""torch on an NVIDIA GPU: one captured graph from uint8 frames to the answers, so that no kernel waits for Python."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.errors import DeviceMemoryError, EngineError
from tmnet_core.live.engines.clip import ClipLook
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.folding import fold_batch_norms
from tmnet_core.live.engines.network import GlanceNetwork, served_branches
from tmnet_core.live.engines.outputs import EngineOutputs, group_outputs
from tmnet_core.live.engines.precision import STORED, TITLES, TOLERANCE, Precision
from tmnet_core.live.engines.release import release_weights
from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch
from tmnet_core.models.tmnet import TMNet, use_channels_last

_WARMUPS = 3
_KEPT_GRAPHS = 4


class CudaGraphEngine(Engine):
    """Folded and channels_last, RB beside CB on a stream of its own, pinned memory on the way there and back.

    Where a graph cannot be captured, or its answers differ from those without, it runs without and says why.

    Raises:
        DeviceMemoryError: the GPU's memory does not suffice.
    """

    def __init__(
        self,
        model: TMNet,
        preprocessing: Preprocessing,
        device: torch.device,
        precision: Precision = "fp32",
        *,
        clip: ClipLook | None = None,
    ) -> None:
        self._device = device
        self._precision = precision
        self._preprocessing = preprocessing
        self._clip = clip
        self._branches = served_branches(model, clip)
        self._graphs: OrderedDict[tuple[int, tuple[Branch, ...], bool], _Graph] = OrderedDict()
        folded = copy.deepcopy(model).eval()
        fold_batch_norms(folded)
        for part in (folded.base, folded.classification, folded.regression):
            # The classifier stays fp32: it costs nothing, and probabilities are exact to the last step.
            if part is not None:
                part.to(STORED[precision])
        use_channels_last(folded)
        self._model: TMNet | None = None
        try:
            self._model = _with_streams(folded.to(device), device)
            self._graph(1, self._branches, maps=True)
        except torch.cuda.OutOfMemoryError:
            raise self._out_of_memory() from None

    @property
    def title(self) -> str:
        """What runs, and why without a graph."""
        reason = next((graph.reason for graph in self._graphs.values() if graph.reason), "")
        way = f"without a CUDA graph: {reason}" if reason else "CUDA graph"
        return f"torch {TITLES[self._precision]} ({way})"

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that the network answers with."""
        return self._branches

    def look(self, images: Image, branches: Sequence[Branch] | None = None, *, maps: bool = True) -> EngineOutputs:
        """Look at B×size×size×3 uint8 images, or at clips of them."""
        try:
            return self._graph(len(images), self.chosen(branches), maps=maps).look(images)
        except torch.cuda.OutOfMemoryError:
            raise self._out_of_memory() from None

    def close(self) -> None:
        """Free graphs, weights and the memory that torch keeps for them."""
        self._graphs.clear()
        if self._model is not None:
            release_weights(self._model.modules())
        self._model = None
        torch.cuda.empty_cache()

    def _graph(self, batch: int, branches: tuple[Branch, ...], *, maps: bool) -> _Graph:
        key = (batch, branches, maps)
        if self._model is None:
            raise EngineError("this engine has been closed")
        if key not in self._graphs:
            network = GlanceNetwork(self._model, self._preprocessing, branches, maps=maps, clip=self._clip)
            side = self._preprocessing.size
            shape = (batch, side, side, 3) if self._clip is None else (batch, self._clip.frames, side, side, 3)
            self._graphs[key] = _Graph(network.to(self._device), shape, self._device, self._precision)
            while len(self._graphs) > _KEPT_GRAPHS:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    def _out_of_memory(self) -> DeviceMemoryError:
        self.close()
        name = torch.cuda.get_device_name(self._device)
        return DeviceMemoryError(
            f"the memory of {name} does not suffice for this network; choose the CPU, or free some"
        )


class _Graph:
    """One network for one shape of its input, captured, with its buffers on both sides."""

    def __init__(
        self, network: GlanceNetwork, shape: tuple[int, ...], device: torch.device, precision: Precision
    ) -> None:
        self.reason = ""
        self._network = network
        self._device = device
        self._tf32 = precision == "tf32"
        self._pinned = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        self._images = torch.zeros(shape, dtype=torch.uint8, device=device)
        self._captured: torch.cuda.CUDAGraph | None = None
        self._marks = [torch.cuda.Event(enable_timing=True) for _ in range(4)]  # type: ignore[no-untyped-call]
        with torch.inference_mode(), torch.cuda.device(device):
            self._warm_up()
            self._packed, self._shapes = self._run()
            self._answer = torch.empty(self._packed.shape, pin_memory=True)
            try:
                self._capture(TOLERANCE[precision])
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError as error:
                self._captured = None
                self.reason = " ".join(str(error).split())[:200] or type(error).__name__

    @torch.inference_mode()
    def look(self, images: Image) -> EngineOutputs:
        """Upload, run and download."""
        start, uploaded, ran, downloaded = self._marks
        with torch.cuda.device(self._device):
            self._pinned.copy_(torch.as_tensor(images))
            start.record()
            self._images.copy_(self._pinned, non_blocking=True)
            uploaded.record()
            if self._captured is not None:
                self._captured.replay()
            else:
                self._packed, _ = self._run()
            ran.record()
            self._answer.copy_(self._packed, non_blocking=True)
            downloaded.record()
            downloaded.synchronize()
        stages = {
            "upload": start.elapsed_time(uploaded),
            "network": uploaded.elapsed_time(ran),
            "download": ran.elapsed_time(downloaded),
        }
        return group_outputs(self._unpack(), stages)

    def _warm_up(self) -> None:
        """Let the libraries choose their algorithms and allocate, which must not happen while capturing."""
        stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            for _ in range(_WARMUPS):
                self._run()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        torch.cuda.synchronize(self._device)

    def _run(self) -> tuple[Tensor, list[torch.Size]]:
        """Run the network on the images on the device; all outputs in one row, so that one copy fetches them."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=self._tf32):
            found = self._network(self._images)
        return torch.cat([value.flatten() for value in found]), [value.shape for value in found]

    def _capture(self, tolerance: float) -> None:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            packed, _ = self._run()
        self._images.random_(0, 256)
        wanted, _ = self._run()
        graph.replay()
        torch.cuda.synchronize(self._device)
        places = sum(shape.numel() for shape in self._shapes[: len(self._network.branches)])
        difference = float((packed[:places] - wanted[:places]).abs().max())
        if not difference <= tolerance:
            raise RuntimeError(f"the captured graph's probabilities differ by {difference:.1e}")
        self._captured, self._packed = graph, packed

    def _unpack(self) -> dict[str, FloatArray]:
        # The pinned memory is written again by the next glance.
        row = self._answer.numpy().copy()
        values, place = {}, 0
        for name, shape in zip(self._network.output_names, self._shapes, strict=True):
            values[name] = row[place : place + shape.numel()].reshape(shape)
            place += shape.numel()
        return values


def _with_streams(model: TMNet, device: torch.device) -> TMNet:
    """Return a network of the same parts whose RB runs beside CB: each alone leaves most of a GPU idle."""
    if model.regression is None:
        return model
    fork = torch.cuda.Event()  # type: ignore[no-untyped-call]
    beside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    return TMNet(
        _Forking(model.base, fork),
        model.classification,
        _Beside(model.regression, fork, beside),
        model.classifier,
        fusion=model.fusion,
        glances=model.glances,
    ).eval()


class _Forking(nn.Module):
    """Marks the moment at which a part has been computed."""

    def __init__(self, part: nn.Module, fork: torch.cuda.Event) -> None:
        super().__init__()
        self.part = part
        self.fork = fork

    def forward(self, clip: Tensor) -> Tensor:
        encoded: Tensor = self.part(clip)
        self.fork.record(torch.cuda.current_stream(encoded.device))
        return encoded


class _Beside(nn.Module):
    """Runs a part on another stream from the mark on, beside what was put on this stream since; then joins."""

    def __init__(self, part: nn.Module, fork: torch.cuda.Event, stream: torch.cuda.Stream) -> None:
        super().__init__()
        self.part = part
        self.fork = fork
        self.stream = stream

    def forward(self, encoded: Tensor) -> Tensor:
        here = torch.cuda.current_stream(encoded.device)
        self.stream.wait_event(self.fork)
        with torch.cuda.stream(self.stream):
            out: Tensor = self.part(encoded)
        here.wait_stream(self.stream)
        return out
