"""The door: a weights file and the name of a runtime in, a loaded network out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from threadpoolctl import ThreadpoolController

from scenarios import InputError
from vision.runtimes import on_onnxruntime, on_openvino, on_tensorrt, on_torch
from vision.runtimes.session import Session

Opener = Callable[[Path, str, int], Session]
ONNX = ".onnx"
OPENERS: Mapping[str, tuple[Opener, Callable[[str], str], tuple[str, ...]]] = {
    **dict.fromkeys(on_onnxruntime.PROVIDERS, (on_onnxruntime.OnnxSession, on_onnxruntime.lacking, (ONNX,))),
    "openvino": (lambda p, _, n: on_openvino.OpenvinoSession(p, n), on_openvino.lacking, (ONNX, ".xml")),
    "tensorrt": (lambda p, _, __: on_tensorrt.TensorrtSession(p), on_tensorrt.lacking, (ONNX, ".engine")),
    **dict.fromkeys(on_torch.DEVICES, (on_torch.TorchSession, on_torch.lacking, (ONNX, ".pt"))),
}
"""How each runtime opens a file, why it cannot be used here, and which files it takes."""
RUNTIMES = tuple(OPENERS)
ON_PROCESSOR = ("onnxruntime-cpu", "openvino", "torch-cpu")
"""Runtimes whose networks run on the processor's cores."""


def open_session(
    path: Path, runtime: str = "onnxruntime-cpu", threads: int = 0, fallback: Sequence[str] = ()
) -> Session:
    """Load a network. `threads` 0 takes all cores that this process may use, and numpy's products of matrices take one
    of them from now on. Raises InputError for what is not there.

    Where the runtime is not to be had or cannot open the file, the first of `fallback` that can takes its place, and
    `ran_on.instead_of` says so; without `fallback` nothing takes its place.
    """
    for name in (runtime, *fallback):
        if name not in OPENERS:
            raise InputError(f"runtime {name!r}; expected one of {', '.join(RUNTIMES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected weights")
    _calm_blas()
    failed: list[str] = []
    for name in (runtime, *fallback):
        try:
            session = _open(path, name, threads)
        except InputError as error:
            if not fallback:
                raise
            failed.append(f"{name}: {error}")
            continue
        if failed:
            session.ran_on = dataclasses.replace(session.ran_on, instead_of="; ".join(failed))
        return session
    raise InputError(f"none of the runtimes opens it: {'; '.join(failed)}")


def _open(path: Path, runtime: str, threads: int) -> Session:
    opener, lacking, suffixes = OPENERS[runtime]
    if path.suffix not in suffixes:
        raise InputError(f"{path}: {runtime} does not take it; expected {' or '.join(suffixes)}")
    missing = lacking(runtime)
    if missing:
        raise InputError(missing)
    return opener(path, runtime, threads or cores())


def _calm_blas() -> None:
    """Let OpenBLAS, which numpy brings, use no threads of its own. After each product they go round and round for a
    tenth of a second, waiting for the next, on the cores that the networks need: on two cores a frame took 1.3 times as
    long, and 1.8 times the processor's time."""
    ThreadpoolController().select(internal_api="openblas").limit(limits=1)


def cores() -> int:
    """How many cores this process may use: not all, where a container or `taskset` says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def lacking(runtime: str) -> str:
    """Why a runtime cannot be used here; empty where it can."""
    return OPENERS[runtime][1](runtime)


def available_runtimes() -> list[str]:
    """The names of RUNTIMES that can be used here."""
    return [name for name in RUNTIMES if not lacking(name)]
