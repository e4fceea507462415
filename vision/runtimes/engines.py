"""Engines kept on the disk: a file each, with all that it is good for in its head.

An engine runs on the TensorRT version, the kind of GPU, the precision and the shape that it was built for, and on
nothing else, and it does not say so itself. So a file begins with FORM and a line of JSON (`EngineKey`, metadata and
the checksum of what follows), and is only loaded where every field of the key is as expected.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios import InputError

FORM = b"shelfwatch engine 1\n"


@dataclass(frozen=True)
class EngineKey:
    """What an engine is good for. Boards of one GPU name differ in `multiprocessors`: every Orin is called Orin."""

    weights: str
    """SHA-256 of the ONNX file."""
    tensorrt: str
    gpu: str
    compute_capability: str
    multiprocessors: int
    precision: str
    shape: str
    """Of the batch, as `1x3x640x640`; a free batch as least-usual-most, `1-64-256x3x96x72`."""

    @property
    def digest(self) -> str:
        """A name for all fields."""
        plain = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Engine:
    """An engine as it was read. `metadata` are those of its ONNX file."""

    key: EngineKey
    metadata: Mapping[str, str]
    plan: bytes


def cache_folder() -> Path:
    """Where engines are kept: SHELFWATCH_CACHE, else shelfwatch in the user's folder of caches."""
    own = os.environ.get("SHELFWATCH_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shelfwatch"


def engine_path(weights: Path, key: EngineKey) -> Path:
    """The file of an engine in the cache: one for every key."""
    return cache_folder() / f"{weights.stem}-{key.digest}.engine"


def write_engine(path: Path, key: EngineKey, metadata: Mapping[str, str], plan: bytes) -> None:
    """Write an engine, whole or not at all. Raises OSError."""
    head = {"key": dataclasses.asdict(key), "metadata": dict(metadata), "sha256": hashlib.sha256(plan).hexdigest()}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(FORM + json.dumps(head).encode() + b"\n" + plan)
        draft.replace(path)
    except OSError as error:
        error.filename = str(path)
        draft.unlink(missing_ok=True)
        raise


def read_engine(path: Path, expected: EngineKey | Mapping[str, Any]) -> Engine:
    """Read an engine that is good for `expected`: a whole key, or those of its fields that have to be so.

    Raises InputError where a field differs, for a file that is damaged, and for one that `write_engine` did not write.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: not readable: {error.strerror}") from None
    if not data.startswith(FORM):
        raise InputError(f"{path}: not an engine of `shelfwatch export --format tensorrt`")
    end = data.find(b"\n", len(FORM))
    try:
        head = json.loads(data[len(FORM) : end])
        engine = Engine(EngineKey(**head["key"]), dict(head["metadata"]), data[end + 1 :])
        checksum = str(head["sha256"])
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: the head of the engine is damaged; build it again") from None
    wanted = dataclasses.asdict(expected) if isinstance(expected, EngineKey) else dict(expected)
    for name, value in wanted.items():
        found = getattr(engine.key, name)
        if found != value:
            raise InputError(
                f"{path}: an engine for {name} {found}; here it is {value}: build it here with `shelfwatch export`"
            )
    if hashlib.sha256(engine.plan).hexdigest() != checksum:
        raise InputError(f"{path}: the engine is damaged; build it again")
    return engine
