"""Networks on torch: ONNX files, and what `shelfwatch export --format torchscript` made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.runtimes.onnx_header import onnx_header
from vision.runtimes.session import RanOn, checked_sum, optional, precision_of, reason

DEVICES = {"torch-cpu": "cpu", "torch-cuda": "cuda"}
TOLD = "shelfbench.json"
"""The file within a TorchScript archive that holds metadata, shape and the checksum of the ONNX file."""


class TorchSession:
    """A network on torch. An ONNX file is computed node by node, which needs the package onnx; a TorchScript file has
    one shape. Raises InputError."""

    def __init__(self, path: Path, runtime: str, threads: int) -> None:
        self._torch = torch = pytorch()
        self._device = DEVICES[runtime]
        if self._device == "cpu":
            torch.set_num_threads(threads)
        self.source = str(path)
        self.checksum = checked_sum(path)
        if path.suffix == ".onnx":
            from vision.runtimes.torch_graph import TorchGraph

            header = onnx_header(path)
            self.input_shape, self.metadata = header.input_shape, header.metadata
            if precision_of(self.metadata) == "int8":
                raise InputError(f"{path}: an INT8 network; torch takes fp32 and fp16")
            self._module = TorchGraph(path)
        else:
            self._module, told = load_script(path)
            self.metadata = {str(k): str(v) for k, v in told["metadata"].items()}
            self.input_shape = tuple(told["shape"])
            self.checksum = str(told["weights"])
        self._module.to(self._device).eval()
        self.ran_on = RanOn(runtime, precision_of(self.metadata), f"torch {torch.__version__}")

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._torch.inference_mode():
            answer = self._module(self._torch.from_numpy(np.ascontiguousarray(batch)).to(self._device))
        return np.asarray(answer.float().cpu().numpy(), np.float32)


def load_script(path: Path) -> tuple[Any, dict[str, Any]]:
    """A TorchScript module and what is told of it. Raises InputError for another file."""
    torch, extra = pytorch(), {TOLD: ""}
    try:
        module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
        told = json.loads(extra[TOLD])
        told["metadata"], told["shape"], told["weights"]
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a file of `shelfwatch export --format torchscript`: {reason(error)}") from None
    return module, told


def pytorch() -> Any:
    """The package. Raises InputError where it is not installed."""
    return optional("torch", "torch is not installed; on a Jetson it comes from NVIDIA's own index, never from PyPI")


def lacking(runtime: str) -> str:
    """Why this runtime cannot be used here; empty where it can."""
    import importlib.util

    # Importing it takes seconds, which who asks for another runtime should not wait for.
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed"
    if DEVICES[runtime] == "cuda" and not pytorch().cuda.is_available():
        return "torch has no CUDA device here"
    return ""
