"""Rendered pictures with their truth, on disk: rendered once and shared by all that read them.

An entry is one .npz, so that its own checksums tell a damaged one; it gets its name when it is whole. Truths are kept
without mask and depth.
"""

from __future__ import annotations

import dataclasses
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.studies.claims import claimed, wait_for
from bench.studies.study import RENDERING, code_version, digest
from scenarios import Camera, Frame, Lookalikes, Product, Scenario
from sim import Truth

Arrays = dict[str, NDArray]
LEFT_OUT = ("mask", "depth")
CHECK_EVERY = 16
"""Entries written between two looks at the folder's size."""
KEEP = 0.9
"""Of the limit: what is left when the entries used least recently have gone."""


@dataclass
class PictureCache:
    """A folder of entries, at most about `limit` bytes; several processes may use it at once."""

    folder: Path
    limit: int
    rendered: int = 0
    found: int = 0
    _written: int = field(default=0, repr=False)

    def get(self, key: str) -> Arrays | None:
        """An entry, or None where there is none. A damaged one is thrown away."""
        path = self.folder / f"{key}.npz"
        try:
            with np.load(path, allow_pickle=False) as entry:
                arrays = {name: entry[name] for name in entry.files}
            os.utime(path)
            return arrays
        except FileNotFoundError:
            return None
        except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError):
            path.unlink(missing_ok=True)
            return None

    def put(self, key: str, arrays: Mapping[str, NDArray]) -> None:
        """Write an entry, whole or not at all, and make room now and then."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{key}.{os.getpid()}.draft"
        try:
            buffer = io.BytesIO()
            np.savez(buffer, **arrays)  # type: ignore[arg-type]
            draft.write_bytes(buffer.getbuffer())
            draft.replace(self.folder / f"{key}.npz")
        except OSError as error:
            draft.unlink(missing_ok=True)
            error.filename = error.filename or str(self.folder)
            raise
        if self._written % CHECK_EVERY == 0:
            self.make_room()
        self._written += 1

    def begin(self, key: str, render: Callable[[], Arrays]) -> None:
        """Render an entry if it is missing and no other process is at it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / f"{key}.npz").exists():
            with claimed(self.folder / f"{key}.claim") as claim:
                if claim is not None and not (self.folder / f"{key}.npz").exists():
                    self.put(key, render())
                    self.rendered += 1

    def make(self, key: str, render: Callable[[], Arrays]) -> Arrays:
        """An entry, rendered if it is missing; where another process is at it, that is waited for."""
        path, claim_path = self.folder / f"{key}.npz", self.folder / f"{key}.claim"
        while True:
            entry = self.get(key)
            if entry is not None:
                self.found += 1
                return entry
            self.folder.mkdir(parents=True, exist_ok=True)
            with claimed(claim_path) as claim:
                if claim is not None:
                    entry = self.get(key)  # finished between the look and the claim
                    if entry is None:
                        entry = render()
                        self.put(key, entry)
                        self.rendered += 1
                    else:
                        self.found += 1
                    return entry
            wait_for(path, claim_path)

    def make_room(self) -> None:
        """Past the limit, delete the entries used least recently until nine tenths of it are left."""
        entries = []
        with os.scandir(self.folder) as files:
            for file in files:
                if file.name.endswith(".npz"):
                    try:
                        facts = file.stat()
                    except FileNotFoundError:
                        continue  # another process made room
                    entries.append((facts.st_mtime_ns, facts.st_size, file.path))
        size = sum(e[1] for e in entries)
        if size <= self.limit:
            return
        for _, bytes_, path in sorted(entries):
            Path(path).unlink(missing_ok=True)
            size -= bytes_
            if size <= KEEP * self.limit:
                return


def picture_key(scenario_hash: str, camera: Camera, renderer: str) -> str:
    """A name for everything that decides a picture."""
    return digest([scenario_hash, dataclasses.asdict(camera), renderer, code_version(RENDERING)])


def studio_key(products: tuple[Product, ...], artwork: Mapping[str, str], lookalikes: Lookalikes) -> str:
    """A name for everything that decides the studio pictures of products."""
    plain = [dataclasses.asdict(p) | {"artwork": artwork.get(p.sku, "")} for p in products]
    return "studio-" + digest([plain, lookalikes.distance, code_version(RENDERING)])


def as_arrays(image: NDArray[np.uint8], truth: Truth) -> Arrays:
    """A picture and its truth as an entry. The image is packed without loss."""
    packed = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
    fields = {f.name: getattr(truth, f.name) for f in dataclasses.fields(Truth) if f.name not in LEFT_OUT}
    return {"image": packed} | {k: v.astype(str) if v.dtype == object else v for k, v in fields.items()}


def picture_of(entry: Arrays, scenario: Scenario, camera: Camera) -> tuple[Frame, Truth]:
    """The picture and truth of an entry; the truth has no mask and no depth."""
    packed = cv2.imdecode(entry["image"], cv2.IMREAD_COLOR)
    assert packed is not None  # the entry has checksums
    image = np.ascontiguousarray(packed[..., ::-1], np.uint8)
    fields = {k: v.astype(object) if v.dtype.kind == "U" else v for k, v in entry.items() if k != "image"}
    nothing = np.empty((0, 0))
    truth = Truth(**fields, mask=nothing.astype(np.int32), depth=nothing.astype(np.float32))
    return Frame(image, camera, scenario.time), truth
