from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from tmnet_core.live.engines.onnx_graph import drop_detours


def graph_of(nodes: list[onnx.NodeProto], out: list[str | int]) -> onnx.ModelProto:
    """A model from `x`, batch×3×2×2, to `y`; it has a weight that nothing reads."""
    weights = {"clip": [-1, 1, 3, 2, 2], "frames": [-1, 3, 2, 2], "rows": [-1, 3, 4], "axis": [1], "unread": [7]}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)],
        [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in weights.items()],
    )
    return shape_inference.infer_shapes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]))


def dropped(model: onnx.ModelProto) -> list[str]:
    """The kinds of nodes that are left, whose answer is the same."""
    x = np.random.default_rng(0).random((5, 3, 2, 2), np.float32)
    (before,) = ReferenceEvaluator(model).run(None, {"x": x})
    drop_detours(model.graph)
    onnx.checker.check_model(model)
    (after,) = ReferenceEvaluator(model).run(None, {"x": x})
    np.testing.assert_array_equal(after, before)
    return [node.op_type for node in model.graph.node]


def test_a_shape_that_leads_back_to_where_it_began_is_left_out() -> None:
    model = graph_of(
        [
            helper.make_node("Relu", ["x"], ["a"]),
            helper.make_node("Unsqueeze", ["a", "axis"], ["b"]),
            helper.make_node("Squeeze", ["b", "axis"], ["c"]),
            helper.make_node("Exp", ["c"], ["y"]),
        ],
        ["batch", 3, 2, 2],
    )
    assert dropped(model) == ["Relu", "Exp"]
    assert not model.graph.initializer


def test_a_shape_that_something_else_reads_or_that_is_another_stays() -> None:
    model = graph_of(
        [
            helper.make_node("Unsqueeze", ["x", "axis"], ["clips"]),
            helper.make_node("Squeeze", ["clips", "axis"], ["again"]),
            helper.make_node("Add", ["again", "x"], ["sum"]),
            helper.make_node("Reshape", ["sum", "rows"], ["flat"]),
            helper.make_node("ReduceMean", ["clips"], ["mean"], keepdims=0),
            helper.make_node("Add", ["flat", "mean"], ["y"]),
        ],
        ["batch", 3, 4],
    )
    assert dropped(model) == ["Unsqueeze", "Add", "Reshape", "ReduceMean", "Add"]
    assert {tensor.name for tensor in model.graph.initializer} == {"axis", "rows"}
