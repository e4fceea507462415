"""What a loaded network is, whatever it runs on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError

ON_CARD = re.compile(r"^- file: .*SHA-256 ([0-9a-f]{64})", re.MULTILINE)
"""The checksum on the card NAME.md that lies beside NAME.onnx."""
PRECISIONS = ("fp32", "fp16", "int8")
MADE_FROM, PRECISION = "made_from", "precision"
"""Metadata of a file that `shelfwatch export` made: the SHA-256 of its FP32 weights, and how its numbers are kept."""


@dataclass(frozen=True)
class RanOn:
    """What a network runs on. `instead_of` is empty, or the runtime that was asked for and why it is not that."""

    runtime: str
    precision: str
    version: str
    instead_of: str = ""

    def __str__(self) -> str:
        other = f", instead of {self.instead_of}" if self.instead_of else ""
        return f"{self.runtime} {self.precision} ({self.version}){other}"


class Session(Protocol):
    """A loaded network: `run` takes one float32 batch and returns its first output, as float32."""

    input_shape: tuple[int | None, ...]
    """Of the batch; None where any size will do."""
    metadata: dict[str, str]
    checksum: str
    """SHA-256 of the weights file, hexadecimal."""
    source: str
    """The weights file, for messages."""
    ran_on: RanOn

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]: ...


def checked_sum(path: Path) -> str:
    """SHA-256 of a file. Raises InputError if the card beside it says another one."""
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    card = path.with_suffix(".md")
    told = ON_CARD.search(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    if told and told[1] != checksum:
        raise InputError(f"{path}: SHA-256 {checksum[:12]}…; {card.name} says {told[1][:12]}…: the file is damaged")
    return checksum


def precision_of(metadata: Mapping[str, str]) -> str:
    """The precision that a file's metadata tell; what tells none is FP32."""
    return metadata.get(PRECISION, "fp32")


def reason(error: BaseException) -> str:
    """An exception of a runtime in part of a line."""
    return " ".join(str(error).split())[:160] or type(error).__name__


def optional(package: str, missing: str) -> Any:
    """A package that a device may lack. Raises InputError with `missing`."""
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(missing) from None
