"""Which engines this machine offers for a device, and opening one."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import torch

from tmnet_core.checkpoint import CheckpointHeader, load_checkpoint, read_header
from tmnet_core.device import choose_device
from tmnet_core.errors import EngineError, TMNetError
from tmnet_core.live.engines.clip import ClipLook, choose_look
from tmnet_core.live.engines.cuda_graph_engine import CudaGraphEngine
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.export_cache import NCNN, ONNXRUNTIME
from tmnet_core.live.engines.exported_engines import FASTEST, ExportedEngines
from tmnet_core.live.engines.handover_engine import HandoverEngine
from tmnet_core.live.engines.ncnn_export import why_no_ncnn
from tmnet_core.live.engines.onnxruntime_engine import OnnxruntimeEngine
from tmnet_core.live.engines.precision import Precision
from tmnet_core.live.engines.torch_engine import TorchEngine
from tmnet_core.onnx_file import SUFFIX

EngineName = Literal[
    "auto", "onnxruntime", "onnxruntime-int8", "ncnn", "torch", "torch-tf32", "torch-fp16", "torch-bf16"
]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
_PRECISIONS: dict[EngineName, Precision] = {
    "auto": "fp32",
    "torch": "fp32",
    "torch-tf32": "tf32",
    "torch-fp16": "fp16",
    "torch-bf16": "bf16",
}
# Some seconds of a video: enough to know that somebody stays to look.
_GLANCES_BEFORE_EXPORT = 30


@dataclass(frozen=True, slots=True)
class EngineOffer:
    """One engine, and why it is not to be had on this machine.

    Attributes:
        name, device: what `GlancePredictor.from_file` takes.
        title: for a person.
        refused: the reason, None where the engine is offered.
    """

    name: EngineName
    title: str
    refused: str | None
    device: str


@dataclass(frozen=True, slots=True)
class OpenedNetwork:
    """A file in an engine, what the file says of itself, and where it runs."""

    header: CheckpointHeader
    engine: Engine
    device: torch.device


def available_engines(device: str | torch.device = "auto", checkpoint: Path | None = None) -> list[EngineOffer]:
    """Return all engines but `auto`, each offered or refused with a reason; for a checkpoint where one is named."""
    chosen = choose_device(device) if isinstance(device, str) else device
    exported = checkpoint is not None and checkpoint.suffix == SUFFIX
    titles: dict[EngineName, str] = {
        "onnxruntime": "onnxruntime, fp32",
        "onnxruntime-int8": "onnxruntime, int8",
        "ncnn": "ncnn, fp32",
        "torch": "torch, fp32",
        "torch-tf32": "torch, TF32",
        "torch-fp16": "torch, fp16",
        "torch-bf16": "torch, bf16",
    }
    return [
        EngineOffer(name, title, _refusal(name, chosen, exported=exported), str(chosen))
        for name, title in titles.items()
    ]


def all_engines(checkpoint: Path) -> list[EngineOffer]:
    """Return what may compute on any device of this machine, the CPU first; what it lacks is refused with a reason."""
    found = [offer for offer in available_engines("cpu", checkpoint) if _PRECISIONS.get(offer.name, "fp32") == "fp32"]
    gpu = "mps" if torch.backends.mps.is_available() else "cuda"
    try:
        device = choose_device(gpu)
    except TMNetError as error:
        reason = str(error).partition(": ")[2]
        precisions = [offer for offer in available_engines("cpu", checkpoint) if offer.name in _PRECISIONS]
        return found + [EngineOffer(offer.name, offer.title, reason, gpu) for offer in precisions]
    return found + [offer for offer in available_engines(device, checkpoint) if offer.name in _PRECISIONS]


def open_engine(
    path: Path,
    device: str | torch.device = "auto",
    name: str = "auto",
    *,
    threads: int | None = None,
    frames: int = 0,
) -> OpenedNetwork:
    """Load a checkpoint or an exported file into an engine.

    `auto` is, on the CPU, the faster of onnxruntime and ncnn, which are compared once; torch until the export is ready
    or where onnxruntime is absent; and torch on other devices.

    Args:
        path: a `.safetensors` checkpoint, or an `.onnx` file of `tmnet export`, which onnxruntime runs on the CPU.
        device: as `choose_device` takes it.
        name: one of `ENGINES`.
        threads: CPU threads of onnxruntime or ncnn; as many as torch has, but one core less than there are, where None.
        frames: T, to look at clips of that many frames; 0 to look at single ones.

    Raises:
        CheckpointError: the file cannot be used.
        EngineError: this machine does not offer the engine; the message says why.
    """
    known = _known(name)
    exported = path.suffix == SUFFIX
    chosen = torch.device("cpu") if exported and device == "auto" else _device(device)
    reason = None if known == "auto" else _refusal(known, chosen, exported=exported)
    if reason:
        raise EngineError(f"engine {known}: {reason}")
    header = read_header(path)
    threads = default_threads() if threads is None else threads
    clip = choose_look(path, header, frames)
    if exported and chosen.type != "cpu":
        raise EngineError(f"{path}: an exported file runs on the CPU here, not on {chosen.type.upper()}")
    _check_clip(known, clip)
    engine: Engine
    if exported:
        engine = OnnxruntimeEngine(path, threads=threads)
    elif chosen.type == "cpu" and known != "torch":
        engine = _open_on_cpu(path, header, known, clip, threads)
    elif chosen.type == "cuda":
        model = load_checkpoint(path).model
        engine = CudaGraphEngine(model, header.preprocessing, chosen, _PRECISIONS[known], clip=clip)
    else:
        engine = TorchEngine(load_checkpoint(path).model, header.preprocessing, chosen, clip=clip)
    return OpenedNetwork(header, engine, chosen)


def prepare_engine(path: Path, device: str | torch.device = "auto", name: str = "auto", *, frames: int = 0) -> None:
    """Make the export that a named engine runs, which takes seconds; else torch looks until it is there.

    For other engines, and where the export is kept, there is nothing to do. The arguments are those of `open_engine`.

    Raises:
        CheckpointError, EngineError: the export cannot be made.
    """
    known = _known(name)
    chosen = _device(device)
    if path.suffix == SUFFIX or known not in (ONNXRUNTIME, NCNN) or _refusal(known, chosen, exported=False):
        # What is refused is so when it is opened.
        return
    header = read_header(path)
    clip = choose_look(path, header, frames)
    _check_clip(known, clip)
    exported = ExportedEngines(path, header.preprocessing, threads=1, frames=frames)
    found = exported.find(known)
    for engine in exported.make(known, threading.Event(), yields=False) if found is None else [found]:
        engine.close()


def default_threads() -> int:
    """Return torch's number of CPU threads, less where it would take the last core from decoding and drawing."""
    return min(torch.get_num_threads(), max(1, (os.cpu_count() or 1) - 1))


def _check_clip(name: EngineName, clip: ClipLook | None) -> None:
    if clip is not None and name == NCNN:
        raise EngineError("engine ncnn: it looks at single frames, not at clips")


def _open_on_cpu(path: Path, header: CheckpointHeader, name: str, clip: ClipLook | None, threads: int) -> Engine:
    """Open what looks by an export of the checkpoint; torch looks until that is there."""
    absent = _why_no_onnxruntime()
    if absent is not None:
        return _open_torch(path, clip, note=absent)
    frames = 0 if clip is None else clip.frames
    exported = ExportedEngines(path, header.preprocessing, threads=threads, frames=frames)
    found = exported.find(name)
    if found is not None and exported.is_settled(name):
        return found
    prepared, after = (name, 0) if name != FASTEST else ("a faster engine", _GLANCES_BEFORE_EXPORT)
    return HandoverEngine(found or _open_torch(path, clip), partial(exported.make, name), prepared, after=after)


def _open_torch(path: Path, clip: ClipLook | None, *, note: str = "") -> TorchEngine:
    loaded = load_checkpoint(path)
    return TorchEngine(loaded.model, loaded.header.preprocessing, clip=clip, note=note)


def _refusal(name: EngineName, device: torch.device, *, exported: bool) -> str | None:
    if exported:
        return None if name.startswith("onnxruntime") else "an exported file runs in onnxruntime alone"
    if name.startswith("onnxruntime") or name == NCNN:
        return _refusal_on_cpu(name, device)
    if name == "torch" or (device.type == "cuda" and name != "torch-bf16"):
        return None
    if name == "torch-bf16" and device.type == "cuda":
        return None if torch.cuda.is_bf16_supported(including_emulation=False) else "this GPU has no bf16"
    if name == "torch-bf16" and device.type == "cpu":
        return "bf16 is far slower than fp32 on a CPU without hardware for it"
    return f"{name.removeprefix('torch-').replace('tf', 'TF')} needs a CUDA device"


def _refusal_on_cpu(name: EngineName, device: torch.device) -> str | None:
    """Return why an engine that runs exports on the CPU is not to be had."""
    if device.type != "cpu":
        return f"{name.removesuffix('-int8')} runs on the CPU here, not on {device.type.upper()}"
    if name == "onnxruntime-int8":
        return "int8 is calibrated on frames: write a file with tmnet export --int8 and open that"
    return _why_no_onnxruntime() or (why_no_ncnn() if name == NCNN else None)


def _why_no_onnxruntime() -> str | None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        return f"onnxruntime cannot be used here: {error}"
    return None


def _known(name: str) -> EngineName:
    for known in ENGINES:
        if known == name:
            return known
    raise EngineError(f"engine {name!r}: not an engine; choose one of {', '.join(ENGINES)}")


def _device(device: str | torch.device) -> torch.device:
    return choose_device(device) if isinstance(device, str) else device
