"""Every engine says what torch says in fp32 without any change to the network."""

from __future__ import annotations

import gc
import statistics
import threading
import time
import weakref

import numpy as np
import psutil
import pytest
import torch

from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.sample_frames import sample_frames
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.clip import ClipLook
from tmnet_core.live.engines.cuda_graph_engine import CudaGraphEngine
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.export import compare, look_eagerly, write_onnx
from tmnet_core.live.engines.folding import fold_batch_norms
from tmnet_core.live.engines.ncnn_engine import NcnnEngine
from tmnet_core.live.engines.ncnn_export import weights_of, why_no_ncnn, write_ncnn
from tmnet_core.live.engines.onnxruntime_engine import OnnxruntimeEngine
from tmnet_core.live.engines.packing import PackedConvolution, pack_convolutions
from tmnet_core.live.engines.torch_engine import TorchEngine
from tmnet_core.models.branch import Branch
from tmnet_core.models.temporal_shift import ShiftedConvolution
from tmnet_core.models.variants import build_model


def open_named(name: str, exported) -> Engine:
    if name == "onnxruntime":
        return OnnxruntimeEngine(exported.onnx)
    if name == "ncnn":
        if exported.ncnn is None:
            pytest.skip("ncnn and pnnx have no wheel for this machine")
        return NcnnEngine(exported.ncnn, exported.header.preprocessing)
    return TorchEngine(exported.model, exported.header.preprocessing)


@pytest.fixture(params=["torch", "onnxruntime", "ncnn"])
def engine(request, exported):
    engine = open_named(request.param, exported)
    yield engine
    engine.close()


def test_real_frames_get_the_answers_of_plain_torch(engine, exported, real_images):
    agreement = compare(engine, exported.model, exported.header.preprocessing, list(real_images))
    assert agreement.frames == 20
    assert agreement.probabilities <= 1e-4
    assert agreement.maps <= 1e-4
    assert agreement.same_top1 == 1.0


def test_the_frames_are_told_apart(exported, real_images):
    # Else the agreement above would say nothing.
    said = look_eagerly(exported.model, exported.header.preprocessing, real_images).probabilities[Branch.FUSED]
    assert said.std(0).max() > 0.01


def test_many_images_at_once_get_the_answers_of_each_alone(engine, real_images):
    together = engine.look(real_images)
    for place, image in enumerate(real_images):
        alone = engine.look(image[None])
        for branch in engine.branches:
            np.testing.assert_allclose(together.probabilities[branch][place], alone.probabilities[branch][0], atol=1e-5)
    assert together.maps[Branch.RB].shape == (20, 3, 2, 2)
    assert together.features[Branch.CB].shape[0] == 20


def test_answers_do_not_change_under_the_next_glance(engine, real_images):
    first = engine.look(real_images[:1])
    kept = first.probabilities[Branch.FUSED].copy()
    engine.look(real_images[1:2])
    np.testing.assert_array_equal(first.probabilities[Branch.FUSED], kept)


@pytest.mark.parametrize("branch", [Branch.RB, Branch.CB])
def test_one_branch_is_had_alone(engine, branch, real_images):
    alone, all_of_them = engine.look(real_images[:1], [branch]), engine.look(real_images[:1])
    assert set(alone.probabilities) == set(alone.maps) == set(alone.features) == {branch}
    np.testing.assert_allclose(alone.probabilities[branch], all_of_them.probabilities[branch], atol=1e-5)
    np.testing.assert_allclose(alone.maps[branch], all_of_them.maps[branch], rtol=1e-3, atol=1e-3)


def test_the_other_branch_is_not_computed(exported, real_images):
    engine = TorchEngine(exported.model, exported.header.preprocessing)
    ran: list[str] = []
    for name in ("regression", "classification"):
        getattr(engine._model, name).register_forward_hook(lambda *_, name=name: ran.append(name))
    engine.look(real_images[:1], [Branch.RB])
    assert ran == ["regression"]
    engine.look(real_images[:1], [Branch.CB])
    assert ran == ["regression", "classification"]


def test_the_other_branch_is_not_in_the_graph(exported, real_images):
    engine = OnnxruntimeEngine(exported.onnx)
    engine.look(real_images[:1], [Branch.RB])
    sizes = [len(engine._sessions[key].get_outputs()) for key in engine._sessions]
    assert sizes == [7, 3]


def test_ncnn_runs_no_layer_of_the_other_branch(exported, real_images):
    """Its least time tells: what RB alone takes is two thirds of a glance."""
    engine = open_named("ncnn", exported)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(30):
        for alone in (False, True):
            start = time.perf_counter()
            engine.look(real_images[:1], [Branch.RB] if alone else None)
            seconds[alone].append(time.perf_counter() - start)
    engine.close()
    assert min(seconds[True]) < 0.9 * min(seconds[False])


@pytest.mark.parametrize(
    "images",
    [np.zeros((1, 20, 20, 3), np.uint8), np.zeros((1, 64, 64, 3), np.float32), np.zeros((0, 64, 64, 3), np.uint8)],
)
def test_ncnn_refuses_images_that_the_network_was_not_made_for(exported, images):
    engine = open_named("ncnn", exported)
    with pytest.raises(EngineError, match="this network looks at uint8 of"):
        engine.look(images)
    engine.close()


def test_ncnn_sees_a_view_of_an_image_as_the_image(exported, real_images):
    engine = open_named("ncnn", exported)
    mirrored = real_images[:1, :, ::-1]
    found = engine.look(mirrored).probabilities[Branch.RB]
    np.testing.assert_array_equal(found, engine.look(mirrored.copy()).probabilities[Branch.RB])
    engine.close()


def test_files_that_are_not_ncnn_s_are_named(exported, tmp_path):
    engine = open_named("ncnn", exported)
    engine.close()
    path = tmp_path / "net.param"
    with pytest.raises(EngineError, match=r"net\.param: ncnn cannot read it, or net\.bin beside it"):
        NcnnEngine(path, exported.header.preprocessing)
    path.write_text("something else")
    with pytest.raises(EngineError, match=r"net\.param: ncnn cannot read it, or net\.bin beside it"):
        NcnnEngine(path, exported.header.preprocessing)
    path.write_bytes(exported.ncnn.read_bytes())
    with pytest.raises(EngineError, match=r"net\.param: ncnn cannot read it, or net\.bin beside it"):
        NcnnEngine(path, exported.header.preprocessing)
    weights_of(path).write_bytes(weights_of(exported.ncnn).read_bytes()[:1000])
    with pytest.raises(EngineError, match=r"net\.param: ncnn cannot read it, or net\.bin beside it"):
        NcnnEngine(path, exported.header.preprocessing)


def test_looking_leaves_the_interpreter_to_other_threads(engine, real_images):
    """A network that held the interpreter's lock would make the window as late as a look is long."""
    stop = threading.Event()
    looks: list[float] = []

    def look_on() -> None:
        while not stop.is_set():
            start = time.perf_counter()
            engine.look(real_images[:1])
            looks.append(time.perf_counter() - start)

    looking = threading.Thread(target=look_on)
    looking.start()
    late = []
    while len(looks) < 40:
        start = time.perf_counter()
        time.sleep(0.0005)
        late.append(time.perf_counter() - start)
    stop.set()
    looking.join()
    assert statistics.median(late) < 0.5 * statistics.median(looks)


def test_the_fusion_alone_is_what_it_is_among_all(engine, real_images):
    fused = engine.look(real_images[:1], [Branch.FUSED])
    assert set(fused.probabilities) == {Branch.FUSED}
    expected = engine.look(real_images[:1]).probabilities[Branch.FUSED]
    np.testing.assert_allclose(fused.probabilities[Branch.FUSED], expected, atol=1e-6)


def test_maps_can_be_left_out(engine, real_images):
    assert engine.look(real_images[:1], maps=False).maps == {}


def test_a_branch_that_is_not_served_is_named(exported, make_checkpoint):
    _, tsn, header = make_checkpoint(variant="tsn")
    engine = TorchEngine(tsn, header.preprocessing)
    with pytest.raises(EngineError, match="branch RB: this network answers with CB"):
        engine.look(np.zeros((1, 32, 32, 3), np.uint8), [Branch.RB])
    with pytest.raises(EngineError, match="branch none"):
        engine.look(np.zeros((1, 32, 32, 3), np.uint8), [])


def test_a_closed_engine_says_so(engine, real_images):
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.look(real_images[:1])


def test_the_engine_leaves_the_model_as_it_was(exported, real_images):
    before = {name: tensor.clone() for name, tensor in exported.model.state_dict().items()}
    TorchEngine(exported.model, exported.header.preprocessing).look(real_images[:1])
    after = exported.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


NETWORKS = [
    {"backbone": "resnet18"},
    {"backbone": "resnext50_32x4d", "split": "3/1"},
    {"backbone": "mobilenet_v2"},
    {"variant": "tsm", "backbone": "resnet18"},
    # A single frame is a clip that stands still: its convolutions do something else than for longer clips.
    {"variant": "tmnet-3d-b", "backbone": "resnet18", "network3d": "r3d_18"},
]


@pytest.fixture(params=NETWORKS, ids=lambda model: " ".join(model.values()))
def network(request, make_header):
    """A network of each kind, with statistics that no folding may overlook."""
    torch.manual_seed(0)
    model = build_model(make_header(width=1.0, **request.param).model, 3).eval()
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
        model.classifier.weight.normal_(0, 0.1)
    return model


def test_every_kind_of_network_gives_the_answers_of_plain_torch(network, real_images):
    engine = TorchEngine(network, Preprocessing(size=64))
    wanted = look_eagerly(network, Preprocessing(size=64), real_images[:3])
    found = engine.look(real_images[:3])
    for branch, values in wanted.features.items():
        np.testing.assert_allclose(found.features[branch], values, rtol=1e-3, atol=1e-5 * np.abs(values).max())
        np.testing.assert_allclose(found.probabilities[branch], wanted.probabilities[branch], atol=1e-4)
    engine.close()


@pytest.mark.parametrize(
    "network",
    [pytest.param(kind, marks=() if "variant" in kind else pytest.mark.slow) for kind in NETWORKS],
    ids=lambda model: " ".join(model.values()),
    indirect=True,
)
def test_every_kind_of_network_that_glances_converts_to_ncnn(network, exported, make_header, real_images, tmp_path):
    open_named("ncnn", exported).close()
    header = make_header().model_copy(update={"preprocessing": Preprocessing(size=64)})
    write_onnx(network, header, tmp_path / "net.onnx")
    write_ncnn(tmp_path / "net.onnx", tmp_path / "net.param")
    engine = NcnnEngine(tmp_path / "net.param", header.preprocessing)
    agreement = compare(engine, network, header.preprocessing, list(real_images[:3]))
    engine.close()
    assert agreement.probabilities <= 1e-4
    assert agreement.maps <= 1e-4


@torch.inference_mode()
def test_a_clip_gets_the_answers_of_the_network_in_training(network, real_images):
    clip = ClipLook(8, 0.5)
    engine = TorchEngine(network, Preprocessing(size=64), clip=clip)
    clips = np.stack([real_images[:8], real_images[8:16]])
    found = engine.look(clips)
    frames = Preprocessing(size=64).normalise(torch.as_tensor(clips))
    wanted = network(frames, torch.full((2,), 0.5))
    both = {Branch.CB: wanted.classification}
    if wanted.regression is not None:
        both[Branch.RB] = wanted.regression
        assert set(found.probabilities) == set(Branch)
    for branch, feature in both.items():
        scale = float(feature.abs().max())
        np.testing.assert_allclose(found.features[branch], feature.numpy(), rtol=1e-3, atol=1e-5 * scale)
        probabilities = network.classify(feature).softmax(-1).numpy()
        np.testing.assert_allclose(found.probabilities[branch], probabilities, atol=1e-4)
    engine.close()


def test_every_batch_norm_is_folded(network):
    fold_batch_norms(network)
    assert not [module for module in network.modules() if "BatchNorm" in type(module).__name__]


def test_every_2d_convolution_is_packed_where_torch_can(network, monkeypatch):
    fold_batch_norms(network)
    convolutions = sum(type(module) is torch.nn.Conv2d for module in network.modules())
    frames = torch.rand(1, 3, 64, 64)
    found = pack_convolutions(network, lambda model: model.glance(frames))
    packed = [module for module in found.modules() if isinstance(module, PackedConvolution)]
    shifted = [module for module in network.modules() if isinstance(module, ShiftedConvolution)]
    assert len(packed) == convolutions - len(shifted)
    if packed:
        forward = PackedConvolution.forward
        monkeypatch.setattr(PackedConvolution, "forward", lambda *arguments: 1.01 * forward(*arguments))
        assert pack_convolutions(network, lambda model: model.glance(frames)) is network


def test_engines_opened_and_closed_over_and_over_leave_memory_where_it_was(exported, real_images):
    def switch(times: int) -> int:
        for _ in range(times):
            for name in ("torch", "onnxruntime", *(["ncnn"] if exported.ncnn else [])):
                engine = open_named(name, exported)
                engine.look(real_images[:1])
                engine.close()
        return psutil.Process().memory_info().rss

    before = switch(3)
    # One copy of the weights is 78 MB: engines that stay would be 20 of them, and those that glibc keeps as many.
    assert switch(10) - before < 78 * 2**20


def test_closing_an_engine_frees_its_weights_though_the_collector_rests(exported, real_images):
    gc.disable()
    try:
        engine = TorchEngine(exported.model, exported.header.preprocessing)
        engine.look(real_images[:1])
        held = [weakref.ref(tensor) for part in engine._model.modules() for tensor in tensors_of(part)]
        assert sum(reference().nelement() for reference in held) > 10_000_000
        engine.close()
        assert [reference for reference in held if reference() is not None] == []
    finally:
        gc.enable()
    look_eagerly(exported.model, exported.header.preprocessing, real_images[:1])


def tensors_of(part):
    """A module's own tensors, packed ones too."""
    return [
        value
        for held in (part.__dict__, part._parameters, part._buffers)
        for value in held.values()
        if torch.is_tensor(value)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v2"])
def test_two_hundred_real_frames_get_the_answers_of_plain_torch(
    backbone, shared_data, make_header, learn_statistics, tmp_path
):
    torch.manual_seed(0)
    header = make_header(backbone=backbone, width=1.0)
    preprocessing = Preprocessing(size=112)
    model = build_model(header.model, 21).eval()
    frames = sample_frames(shared_data / "jhmdb21", 150) + sample_frames(shared_data / "demo", 50)
    images = [preprocessing.cut(frame, preprocessing.place(frame.shape[1], frame.shape[0])) for frame in frames]
    assert len(images) == 200
    learn_statistics(model, preprocessing)
    write_onnx(model, header.model_copy(update={"preprocessing": preprocessing}), tmp_path / "net.onnx")
    engines = [OnnxruntimeEngine(tmp_path / "net.onnx"), TorchEngine(model, preprocessing)]
    if why_no_ncnn() is None:
        write_ncnn(tmp_path / "net.onnx", tmp_path / "net.param")
        engines.append(NcnnEngine(tmp_path / "net.param", preprocessing))
    for engine in engines:
        agreement = compare(engine, model, preprocessing, images)
        engine.close()
        assert agreement.probabilities <= 1e-4
        assert agreement.maps <= 1e-4
        assert agreement.same_top1 == 1.0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_switches_leave_memory_where_it_was(exported, real_images):
    def switch(times: int) -> int:
        for _ in range(times):
            for name in ("torch", "onnxruntime", *(["ncnn"] if exported.ncnn else [])):
                engine = open_named(name, exported)
                engine.look(real_images[:1])
                engine.look(real_images[:4])
                engine.close()
        return psutil.Process().memory_info().rss

    before = switch(5)
    assert switch(50) < 1.03 * before


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("tf32", 5e-3), ("fp16", 5e-3), ("bf16", 2e-2)])
def test_a_captured_graph_gives_the_answers_of_plain_torch(precision, tolerance, exported, real_images):
    engine = CudaGraphEngine(exported.model, exported.header.preprocessing, torch.device("cuda"), precision)
    try:
        assert "CUDA graph)" in engine.title
        assert "without" not in engine.title
        agreement = compare(engine, exported.model, exported.header.preprocessing, list(real_images))
        assert agreement.probabilities <= tolerance
        for branch in (Branch.RB, Branch.CB):
            assert set(engine.look(real_images[:1], [branch]).maps) == {branch}
    finally:
        engine.close()
