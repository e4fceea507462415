"""FP32, FP16 and INT8 of one ONNX file.

What follows the last convolution (boxes in pixels, scores, unit vectors) is computed in FP32 in each of them: float16
has steps of half a pixel beyond 512, and 8 bits have less.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.runtimes.session import optional

MISSING = "export needs {}: install shelfbench[export]"
WEIGHED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""What is worth another precision: operators with weights …"""
LEAST_WEIGHTS = 64
"""… of at least so many numbers; less are constants of the arithmetic, as the bins of YOLO's box distributions."""
QUANTIZED = ("Conv", "ConvTranspose", "Gemm", "Mul", "Sigmoid", "Add", "Concat", "MaxPool", "Resize", "Split", "Relu")
OPSET = 17


def folded(path: Path) -> Any:
    """An ONNX file (ModelProto) in FP32 with its constants computed: stored halves are floats again.

    Raises InputError for a file that is none, and where packages are missing.
    """
    onnx, ort = needed("onnx"), needed("onnxruntime")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "folded.onnx"
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(made)
        options.log_severity_level = 4
        try:
            ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own
            raise InputError(f"{path}: not readable as an ONNX network: {' '.join(str(error).split())[:160]}") from None
        model = onnx.load(str(made))
        if opset(model) < OPSET:
            model = onnx.version_converter.convert_version(model, OPSET)
    return model


def opset(model: Any) -> int:
    """The version of ONNX's own operators that a model uses."""
    return next(int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx"))


def as_fp16(model: Any) -> Any:
    """A model whose weights and arithmetic are float16, but for its tail; what goes in and out stays float32."""
    needed("onnxruntime")
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return convert_float_to_float16(model, keep_io_types=True, node_block_list=tail(model), disable_shape_infer=False)


def as_int8(model: Any, batches: Iterable[NDArray[np.float32]], kept: Sequence[str] = ()) -> Any:
    """A model whose weighted operators, and what lies between them, are INT8 (QDQ), but for its tail and the nodes
    `kept`. Ranges are those that `batches` make (MinMax of moving averages); weights have a scale for each channel."""
    onnx = needed("onnx")
    needed("onnxruntime")
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, str(source))
        quantize_static(
            str(source), str(made), _Reader(model.graph.input[0].name, batches),
            quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=list(QUANTIZED), nodes_to_exclude=[*tail(model), *kept],
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},
        )  # fmt: skip
        return onnx.load(str(made))


class _Reader:
    """What ONNX Runtime asks for one batch after the other."""

    def __init__(self, name: str, batches: Iterable[NDArray[np.float32]]) -> None:
        self._name, self._batches = name, iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        return iter(self.get_next, None)  # type: ignore[arg-type]

    def __next__(self) -> dict[str, NDArray[np.float32]]:
        given = self.get_next()
        if given is None:
            raise StopIteration
        return given


def tail(model: Any) -> list[str]:
    """The names of the nodes that no weighted operator comes after."""
    onnx = needed("onnx")
    sizes = {t.name: int(np.prod(t.dims)) for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            sizes[node.output[0]] = sum(
                int(np.prod(a.t.dims)) for a in node.attribute if a.type == onnx.AttributeProto.TENSOR
            )
    makers = {name: node for node in model.graph.node for name in node.output}
    weighted = [
        node
        for node in model.graph.node
        if node.op_type in WEIGHED and max((sizes.get(n, 0) for n in node.input), default=0) >= LEAST_WEIGHTS
    ]
    before: set[str] = set()
    waiting = [node for node in weighted]
    while waiting:
        node = waiting.pop()
        if node.name not in before:
            before.add(node.name)
            waiting += [makers[n] for n in node.input if n in makers]
    return [node.name for node in model.graph.node if node.name not in before]


def with_names(model: Any) -> Any:
    """The model, every node of which has a name."""
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{i}"
    return model


def needed(name: str) -> Any:
    """A package that exporting needs. Raises InputError where it is not installed."""
    return optional(name, MISSING.format(name))
