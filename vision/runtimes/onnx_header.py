"""What an ONNX file says of itself, without a package that reads the network: a device may have none.

The wire format is that of protocol buffers, the field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scenarios import InputError

GRAPH, METADATA = 7, 14
"""Fields of ModelProto …"""
INITIALIZER, INPUT = 5, 11
"""… of GraphProto."""


@dataclass(frozen=True)
class OnnxHeader:
    """`input_shape` of the batch; None where any size will do."""

    metadata: dict[str, str]
    input_shape: tuple[int | None, ...]


def onnx_header(path: Path) -> OnnxHeader:
    """Metadata and shape of the first input. Raises InputError for what is no ONNX file."""
    try:
        data = memoryview(path.read_bytes())
        metadata: dict[str, str] = {}
        shape: tuple[int | None, ...] = ()
        for number, value in _fields(data):
            if number == METADATA:
                entry = {n: bytes(v).decode() for n, v in _fields(value) if not isinstance(v, int)}
                metadata[entry[1]] = entry.get(2, "")
            elif number == GRAPH:
                shape = _input_shape(value)
    except (IndexError, KeyError, ValueError, TypeError):
        raise InputError(f"{path}: not readable as an ONNX network") from None
    if not shape:
        raise InputError(f"{path}: not readable as an ONNX network: it has no input")
    return OnnxHeader(metadata, shape)


def _input_shape(graph: memoryview) -> tuple[int | None, ...]:
    """The shape of the first input that is not a stored weight."""
    weights: set[bytes] = set()
    inputs: list[tuple[bytes, tuple[int | None, ...]]] = []
    for number, value in _fields(graph):
        if number == INITIALIZER:
            weights |= {bytes(v) for n, v in _fields(value) if n == 8}
        elif number == INPUT:
            parts = {n: v for n, v in _fields(value)}
            tensor = {n: v for n, v in _fields(parts[2])}[1]
            shape = {n: v for n, v in _fields(tensor)}[2]
            sizes = [{n: v for n, v in _fields(d)}.get(1) for n, d in _fields(shape) if n == 1]
            inputs.append((bytes(parts[1]), tuple(s if isinstance(s, int) else None for s in sizes)))
    return next((shape for name, shape in inputs if name not in weights), ())


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message as (number, content); a number's content is the int itself."""
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _number(data, at)
            yield tag >> 3, value  # type: ignore[misc]
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            yield tag >> 3, data[at : at + size]
            at += size
        elif kind == 2:
            size, at = _number(data, at)
            if at + size > len(data):
                raise ValueError("ends too early")
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            raise ValueError(f"wire type {kind}")


def _number(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if not byte & 128:
            return value, at
