"""A CUDA driver and a TensorRT that compute on arrays in memory, to run the code that needs a GPU."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np

from vision.runtimes.cuda_driver import MAJOR, MINOR, MULTIPROCESSORS


class FakeCuda:
    """libcuda, with device memory that is a table of bytes by address."""

    def __init__(self, name: str = "Orin", capability: tuple[int, int] = (8, 7), multiprocessors: int = 8) -> None:
        self.name, self.attributes = name, dict(zip((MAJOR, MINOR, MULTIPROCESSORS), (*capability, multiprocessors)))
        self.memory: dict[int, bytearray] = {}
        self.fails: dict[str, int] = {}
        self.entered = self.allocated = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(type(self), f"_{name}", None)

        def run(*arguments: Any) -> int:
            if name in self.fails:
                return self.fails[name]
            if call is not None:
                call(self, *arguments)
            return 0

        return run

    def _cuCtxSetCurrent(self, _: Any) -> None:
        self.entered += 1

    def _cuDeviceGetName(self, buffer: Any, *_: Any) -> None:
        buffer.value = self.name.encode()

    def _cuDeviceGetAttribute(self, value: Any, number: int, _: Any) -> None:
        value._obj.value = self.attributes[number]

    def _cuMemAlloc_v2(self, address: Any, size: Any) -> None:
        self.allocated += 1
        address._obj.value = 4096 * self.allocated
        self.memory[address._obj.value] = bytearray(size.value)

    def _cuMemFree_v2(self, address: Any) -> None:
        del self.memory[address.value]

    def _cuMemcpyHtoD_v2(self, address: Any, source: Any, size: Any) -> None:
        self.memory[address.value][: size.value] = ctypes.string_at(source.value, size.value)

    def _cuMemcpyDtoH_v2(self, target: Any, address: Any, size: Any) -> None:
        ctypes.memmove(target.value, bytes(self.memory[address.value][: size.value]), size.value)

    def _cuStreamCreate(self, handle: Any, _: int) -> None:
        handle._obj.value = 7

    def _cuMemGetInfo_v2(self, free: Any, total: Any) -> None:
        free._obj.value, total._obj.value = 3 * 2**30, 8 * 2**30


class FakeTensorrt:
    """The package tensorrt. Its engines answer twice their input, in float16; what it builds is `plan`."""

    TensorIOMode = SimpleNamespace(INPUT="input", OUTPUT="output")
    MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)

    def __init__(self, cuda: FakeCuda, version: str = "10.3.0", plan: bytes | None = b"plan") -> None:
        self.__version__, self.cuda, self.plan = version, cuda, plan
        self.profiles: list[tuple[str, tuple]] = []
        self.addresses: dict[str, int] = {}
        self.shape: tuple[int, ...] = ()

    class Logger:
        ERROR = 1

        def __init__(self, _: int) -> None: ...

    @staticmethod
    def nptype(kind: Any) -> Any:
        return kind

    def Runtime(self, _: Any) -> Any:
        return SimpleNamespace(deserialize_cuda_engine=self._deserialize)

    def _deserialize(self, plan: bytes) -> Any:
        if plan != self.plan:
            return None
        names = ["images", "output0"]
        return SimpleNamespace(
            num_io_tensors=2,
            get_tensor_name=names.__getitem__,
            get_tensor_mode=lambda n: "input" if n == "images" else "output",
            get_tensor_dtype=lambda n: np.float32 if n == "images" else np.float16,
            create_execution_context=lambda: SimpleNamespace(
                set_input_shape=self._set_shape,
                get_tensor_shape=lambda _: self.shape,
                set_tensor_address=self.addresses.__setitem__,
                execute_async_v3=self._execute,
            ),
        )

    def _set_shape(self, _: str, shape: tuple[int, ...]) -> bool:
        self.shape = shape
        return shape[1] == 3

    def _execute(self, _: int) -> bool:
        given = np.frombuffer(bytes(self.cuda.memory[self.addresses["images"]]), np.float32)
        count = int(np.prod(self.shape))
        answer = (given[:count] * 2).astype(np.float16).tobytes()
        self.cuda.memory[self.addresses["output0"]][: len(answer)] = answer
        return True

    def Builder(self, _: Any) -> Any:
        config = SimpleNamespace(set_memory_pool_limit=lambda *_: None, add_optimization_profile=lambda profile: None)
        profile = SimpleNamespace(set_shape=lambda name, *shapes: self.profiles.append((name, shapes)))
        return SimpleNamespace(
            create_network=lambda flags: SimpleNamespace(get_input=lambda _: SimpleNamespace(name="images")),
            create_builder_config=lambda: config,
            create_optimization_profile=lambda: profile,
            build_serialized_network=lambda *_: self.plan,
        )

    @staticmethod
    def OnnxParser(_: Any, __: Any) -> Any:
        return SimpleNamespace(parse=lambda data: data != b"", num_errors=0)
