"""Weights stored in half precision: half the file, the same arithmetic.

A float16 weight is turned into float32 by a Cast node when the network is loaded (ONNX Runtime folds constants at
session creation), so that everything is still computed in float32. What is lost is the rounding of each weight to 11
bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vision.training.extras import import_extra

STORED = ".half"
"""Ends the name of a stored weight: NAME.half is cast to NAME."""
SMALLEST = 64
"""Tensors of fewer numbers are left as they are: nothing to gain, and constants of the arithmetic are among them."""


def store_half(graph: Any) -> None:
    """Turn the float32 weights of an ONNX model (ModelProto) into float16 ones with a Cast, in place.

    Tensors whose numbers float16 cannot hold (beyond ±65504) stay as they are.
    """
    onnx = import_extra("onnx")
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if values.size < SMALLEST or not np.abs(values).max() <= np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), name + STORED))
        casts.append(
            onnx.helper.make_node("Cast", [name + STORED], [name], name=f"{name}.cast", to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


def weights_of(graph: Any) -> dict[str, Any]:
    """The weights of an ONNX model by name as numpy arrays; stored halves as float32."""
    onnx = import_extra("onnx")
    weights = {}
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if tensor.name.endswith(STORED):
            values = values.astype(np.float32)
        weights[tensor.name.removesuffix(STORED)] = values
    return weights
