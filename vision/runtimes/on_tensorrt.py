"""Networks as TensorRT engines, built on the device by `shelfwatch export --format tensorrt`.

The network is strongly typed: the engine computes in the precision that the ONNX file has, and INT8 is where the file
quantizes. Needs TensorRT 10 (JetPack 6.1 and newer).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.runtimes.cuda_driver import CudaDriver, cuda, gpu
from vision.runtimes.engines import Engine, EngineKey, engine_path, read_engine
from vision.runtimes.onnx_header import OnnxHeader, onnx_header
from vision.runtimes.session import RanOn, checked_sum, optional, precision_of

BATCHES = (1, 64, 256)
"""Least, usual and most pictures in a batch of a network that takes any number."""
OLDEST = 10


class TensorrtSession:
    """An engine on the first GPU. `path` is the engine's file, or the ONNX file that it was built of."""

    def __init__(self, path: Path) -> None:
        trt, driver = tensorrt(), cuda()
        engine = find_engine(path, trt)
        runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        self._engine = runtime.deserialize_cuda_engine(engine.plan)
        if self._engine is None:
            raise InputError(f"{path}: TensorRT {trt.__version__} does not take the engine; build it again")
        self._context = self._engine.create_execution_context()
        self._driver: CudaDriver = driver
        self._stream = driver.stream()
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._input = next(n for n in names if self._engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT)
        self._output = next(n for n in names if n != self._input)
        self._types = {n: np.dtype(trt.nptype(self._engine.get_tensor_dtype(n))) for n in (self._input, self._output)}
        self._memory: dict[str, tuple[int, int]] = {}
        self.input_shape = parse_shape(engine.key.shape)
        self.metadata = dict(engine.metadata)
        self.checksum, self.source = engine.key.weights, str(path)
        self.ran_on = RanOn("tensorrt", engine.key.precision, f"TensorRT {trt.__version__}")

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self._driver.enter()
        given = np.ascontiguousarray(batch, self._types[self._input])
        if not self._context.set_input_shape(self._input, tuple(given.shape)):
            raise InputError(f"{self.source}: the engine does not take {given.shape}")
        answer = np.empty(tuple(self._context.get_tensor_shape(self._output)), self._types[self._output])
        for name, array in ((self._input, given), (self._output, answer)):
            self._context.set_tensor_address(name, self._address(name, array.nbytes))
        self._driver.upload(self._memory[self._input][0], given)
        if not self._context.execute_async_v3(self._stream):
            raise InputError(f"{self.source}: TensorRT could not run the engine")
        self._driver.wait(self._stream)
        self._driver.download(self._memory[self._output][0], answer)
        return answer.astype(np.float32, copy=False)

    def _address(self, name: str, size: int) -> int:
        """Device memory of at least so many bytes for a tensor; kept from run to run."""
        address, held = self._memory.get(name, (0, 0))
        if held < size:
            if held:
                self._driver.free(address)
            address = self._driver.allocate(size)
            self._memory[name] = address, size
        return address


def find_engine(path: Path, trt: Any) -> Engine:
    """The engine in a file, or of an ONNX file in the cache, if it is good for this device. Raises InputError."""
    here = {"tensorrt": str(trt.__version__), **gpu()}
    if path.suffix != ".onnx":
        return read_engine(path, here)
    key = engine_key(path, onnx_header(path), None, trt)
    kept = engine_path(path, key)
    if not kept.is_file():
        raise InputError(
            f"{path}: no engine for {key.gpu}, TensorRT {key.tensorrt}, {key.precision}, {key.shape} in {kept.parent}; "
            f"build it here with `shelfwatch export {path} --format tensorrt`"
        )
    return read_engine(kept, key)


def engine_key(path: Path, header: OnnxHeader, size: tuple[int, int] | None, trt: Any) -> EngineKey:
    """The key of an ONNX file's engine on this device; `size` is height and width where any will do."""
    shape = shape_of(path, header, size)
    return EngineKey(
        weights=checked_sum(path),
        tensorrt=str(trt.__version__),
        precision=precision_of(header.metadata),
        shape=shape,
        **gpu(),  # type: ignore[arg-type]
    )


def shape_of(path: Path, header: OnnxHeader, size: tuple[int, int] | None) -> str:
    """The shape that a network of free shape is built for, as in `EngineKey`: a detector takes one picture of `size`
    or of a square of its image size, a recognizer as many crops as there are. Raises InputError."""
    batch, channels, height, width = header.input_shape
    if height is not None and width is not None:
        if size not in (None, (height, width)):
            raise InputError(f"{path}: takes pictures of {height}x{width} only; expected no other --size")
        first = "-".join(map(str, BATCHES)) if batch is None else str(batch)
        return f"{first}x{channels}x{height}x{width}"
    side = int(header.metadata.get("image_size", 1280))
    height, width = size or (side, side)
    return f"1x{channels}x{height}x{width}"


def parse_shape(shape: str) -> tuple[int | None, ...]:
    """The shape of the batch that a key tells; None for a batch of any number."""
    return tuple(None if "-" in part else int(part) for part in shape.split("x"))


def build_engine(path: Path, key: EngineKey, trt: Any, workspace: float = 1.0) -> bytes:
    """Build an ONNX file's engine on this device, in up to `workspace` GiB. Minutes. Raises InputError."""
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(path.read_bytes()):
        told = parser.get_error(0).desc() if parser.num_errors else "no reason given"
        raise InputError(f"{path}: TensorRT {trt.__version__} cannot read the network: {told}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, math.floor(workspace * 2**30))
    profile = builder.create_optimization_profile()
    profile.set_shape(network.get_input(0).name, *_range(key.shape))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise InputError(f"{path}: TensorRT {trt.__version__} cannot build an {key.precision} engine of the network")
    return bytes(plan)


def _range(shape: str) -> list[tuple[int, ...]]:
    """Least, usual and largest shape that a key's shape tells."""
    parts = [part.split("-") for part in shape.split("x")]
    return [tuple(int(part[min(i, len(part) - 1)]) for part in parts) for i in range(3)]


def tensorrt() -> Any:
    """The package, new enough. Raises InputError where it is not."""
    trt = optional("tensorrt", "TensorRT is not installed; it comes with JetPack, and is never installed by pip there")
    if int(str(trt.__version__).split(".")[0]) < OLDEST:
        raise InputError(f"TensorRT {trt.__version__}; expected {OLDEST} or newer (JetPack 6.1)")
    return trt


def lacking(_: str) -> str:
    """Why TensorRT cannot be used here; empty where it can."""
    try:
        tensorrt()
        cuda()
    except InputError as error:
        return str(error)
    return ""
