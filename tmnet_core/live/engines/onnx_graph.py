"""What an exported graph can do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_SAME_ORDER = {"Reshape", "Squeeze", "Unsqueeze", "Flatten"}


def drop_detours(graph: onnx.GraphProto) -> None:
    """Take shapes out that lead back to where they began, such as clips of one frame made of frames and undone.

    onnxruntime keeps convolutions' values in an order of its own and leaves that for every change of shape.
    """
    shapes = {value.name: _shape(value) for value in [*graph.input, *graph.value_info, *graph.output]}
    made_by = {node.output[0]: node for node in graph.node if node.op_type in _SAME_ORDER}
    same: dict[str, str] = {}
    for end in made_by:
        start = end
        while start in made_by:
            start = made_by[start].input[0]
            if shapes.get(start) is not None and shapes.get(start) == shapes.get(end):
                same[end] = same.get(start, start)
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = same.get(name, name)
    drop_unused(graph)


def drop_unused(graph: onnx.GraphProto) -> None:
    """Take nodes out whose answers nobody reads, and then such weights."""
    wanted = {output.name for output in graph.output}
    while True:
        read = {name for node in graph.node for name in node.input} | wanted
        unused = [node for node in graph.node if not read.intersection(node.output)]
        if not unused:
            break
        for node in unused:
            graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in read]:
        graph.initializer.remove(tensor)


def _shape(value: onnx.ValueInfoProto) -> tuple[str | int, ...] | None:
    """Return a value's sides, by name where they are not known; None where one is neither."""
    sides = tuple(side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim)
    return sides if all(sides) else None
