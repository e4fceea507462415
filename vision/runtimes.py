"""Where a network runs: one door to each runtime."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError

ON_CARD = re.compile(r"^- file: .*SHA-256 ([0-9a-f]{64})", re.MULTILINE)
"""The checksum on the card NAME.md that lies beside NAME.onnx."""
RUNTIMES = {"onnxruntime-cpu": "CPUExecutionProvider", "onnxruntime-cuda": "CUDAExecutionProvider"}


class Session(Protocol):
    """A loaded network: `run` takes one float32 batch and returns its first output."""

    input_shape: tuple[int | None, ...]
    """Of the batch; None where any size will do."""
    metadata: dict[str, str]
    checksum: str
    """SHA-256 of the weights file, hexadecimal."""
    source: str
    """The weights file, for messages."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]: ...


class OnnxSession:
    """A network on ONNX Runtime."""

    def __init__(self, path: Path, provider: str, threads: int) -> None:
        ort = _onnxruntime()
        if provider not in ort.get_available_providers():
            raise InputError(f"ONNX Runtime has no {provider} here; it has {', '.join(ort.get_available_providers())}")
        self.source = str(path)
        self.checksum = _checked_sum(path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), options, providers=[provider])
        except Exception as error:  # ONNX Runtime raises classes of its own for each kind of bad file
            reason = " ".join(str(error).split())[:160]
            raise InputError(f"{path}: not readable as an ONNX network: {reason}") from None
        first = self._session.get_inputs()[0]
        self._input = first.name
        self.input_shape = tuple(n if isinstance(n, int) else None for n in first.shape)
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._session.run(None, {self._input: batch})[0]


def open_session(path: Path, runtime: str = "onnxruntime-cpu", threads: int = 0) -> Session:
    """Load a network. `threads` 0 takes all cores. Raises InputError for what is not there."""
    if runtime not in RUNTIMES:
        raise InputError(f"runtime {runtime!r}; expected one of {', '.join(RUNTIMES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected ONNX weights")
    return OnnxSession(path, RUNTIMES[runtime], threads or os.cpu_count() or 1)


def _checked_sum(path: Path) -> str:
    """SHA-256 of a file. Raises InputError if the card beside it says another one."""
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    card = path.with_suffix(".md")
    told = ON_CARD.search(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    if told and told[1] != checksum:
        raise InputError(f"{path}: SHA-256 {checksum[:12]}…; {card.name} says {told[1][:12]}…: the file is damaged")
    return checksum


def available_runtimes() -> list[str]:
    """The names of RUNTIMES that can be used here."""
    try:
        providers = _onnxruntime().get_available_providers()
    except InputError:
        return []
    return [name for name, provider in RUNTIMES.items() if provider in providers]


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise InputError("ONNX Runtime is not installed; install shelfbench[cpu]") from None
    return onnxruntime
