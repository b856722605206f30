import os
import pickle
import socket
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tmnet_core.errors import CheckpointError
from tmnet_core.models import pretrained
from tmnet_core.models.pretrained import (
    kinetics_statistics,
    load_published_weights,
    load_start_weights,
    read_state_dict,
    translate_names,
)
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.stages3d import build_network3d


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


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError("no route to host"), "no route to host"),
        (URLError(socket.gaierror(-2, "Name or service not known")), "there is no connection to the server"),
        (URLError(OSError(113, "No route to host")), "No route to host"),
        (HTTPError("https://x", 503, "busy", None, None), "the server answered 503"),
    ],
)
def test_a_download_that_fails_says_what_to_do(monkeypatch, network, error, why):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    with pytest.raises(CheckpointError, match=rf"mobilenet_v2 could not be downloaded \({why}\); set start"):
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


def pyslowfast_name(name: str) -> str:
    """Return what PySlowFast calls a tensor of torchvision's ResNet."""
    layer, *rest = name.split(".")
    if layer in ("conv1", "bn1"):
        return f"s1.pathway0_stem.{layer[:-1]}.{rest[0]}"
    if layer == "fc":
        return f"head.projection.{rest[0]}"
    block, kind, *tensor = rest
    place = f"s{int(layer[-1]) + 1}.pathway0_res{block}"
    if kind == "downsample":
        return f"{place}.branch1{'_bn' if tensor[0] == '1' else ''}.{tensor[1]}"
    return f"{place}.branch2.{'abc'[int(kind[-1]) - 1]}{'_bn' if kind.startswith('bn') else ''}.{tensor[0]}"


def pytorchvideo_name(name: str, numbers: tuple[int, ...]) -> str:
    """Return what PyTorchVideo calls a tensor of torchvision's ResNet; its stages have these numbers, then its head."""
    layer, *rest = name.split(".")
    if layer in ("conv1", "bn1"):
        return f"blocks.0.{'conv' if layer == 'conv1' else 'norm'}.{rest[0]}"
    if layer == "fc":
        return f"blocks.{numbers[-1] + 1}.proj.{rest[0]}"
    block, kind, *tensor = rest
    place = f"blocks.{numbers[int(layer[-1]) - 1]}.res_blocks.{block}"
    if kind == "downsample":
        return f"{place}.branch1_{'norm' if tensor[0] == '1' else 'conv'}.{tensor[1]}"
    return f"{place}.branch2.{'norm' if kind.startswith('bn') else 'conv'}_{'abc'[int(kind[-1]) - 1]}.{tensor[0]}"


def test_names_of_published_files_are_these():
    # As the published files have them, written out.
    pairs = {
        "s1.pathway0_stem.conv.weight": "conv1.weight",
        "s1.pathway0_stem.bn.running_mean": "bn1.running_mean",
        "s2.pathway0_res0.branch1.weight": "layer1.0.downsample.0.weight",
        "s2.pathway0_res0.branch1_bn.bias": "layer1.0.downsample.1.bias",
        "s2.pathway0_res0.branch2.a.weight": "layer1.0.conv1.weight",
        "s5.pathway0_res2.branch2.c_bn.running_var": "layer4.2.bn3.running_var",
        "head.projection.weight": "head.projection.weight",
    }
    assert list(translate_names(dict.fromkeys(pairs, torch.zeros(1)))) == list(pairs.values())
    # I3D's pool is blocks.2: its second stage is blocks.3.
    pairs = {
        "blocks.0.conv.weight": "conv1.weight",
        "blocks.0.norm.num_batches_tracked": "bn1.num_batches_tracked",
        "blocks.1.res_blocks.0.branch1_conv.weight": "layer1.0.downsample.0.weight",
        "blocks.1.res_blocks.0.branch1_norm.weight": "layer1.0.downsample.1.weight",
        "blocks.3.res_blocks.3.branch2.conv_b.weight": "layer2.3.conv2.weight",
        "blocks.4.res_blocks.5.branch2.norm_a.bias": "layer3.5.bn1.bias",
        "blocks.5.res_blocks.1.branch2.norm_c.weight": "layer4.1.bn3.weight",
        "blocks.6.proj.bias": "blocks.6.proj.bias",
    }
    assert list(translate_names(dict.fromkeys(pairs, torch.zeros(1)))) == list(pairs.values())


@pytest.fixture(scope="module", params=["slowonly_r50", "i3d_r50"])
def published(request) -> tuple[str, nn.Module]:
    torch.manual_seed(1)
    return request.param, build_network3d(request.param)


@pytest.mark.parametrize("naming", ["PySlowFast", "PyTorchVideo"])
def test_published_files_set_every_tensor(tmp_path, published, naming):
    name, theirs = published
    numbers = (1, 3, 4, 5) if name == "i3d_r50" else (1, 2, 3, 4)
    state = {
        pyslowfast_name(key) if naming == "PySlowFast" else pytorchvideo_name(key, numbers): tensor
        for key, tensor in theirs.state_dict().items()
    }
    head = next(key for key in state if "proj" in key and key.endswith("weight"))
    state[head] = torch.zeros(400, 2048)
    torch.save({"model_state": state, "epoch": 196}, tmp_path / "published.pyth")
    with torch.device("meta"):
        network = build_network3d(name)
    network = network.to_empty(device="cpu")
    loaded = load_published_weights(network, name, str(tmp_path / "published.pyth"))
    assert (loaded.origin, loaded.missing) == ("published.pyth", ())
    ours = {key: tensor for key, tensor in network.state_dict().items() if not key.startswith("fc.")}
    assert all(torch.equal(tensor, theirs.state_dict()[key]) for key, tensor in ours.items())


def test_weights_of_another_3d_network_are_refused(tmp_path):
    with torch.device("meta"):
        i3d, slowonly = build_network3d("i3d_r50"), build_network3d("slowonly_r50")
    i3d = {pyslowfast_name(key): tensor for key, tensor in i3d.state_dict().items()}
    # Made of nothing but shapes: the tensors' one value is stored once.
    torch.save({key: torch.zeros(()).expand(tensor.shape) for key, tensor in i3d.items()}, tmp_path / "i3d.pyth")
    with pytest.raises(CheckpointError, match=r"conv1\.weight is 64×3×5×7×7, the network's is 64×3×1×7×7"):
        load_published_weights(slowonly, "slowonly_r50", str(tmp_path / "i3d.pyth"))


def test_2d_weights_are_not_taken_for_3d_ones(tmp_path, other):
    torch.save(other.state_dict(), tmp_path / "mobilenet.pth")
    with torch.device("meta"):
        network = build_network3d("r3d_18")
    with pytest.raises(CheckpointError, match="tensors belong to another network, such as features"):
        load_published_weights(network, "r3d_18", str(tmp_path / "mobilenet.pth"))


def test_an_incomplete_3d_file_is_refused_unless_asked_for(tmp_path):
    with torch.device("meta"):
        network = build_network3d("r3d_18")
    network = network.to_empty(device="cpu")
    state = {key: tensor for key, tensor in network.state_dict().items() if not key.startswith("layer4.1.conv2.0")}
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(
        CheckpointError, match=r"1 of r3d_18's tensors are missing, such as layer4\.1\.conv2\.0\.weight"
    ):
        load_published_weights(network, "r3d_18", str(tmp_path / "part.pth"))
    assert load_published_weights(network, "r3d_18", str(tmp_path / "part.pth"), partial=True).missing == (
        "layer4.1.conv2.0.weight",
    )


def test_torchvision_publishes_kinetics_weights_of_r3d_18_alone():
    with torch.device("meta"):
        network = build_network3d("slowonly_r50")
    with pytest.raises(CheckpointError, match=r"publishes none of slowonly_r50; set start\.weights3d to a file"):
        load_published_weights(network, "slowonly_r50", "kinetics")


def test_torchvision_s_kinetics_weights_load_by_name(monkeypatch):
    with torch.device("meta"):
        network = build_network3d("r3d_18")
    network = network.to_empty(device="cpu")
    theirs = {name: torch.full_like(tensor, 2) for name, tensor in network.state_dict().items()}
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lambda *_, **__: theirs)
    loaded = load_published_weights(network, "r3d_18", "kinetics")
    assert (loaded.origin, loaded.missing) == ("Kinetics-400", ())
    assert (network.layer4[1].conv2[0].weight == 2).all()
    # What its transforms say in torchvision's documentation.
    assert kinetics_statistics() == ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
