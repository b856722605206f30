"""Exported files as files: what is in them, and parts of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tmnet_core.errors import CheckpointError

if TYPE_CHECKING:
    import onnx

SUFFIX = ".onnx"
INPUT = "images"
HEADER_KEY = "tmnet"
CLASSES_KEY = "classes"
PREPROCESSING_KEY = "preprocessing"
PRECISION_KEY = "precision"
CLIP_KEY = "clip"


def read_metadata(path: Path) -> dict[str, str]:
    """Return what an exported file says of itself.

    Raises:
        CheckpointError: one sentence that names the file and why it cannot be used.
    """
    metadata = {entry.key: entry.value for entry in _read(path).metadata_props}
    if HEADER_KEY not in metadata:
        raise CheckpointError(f"checkpoint {path}: an ONNX file, but not one of TMNet (it has no tmnet header)")
    return metadata


def write_metadata(model: onnx.ModelProto, header: str, precision: str, clip: Mapping[str, float] | None) -> None:
    """Put the header, and for readers without TMNet its classes and preprocessing, into a model.

    `clip` is of a model that looks at clips: its `frames`, and `key_frame`, the fraction at which RB looks.
    """
    import onnx.helper

    values = json.loads(header)
    said = {
        HEADER_KEY: header,
        CLASSES_KEY: json.dumps(values["classes"], ensure_ascii=False),
        PREPROCESSING_KEY: json.dumps(values["preprocessing"]),
        PRECISION_KEY: precision,
    }
    if clip is not None:
        said[CLIP_KEY] = json.dumps(clip)
    onnx.helper.set_model_props(model, said)


def keep_outputs(path: Path, names: Sequence[str]) -> bytes:
    """Return the part of a file's graph that these outputs need, as a model of its own."""
    import onnx.utils

    part = onnx.utils.Extractor(_read(path)).extract_model([INPUT], list(names))
    data: bytes = part.SerializeToString()
    return data


def _read(path: Path) -> onnx.ModelProto:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise CheckpointError(f"checkpoint {path}: ONNX files cannot be read here: {error}") from None
    try:
        model = onnx.load(path, load_external_data=False)
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {path}: there is no such file") from None
    except OSError as error:
        raise CheckpointError(f"checkpoint {path}: it cannot be read ({error.strerror})") from None
    except DecodeError:
        raise CheckpointError(f"checkpoint {path}: it is damaged or no ONNX file") from None
    if _refers_to_files(model.graph):
        raise CheckpointError(f"checkpoint {path}: it keeps its weights in other files, which are not looked for")
    # Some other files happen to parse, as nothing at all.
    if not model.graph.node:
        raise CheckpointError(f"checkpoint {path}: it is damaged or no ONNX file")
    return model


def _refers_to_files(graph: onnx.GraphProto) -> bool:
    """Whether a graph, or one inside it, has tensors that lie in other files: onnxruntime would open any it names."""
    import onnx

    tensors = [*graph.initializer]
    inside: list[onnx.GraphProto] = []
    for node in graph.node:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            inside += [attribute.g] if attribute.HasField("g") else []
            inside += attribute.graphs
    return any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors) or any(
        map(_refers_to_files, inside)
    )
