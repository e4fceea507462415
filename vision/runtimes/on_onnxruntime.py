"""Networks on ONNX Runtime, by its CPU, CUDA and TensorRT providers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.runtimes.engines import cache_folder
from vision.runtimes.session import RanOn, checked_sum, optional, precision_of, reason

PROVIDERS = {
    "onnxruntime-cpu": "CPUExecutionProvider",
    "onnxruntime-cuda": "CUDAExecutionProvider",
    "onnxruntime-tensorrt": "TensorrtExecutionProvider",
}


class OnnxSession:
    """A network on ONNX Runtime. Raises InputError where the provider is not there or did not start: ONNX Runtime
    itself would go on with another one and say so in a log only."""

    def __init__(self, path: Path, runtime: str, threads: int) -> None:
        ort = onnxruntime()
        provider = PROVIDERS[runtime]
        if provider not in ort.get_available_providers():
            raise InputError(f"ONNX Runtime has no {provider} here; it has {', '.join(ort.get_available_providers())}")
        self.source = str(path)
        self.checksum = checked_sum(path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that wait for the next picture leave the processor to others.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        chosen: Any = provider
        if runtime == "onnxruntime-tensorrt":
            chosen = (provider, _tensorrt_options(path, self.checksum))
        try:
            self._session = ort.InferenceSession(str(path), options, providers=[chosen])
        except Exception as error:  # ONNX Runtime raises classes of its own for each kind of bad file
            raise InputError(f"{path}: not readable as an ONNX network: {reason(error)}") from None
        started = self._session.get_providers()
        if started[:1] != [provider]:
            raise InputError(f"{path}: {provider} did not start; ONNX Runtime would run on {', '.join(started)}")
        first = self._session.get_inputs()[0]
        self._input = first.name
        self.input_shape = tuple(n if isinstance(n, int) else None for n in first.shape)
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self.ran_on = RanOn(runtime, precision_of(self.metadata), f"onnxruntime {ort.__version__}")

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._session.run(None, {self._input: batch})[0]


def _tensorrt_options(path: Path, checksum: str) -> dict[str, Any]:
    """Engines of the provider go into a folder for each ONNX file, GPU and TensorRT: its own names for them leave the
    content of the file out."""
    from vision.runtimes.cuda_driver import gpu

    place = json.dumps([checksum, gpu(), _tensorrt_version()], sort_keys=True)
    folder = cache_folder() / f"onnxruntime-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    precision = precision_of(_metadata(path))
    return {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(folder),
        "trt_fp16_enable": precision == "fp16",
        "trt_int8_enable": precision == "int8",
    }


def _tensorrt_version() -> str:
    try:
        return str(optional("tensorrt", "").__version__)
    except InputError:
        return "of ONNX Runtime"


def _metadata(path: Path) -> dict[str, str]:
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InputError(f"{path}: not readable as an ONNX network: {reason(error)}") from None
    return dict(session.get_modelmeta().custom_metadata_map)


def onnxruntime() -> Any:
    """The package. Raises InputError where it is not installed."""
    return optional("onnxruntime", "ONNX Runtime is not installed; install shelfbench[cpu]")


def lacking(runtime: str) -> str:
    """Why this runtime cannot be used here; empty where it can."""
    try:
        providers = onnxruntime().get_available_providers()
    except InputError as error:
        return str(error)
    provider = PROVIDERS[runtime]
    return "" if provider in providers else f"ONNX Runtime has no {provider} here"
