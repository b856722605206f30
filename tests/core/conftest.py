from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch

from tmnet_core.benchmarks import machine
from tmnet_core.checkpoint import CheckpointHeader, Provenance, save_checkpoint
from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model
from tmnet_core.training.events import Started, Stepped, Validated

MakeHeader = Callable[..., CheckpointHeader]


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Networks this small only make threads wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _one_measurement() -> Iterator[None]:
    """Measure this machine's matrix products for the first report alone: it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "matrix_rate", cache(machine.matrix_rate))
        yield


class MakeEvent:
    """Makes what a run of three classes tells."""

    @staticmethod
    def started(iteration: int) -> Started:
        return Started(
            iteration=iteration, iterations=10, device="CPU", classes=3, clips=12, validation_clips=6, weights="none"
        )

    @staticmethod
    def stepped(iteration: int, loss: float) -> Stepped:
        return Stepped(
            iteration=iteration,
            epoch=0,
            loss=loss,
            classification_loss=loss,
            regression_loss=loss / 2,
            learning_rate=0.1,
            clips_per_second=5.0,
        )

    @staticmethod
    def validated(iteration: int, top1: float) -> Validated:
        figures = {"top1": top1, "top5": 1.0, "map": 0.5, "mean_class": top1}
        return Validated(iteration=iteration, metrics={"RB+CB": figures}, best=True)


@pytest.fixture(scope="session")
def make_event() -> type[MakeEvent]:
    return MakeEvent


@pytest.fixture
def make_header() -> MakeHeader:
    """Return a function from model settings to a header of three classes and 32-pixel input."""

    def make(**model: object) -> CheckpointHeader:
        return CheckpointHeader(
            model=ModelConfig.model_validate({"backbone": "mobilenet_v2", "width": 0.25, **model}),
            classes=["jump", "run", "wave"],
            preprocessing=Preprocessing(size=32, crop_fraction=1.0),
            provenance=Provenance(tmnet="0.1.0", torch="2", seed=0, created="2026-11-01T12:00:00Z"),
        )

    return make


@pytest.fixture
def make_checkpoint(tmp_path: Path, make_header: MakeHeader) -> Callable[..., tuple[Path, TMNet, CheckpointHeader]]:
    """Return a function that saves a small random network whose branches differ."""

    def make(
        name: str = "net.safetensors", *, half: bool = False, **model: object
    ) -> tuple[Path, TMNet, CheckpointHeader]:
        torch.manual_seed(0)
        header = make_header(**model)
        network = build_model(header.model, len(header.classes)).eval()
        with torch.no_grad():
            network.classifier.weight.normal_()
            network.classifier.bias.normal_()
            for parameter in network.regression.parameters() if network.regression else ():
                parameter.mul_(1.1)
        save_checkpoint(tmp_path / name, network, header, half=half)
        return tmp_path / name, network, header

    return make
