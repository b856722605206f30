"""A network as ncnn's two files: OUT.param, the graph as text, and OUT.bin, the weights."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tmnet_core.errors import EngineError
from tmnet_core.priority import NO_WINDOW

if TYPE_CHECKING:
    import onnx

SUFFIX = ".param"
INPUT = "frames"
_MAGIC = "7767517"


def weights_of(path: Path) -> Path:
    """Return where the weights of a `.param` file lie."""
    return path.with_suffix(".bin")


def why_no_ncnn() -> str | None:
    """Return why networks cannot be converted to ncnn and run on this machine, None where they can."""
    try:
        import ncnn  # noqa: F401
        import onnx  # noqa: F401
        import pnnx  # noqa: F401
    except ImportError as error:
        return f"ncnn cannot be used here: {error}"
    return None


def write_ncnn(exported: Path, path: Path) -> None:
    """Convert an fp32 ONNX file of single frames that `write_onnx` wrote; unchecked. It takes seconds.

    The graph maps `frames`, one 3×size×size float image that `Preprocessing.normalise` made, to what `EngineOutputs`
    names, such as `probabilities.RB+CB`, each without a dimension for the batch.

    Raises:
        EngineError: ncnn is not installed, or has no layer for something in the network.
    """
    reason = why_no_ncnn()
    if reason is not None:
        raise EngineError(reason)
    import onnx
    import pnnx

    with tempfile.TemporaryDirectory() as folder:
        graph = _behind_normalisation(onnx.load(exported))
        outputs = [output.name for output in graph.graph.output]
        onnx.save(graph, Path(folder) / "net.onnx")
        command = [pnnx.EXEC_PATH, "net.onnx", "fp16=0"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL, creationflags=NO_WINDOW
        )
        found = Path(folder) / "net.ncnn.param"
        if done.returncode or not found.is_file():
            last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise EngineError(f"{path}: the network cannot be converted to ncnn (status {done.returncode}: {last})")
        names = {"in0": INPUT} | {f"out{place}": name for place, name in enumerate(outputs)}
        text = _rename_blobs(found.read_text(encoding="utf-8"), names)
        path.write_text(text, encoding="utf-8")
        shutil.move(found.with_suffix(".bin"), weights_of(path))


def _behind_normalisation(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the part of a graph that is given normalised frames, of a batch of one: ncnn knows neither uint8 nor B."""
    from onnx.utils import Extractor

    normalised = next(node.output[0] for node in model.graph.node if node.op_type == "Transpose")
    part = Extractor(model).extract_model([normalised], [output.name for output in model.graph.output])
    for value in (*part.graph.input, *part.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return part


def _rename_blobs(text: str, names: Mapping[str, str]) -> str:
    """Give the values that go in and out of a graph the names that engines use; all others keep theirs.

    A line is a layer: its type, its name, how many values it takes and gives, their names, its parameters.
    """
    magic, counts, *layers = text.splitlines()
    if magic != _MAGIC:
        raise EngineError("the network was converted to a form of ncnn's files that is not known here")
    lines = [magic, counts]
    for layer in layers:
        fields = layer.split()
        last = 4 + int(fields[2]) + int(fields[3])
        lines.append(" ".join(fields[:4] + [names.get(field, field) for field in fields[4:last]] + fields[last:]))
    return "\n".join(lines) + "\n"
