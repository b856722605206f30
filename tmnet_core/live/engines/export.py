"""A checkpoint as files that need no TMNet: ONNX with classes and preprocessing inside, or ncnn; both are checked."""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from tmnet_core.checkpoint import CheckpointHeader, load_checkpoint
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.data.sample_frames import sample_frames
from tmnet_core.data.synthetic_people import CLASSES, render_clip
from tmnet_core.errors import EngineError
from tmnet_core.files import replacing
from tmnet_core.live.engines import ncnn_export
from tmnet_core.live.engines.clip import ClipLook, choose_look
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.folding import fold_batch_norms
from tmnet_core.live.engines.ncnn_engine import NcnnEngine
from tmnet_core.live.engines.ncnn_export import weights_of, write_ncnn
from tmnet_core.live.engines.network import GlanceNetwork
from tmnet_core.live.engines.onnx_graph import drop_detours
from tmnet_core.live.engines.onnxruntime_engine import OnnxruntimeEngine
from tmnet_core.live.engines.outputs import EngineOutputs, group_outputs
from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch
from tmnet_core.models.tmnet import TMNet
from tmnet_core.onnx_file import INPUT, SUFFIX, write_metadata

CHECKED_FRAMES = 24
CALIBRATION_FRAMES = 64
FP32_DIFFERENCE = 1e-4
INT8_SAME_TOP1 = 0.9


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near an engine's answers are to torch's fp32 ones without any change to the network.

    Attributes:
        frames: how many were looked at.
        probabilities: the largest difference of a probability, of any branch.
        maps: the largest difference of a map's value, as a fraction of the largest value of that map.
        same_top1: the share of answers, of any branch, with the same most probable class.
    """

    frames: int
    probabilities: float
    maps: float
    same_top1: float

    def __str__(self) -> str:
        return (
            f"largest difference of a probability {self.probabilities:.1e}, of a map {self.maps:.1e}; "
            f"same top-1 in {100 * self.same_top1:.1f} % of {self.frames} frames' answers"
        )


def export_checkpoint(
    checkpoint: Path,
    out: Path,
    *,
    calibration: Path | None = None,
    check: Path | None = None,
    frames: int = 0,
) -> Agreement:
    """Write an ONNX file of a checkpoint and check it against torch; a file that disagrees is never put in place.

    Args:
        checkpoint: a `.safetensors` checkpoint.
        out: the file to write; its name ends in `.onnx`.
        calibration: a folder of videos or pictures like those to be seen: the file becomes int8.
        check: a folder of frames to check on; those of `calibration` that were not calibrated with, or rendered
            people, where None.
        frames: T of a file that looks at clips, with RB at the key frame of training; 0 for one of single frames.

    Raises:
        CheckpointError, DataError: what was given cannot be used.
        EngineError: the network cannot be exported, or the file's answers are not the network's.
    """
    check_out(out, SUFFIX)
    if frames and calibration is not None:
        raise EngineError(f"{out}: int8 is calibrated on single frames; leave out the clip or int8")
    loaded = load_checkpoint(checkpoint)
    clip = choose_look(checkpoint, loaded.header, frames)
    preprocessing = loaded.header.preprocessing
    calibrated, checked = _choose_frames(preprocessing, calibration, check)
    with replacing(out) as temporary:
        write_onnx(loaded.model, loaded.header, temporary, clip)
        if calibrated:
            from tmnet_core.live.engines.quantisation import quantise

            quantise(temporary, calibrated)
        engine = OnnxruntimeEngine(temporary)
        try:
            agreement = compare(engine, loaded.model, preprocessing, checked, clip)
        finally:
            engine.close()
        wrong = agreement.same_top1 < INT8_SAME_TOP1 if calibrated else agreement.probabilities > FP32_DIFFERENCE
        if wrong:
            raise EngineError(f"{out}: not written, the exported network does not answer as torch does ({agreement})")
    return agreement


def export_to_ncnn(
    checkpoint: Path, out: Path, *, exported: Path | None = None, check: Path | None = None
) -> Agreement:
    """Write a checkpoint's network as ncnn's two files, checked like the ONNX file.

    Args:
        checkpoint: a `.safetensors` checkpoint.
        out: the file of the graph; its name ends in `.param`, and that of the weights beside it in `.bin`.
        exported: the checkpoint's fp32 ONNX file of single frames; where None, one is made for the purpose.
        check: a folder of frames to check on; rendered people, where None.

    Raises:
        CheckpointError, DataError: what was given cannot be used.
        EngineError: ncnn is not installed or cannot compute the network, or its answers are others.
    """
    check_out(out, ncnn_export.SUFFIX)
    loaded = load_checkpoint(checkpoint)
    preprocessing = loaded.header.preprocessing
    _, checked = _choose_frames(preprocessing, None, check)
    with tempfile.TemporaryDirectory() as folder:
        if exported is None:
            exported = Path(folder) / "net.onnx"
            write_onnx(loaded.model, loaded.header, exported)
        converted = Path(folder) / "net.param"
        write_ncnn(exported, converted)
        engine = NcnnEngine(converted, preprocessing)
        try:
            agreement = compare(engine, loaded.model, preprocessing, checked)
        finally:
            engine.close()
        if agreement.probabilities > FP32_DIFFERENCE:
            raise EngineError(f"{out}: not written, the converted network does not answer as torch does ({agreement})")
        # Neither is put in place before both are written, and the weights first: whoever finds the graph finds both.
        with replacing(out) as graph, replacing(weights_of(out)) as weights:
            shutil.copyfile(converted, graph)
            shutil.copyfile(weights_of(converted), weights)
    return agreement


def write_onnx(model: TMNet, header: CheckpointHeader, path: Path, clip: ClipLook | None = None) -> None:
    """Write a network in fp32, with its header; unchecked. It takes seconds.

    The graph maps `images`, B×size×size×3 uint8 RGB, or B×T×size×size×3 for clips, to what `EngineOutputs` names, such
    as `probabilities.RB+CB`.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise EngineError(f"the network cannot be exported here: {error}") from None
    folded = load_folded(model)
    network = GlanceNetwork(folded, header.preprocessing, clip=clip)
    side = header.preprocessing.size
    # Of two images, since the exporter takes a dimension of 1 for one that never changes.
    example = torch.zeros(2, *([] if clip is None else [clip.frames]), side, side, 3, dtype=torch.uint8)
    with _quiet(), tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            network,
            (example,),
            plain,
            input_names=[INPUT],
            output_names=list(network.output_names),
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
            external_data=False,
            dynamo=True,
            verbose=False,
        )
        exported = onnx.load(plain)
    drop_detours(exported.graph)
    write_metadata(exported, header.model_dump_json(), "fp32", None if clip is None else asdict(clip))
    onnx.save(exported, path)


def check_out(out: Path, suffix: str) -> None:
    """Raise an EngineError where a file cannot be written to, or is not called as it should."""
    if out.suffix != suffix:
        raise EngineError(f"{out}: the name of an exported file ends in {suffix}")
    if not out.absolute().parent.is_dir():
        raise EngineError(f"{out}: there is no such folder to write it to")


def load_folded(model: TMNet) -> TMNet:
    """Return a copy of a network on the CPU with its BatchNorms folded."""
    import copy

    folded = copy.deepcopy(model).cpu().eval()
    fold_batch_norms(folded)
    return folded


@torch.inference_mode()
def look_eagerly(
    model: TMNet, preprocessing: Preprocessing, images: Image, clip: ClipLook | None = None
) -> EngineOutputs:
    """Return what the unchanged network says in fp32, which every engine is measured against."""
    network = GlanceNetwork(model, preprocessing, clip=clip)
    found = network(torch.as_tensor(images))
    return group_outputs(dict(zip(network.output_names, (value.numpy() for value in found), strict=True)), {})


def compare(
    engine: Engine, model: TMNet, preprocessing: Preprocessing, images: list[Image], clip: ClipLook | None = None
) -> Agreement:
    """Let an engine and the unchanged network look at size×size×3 images, one after another or as clips of T."""
    probabilities, maps, same = 0.0, 0.0, []
    for seen in images if clip is None else _clips(images, clip.frames):
        ours = engine.look(seen[None])
        wanted = look_eagerly(model, preprocessing, seen[None], clip)
        probabilities = max(probabilities, _difference(ours.probabilities, wanted.probabilities))
        maps = max(maps, _difference(ours.maps, wanted.maps, relative=True))
        same += [ours.probabilities[b].argmax() == wanted.probabilities[b].argmax() for b in engine.branches]
    return Agreement(len(images), probabilities, maps, float(np.mean(same)))


def _clips(images: list[Image], frames: int) -> list[Image]:
    """Return clips of that many images each, beginning again where there are too few."""
    starts = range(0, max(1, len(images) - frames + 1), frames)
    return [np.stack([images[(start + place) % len(images)] for place in range(frames)]) for start in starts]


def rendered_frames(count: int) -> list[Image]:
    """Return frames of rendered people, each of another clip, for where there are none of a camera."""
    clips = (render_clip(number % len(CLASSES), number, indices=[8]) for number in range(count))
    return [clip.frames[0] for clip in clips]


def _choose_frames(
    preprocessing: Preprocessing, calibration: Path | None, check: Path | None
) -> tuple[list[Image], list[Image]]:
    """Return the images to calibrate with, and others to check on."""
    calibrated: list[Image] = []
    checked: list[Image] = []
    if calibration is not None:
        found = sample_frames(calibration, CALIBRATION_FRAMES + CHECKED_FRAMES)
        every = 1 + CALIBRATION_FRAMES // CHECKED_FRAMES
        checked = found[::every][:CHECKED_FRAMES]
        # Of a single picture there is none to spare.
        calibrated = [frame for place, frame in enumerate(found) if place % every] or found
    if check is not None:
        checked = sample_frames(check, CHECKED_FRAMES)
    return _cut(calibrated, preprocessing), _cut(checked or rendered_frames(CHECKED_FRAMES), preprocessing)


def _cut(frames: list[Image], preprocessing: Preprocessing) -> list[Image]:
    return [preprocessing.cut(frame, preprocessing.place(frame.shape[1], frame.shape[0])) for frame in frames]


def _difference(
    ours: Mapping[Branch, FloatArray], wanted: Mapping[Branch, FloatArray], *, relative: bool = False
) -> float:
    scales = {branch: float(np.abs(values).max()) if relative else 1.0 for branch, values in wanted.items()}
    return max(float(np.abs(ours[branch] - wanted[branch]).max()) / (scales[branch] or 1.0) for branch in wanted)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from writing its progress and its advice to the terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
