from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tmnet_core.config import Recipe
from tmnet_core.errors import CheckpointError
from tmnet_core.models.pretrained import LoadedWeights, kinetics_statistics
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.stages3d import build_network3d
from tmnet_core.training import start
from tmnet_core.training.start import start_model

CLASSES = ["jump", "run", "wave"]
R3D = {"variant": "tmnet-3d-a", "backbone": "resnet18", "network3d": "r3d_18"}
MakeCheckpoint = Callable[..., tuple[Path, Any, Any]]


def recipe(weights: Path | str, **model: object) -> Recipe:
    return Recipe.model_validate(
        {
            "model": {"backbone": "mobilenet_v2", "width": 0.25, **model},
            "start": {"weights": str(weights), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
        }
    )


def test_a_state_dict_brings_the_recipes_mean_and_starts_rb_as_cb(tmp_path: Path) -> None:
    network = build_network("mobilenet_v2", 0.25)
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    started = start_model(recipe(tmp_path / "weights.pth"), CLASSES)
    assert (started.origin, started.mean) == ("weights.pth", (0.5, 0.5, 0.5))
    stem = started.model.base.network.stem[0][0].weight
    assert torch.equal(stem, network.features[0][0].weight)
    rb = started.model.regression.state_dict()
    assert all(torch.equal(value, rb[name]) for name, value in started.model.classification.state_dict().items())


def test_a_partial_state_dict_is_said_to_be_one(tmp_path: Path) -> None:
    state = build_network("mobilenet_v2", 0.25).state_dict()
    kept = {name: value for name, value in state.items() if not name.startswith(("features.18.", "classifier."))}
    torch.save(kept, tmp_path / "partial.pth")
    with pytest.raises(CheckpointError, match=r"start\.partial = true"):
        start_model(recipe(tmp_path / "partial.pth"), CLASSES)
    values = recipe(tmp_path / "partial.pth").model_dump()
    values["start"]["partial"] = True
    # features.18 is a convolution and a BatchNorm: five tensors without the one that only counts batches.
    assert start_model(Recipe.model_validate(values), CLASSES).origin == "partial.pth, 5 tensors at random"


def test_going_on_from_a_checkpoint_keeps_all_its_weights(make_checkpoint: MakeCheckpoint) -> None:
    path, network, header = make_checkpoint()
    started = start_model(recipe(path), CLASSES)
    assert started.mean == header.preprocessing.mean, "the checkpoint's own preprocessing holds, not the recipe's"
    state = started.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_a_network_without_rb_lends_it_its_cb(make_checkpoint: MakeCheckpoint) -> None:
    path, network, _ = make_checkpoint(variant="tsn")
    model = start_model(recipe(path), CLASSES).model
    assert model.regression is not None
    rb = model.regression.state_dict()
    assert all(torch.equal(value, rb[name]) for name, value in network.classification.state_dict().items())


def test_other_classes_get_a_new_classifier(make_checkpoint: MakeCheckpoint) -> None:
    path, network, _ = make_checkpoint()
    model = start_model(recipe(path), ["a", "b", "c"]).model
    assert not torch.equal(model.classifier.weight, network.classifier.weight)
    assert torch.equal(
        model.state_dict()["base.network.stem.0.0.weight"], network.state_dict()["base.network.stem.0.0.weight"]
    )


@pytest.mark.parametrize("ours", [{"split": "3/1"}, {"split": "0/4"}, {"variant": "tsm"}])
def test_a_2d_checkpoint_starts_networks_that_are_cut_elsewhere_or_shifted(
    make_checkpoint: MakeCheckpoint, ours: dict[str, str]
) -> None:
    path, network, header = make_checkpoint()
    started = start_model(recipe(path, **ours), CLASSES)
    assert started.origin.endswith("its 2D stages")
    assert started.mean == header.preprocessing.mean
    frame = torch.randn(2, 1, 3, 64, 64)
    ours_answer = started.model.eval()(frame, torch.zeros(2)).classification
    # Of one frame a shift moves nothing.
    torch.testing.assert_close(ours_answer, network.eval()(frame, torch.zeros(2)).classification)
    assert torch.equal(started.model.classifier.weight, network.classifier.weight)


def test_a_2d_checkpoint_is_inflated_for_3d_parts(make_checkpoint: MakeCheckpoint) -> None:
    path, network, _ = make_checkpoint(variant="tsn", backbone="resnet18", width=1.0)
    for ours in (R3D, {**R3D, "variant": "r3d-18"}):
        model = start_model(recipe(path, width=1.0, **ours), CLASSES).model
        inflated = model.classification.network.stage3[0].conv1[0].weight
        torch.testing.assert_close(inflated.sum(2), network.classification.network.stage3[0].conv1.weight)
        assert torch.equal(model.classifier.weight, network.classifier.weight)


def test_a_3d_network_with_a_file_of_its_own_takes_nothing_of_the_checkpoint(
    make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    path, network, _ = make_checkpoint(variant="tsn", backbone="resnet18", width=1.0)
    torch.save(build_network3d("r3d_18").state_dict(), tmp_path / "r3d.pth")
    values = recipe(path, width=1.0, **{**R3D, "variant": "r3d-18"}).model_dump()
    values["start"] |= {"weights3d": str(tmp_path / "r3d.pth"), "mean": (0.4, 0.4, 0.4)}
    started = start_model(Recipe.model_validate(values), CLASSES)
    assert (started.origin, started.mean) == ("r3d.pth", (0.4, 0.4, 0.4))
    assert not torch.equal(started.model.classifier.weight, network.classifier.weight)


def test_a_3d_base_with_weights_from_kinetics_sees_as_these_expect(
    make_checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its RB starts from a checkpoint's 2D stages, which were trained on other input."""
    path, _, _ = make_checkpoint(variant="tsn", backbone="resnet18", width=1.0)
    monkeypatch.setattr(start, "load_published_weights", lambda *said, **more: LoadedWeights("Kinetics-400", 1, ()))
    values = recipe(path, width=1.0, **{**R3D, "variant": "tmnet-3d-b"}).model_dump()
    values["start"]["weights3d"] = "kinetics"
    started = start_model(Recipe.model_validate(values), CLASSES)
    assert (started.mean, started.std) == kinetics_statistics()


def test_a_checkpoint_of_another_backbone_is_refused(make_checkpoint: MakeCheckpoint) -> None:
    path, _, _ = make_checkpoint()
    with pytest.raises(CheckpointError, match=r"a checkpoint with backbone mobilenet_v2, the recipe's is resnet34"):
        start_model(recipe(path, backbone="resnet34", width=1.0), CLASSES)
    with pytest.raises(CheckpointError, match=r"a checkpoint with width 0\.25, the recipe's is 0\.5"):
        start_model(recipe(path, width=0.5), CLASSES)
    with pytest.raises(CheckpointError, match=r"a checkpoint with backbone mobilenet_v2, inflation needs resnet18"):
        start_model(recipe(path, variant="r3d-18"), CLASSES)


def test_3d_parts_are_inflated_from_the_weights_of_the_2d_parts(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network("resnet18")
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    started = start_model(recipe(tmp_path / "weights.pth", width=1.0, **R3D), CLASSES)
    assert started.origin == "weights.pth; inflated into r3d_18"
    first = started.model.classification.network.stage3[0].conv1[0].weight
    torch.testing.assert_close(first.sum(2), network.layer3[0].conv1.weight)
    torch.testing.assert_close(first[:, :, 0], first[:, :, 2])
    assert torch.equal(started.model.regression.network.stage3[0].conv1.weight, network.layer3[0].conv1.weight)


def test_weights_that_the_3d_network_is_not_inflated_from_are_refused(tmp_path: Path) -> None:
    torch.save(build_network("resnet34").state_dict(), tmp_path / "weights.pth")
    with pytest.raises(
        CheckpointError, match=r"they are resnet34's, but r3d_18 is inflated from resnet18; set start\.w"
    ):
        start_model(recipe(tmp_path / "weights.pth", width=1.0, **{**R3D, "backbone": "resnet34"}), CLASSES)


def test_a_file_of_3d_weights_sets_the_3d_parts(tmp_path: Path) -> None:
    state = build_network3d("r3d_18").state_dict()
    torch.save(state, tmp_path / "r3d.pth")
    values = recipe("none", width=1.0, **R3D).model_dump()
    values["start"]["weights3d"] = str(tmp_path / "r3d.pth")
    started = start_model(Recipe.model_validate(values), CLASSES)
    assert started.origin == "random; r3d.pth"
    assert torch.equal(started.model.classification.network.stage4[1].conv2[0].weight, state["layer4.1.conv2.0.weight"])


def test_c3d_has_nothing_to_start_from_by_name() -> None:
    values = {"model": {"variant": "c3d"}, "clip": {"size": 112}}
    with pytest.raises(
        CheckpointError, match=r"weights imagenet: c3d starts at random .*; set start\.weights = 'none'"
    ):
        start_model(Recipe.model_validate(values), CLASSES)


def test_a_checkpoint_of_other_parts_is_refused(make_checkpoint: MakeCheckpoint) -> None:
    path, _, _ = make_checkpoint(variant="tsm")
    with pytest.raises(CheckpointError, match=r"a checkpoint of tsm, which is no start of tmnet-2d"):
        start_model(recipe(path), CLASSES)
