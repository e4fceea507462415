"""The little of the CUDA driver that a TensorRT engine needs, by ctypes: a device may have no package for it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError

LIBRARY = "libcuda.so.1"
MULTIPROCESSORS, MAJOR, MINOR = 16, 75, 76
"""CUdevice_attribute of cuda.h."""


@dataclass(frozen=True)
class Gpu:
    """A GPU by what decides which engines run on it."""

    name: str
    compute_capability: str
    multiprocessors: int


class CudaDriver:
    """The driver with the first GPU's own context. `library` is libcuda, loaded. Raises InputError where a call
    fails."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._call("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        self._device = device
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._context = context
        self.enter()

    def enter(self) -> None:
        """Make the GPU's context that of the calling thread: every thread has to, before it calls anything else."""
        self._call("cuCtxSetCurrent", self._context)

    def gpu(self) -> Gpu:
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", name, len(name), self._device)
        major, minor, count = (self._attribute(n) for n in (MAJOR, MINOR, MULTIPROCESSORS))
        return Gpu(name.value.decode(), f"{major}.{minor}", count)

    def _attribute(self, number: int) -> int:
        value = ctypes.c_int()
        self._call("cuDeviceGetAttribute", ctypes.byref(value), number, self._device)
        return value.value

    def allocate(self, size: int) -> int:
        """Device memory of `size` bytes; its address."""
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def free(self, address: int) -> None:
        self._call("cuMemFree_v2", ctypes.c_uint64(address))

    def upload(self, address: int, array: NDArray[Any]) -> None:
        """Copy an array to the device; returns when that is done."""
        held = np.ascontiguousarray(array)
        self._call(
            "cuMemcpyHtoD_v2", ctypes.c_uint64(address), ctypes.c_void_p(held.ctypes.data), ctypes.c_size_t(held.nbytes)
        )

    def download(self, address: int, array: NDArray[Any]) -> None:
        """Copy from the device into a contiguous array; returns when that is done."""
        self._call(
            "cuMemcpyDtoH_v2",
            ctypes.c_void_p(array.ctypes.data), ctypes.c_uint64(address), ctypes.c_size_t(array.nbytes),
        )  # fmt: skip

    def stream(self) -> int:
        """A new stream that does not wait for others; its handle."""
        handle = ctypes.c_void_p()
        self._call("cuStreamCreate", ctypes.byref(handle), 1)
        return int(handle.value or 0)

    def wait(self, stream: int) -> None:
        self._call("cuStreamSynchronize", ctypes.c_void_p(stream))

    def free_memory(self) -> tuple[int, int]:
        """Bytes of device memory that are free, and all; from any thread."""
        self.enter()
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code != 0:
            raise InputError(f"CUDA: {name} failed with error {code}")


@lru_cache(maxsize=1)
def cuda() -> CudaDriver:
    """The driver of this machine. Raises InputError where there is none."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        raise InputError(f"no NVIDIA driver here ({LIBRARY} was not found)") from None
    return CudaDriver(library)


def gpu() -> dict[str, str | int]:
    """The fields of an `EngineKey` that this machine's GPU decides. Raises InputError where there is none."""
    found = cuda().gpu()
    return {
        "gpu": found.name,
        "compute_capability": found.compute_capability,
        "multiprocessors": found.multiprocessors,
    }
