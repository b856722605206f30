"""Small good files of each kind that strangers may send, to be damaged; and bad ones that no chance would make."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import av

from tmnet_core.live.sources.pattern import PatternSource

KINDS = ("checkpoint", "onnx", "recipe", "split", "events", "video")
SUFFIXES = {
    "checkpoint": ".safetensors",
    "onnx": ".onnx",
    "recipe": ".toml",
    "split": ".csv",
    "events": ".jsonl",
    "video": ".mp4",
}
CLASSES = ["jump", "run", "wave"]


def write_corpus(folder: Path, kind: str) -> list[Path]:
    """Write good files of a kind into a folder and return them; exporting an ONNX file takes some seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    return _WRITERS[kind](folder)


@lru_cache(maxsize=1)
def hostile_files(kind: str) -> dict[str, bytes]:
    """Return bad files by what is bad about them."""
    return _HOSTILE.get(kind, dict)()


def _write_checkpoint(folder: Path) -> list[Path]:
    import torch

    from tmnet_core.checkpoint import CheckpointHeader, Provenance, save_checkpoint
    from tmnet_core.config import ModelConfig
    from tmnet_core.data.preprocessing import Preprocessing
    from tmnet_core.models.variants import build_model

    torch.manual_seed(0)
    header = CheckpointHeader(
        model=ModelConfig(backbone="mobilenet_v2", width=0.25),
        classes=CLASSES,
        preprocessing=Preprocessing(size=32),
        provenance=Provenance(tmnet="0", torch="0", seed=0, created="2026"),
    )
    path = folder / "net.safetensors"
    save_checkpoint(path, build_model(header.model, len(CLASSES)).eval(), header)
    return [path]


def _write_onnx(folder: Path) -> list[Path]:
    from tmnet_core.checkpoint import load_checkpoint
    from tmnet_core.live.engines.export import write_onnx

    loaded = load_checkpoint(_write_checkpoint(folder)[0])
    path = folder / "net.onnx"
    write_onnx(loaded.model, loaded.header, path)
    return [path]


def _write_recipe(folder: Path) -> list[Path]:
    from tmnet_core.config import shipped_recipes

    paths = []
    for name, source in shipped_recipes().items():
        paths.append(folder / f"{name}.toml")
        paths[-1].write_bytes(source.read_bytes())
    return paths


def _write_split(folder: Path) -> list[Path]:
    lines = ["path,label,start,end,subset,source"]
    for number in range(24):
        subset = "validation" if number % 4 == 0 else "train"
        lines.append(
            f"{CLASSES[number % 3]}/clip {number}.mp4,{CLASSES[number % 3]},0.5,{number + 1},{subset},s{number}"
        )
    path = folder / "split.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [path]


def _write_events(folder: Path) -> list[Path]:
    from tmnet_core.training.events import Ended, EventLog, Skipped, Stepped, Validated

    path = folder / "events.jsonl"
    path.unlink(missing_ok=True)
    step = {"epoch": 0, "loss": 1.5, "classification_loss": 1.0, "regression_loss": 0.5, "learning_rate": 0.01}
    with EventLog(path) as log:
        for iteration in range(10):
            log.write(Stepped.model_validate({**step, "iteration": iteration, "clips_per_second": 12.5}))
        metrics = {branch: {"top1": 0.5, "top5": 0.9, "map": 0.6} for branch in ("RB", "CB", "RB+CB")}
        log.write(Validated(iteration=10, metrics=metrics, best=True))
        log.write(Skipped(iteration=10, video="a.mp4", reason="it is empty"))
        log.write(Ended(iteration=10, outcome="finished"))
    return [path]


def _write_video(folder: Path) -> list[Path]:
    kinds = {"a.mp4": "libx264", "b.mkv": "libx264", "c.avi": "mjpeg", "d.webm": "libvpx", "e.mpg": "mpeg1video"}
    for name, codec in kinds.items():
        source = PatternSource("pattern:96x64@25#12")
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = 96, 64
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for frame in iter(source.read, None):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
            container.mux(stream.encode(None))
    return [folder / name for name in kinds]


class _RunsCode:
    """Unpickled, it would import and call what no reader of a checkpoint has to."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (eval, ("__import__('os').system('touch CODE_WAS_RUN')",))


def _hostile_checkpoints() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(_RunsCode()))
    nested = b'{"a":' * 50_000
    huge = json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    deep = json.dumps({"__metadata__": {"tmnet": "[" * 100_000}}).encode()
    return {
        "a pickle": pickle.dumps(_RunsCode()),
        "a zip with a pickle": archive.getvalue(),
        "a header of 2^60 bytes": (2**60).to_bytes(8, "little") + b"{",
        "a header nested 50,000 deep": len(nested).to_bytes(8, "little") + nested,
        "a tensor of 4 TiB": len(huge).to_bytes(8, "little") + huge,
        "metadata nested 100,000 deep": len(deep).to_bytes(8, "little") + deep,
    }


def _hostile_onnx() -> dict[str, bytes]:
    import onnx
    from onnx import TensorProto, helper

    def model(tensor: onnx.TensorProto) -> bytes:
        graph = helper.make_graph(
            [helper.make_node("Add", ["images", tensor.name], ["probabilities.CB"])],
            "net",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1])],
            [helper.make_tensor_value_info("probabilities.CB", TensorProto.FLOAT, [1])],
            [tensor],
        )
        data: bytes = helper.make_model(graph).SerializeToString()
        return data

    outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    outside.external_data.add(key="location", value="../../../../../../etc/passwd")
    huge = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2**40])
    return {"weights in another file": model(outside), "a tensor of 4 TiB": model(huge)}


def _hostile_recipes() -> dict[str, bytes]:
    return {
        "nested 20,000 deep": b"a = " + b"[" * 20_000,
        "dotted 20,000 deep": b".".join([b"a"] * 20_000) + b" = 1",
        "no text": bytes(range(256)) * 100,
        "of 64 MiB": b"# " + b"x" * 2**26,
        "an integer of a million digits": b"name = " + b"9" * 1_000_000,
    }


def _hostile_splits() -> dict[str, bytes]:
    head = b"path,label,subset\n"
    return {
        "a field of 10 MB": head + b"a" * 10_000_000 + b",run,train\n",
        "a name of 5000 letters": head + b"a" * 5000 + b".mp4,run,train\nb.mp4,jump,train\n",
        "names outside the folder": head + b"../../../../etc/passwd,run,train\n/etc/passwd,jump,validation\n",
        "zero bytes": head + b"a\0.mp4,run,train\n\0,jump,train\n",
    }


def _hostile_events() -> dict[str, bytes]:
    return {
        "nested 100,000 deep": b'{"kind":' * 100_000,
        "one line of 100 MB": b"x" * 100_000_000,
        "numbers beyond all bounds": b'{"kind":"skipped","iteration":1e999,"video":"","reason":""}\n' * 10,
    }


def _hostile_videos() -> dict[str, bytes]:
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    concat = b"ffconcat version 1.0\nfile '/etc/passwd'\n"
    sdp = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    return {"a play list of files": playlist, "a list of files": concat, "a session description": sdp}


_WRITERS: dict[str, Callable[[Path], list[Path]]] = {
    "checkpoint": _write_checkpoint,
    "onnx": _write_onnx,
    "recipe": _write_recipe,
    "split": _write_split,
    "events": _write_events,
    "video": _write_video,
}
_HOSTILE: dict[str, Callable[[], dict[str, bytes]]] = {
    "checkpoint": _hostile_checkpoints,
    "onnx": _hostile_onnx,
    "recipe": _hostile_recipes,
    "split": _hostile_splits,
    "events": _hostile_events,
    "video": _hostile_videos,
}
