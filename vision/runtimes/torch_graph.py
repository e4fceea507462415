"""An ONNX file computed by torch, node by node: the operators that detectors and recognizers are made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenarios import InputError
from vision.runtimes.on_torch import pytorch
from vision.runtimes.session import optional, reason

Attributes = dict[str, Any]


class TorchGraph:
    """A network as a function of its batch. Raises InputError for an operator that is not in OPERATORS."""

    def __init__(self, path: Path) -> None:
        onnx = optional("onnx", "torch reads ONNX files by the package onnx; install shelfbench[export]")
        self._torch = torch = pytorch()
        try:
            graph = onnx.load(str(path)).graph
        except Exception as error:  # google.protobuf's DecodeError
            raise InputError(f"{path}: not readable as an ONNX network: {reason(error)}") from None
        self._values = {t.name: torch.tensor(onnx.numpy_helper.to_array(t)) for t in graph.initializer}
        self._nodes = []
        for node in graph.node:
            if node.op_type not in OPERATORS:
                raise InputError(f"{path}: torch does not know the operator {node.op_type}")
            told = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                self._values[node.output[0]] = torch.tensor(onnx.numpy_helper.to_array(told["value"]))
                continue
            if "value" in told:
                told["value"] = onnx.numpy_helper.to_array(told["value"])
            if "to" in told:
                told["to"] = str(onnx.helper.tensor_dtype_to_np_dtype(told["to"]))
            told = {k: v.decode() if isinstance(v, bytes) else v for k, v in told.items()}
            self._nodes.append((OPERATORS[node.op_type], told, list(node.input), list(node.output)))
        stored = {t.name for t in graph.initializer}
        self._input = next(i.name for i in graph.input if i.name not in stored)
        self._output = graph.output[0].name

    def __call__(self, batch: Any) -> Any:
        """The first output for a tensor."""
        values = dict(self._values)
        values[self._input] = batch
        for operator, told, inputs, outputs in self._nodes:
            made = operator(self._torch, told, *(values[n] if n else None for n in inputs))
            for name, value in zip(outputs, made if isinstance(made, (tuple, list)) else (made,)):
                values[name] = value
        return values[self._output]

    def to(self, device: str) -> TorchGraph:
        """Move what takes part in arithmetic; sizes and indices stay where they are read."""
        self._values = {
            name: value.to(device) if value.is_floating_point() or value.dim() > 1 else value
            for name, value in self._values.items()
        }
        return self

    def eval(self) -> TorchGraph:
        return self


def _whole(tensor: Any) -> list[int]:
    return [int(n) for n in tensor.tolist()]


def _pads(told: Attributes) -> tuple[int, int]:
    """Rows and columns of padding; ONNX could have another width at each end."""
    pads = told.get("pads", [0, 0, 0, 0])
    if list(pads[:2]) != list(pads[2:]) or told.get("auto_pad", "NOTSET") != "NOTSET":
        raise InputError(f"torch: padding {pads} differs from end to end; expected the same at both")
    return int(pads[0]), int(pads[1])


def _conv(torch: Any, told: Attributes, x: Any, weight: Any, bias: Any = None) -> Any:
    options = {"stride": told.get("strides", [1, 1]), "padding": _pads(told), "groups": told.get("group", 1)}
    return torch.nn.functional.conv2d(x, weight, bias, dilation=told.get("dilations", [1, 1]), **options)


def _conv_transpose(torch: Any, told: Attributes, x: Any, weight: Any, bias: Any = None) -> Any:
    options = {"stride": told.get("strides", [1, 1]), "padding": _pads(told), "groups": told.get("group", 1)}
    return torch.nn.functional.conv_transpose2d(
        x, weight, bias, output_padding=told.get("output_padding", [0, 0]), **options
    )


def _slice(torch: Any, _: Attributes, x: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    first, last = _whole(starts), _whole(ends)
    along = _whole(axes) if axes is not None else list(range(len(first)))
    stride = _whole(steps) if steps is not None else [1] * len(first)
    parts = [slice(None)] * x.dim()
    for axis, start, end, step in zip(along, first, last, stride):
        parts[axis] = slice(start, end, step)
    return x[tuple(parts)]


def _reshape(_: Any, told: Attributes, x: Any, shape: Any) -> Any:
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(_whole(shape))])


def _resize(torch: Any, told: Attributes, x: Any, roi: Any = None, scales: Any = None, sizes: Any = None) -> Any:
    if told.get("mode", "nearest") != "nearest":
        raise InputError(f"torch: Resize by {told['mode']}; expected nearest")
    size = _whole(sizes)[2:] if sizes is not None else [int(n * s) for n, s in zip(x.shape[2:], scales.tolist()[2:])]
    return torch.nn.functional.interpolate(x, size=size, mode="nearest")


def _expand(torch: Any, _: Attributes, x: Any, shape: Any) -> Any:
    return x.expand(torch.broadcast_shapes(tuple(x.shape), tuple(_whole(shape))))


def _gather(_: Any, told: Attributes, x: Any, indices: Any) -> Any:
    return x[(slice(None),) * told.get("axis", 0) + (indices.to(x.device),)]


def _divide(torch: Any, _: Attributes, a: Any, b: Any) -> Any:
    whole = not a.is_floating_point() and not b.is_floating_point()
    return torch.div(a, b, rounding_mode="trunc" if whole else None)


def _batch_norm(torch: Any, told: Attributes, x: Any, weight: Any, bias: Any, mean: Any, variance: Any) -> Any:
    return torch.nn.functional.batch_norm(x, mean, variance, weight, bias, eps=told.get("epsilon", 1e-5))


def _gemm(torch: Any, told: Attributes, a: Any, b: Any, c: Any = None) -> Any:
    product = (a.t() if told.get("transA") else a) @ (b.t() if told.get("transB") else b) * told.get("alpha", 1.0)
    return product if c is None else product + c * told.get("beta", 1.0)


def _constant_of_shape(torch: Any, told: Attributes, shape: Any) -> Any:
    value = torch.tensor(told["value"]) if "value" in told else torch.zeros(1)
    return value.reshape(-1)[0].expand(_whole(shape))


def _clip(torch: Any, told: Attributes, x: Any, low: Any = None, high: Any = None) -> Any:
    return torch.clamp(x, None if low is None else low.to(x.device), None if high is None else high.to(x.device))


def _reduce_l2(torch: Any, told: Attributes, x: Any, axes: Any = None) -> Any:
    along = _whole(axes) if axes is not None else list(told["axes"])
    return torch.linalg.vector_norm(x, dim=along, keepdim=bool(told.get("keepdims", 1)))


def _pool(torch: Any, told: Attributes, x: Any, by: Callable[..., Any]) -> Any:
    return by(x, told["kernel_shape"], stride=told.get("strides", [1, 1]), padding=_pads(told))


OPERATORS: dict[str, Callable[..., Any]] = {
    "Constant": lambda t, told: None,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "BatchNormalization": _batch_norm,
    "Gemm": _gemm,
    "MatMul": lambda t, _, a, b: a @ b,
    "Add": lambda t, _, a, b: a + b,
    "Sub": lambda t, _, a, b: a - b,
    "Mul": lambda t, _, a, b: a * b,
    "Div": _divide,
    "Sigmoid": lambda t, _, x: x.sigmoid(),
    "Relu": lambda t, _, x: x.relu(),
    "Clip": _clip,
    "Softmax": lambda t, told, x: x.softmax(told.get("axis", -1)),
    "ReduceL2": _reduce_l2,
    "MaxPool": lambda t, told, x: _pool(t, told, x, t.nn.functional.max_pool2d),
    "AveragePool": lambda t, told, x: _pool(t, told, x, t.nn.functional.avg_pool2d),
    "Resize": _resize,
    "Concat": lambda t, told, *parts: t.cat(parts, told["axis"]),
    "Split": lambda t, told, x, sizes=None: x.split(_whole(sizes), told.get("axis", 0)),
    "Slice": _slice,
    "Gather": _gather,
    "Unsqueeze": lambda t, _, x, axes: x.unsqueeze(*_whole(axes)),
    "Reshape": _reshape,
    "Flatten": lambda t, told, x: x.flatten(told.get("axis", 1)),
    "Transpose": lambda t, told, x: x.permute(*told["perm"]),
    "Expand": _expand,
    "Shape": lambda t, _, x: t.tensor(list(x.shape)),
    "ConstantOfShape": _constant_of_shape,
    "Range": lambda t, _, first, last, step: t.arange(first.item(), last.item(), step.item(), dtype=first.dtype),
    "Cast": lambda t, told, x: x.to(getattr(t, told["to"])),
}
"""What torch, the attributes of the node and its inputs make of each operator."""
