"""A network that clips are scored with, from a checkpoint or from a file that was exported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from tmnet_core.checkpoint import CheckpointHeader, LoadedCheckpoint, load_checkpoint, read_header
from tmnet_core.config import ClipSection
from tmnet_core.data.sampling import key_frame_fraction
from tmnet_core.device import choose_device, describe_device
from tmnet_core.errors import CheckpointError, DeviceMemoryError
from tmnet_core.live.engines.choice import open_engine
from tmnet_core.live.engines.clip import choose_look
from tmnet_core.models.catalogue import C3D_FRAMES, shortest_clip
from tmnet_core.onnx_file import SUFFIX
from tmnet_core.training.answering import Answerer, EngineAnswerer, NetworkAnswerer
from tmnet_core.training.look import Look
from tmnet_core.training.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class ScoredNetwork:
    """What answers, and what its file says of it.

    Attributes:
        engine: what computes, for a person.
    """

    path: Path
    header: CheckpointHeader
    answerer: Answerer
    engine: str

    @property
    def name(self) -> str:
        """What a report calls it: its file, and its run where it lies in the folder of one."""
        folder = self.path.resolve().parent
        return f"{folder.name}/{self.path.name}" if RunFolder(folder).recipe_file.is_file() else self.path.name

    @property
    def trained_clip(self) -> ClipSection:
        """The clip that it was trained on."""
        return trained_clip(self.header)


@contextmanager
def open_scored_network(path: Path, looks: Sequence[Look], device: str) -> Iterator[ScoredNetwork]:
    """Load a checkpoint, or open an exported file in onnxruntime, for as long as the block runs.

    Raises:
        CheckpointError, EngineError: the file cannot be used, or does not serve all of these looks.
        DeviceMemoryError: also from within the block, where a GPU's memory does not suffice.
    """
    if path.suffix == SUFFIX:
        header = read_header(path)
        for look in looks:
            _refuse_unexported(path, header, look)
        opened = open_engine(path, device, threads=torch.get_num_threads(), frames=looks[0].frames)
        try:
            yield ScoredNetwork(path, header, EngineAnswerer(opened.engine, header.model.fusion), opened.engine.title)
        finally:
            opened.engine.close()
    else:
        chosen = choose_device(device)
        try:
            loaded = load_checkpoint(path, chosen)
            for look in looks:
                _refuse_unserved(loaded, look)
            answerer = NetworkAnswerer(loaded.model, loaded.header.preprocessing, chosen)
            where = "" if chosen.type == "cpu" else f" on {describe_device(chosen)}"
            yield ScoredNetwork(path, loaded.header, answerer, f"torch fp32{where}")
        except torch.OutOfMemoryError:
            raise DeviceMemoryError(
                f"the memory of {describe_device(chosen)} does not suffice for this evaluation; lower --batch, or say "
                "--device cpu"
            ) from None


def scoring_device(path: Path, device: str) -> torch.device:
    """Return where a file will be scored: one that was exported on the CPU, unless another device is asked for."""
    return choose_device("cpu" if path.suffix == SUFFIX and device == "auto" else device)


def trained_clip(header: CheckpointHeader) -> ClipSection:
    """Return the clip that a network was trained on; the recipe's default where its header does not say."""
    return header.training.clip if header.training else ClipSection()


def frames_trained_on(checkpoint: Path) -> int:
    """Return T of a checkpoint's training clips; raises CheckpointError."""
    return trained_clip(read_header(checkpoint)).frames


def _refuse_unexported(path: Path, header: CheckpointHeader, look: Look) -> None:
    """Raise where a file was not exported for such a look."""
    exported = choose_look(path, header, look.frames)
    clip = look.clip(trained_clip(header))
    if exported is not None and clip is not None and key_frame_fraction(clip.key_frame) != exported.key_frame:
        raise CheckpointError(
            f"checkpoint {path}: it was exported with RB at the fraction {exported.key_frame:.2f} of a clip, "
            f"not at its {clip.key_frame}; its checkpoint can look there"
        )


def _refuse_unserved(loaded: LoadedCheckpoint, look: Look) -> None:
    """Raise where the network does not answer for such a look."""
    header, name = loaded.header, f"checkpoint {loaded.path}: {loaded.header.title}"
    if not look.frames:
        if not loaded.model.glances:
            raise CheckpointError(f"{name} needs a clip, not one frame; evaluate it on whole clips")
        return
    shortest = shortest_clip(header.model.variant, header.model.network3d)
    if look.frames < shortest:
        raise CheckpointError(f"{name} needs clips of at least {shortest} frames, not {look.frames}")
    if header.model.variant == "c3d" and look.frames != C3D_FRAMES:
        raise CheckpointError(f"{name} looks at {C3D_FRAMES} frames, not {look.frames}")
