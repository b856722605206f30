import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors.torch import load_file, save_file

from tmnet_core.checkpoint import (
    FORMAT_VERSION,
    METADATA_KEY,
    TrainingSummary,
    load_checkpoint,
    read_header,
    save_checkpoint,
)
from tmnet_core.config import ClipSection, ModelConfig, ObjectiveSection
from tmnet_core.errors import CheckpointError
from tmnet_core.models.variants import build_model


class TouchesFile:
    """Unpickled carelessly, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def rewrite(path: Path, change_header=None, change_tensors=None) -> None:
    """Change the header's values or the tensors of a checkpoint in place."""
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()[METADATA_KEY])
    tensors = load_file(path)
    for change, values in ((change_header, header), (change_tensors, tensors)):
        if change is not None:
            change(values)
    save_file(tensors, path, metadata={METADATA_KEY: json.dumps(header)})


@pytest.mark.parametrize("variant", ["tmnet-2d", "tsn"])
@pytest.mark.parametrize("split", ["0/4", "2/2"])
def test_a_network_comes_back_from_its_file_alone(make_checkpoint, variant, split):
    path, model, header = make_checkpoint(variant=variant, split=split)
    loaded = load_checkpoint(path)
    assert (loaded.path, loaded.header) == (path, header)
    assert not loaded.model.training
    state = loaded.model.state_dict()
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())


def test_the_header_brings_fusion_and_dropout_back(make_checkpoint):
    path, *_ = make_checkpoint(fusion="probabilities", dropout=0.25)
    model = load_checkpoint(path).model
    assert (model.fusion, model.dropout.p) == ("probabilities", 0.25)


def test_half_storage_halves_the_file_and_loads_as_single(make_checkpoint):
    whole, model, _ = make_checkpoint()
    half, *_ = make_checkpoint("half.safetensors", half=True)
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    for name, tensor in load_checkpoint(half).model.state_dict().items():
        assert tensor.dtype == model.state_dict()[name].dtype
        torch.testing.assert_close(tensor, model.state_dict()[name], rtol=1e-3, atol=1e-6)


def test_a_network_in_channels_last_saves_and_loads(tmp_path, make_header):
    header = make_header()
    model = build_model(header.model, 3).to(memory_format=torch.channels_last)
    weight = model.base.network.stem[0][0].weight
    assert not weight.is_contiguous()
    save_checkpoint(tmp_path / "net.safetensors", model, header)
    torch.testing.assert_close(
        load_checkpoint(tmp_path / "net.safetensors").model.base.network.stem[0][0].weight, weight, rtol=0, atol=0
    )


def test_a_failed_save_leaves_the_old_file_and_nothing_else(monkeypatch, make_checkpoint):
    path, model, header = make_checkpoint()
    before = path.read_bytes()

    def write_half(tensors, filename, metadata):
        Path(filename).write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", write_half)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, model, header)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_reading_a_header_loads_no_torch(make_checkpoint):
    path, *_ = make_checkpoint()
    program = (
        "import sys; from tmnet_core.checkpoint import read_header; print(read_header(sys.argv[1]).title);"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "TMNet-2D mobilenet_v2 2/2"), done.stderr


@pytest.mark.parametrize("read", [read_header, load_checkpoint])
@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "there is no such file"),
        (b"", "the file is empty"),
        (b"not a checkpoint\n", "it is not a .safetensors file"),
        (b"\x00\x00\x00\x18ftypmp42", "it is not a .safetensors file"),
    ],
)
def test_what_is_no_checkpoint_is_named_with_its_cause(tmp_path, read, content, cause):
    path = tmp_path / "net.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert str(caught.value) == f"checkpoint {path}: {cause}"


@pytest.mark.parametrize("read", [read_header, load_checkpoint])
def test_a_folder_is_called_one(tmp_path, read):
    with pytest.raises(CheckpointError, match="it is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("read", [read_header, load_checkpoint])
@pytest.mark.parametrize("size", [1, 7, 8, 9, 200, 0.5, 0.99, -1])
def test_a_file_cut_short_is_called_damaged(make_checkpoint, read, size):
    path, *_ = make_checkpoint()
    whole = path.stat().st_size
    os.truncate(path, int(size * whole) if isinstance(size, float) else size % whole)
    with pytest.raises(CheckpointError, match=f"^checkpoint {re.escape(str(path))}: the file is damaged or cut short"):
        read(path)


@pytest.mark.parametrize("read", [read_header, load_checkpoint])
@pytest.mark.parametrize("writer", ["archive", "legacy", "protocol 4", "protocol 5"])
def test_a_pickle_is_refused_without_running_its_code(tmp_path, read, writer):
    path, mark = tmp_path / "net.pth", tmp_path / "mark"
    content = {"weight": TouchesFile(mark)}
    if writer.startswith("protocol"):
        path.write_bytes(pickle.dumps(content, int(writer[-1])))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=writer == "archive")
    with pytest.raises(CheckpointError, match=r"a PyTorch pickle, which could run code; TMNet checkpoints are \.safet"):
        read(path)
    assert not mark.exists()


def test_a_pickle_without_a_mark_of_its_own_runs_nothing_either(tmp_path):
    path, mark = tmp_path / "net.pth", tmp_path / "mark"
    path.write_bytes(pickle.dumps({"weight": TouchesFile(mark)}, 0))
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    assert not mark.exists()


def test_another_safetensors_file_is_called_so(tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"a safetensors file, but not one of TMNet \(it has no tmnet header\)"):
        read_header(tmp_path / "other.safetensors")


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, "1", None])
def test_another_format_version_is_named(make_checkpoint, version):
    path, *_ = make_checkpoint()
    rewrite(path, lambda header: header.update(format_version=version))
    with pytest.raises(CheckpointError, match=f"format version {version} is not known to this release, which reads 1"):
        read_header(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"text"', "{}"])
def test_a_header_that_is_no_header_is_refused(tmp_path, text):
    path = tmp_path / "net.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata={METADATA_KEY: text})
    with pytest.raises(CheckpointError, match="its header cannot be read"):
        read_header(path)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda header: header.update(colour="blue"), "colour"),
        (lambda header: header["model"].update(depth=50), "model.depth"),
        (lambda header: header["model"].update(backbone="vgg16"), "model.backbone"),
        (lambda header: header["model"].update(split="4/0"), "model.split"),
        (lambda header: header["preprocessing"].update(size="big"), "preprocessing.size"),
        (lambda header: header.update(classes=[]), "classes"),
        (lambda header: header.update(classes=["a"] * 10_001), "classes"),
        (lambda header: header.pop("provenance"), "provenance"),
    ],
)
def test_a_header_value_that_cannot_be_used_is_named(make_checkpoint, change, place):
    path, *_ = make_checkpoint()
    rewrite(path, change)
    with pytest.raises(CheckpointError, match=f"its header's '{place}' cannot be used"):
        load_checkpoint(path)


def test_tensors_of_another_network_are_named(make_checkpoint):
    path, *_ = make_checkpoint()
    rewrite(path, lambda header: header["model"].update(backbone="resnet18", width=1.0))
    with pytest.raises(CheckpointError, match=r"base\.network\.stem\.0\.weight is missing; .*, and \d+ more$"):
        load_checkpoint(path)


def test_another_number_of_classes_is_named(make_checkpoint):
    path, *_ = make_checkpoint()
    rewrite(path, lambda header: header["classes"].append("climb"))
    message = r"classifier\.weight is \(3, 1280\) instead of \(4, 1280\); classifier\.bias is \(3,\) instead of \(4,\)$"
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_missing_and_foreign_tensors_are_named(make_checkpoint):
    path, *_ = make_checkpoint()

    def rename(tensors):
        tensors["classifier.offset"] = tensors.pop("classifier.bias")

    rewrite(path, change_tensors=rename)
    message = r"disagree: classifier\.bias is missing; classifier\.offset is not of this network$"
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_rb_is_not_silently_dropped_for_a_baseline_s_header(make_checkpoint):
    path, *_ = make_checkpoint()
    rewrite(path, lambda header: header["model"].update(variant="tsn"))
    with pytest.raises(CheckpointError, match=r"regression\.network\.\S+ is not of this network"):
        load_checkpoint(path)


def test_the_card_says_what_the_network_is_and_what_it_was_trained_on(make_header):
    training = TrainingSummary(
        data="jhmdb21",
        clips=300,
        validation_clips=100,
        start="ImageNet",
        iterations=20,
        frames_seen=5120,
        validation_fraction=0.3,
        split_seed=0,
        clip=ClipSection(),
        objective=ObjectiveSection(),
    )
    header = make_header(split="3/1").model_copy(
        update={"training": training, "metrics": {"RB": {"top1": 0.412, "map": 0.5}, "CB": {"top1": 0.4}}}
    )
    card = dict(header.describe())
    assert header.title == card["Network"] == "jhmdb21 · TMNet-2D mobilenet_v2 3/1"
    assert card["Classes"] == "3: jump, run, wave"
    assert card["Input"] == "32×32, centred square of 1 of the short side"
    assert card["Trained on"] == "jhmdb21: 300 clips, 100 kept for validation"
    assert card["Training"] == "20 iterations, 5,120 frames seen"
    assert card["Clip"] == "16 frames at interval 2, key frame: middle"
    assert card["RB, one glance"] == "top-1 41.2 %, mAP 50.0 %"


def test_the_card_of_a_bare_network_leaves_training_out(make_header):
    rows = dict(make_header(variant="tsn").describe())
    assert rows["Network"] == "TSN mobilenet_v2 2/2"
    assert rows.keys() == {"Network", "Classes", "Input", "Made"}


def test_the_model_s_config_survives_the_header(make_header):
    header = make_header(split="1/3", fusion="probabilities")
    assert type(header).model_validate_json(header.model_dump_json()) == header
    assert header.model == ModelConfig(backbone="mobilenet_v2", width=0.25, split="1/3", fusion="probabilities")
