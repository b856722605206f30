from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from typer.testing import CliRunner

from tmnet_core.checkpoint import load_checkpoint, read_header
from tmnet_core.cli import app
from tmnet_core.errors import CheckpointError, DataError, EngineError
from tmnet_core.live.engines import export as export_module
from tmnet_core.live.engines.bias_correction import correct_biases
from tmnet_core.live.engines.export import export_checkpoint, export_to_ncnn
from tmnet_core.live.engines.ncnn_export import weights_of
from tmnet_core.live.engines.quantisation import quantise
from tmnet_core.live.glance_file import FileLook, glance_file
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

README = Path(__file__).resolve().parents[4] / "README.md"


def test_the_file_says_what_it_is(exported):
    assert read_header(exported.onnx) == exported.header
    said = {entry.key: entry.value for entry in onnx.load(exported.onnx).metadata_props}
    assert json.loads(said["classes"]) == exported.header.classes
    assert json.loads(said["preprocessing"])["size"] == 64
    assert said["precision"] == "fp32"


def test_it_is_one_file_of_any_batch_size(exported):
    assert [path.name for path in exported.onnx.parent.iterdir()] == ["net.onnx", "net.safetensors"]
    model = onnx.load(exported.onnx, load_external_data=False)
    assert not [tensor.name for tensor in model.graph.initializer if tensor.external_data]
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert shape[0].dim_param
    assert [side.dim_value for side in shape[1:]] == [64, 64, 3]


def test_it_opens_like_a_checkpoint(exported, real_frames):
    ours = GlancePredictor.from_file(exported.onnx)
    plain = GlancePredictor.from_file(exported.checkpoint, "cpu", "torch")
    assert (ours.classes, ours.branches, ours.engine) == (plain.classes, plain.branches, "CPU · onnxruntime fp32")
    for frame in real_frames:
        one, other = ours.glance(frame, mirror=True), plain.glance(frame, mirror=True)
        for branch in ours.branches:
            np.testing.assert_allclose(one.probabilities[branch], other.probabilities[branch], atol=1e-4)
    ours.close()
    plain.close()


def test_frames_of_changing_size_get_the_answers_of_fresh_engines(exported, real_frames):
    used = GlancePredictor.from_file(exported.onnx)
    for frame in (*real_frames[:6], *real_frames[:6:2]):
        fresh = GlancePredictor.from_file(exported.onnx)
        for branch, values in fresh.glance(frame).probabilities.items():
            np.testing.assert_array_equal(used.glance(frame).probabilities[branch], values)
        fresh.close()
    used.close()


def test_it_cannot_be_trained_on(exported):
    with pytest.raises(CheckpointError, match=r"net\.onnx: an exported file can glance and no more"):
        load_checkpoint(exported.onnx)


def test_a_file_that_disagrees_is_not_written(exported, tmp_path, monkeypatch):
    def write_another(model, header, path, clip):
        other = onnx.load(exported.onnx)
        (bias,) = (tensor for tensor in other.graph.initializer if tensor.name.endswith("classifier.bias"))
        bias.CopyFrom(onnx.numpy_helper.from_array(np.array([5, 0, 0], np.float32), bias.name))
        onnx.save(other, path)

    monkeypatch.setattr(export_module, "write_onnx", write_another)
    with pytest.raises(EngineError, match=r"out\.onnx: not written, the exported network does not answer as torch"):
        export_checkpoint(exported.checkpoint, tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


def test_ncnn_s_files_are_written_by_the_command_and_checked(exported, tmp_path, monkeypatch):
    if exported.ncnn is None:
        pytest.skip("ncnn and pnnx have no wheel for this machine")
    out = tmp_path / "out.param"
    agreement = export_to_ncnn(exported.checkpoint, out, exported=exported.onnx)
    assert agreement.probabilities <= 1e-4
    assert out.read_text().split()[:1] == ["7767517"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.bin", "out.param"]
    assert out.read_bytes() == exported.ncnn.read_bytes()

    def write_another(whence, path):
        path.write_bytes(exported.ncnn.read_bytes())
        weights = np.fromfile(weights_of(exported.ncnn), np.float32)
        # Random weights have a mean near zero: half of each is another network.
        (weights * np.linspace(0.5, 1, len(weights), dtype=np.float32)).tofile(weights_of(path))

    monkeypatch.setattr(export_module, "write_ncnn", write_another)
    with pytest.raises(EngineError, match=r"more\.param: not written, the converted network does not answer as torch"):
        export_to_ncnn(exported.checkpoint, tmp_path / "more.param", exported=exported.onnx)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.bin", "out.param"]


def test_without_ncnn_it_is_a_sentence(exported, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pnnx", None)
    with pytest.raises(EngineError, match="ncnn cannot be used here: "):
        export_to_ncnn(exported.checkpoint, tmp_path / "out.param", exported=exported.onnx)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say what to write: --onnx OUT, --ncnn OUT or both"),
        (["--ncnn", "out.param", "--int8", "clips"], "int8 is for an ONNX file: add --onnx OUT, or leave out --int8"),
        (
            ["--onnx", "out.onnx", "--ncnn", "nowhere/out.param"],
            "nowhere/out.param: there is no such folder to write it to",
        ),
        (["--ncnn", "out.bin"], "out.bin: the name of an exported file ends in .param"),
        (["--ncnn", "out.param", "--clip", "4"], "out.param: ncnn looks at single frames; leave out the clip or ncnn"),
    ],
)
def test_what_the_command_cannot_write_is_a_sentence(exported, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["export", str(exported.checkpoint), *options])
    assert str(done.exception) == said
    assert list(tmp_path.iterdir()) == []


def test_int8_is_calibrated_on_frames_and_keeps_near(exported, real_images, tmp_path):
    path = tmp_path / "int8.onnx"
    shutil.copy(exported.onnx, path)
    quantise(path, list(real_images[::2]))
    assert read_header(path) == exported.header
    predictor = GlancePredictor.from_file(path)
    assert predictor.engine == "CPU · onnxruntime int8"
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(path).graph.node}
    seen = predictor.glance(real_images[1])
    assert seen.maps[Branch.RB].shape == (3, 2, 2)
    assert all(np.isfinite(values).all() for values in seen.probabilities.values())
    predictor.close()


def test_int8_maps_are_products_summed_in_fp32_and_logits_are_never_rounded(exported, real_images, tmp_path):
    path = tmp_path / "int8.onnx"
    shutil.copy(exported.onnx, path)
    quantise(path, list(real_images[::2]))
    graph = onnx.load(path).graph
    makers = {node.output[0]: node for node in graph.node}
    for branch in (Branch.RB, Branch.CB):
        product = makers[makers[f"maps.{branch}"].input[0]]
        assert product.op_type == "MatMul"
        assert {makers[name].op_type for name in product.input} == {"DequantizeLinear"}
    (fused,) = [node for node in graph.node if node.op_type == "Add" and "Gemm" in _makers_of(node, makers)]
    assert _makers_of(fused, makers) == ["Gemm", "Gemm"]
    classifier = load_checkpoint(exported.checkpoint).model.classifier.weight.detach().numpy()
    predictor = GlancePredictor.from_file(path)
    for image in real_images[1::2]:
        seen = predictor.glance(image)
        for branch, values in seen.maps.items():
            logits = classifier @ seen.features[branch]
            assert np.abs(values.mean((1, 2)) - logits).max() < 0.01 * np.abs(values).max()
    predictor.close()


def _makers_of(node, makers):
    return [makers[name].op_type for name in node.input if name in makers]


def test_int8_without_onnxruntime_is_a_sentence(exported, real_images, tmp_path, monkeypatch):
    path = tmp_path / "int8.onnx"
    shutil.copy(exported.onnx, path)
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", None)
    with pytest.raises(EngineError, match="int8 cannot be made here: "):
        quantise(path, list(real_images[:2]))
    assert path.read_bytes() == exported.onnx.read_bytes()


def test_int8_keeps_the_mean_of_every_channel_where_rounding_a_weight_would_move_it():
    """Of a 1×1 and of a depthwise convolution, each with one weight that makes the steps of its channel coarse."""
    rng = np.random.default_rng(0)
    pointwise, depthwise = rng.normal(size=(4, 3, 1, 1)), rng.normal(size=(4, 1, 3, 3))
    pointwise[:, 0] *= 50
    depthwise[:, :, 1, 1] *= 50
    constants = {"w1": pointwise, "b1": np.zeros(4), "w2": depthwise, "b2": rng.normal(size=4)}
    nodes = [
        onnx.helper.make_node("Cast", ["images"], ["floats"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Transpose", ["floats"], ["frames"], perm=[0, 3, 1, 2]),
        onnx.helper.make_node("Conv", ["frames", "w1", "b1"], ["inner"]),
        onnx.helper.make_node("Conv", ["inner", "w2", "b2"], ["outer"], group=4),
    ]
    images = rng.integers(0, 255, (6, 16, 16, 3)).astype(np.uint8)

    def means(values):
        ends = [onnx.helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["batch", 16, 16, 3])]
        outputs = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("inner", "outer")
        ]
        tensors = [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
        model = onnx.helper.make_model(
            onnx.helper.make_graph(nodes, "g", ends, outputs, tensors), opset_imports=[onnx.helper.make_opsetid("", 20)]
        )
        model.ir_version = 10
        session = onnxruntime.InferenceSession(model.SerializeToString())
        return model, [found.mean((0, 2, 3)) for found in session.run(["inner", "outer"], {"images": images})]

    def rounded(weights):
        step = np.abs(weights).max((1, 2, 3), keepdims=True) / 127
        return np.round(weights / step) * step

    model, wanted = means(constants)
    _, without = means(constants | {"w1": rounded(pointwise), "w2": rounded(depthwise)})
    correct_biases(model, model.graph.node[2:], list(images), 127)
    biases = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    corrected = {"w1": rounded(pointwise), "b1": biases["b1"], "w2": rounded(depthwise), "b2": biases["b2"]}
    _, found = means(constants | corrected)
    for place in range(2):
        scale = np.abs(wanted[place]).max()
        assert np.abs(without[place] - wanted[place]).max() > 1e-3 * scale
        np.testing.assert_allclose(found[place], wanted[place], atol=1e-4 * scale)


def test_a_clip_is_exported_with_its_length_and_key_frame(exported, make_video, tmp_path):
    out = tmp_path / "clip.onnx"
    export_checkpoint(exported.checkpoint, out, frames=3)
    look = FileLook(clip=3, interval=1, batch=2)
    video = make_video(frames=9)
    ours = list(glance_file(out, video, look, device="cpu"))
    plain = list(glance_file(exported.checkpoint, video, look, device="cpu", engine="torch"))
    assert [line.frames for line in ours] == [line.frames for line in plain] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    for one, other in zip(ours, plain, strict=True):
        assert one.answer.probability == pytest.approx(other.answer.probability, abs=1e-4)
    with pytest.raises(CheckpointError, match=r"clip\.onnx: it was exported for clips of 3 frames"):
        GlancePredictor.from_file(out)
    with pytest.raises(CheckpointError, match="it was exported for clips of 3 frames"):
        GlancePredictor.from_file(out, frames=4)


def test_what_cannot_be_exported_is_a_sentence(exported, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no frames")
    with pytest.raises(DataError, match="empty: it holds no video or picture that can be read"):
        export_checkpoint(exported.checkpoint, tmp_path / "out.onnx", calibration=tmp_path / "empty")
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        export_checkpoint(exported.checkpoint, tmp_path / "out.onnx", calibration=tmp_path / "nowhere")
    with pytest.raises(EngineError, match=r"out\.bin: the name of an exported file ends in \.onnx"):
        export_checkpoint(exported.checkpoint, tmp_path / "out.bin")
    with pytest.raises(EngineError, match="there is no such folder"):
        export_checkpoint(exported.checkpoint, tmp_path / "nowhere" / "out.onnx")
    with pytest.raises(CheckpointError, match="exported file"):
        export_checkpoint(exported.onnx, tmp_path / "out.onnx")


@pytest.mark.parametrize("content", [b"", b"no ONNX file at all", b"\x00" * 100, b"GIF89a"])
def test_what_is_no_onnx_file_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "other.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"other\.onnx: it is damaged or no ONNX file"):
        GlancePredictor.from_file(tmp_path / "other.onnx")


def test_an_onnx_file_of_something_else_is_refused_in_a_sentence(tmp_path):
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:1], values[1:])), tmp_path / "r.onnx")
    with pytest.raises(CheckpointError, match=r"r\.onnx: an ONNX file, but not one of TMNet"):
        GlancePredictor.from_file(tmp_path / "r.onnx")


def test_a_file_cut_short_is_refused_in_a_sentence(exported, tmp_path):
    whole = exported.onnx.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"cut\.onnx"):
        GlancePredictor.from_file(tmp_path / "cut.onnx")
    with pytest.raises(CheckpointError, match="there is no such file"):
        GlancePredictor.from_file(tmp_path / "nowhere.onnx")


# Enlarged, shrunk a little, shrunk by whole blocks, and by parts of blocks.
@pytest.mark.parametrize("height", [60, 100, 180, 240, 293])
def test_the_readme_s_script_runs_it_without_tmnet(exported, real_frames, tmp_path, height):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (script,) = (block for block in blocks if "onnxruntime.InferenceSession" in block)
    assert "tmnet" not in script
    assert "torch" not in script
    assert len(script.strip().splitlines()) <= 20
    picture = tmp_path / "picture.png"
    frame = cv2.resize(real_frames[0], (400, height))
    cv2.imwrite(str(picture), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    done = subprocess.run(
        [sys.executable, "-c", script, exported.onnx, picture], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    predictor = GlancePredictor.from_file(exported.onnx)
    said = predictor.glance(frame).probabilities[Branch.FUSED]
    predictor.close()
    printed = {name: float(value) for name, value in re.findall(r"^(\w+) ([\d.]+)$", done.stdout, re.MULTILINE)}
    assert printed == pytest.approx(dict(zip(exported.header.classes, said.tolist(), strict=True)), abs=6e-4)
