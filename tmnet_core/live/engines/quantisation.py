"""int8: an exported file's convolutions in 8 bits, with ranges taken from real frames."""

from __future__ import annotations

import logging
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tmnet_core.data.preprocessing import Image
from tmnet_core.live.engines.outputs import MAPS
from tmnet_core.onnx_file import HEADER_KEY, INPUT, read_metadata, write_metadata


def quantise(path: Path, images: Sequence[Image]) -> None:
    """Turn a file of fp32 into one of int8, in place: static, QDQ, one scale a channel.

    The classifier and the maps stay fp32: they cost nothing and their values are looked at.

    Args:
        path: a file of `write_onnx`.
        images: size×size×3 uint8, like those that will be seen.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Images(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self._left, None)
            return None if image is None else {INPUT: image[None]}

    header = read_metadata(path)[HEADER_KEY]
    model = onnx.load(path)
    heads = [node.name for node in model.graph.node if node.output[0].startswith(f"{MAPS}.")]
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
                reduce_range=needs_reduced_range(),
                op_types_to_quantize=["Conv", "Relu", "Clip", "Add", "MaxPool"],
                nodes_to_exclude=heads,
            )
        finally:
            logger.setLevel(level)
        quantised = onnx.load(result)
    write_metadata(quantised, header, "int8", None)
    onnx.save(quantised, path)


def needs_reduced_range() -> bool:
    """Whether this CPU's 8-bit products can overflow, so that weights must keep to 7 bits.

    x86 without VNNI adds pairs of products in 16 bits. Where it cannot be told, the answer is the safe one.
    """
    if platform.machine().lower() in {"arm64", "aarch64"}:
        return False
    cpuinfo = Path("/proc/cpuinfo")
    return not cpuinfo.is_file() or "vnni" not in cpuinfo.read_text(encoding="utf-8", errors="replace")
