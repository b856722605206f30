import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tmnet_core.errors import CheckpointError
from tmnet_core.models import pretrained
from tmnet_core.models.pretrained import load_start_weights, read_state_dict
from tmnet_core.models.stages2d import build_network


class TouchesFile:
    """Unpickled carelessly, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build_network("mobilenet_v2", 0.25)


@pytest.fixture
def other():
    torch.manual_seed(1)
    return build_network("mobilenet_v2", 0.25)


@pytest.mark.parametrize("suffix", ["pth", "pt", "safetensors"])
def test_a_whole_state_dict_sets_every_tensor(tmp_path, network, other, suffix):
    path = tmp_path / f"weights.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(other.state_dict(), path)
    loaded = load_start_weights(network, "mobilenet_v2", str(path))
    assert (loaded.origin, loaded.covered, loaded.missing) == (path.name, len(other.state_dict()), ())
    assert states_equal(network, other)


def test_a_state_dict_inside_a_training_file_is_found(tmp_path, network, other):
    path = tmp_path / "training.pth"
    torch.save({"state_dict": other.state_dict(), "epoch": 3}, path)
    load_start_weights(network, "mobilenet_v2", str(path))
    assert states_equal(network, other)


def test_none_leaves_random_weights_and_lists_all(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    loaded = load_start_weights(network, "mobilenet_v2", "none")
    assert (loaded.covered, loaded.missing) == (0, tuple(before))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_partial_file_is_refused_unless_asked_for(tmp_path, network, other):
    path = save_without(other, tmp_path, "classifier.1.weight", "classifier.1.bias")
    with pytest.raises(CheckpointError, match=r"2 of mobilenet_v2's tensors are missing, such as classifier\.1\.w"):
        load_start_weights(network, "mobilenet_v2", str(path))


def test_a_partial_file_leaves_the_rest_at_random_and_lists_it(tmp_path, network, other):
    path = save_without(other, tmp_path, "classifier.1.weight", "classifier.1.bias")
    random = network.classifier[1].weight.detach().clone()
    loaded = load_start_weights(network, "mobilenet_v2", str(path), partial=True)
    assert loaded.missing == ("classifier.1.weight", "classifier.1.bias")
    assert loaded.covered == len(other.state_dict()) - 2
    assert torch.equal(network.classifier[1].weight, random)
    assert states_equal(network.features, other.features)


def test_files_from_before_batch_counters_are_whole(tmp_path, network, other):
    counters = [name for name in other.state_dict() if name.endswith("num_batches_tracked")]
    assert load_start_weights(network, "mobilenet_v2", str(save_without(other, tmp_path, *counters))).missing == ()


def test_tensors_of_another_network_are_named(tmp_path, network):
    path = tmp_path / "resnet.pth"
    torch.save({"layer1.0.conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"1 tensors belong to another network, such as layer1\.0\.conv1\.weight"):
        load_start_weights(network, "mobilenet_v2", str(path), partial=True)


def test_a_tensor_of_another_shape_is_named(tmp_path, network):
    path = tmp_path / "wider.pth"
    torch.save(build_network("mobilenet_v2", 0.5).state_dict(), path)
    before = network.features[0][0].weight.detach().clone()
    with pytest.raises(CheckpointError, match=r"features\.0\.0\.weight is 16×3×3×3, the network's is 8×3×3×3"):
        load_start_weights(network, "mobilenet_v2", str(path))
    assert torch.equal(network.features[0][0].weight, before)


@pytest.mark.parametrize("archive", [True, False])
def test_code_in_a_pickle_does_not_run(tmp_path, network, archive):
    path, mark = tmp_path / "evil.pth", tmp_path / "mark"
    torch.save({"weight": TouchesFile(mark)}, path, _use_new_zipfile_serialization=archive)
    with pytest.raises(CheckpointError, match=r"evil\.pth: it holds Python objects .* and is refused"):
        load_start_weights(network, "mobilenet_v2", str(path))
    assert not mark.exists()
    # The file is what it claims to be: read without care, it runs.
    torch.load(path, weights_only=False)
    assert mark.exists()


@pytest.mark.parametrize("protocol", [0, 2])
def test_code_in_a_bare_pickle_does_not_run(tmp_path, network, protocol):
    path, mark = tmp_path / "evil.pth", tmp_path / "mark"
    path.write_bytes(pickle.dumps({"weight": TouchesFile(mark)}, protocol))
    with pytest.raises(CheckpointError, match=r"evil\.pth: it "):
        load_start_weights(network, "mobilenet_v2", str(path))
    assert not mark.exists()
    pickle.loads(path.read_bytes())
    assert mark.exists()


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("missing.pth", None, "there is no such file"),
        ("missing.safetensors", None, "there is no such file"),
        ("empty.pth", b"", "it is damaged or no weight file"),
        ("empty.safetensors", b"", "it is damaged or no weight file"),
        ("text.pth", b"not weights at all\n", "it is damaged or no weight file"),
        ("text.safetensors", b"not weights at all\n", "it is damaged or no weight file"),
    ],
)
def test_what_is_no_weight_file_is_named_with_its_cause(tmp_path, name, content, cause):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_state_dict(path)
    assert str(caught.value) == f"weights {path}: {cause}"


@pytest.mark.parametrize("name", ["folder.pth", "folder.safetensors"])
def test_a_folder_is_called_one(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(CheckpointError, match="it is a folder"):
        read_state_dict(tmp_path / name)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.999])
def test_a_file_cut_short_is_called_damaged(tmp_path, other, suffix, kept):
    path = tmp_path / f"short.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(other.state_dict(), path)
    os.truncate(path, int(path.stat().st_size * kept))
    with pytest.raises(CheckpointError, match="it is damaged or no weight file"):
        read_state_dict(path)


@pytest.mark.parametrize("content", [[torch.zeros(1)], {}, {"epoch": 3}])
def test_a_file_without_tensors_by_name_is_no_state_dict(tmp_path, content):
    torch.save(content, tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="it holds no state dict of tensors"):
        read_state_dict(tmp_path / "list.pth")


def test_a_download_that_fails_says_what_to_do(monkeypatch, network):
    def refuse(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    with pytest.raises(CheckpointError, match=r"mobilenet_v2 could not be downloaded \(no route to host\); set start"):
        load_start_weights(network, "mobilenet_v2", pretrained.IMAGENET)


def test_torchvision_s_weights_load_by_name(monkeypatch):
    network, published = build_network("resnet18"), build_network("resnet18").state_dict()
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lambda *_, **__: published)
    loaded = load_start_weights(network, "resnet18", pretrained.IMAGENET)
    assert (loaded.origin, loaded.missing) == ("ImageNet", ())
    assert torch.equal(network.fc.weight, published["fc.weight"])


def test_the_shared_mobilenet_weights_are_whole(shared_weights):
    network = build_network("mobilenet_v2")
    path = shared_weights / "mobilenet_v2_imagenet_from_tflite_int8.pth"
    assert load_start_weights(network, "mobilenet_v2", str(path)).missing == ()


def test_the_shared_resnet18_weights_lack_the_last_stage(shared_weights):
    network = build_network("resnet18")
    path = shared_weights / "resnet18_imagenet_partial_conv1-layer3.pth"
    loaded = load_start_weights(network, "resnet18", str(path), partial=True)
    assert {name.split(".")[0] for name in loaded.missing} == {"layer4", "fc"}


def save_without(network, folder: Path, *names: str) -> Path:
    path = folder / "partial.pth"
    torch.save({name: tensor for name, tensor in network.state_dict().items() if name not in names}, path)
    return path


def states_equal(one, other) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())
