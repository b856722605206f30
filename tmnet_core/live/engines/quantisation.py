"""int8: an exported file's convolutions in 8 bits, with ranges taken from real frames."""

from __future__ import annotations

import logging
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.bias_correction import correct_biases
from tmnet_core.live.engines.onnx_graph import drop_unused
from tmnet_core.live.engines.outputs import MAPS
from tmnet_core.onnx_file import HEADER_KEY, INPUT, read_metadata, write_metadata

if TYPE_CHECKING:
    import onnx

# Steps on either side of 0 that onnxruntime's quantiser gives weights in 8 bits, and in 7.
_LEVELS, _REDUCED_LEVELS = 127, 64


def quantise(path: Path, images: Sequence[Image]) -> None:
    """Turn a file of fp32 into one of int8, in place: static, QDQ, one scale a channel, biases corrected for rounding.

    Maps are products of 8 bits summed to fp32, as their values are looked at: of ResNet-50's 2048 features, fp32
    products would take 2 % of a glance. The classifier stays fp32, and so does the fusion of what it says.

    Args:
        path: a file of `write_onnx`.
        images: size×size×3 uint8, like those that will be seen.

    Raises:
        EngineError: onnxruntime is absent.
    """
    import onnx

    try:
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise EngineError(f"int8 cannot be made here: {error}") from None

    class Images(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self._left, None)
            return None if image is None else {INPUT: image[None]}

    header = read_metadata(path)[HEADER_KEY]
    model = onnx.load(path)
    _turn_maps_into_products(model.graph)
    reduced = needs_reduced_range()
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    correct_biases(model, convolutions, images, _REDUCED_LEVELS if reduced else _LEVELS)
    logger = logging.getLogger()
    level = logger.level
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "int8.onnx"
        # It advises to optimise the graph first, which the folding has done.
        logger.setLevel(logging.ERROR)
        try:
            quantize_static(
                model,
                result,
                Images(),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=reduced,
                op_types_to_quantize=["Conv", "Relu", "Clip", "Add", "MaxPool", "MatMul"],
                nodes_to_exclude=_sums_of_logits(model.graph),
                extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
            )
        finally:
            logger.setLevel(level)
        quantised = onnx.load(result)
    write_metadata(quantised, header, "int8", None)
    onnx.save(quantised, path)


def _turn_maps_into_products(graph: onnx.GraphProto) -> None:
    """Write each map's 1×1 convolution as the product of places×features with features×classes that it is.

    onnxruntime sums 8-bit products to fp32, but 8-bit convolutions to 8 bits.
    """
    from onnx import helper, numpy_helper

    weights = {tensor.name: tensor for tensor in graph.initializer}
    sources = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Unsqueeze"}
    for place, node in reversed(list(enumerate(graph.node))):
        output = node.output[0]
        if not output.startswith(f"{MAPS}."):
            continue
        features, weight = node.input
        while weight in sources:
            weight = sources[weight]
        classes = numpy_helper.to_array(weights[weight])
        table = np.ascontiguousarray(classes.reshape(len(classes), -1).T)
        graph.initializer.append(numpy_helper.from_array(table, f"{output}.weight"))
        graph.node.remove(node)
        for product in reversed(
            [
                helper.make_node("Transpose", [features], [f"{output}.features"], perm=[0, 2, 3, 1]),
                helper.make_node("MatMul", [f"{output}.features", f"{output}.weight"], [f"{output}.places"], output),
                helper.make_node("Transpose", [f"{output}.places"], [output], perm=[0, 3, 1, 2]),
            ]
        ):
            graph.node.insert(place, product)
    drop_unused(graph)


def _sums_of_logits(graph: onnx.GraphProto) -> list[str]:
    """Return the names of the nodes that add what the classifier says of two branches."""
    logits = {node.output[0] for node in graph.node if node.op_type == "Gemm"}
    return [node.name for node in graph.node if node.op_type == "Add" and logits.intersection(node.input)]


def needs_reduced_range() -> bool:
    """Whether this CPU's 8-bit products can overflow, so that weights must keep to 7 bits.

    x86 without VNNI adds pairs of products in 16 bits. Where it cannot be told, the answer is the safe one.
    """
    if platform.machine().lower() in {"arm64", "aarch64"}:
        return False
    cpuinfo = Path("/proc/cpuinfo")
    return not cpuinfo.is_file() or "vnni" not in cpuinfo.read_text(encoding="utf-8", errors="replace")
