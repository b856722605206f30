"""A trained network in one file: tensors and a header that says what they are, in .safetensors."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from tmnet_core.config import ClipSection, ModelConfig, ObjectiveSection
from tmnet_core.data.fingerprints import Fingerprints
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.errors import CheckpointError
from tmnet_core.files import is_torch_pickle, replacing
from tmnet_core.models.catalogue import VARIANTS
from tmnet_core.onnx_file import HEADER_KEY as METADATA_KEY
from tmnet_core.onnx_file import SUFFIX as ONNX_SUFFIX
from tmnet_core.onnx_file import read_metadata as read_onnx_metadata

if TYPE_CHECKING:
    import torch

    from tmnet_core.models.tmnet import TMNet

FORMAT_VERSION = 1
MAX_CLASSES = 10_000


class HeaderPart(BaseModel):
    """A part of the header; unknown keys are refused, so that a newer file is not half understood."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# Forms of data sets that come with three splits of their own.
OFFICIAL_FORMS = ("ucf101", "hmdb51")


class TrainingSummary(HeaderPart):
    """What the network was trained on, and how far."""

    data: str = Field(description="Name of the data set.")
    clips: int = Field(ge=0, description="Training clips.")
    validation_clips: int = Field(ge=0, description="Clips that the metrics were taken on.")
    start: str = Field(description="The weights that training started from.")
    iterations: int = Field(ge=0, description="Optimiser steps taken.")
    frames_seen: int = Field(ge=0, description="Frames that passed through the network while training.")
    validation_fraction: float = Field(ge=0.0, le=1.0, description="Share of source videos kept for validation.")
    split_seed: int = Field(ge=0, description="Which sources were kept.")
    form: str = Field("", description="What said which videos are for validation; empty in checkpoints of before.")
    split: int = Field(1, ge=1, description="Which of the official splits, where the data set has some.")
    clip: ClipSection
    objective: ObjectiveSection
    trained_on: Fingerprints | None = Field(
        None, description="The training clips, and those of its start weights; None in checkpoints of before."
    )
    chosen_on: Fingerprints | None = Field(
        None, description="The validation clips that the best network of a run was chosen by; None of the last one."
    )
    digest: str = Field("", description="Changes with the training clips, their names, classes and content.")


class Provenance(HeaderPart):
    """Where the file comes from."""

    tmnet: str
    torch: str
    seed: int
    created: str = Field(description="ISO 8601, UTC.")
    note: str = Field("", description="What a user should know, such as the limits of the data.")


class CheckpointHeader(HeaderPart):
    """All that is needed to rebuild the network and to feed it; no flag can disagree with the weights."""

    format_version: int = FORMAT_VERSION
    model: ModelConfig
    classes: list[str] = Field(min_length=1, max_length=MAX_CLASSES)
    preprocessing: Preprocessing
    training: TrainingSummary | None = None
    metrics: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="By branch: top1, top5, map in [0, 1]."
    )
    provenance: Provenance

    @property
    def title(self) -> str:
        """One line that names the network, such as `jhmdb21 · TMNet-2D mobilenet_v2 2/2`."""
        from_data = f"{self.training.data} · " if self.training else ""
        return f"{from_data}{self.model.title}"

    def describe(self) -> list[tuple[str, str]]:
        """Return label and value rows for a person."""
        rows = [
            ("Network", self.title),
            ("Classes", f"{len(self.classes)}: {', '.join(self.classes)}"),
            ("Input", self._describe_input()),
        ]
        if self.training:
            rows += _describe_training(self.training)
        look = "one glance" if VARIANTS[self.model.variant].glance else "one clip"
        rows += [(f"{branch}, {look}", _describe_metrics(values)) for branch, values in self.metrics.items()]
        rows.append(
            (
                "Made",
                f"{self.provenance.created}, tmnet {self.provenance.tmnet}, torch {self.provenance.torch}",
            )
        )
        if self.provenance.note:
            rows.append(("Note", self.provenance.note))
        return rows

    def _describe_input(self) -> str:
        size = self.preprocessing.size
        if self.preprocessing.crop == "whole":
            return f"{size}×{size}, the whole frame"
        return f"{size}×{size}, centred square of {self.preprocessing.crop_fraction:.3g} of the short side"


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """A network in evaluation mode, and what its file says of it."""

    path: Path
    model: TMNet
    header: CheckpointHeader


def save_checkpoint(path: Path, model: TMNet, header: CheckpointHeader, *, half: bool = False) -> None:
    """Write the network and its header in one step; `half` stores 16-bit floats, which loading turns back.

    Raises:
        OSError: of `path`, which is then what it was before.
    """
    from safetensors.torch import save_file

    tensors = {name: _storable(tensor, half) for name, tensor in model.state_dict().items()}
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={METADATA_KEY: header.model_dump_json()})
        except SafetensorError as error:
            found = re.search(r"os error (\d+)", str(error))
            number = int(found[1]) if found else errno.EIO
            raise OSError(number, os.strerror(number), str(path)) from error


def read_header(path: str | Path) -> CheckpointHeader:
    """Read the header alone of a checkpoint or of an exported ONNX file, without torch.

    Raises:
        CheckpointError: one sentence that names the file and why it cannot be used.
    """
    path = Path(path)
    if path.suffix == ONNX_SUFFIX and path.is_file():
        return _parse_header(path, read_onnx_metadata(path)[METADATA_KEY])
    _refuse_other_files(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"checkpoint {path}: the file is damaged or cut short ({error})") from None
    if METADATA_KEY not in metadata:
        raise CheckpointError(f"checkpoint {path}: a safetensors file, but not one of TMNet (it has no tmnet header)")
    return _parse_header(path, metadata[METADATA_KEY])


def iterations_of(path: Path) -> int | None:
    """Return after how many training steps a checkpoint was saved; None where there is no sound one that says."""
    try:
        training = read_header(path).training
    except CheckpointError:
        return None
    return training.iterations if training else None


def is_checkpoint(path: Path) -> bool:
    """Return whether a file is a TMNet checkpoint, of whatever version; False where it cannot be read."""
    try:
        with safe_open(path, framework="np") as file:
            return METADATA_KEY in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def load_checkpoint(path: str | Path, device: torch.device | str = "cpu") -> LoadedCheckpoint:
    """Rebuild the network from its file, in evaluation mode on the device.

    Raises:
        CheckpointError: as `read_header`, and where tensors and header disagree, naming the tensors.
    """
    from safetensors.torch import load_file

    from tmnet_core.models.variants import build_model

    path = Path(path)
    header = read_header(path)
    if path.suffix == ONNX_SUFFIX:
        raise CheckpointError(f"checkpoint {path}: an exported file can glance and no more; this takes its checkpoint")
    model = build_model(header.model, len(header.classes))
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"checkpoint {path}: the file is damaged or cut short ({error})") from None
    _refuse_mismatch(path, tensors, model.state_dict())
    model.load_state_dict({name: _loadable(tensor) for name, tensor in tensors.items()})
    return LoadedCheckpoint(path, model.eval().to(device), header)


def _refuse_other_files(path: Path) -> None:
    if path.is_dir():
        raise CheckpointError(f"checkpoint {path}: it is a folder")
    try:
        with path.open("rb") as file:
            start = file.read(9)
        pickled = is_torch_pickle(path)
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {path}: there is no such file") from None
    except OSError as error:
        raise CheckpointError(f"checkpoint {path}: it cannot be read ({error.strerror})") from None
    if not start:
        raise CheckpointError(f"checkpoint {path}: the file is empty")
    if pickled:
        raise CheckpointError(
            f"checkpoint {path}: a PyTorch pickle, which could run code; TMNet checkpoints are .safetensors files"
        )
    # The length of the header in eight bytes, then the header, which is a JSON object.
    if len(start) == 9 and start[8:] != b"{":
        raise CheckpointError(f"checkpoint {path}: it is not a .safetensors file")


def _parse_header(path: Path, text: str) -> CheckpointHeader:
    try:
        values: Any = json.loads(text)
        version = values["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CheckpointError(f"checkpoint {path}: its header cannot be read") from None
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"checkpoint {path}: format version {version} is not known to this release, which reads {FORMAT_VERSION}"
        )
    try:
        return CheckpointHeader.model_validate(values)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise CheckpointError(f"checkpoint {path}: its header's {place!r} cannot be used") from None


def _refuse_mismatch(path: Path, tensors: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    problems = [f"{name} is missing" for name in expected if name not in tensors]
    problems += [f"{name} is not of this network" for name in tensors if name not in expected]
    problems += [
        f"{name} is {tuple(tensors[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CheckpointError(f"checkpoint {path}: tensors and header disagree: {'; '.join(problems[:3])}{more}")


def _storable(tensor: torch.Tensor, half: bool) -> torch.Tensor:
    # safetensors refuses channels_last strides.
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if half and tensor.is_floating_point() else tensor


def _loadable(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _describe_training(training: TrainingSummary) -> list[tuple[str, str]]:
    clip = training.clip
    spacing = {
        "interval": f"at interval {clip.interval}",
        "even": "evenly spaced",
        "segments": "one a segment",
    }
    return [
        (
            "Trained on",
            f"{training.data}: {training.clips} clips, {training.validation_clips} kept for validation"
            f"{f' by split {training.split} of {training.form}' if training.form in OFFICIAL_FORMS else ''}",
        ),
        ("Started from", training.start),
        ("Training", f"{training.iterations} iterations, {training.frames_seen:,} frames seen"),
        ("Clip", f"{clip.frames} frames {spacing[clip.sampling]}, key frame: {clip.key_frame}"),
        ("Regression loss", _describe_objective(training.objective)),
    ]


def _describe_objective(objective: ObjectiveSection) -> str:
    reach = "reaching the base backbone" if objective.reaches_base else "reaching RB alone"
    weight = objective.alpha * objective.scale
    return f"{weight:g} × {objective.regression_loss}, {objective.reduction} over channels, {reach}"


def _describe_metrics(values: dict[str, float]) -> str:
    names = {"top1": "top-1", "top5": "top-5", "map": "mAP"}
    return ", ".join(f"{names.get(key, key)} {100 * value:.1f} %" for key, value in values.items())
