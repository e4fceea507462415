"""The files that `shelfwatch export` makes of an ONNX file: one for each format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios import InputError
from vision.runtimes.on_openvino import LAYER, openvino
from vision.runtimes.on_torch import TOLD, pytorch
from vision.runtimes.onnx_header import OnnxHeader, onnx_header
from vision.runtimes.session import checked_sum, precision_of, reason

Size = tuple[int, int] | None
"""Height and width of the batch, for a network that takes any; None for a square of its image size."""


@dataclass(frozen=True)
class Format:
    """A format: what its files end with, the runtime that they are compared with FP32 on, and how they are made of an
    ONNX file of the wanted precision: (ONNX file, path of the new file, size) -> the file that was made."""

    suffix: str
    runtime: str
    make: Callable[[Path, Path, Size], Path]


def copy_onnx(source: Path, path: Path, _: Size) -> Path:
    shutil.copyfile(source, path)
    return path


def to_openvino(source: Path, path: Path, _: Size) -> Path:
    """NAME.xml and NAME.bin, with the metadata in them. Raises InputError."""
    ov = openvino()
    try:
        model = ov.Core().read_model(str(source))
    except Exception as error:  # RuntimeError of many texts
        raise InputError(f"{source}: OpenVINO cannot read the network: {reason(error)}") from None
    for key, value in _told(source, onnx_header(source)).items():
        model.set_rt_info(value, [LAYER, key])
    ov.save_model(model, str(path), compress_to_fp16=False)
    return path


def to_torchscript(source: Path, path: Path, size: Size) -> Path:
    """A TorchScript file of one shape. Raises InputError, also for INT8."""
    from vision.runtimes.on_tensorrt import parse_shape, shape_of
    from vision.runtimes.torch_graph import TorchGraph

    torch, header = pytorch(), onnx_header(source)
    if precision_of(header.metadata) == "int8":
        raise InputError(f"{source}: torchscript is made in fp32 and fp16; expected no int8")
    shape = parse_shape(shape_of(source, header, size))
    graph = TorchGraph(source)
    batch = torch.zeros([n or 1 for n in shape])

    class Module(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, given: Any) -> Any:
            return graph(given)

    with torch.inference_mode():
        traced = torch.jit.trace(Module(), batch, check_trace=False)
    told = {"metadata": header.metadata, "shape": list(batch.shape), "weights": checked_sum(source)}
    torch.jit.save(traced, str(path), _extra_files={TOLD: json.dumps(told)})
    return path


def to_tensorrt(source: Path, _: Path, size: Size) -> Path:
    """An engine in the cache of this device. Minutes. Raises InputError."""
    from vision.runtimes.engines import engine_path, write_engine
    from vision.runtimes.on_tensorrt import build_engine, engine_key, tensorrt

    trt, header = tensorrt(), onnx_header(source)
    key = engine_key(source, header, size, trt)
    path = engine_path(source, key)
    write_engine(path, key, header.metadata, build_engine(source, key, trt))
    return path


def _told(source: Path, header: OnnxHeader) -> Mapping[str, str]:
    return header.metadata | {"weights": checked_sum(source)}


FORMATS: dict[str, Format] = {
    "onnx": Format(".onnx", "onnxruntime-cpu", copy_onnx),
    "openvino": Format(".xml", "openvino", to_openvino),
    "torchscript": Format(".pt", "torch-cpu", to_torchscript),
    "tensorrt": Format(".engine", "tensorrt", to_tensorrt),
}
