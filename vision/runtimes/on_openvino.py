"""Networks on OpenVINO: ONNX files, and what `shelfwatch export --format openvino` made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.runtimes.engines import cache_folder
from vision.runtimes.session import RanOn, checked_sum, optional, precision_of, reason

FRAMEWORK, LAYER = "framework", "shelfbench"
"""Where metadata lie in the file: OpenVINO keeps an ONNX file's under the first, `shelfwatch export` writes the
second."""


class OpenvinoSession:
    """A network on the CPU device of OpenVINO, computed at the file's precision where this processor can: bfloat16 and
    float16 arithmetic are not chosen for it."""

    def __init__(self, path: Path, threads: int) -> None:
        ov = openvino()
        self.source = str(path)
        self.checksum = checked_sum(path)
        core = ov.Core()
        folder = cache_folder() / "openvino"
        folder.mkdir(parents=True, exist_ok=True)
        # What OpenVINO keeps there is its own: named by the network, the options, the processor and its version.
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "CACHE_DIR": str(folder),
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            model = core.read_model(str(path))
            compiled = core.compile_model(model, "CPU", options)
        except Exception as error:  # RuntimeError of many texts
            raise InputError(f"{path}: not readable as a network for OpenVINO: {reason(error)}") from None
        self._request = compiled.create_infer_request()
        shape = model.inputs[0].get_partial_shape()
        self.input_shape = tuple(d.get_length() if d.is_static else None for d in shape)
        self.metadata = _metadata(model)
        self.checksum = self.metadata.get("weights", self.checksum)
        version = str(ov.__version__).split("-")[0]
        self.ran_on = RanOn("openvino", precision_of(self.metadata), f"openvino {version}")

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        answer = self._request.infer({0: batch}, share_inputs=True)
        return np.array(answer[0], np.float32)


def _metadata(model: Any) -> dict[str, str]:
    for place in (LAYER, FRAMEWORK):
        if model.has_rt_info(place):
            found = model.get_rt_info(place).value
            return {str(k): str(getattr(v, "value", v)) for k, v in dict(found).items()}
    return {}


def openvino() -> Any:
    """The package. Raises InputError where it is not installed."""
    return optional("openvino", "OpenVINO is not installed; install shelfbench[openvino]")


def lacking(_: str) -> str:
    """Why OpenVINO cannot be used here; empty where it can."""
    try:
        openvino()
    except InputError as error:
        return str(error)
    return ""
