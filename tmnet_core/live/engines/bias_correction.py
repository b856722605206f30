"""What rounding a convolution's weights moves its output by on average, taken out of its bias.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (ICCV 2019), section 4.2,
with means of real frames. Without it MobileNetV2, whose folded weights differ much within a channel, loses accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tmnet_core.data.preprocessing import Image
from tmnet_core.onnx_file import INPUT

if TYPE_CHECKING:
    import onnx

Floats = npt.NDArray[np.float64]


def correct_biases(
    model: onnx.ModelProto, convolutions: Sequence[onnx.NodeProto], images: Sequence[Image], levels: int
) -> None:
    """Change the biases of convolutions whose weights will be rounded, by channel, to `levels` steps either side of 0.

    Those whose weights or biases are computed in the graph are left as they are.

    Args:
        model: in fp32; it takes one image at a time.
        convolutions: nodes of it.
        images: size×size×3 uint8, over which inputs are averaged.
    """
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    chosen = [node for node in convolutions if len(node.input) == 3 and constants.keys() >= {*node.input[1:]}]
    means = _mean_inputs(model, {node.input[0]: len(constants[node.input[1]].dims) for node in chosen}, images)
    for node in chosen:
        weights = numpy_helper.to_array(constants[node.input[1]]).astype(np.float64)
        bias = numpy_helper.to_array(constants[node.input[2]])
        groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
        corrected = bias + _lost(weights, means[node.input[0]], groups, levels)
        constants[node.input[2]].CopyFrom(numpy_helper.from_array(corrected.astype(bias.dtype), node.input[2]))


def _lost(weights: Floats, mean: Floats, groups: int, levels: int) -> Floats:
    """Return what the rounding takes from each output channel on average, O values.

    Args:
        weights: O×I×kernel, I of the inputs of one group.
        mean: of each input channel.
    """
    step = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True) / levels
    rounded = np.round(weights / np.where(step, step, 1.0)) * step
    outputs, inputs = weights.shape[:2]
    by_input = (weights - rounded).reshape(outputs, inputs, -1).sum(-1)
    seen = np.repeat(mean.reshape(groups, inputs), outputs // groups, axis=0)
    lost: Floats = (by_input * seen).sum(1)
    return lost


def _mean_inputs(model: onnx.ModelProto, tensors: dict[str, int], images: Sequence[Image]) -> dict[str, Floats]:
    """Return the mean of each channel of tensors, which are given with their number of dimensions."""
    import onnx
    from onnxruntime import InferenceSession, SessionOptions

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    names = {tensor: f"mean of {tensor}" for tensor in tensors}
    for tensor, dimensions in tensors.items():
        axes = onnx.numpy_helper.from_array(np.array([0, *range(2, dimensions)]), f"axes of {tensor}")
        watched.graph.initializer.append(axes)
        reduced = onnx.helper.make_node("ReduceMean", [tensor, axes.name], [names[tensor]], keepdims=0)
        watched.graph.node.append(reduced)
        watched.graph.output.append(onnx.helper.make_tensor_value_info(names[tensor], onnx.TensorProto.FLOAT, None))
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = [session.run(list(names.values()), {INPUT: image[None]}) for image in images]
    return {
        tensor: np.mean([values[place] for values in found], axis=0, dtype=np.float64)
        for place, tensor in enumerate(tensors)
    }
