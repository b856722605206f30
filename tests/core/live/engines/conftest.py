"""One network, exported once: exporting takes seconds, the fewer the fewer layers there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from tmnet_core.checkpoint import CheckpointHeader, Provenance, save_checkpoint
from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.data.sample_frames import sample_frames
from tmnet_core.live.engines.export import rendered_frames, write_onnx
from tmnet_core.live.engines.ncnn_export import why_no_ncnn, write_ncnn
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model


@dataclass(frozen=True)
class Exported:
    """A network, its checkpoint and its files for onnxruntime and ncnn; `ncnn` is None where that is not installed."""

    model: TMNet
    header: CheckpointHeader
    checkpoint: Path
    onnx: Path
    ncnn: Path | None


def build_checkpoint(path: Path) -> tuple[TMNet, CheckpointHeader]:
    """Save a small random network that tells pictures apart as a trained one does."""
    torch.manual_seed(0)
    header = CheckpointHeader(
        model=ModelConfig.model_validate({"backbone": "resnet18", "split": "3/1"}),
        classes=["jump", "run", "wave"],
        preprocessing=Preprocessing(size=64),
        provenance=Provenance(tmnet="0.1.0", torch="2", seed=0, created="2026-11-01T12:00:00Z"),
    )
    network = build_model(header.model, len(header.classes)).eval()
    with torch.no_grad():
        for parameter in network.regression.parameters() if network.regression else ():
            parameter.mul_(1.1)
        _learn_statistics(network, header.preprocessing)
    save_checkpoint(path, network, header)
    return network, header


def _learn_statistics(network: TMNet, preprocessing: Preprocessing) -> None:
    """Give every BatchNorm statistics that no folding may overlook, and the classifier features of a common scale."""
    images = [cut_image(frame, preprocessing) for frame in rendered_frames(24)]
    frames = preprocessing.normalise(torch.as_tensor(np.stack(images)))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    network.train()
    network.glance(frames)
    features = network.eval().glance(frames).classification.mean((2, 3))
    weight = torch.randn_like(network.classifier.weight) / (features.std(0) + 1e-3) / features.shape[1] ** 0.5
    network.classifier.weight.copy_(weight)
    network.classifier.bias.copy_(-weight @ features.mean(0))


def cut_image(frame: Image, preprocessing: Preprocessing) -> Image:
    return preprocessing.cut(frame, preprocessing.place(frame.shape[1], frame.shape[0]))


@pytest.fixture
def learn_statistics() -> Callable[[TMNet, Preprocessing], None]:
    """A function that makes a random network tell pictures apart."""
    return torch.no_grad()(_learn_statistics)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("exported")
    model, header = build_checkpoint(folder / "net.safetensors")
    write_onnx(model, header, folder / "net.onnx")
    ncnn = None
    if why_no_ncnn() is None:
        ncnn = tmp_path_factory.mktemp("ncnn") / "net.param"
        write_ncnn(folder / "net.onnx", ncnn)
    return Exported(model, header, folder / "net.safetensors", folder / "net.onnx", ncnn)


@pytest.fixture(scope="session")
def real_frames(shared_data: Path) -> list[Image]:
    """Twenty frames of real videos of several sizes."""
    frames = sample_frames(shared_data / "demo", 10) + sample_frames(shared_data / "jhmdb21", 10)
    assert len({frame.shape for frame in frames}) > 1
    return frames


@pytest.fixture(scope="session")
def real_images(real_frames: list[Image]) -> Image:
    """The same as the network sees them, 20×64×64×3."""
    return np.stack([cut_image(frame, Preprocessing(size=64)) for frame in real_frames])
