"""What the pipeline says about pictures: boxes, places and the reading of one frame."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from scenarios import ShelfState

CLASSES = ("product", "gap", "price_tag", "person")
PRODUCT, GAP, PRICE_TAG, PERSON = range(4)


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes of one picture as parallel arrays.

    `xyxy` (N, 4) float32 pixels, `confidence` (N,) float32, `class_id` (N,) int64 into CLASSES, and
    from the recognizer `sku` (N,) object (None where unknown) with `similarity` (N,) float32, the
    cosine to the nearest gallery picture (0 where nothing was compared).
    """

    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]
    sku: NDArray[np.object_] = field(default=None)  # type: ignore[assignment, arg-type]
    similarity: NDArray[np.float32] = field(default=None)  # type: ignore[assignment, arg-type]

    def __post_init__(self) -> None:
        n = len(self.xyxy)
        if self.sku is None:
            object.__setattr__(self, "sku", np.full(n, None, object))
        if self.similarity is None:
            object.__setattr__(self, "similarity", np.zeros(n, np.float32))
        if self.xyxy.shape != (n, 4):
            raise ValueError(f"xyxy has shape {self.xyxy.shape}; expected (N, 4)")
        for name in ("confidence", "class_id", "sku", "similarity"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}; expected ({n},)")

    def __len__(self) -> int:
        return len(self.xyxy)

    def where(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Detections:
        """Those that a mask (N,) or indices (K,) choose, in their order."""
        return Detections(*(getattr(self, f.name)[which] for f in fields(self)))


class PlaceState(IntEnum):
    """What was seen at one front-row place of the planogram."""

    UNSEEN = 0
    EMPTY = 1
    OWN = 2
    FOREIGN = 3


@dataclass(frozen=True, eq=False)
class PlaceReadings:
    """One entry for every front-row place of `Layout.places`, as parallel arrays.

    `state` (P,) int8 of PlaceState, `sku` (P,) object (the SKU seen, None if none), `confidence`
    (P,) float32 in [0, 1], `pixels_per_metre` (P,) float32 of the camera that saw it (0 if unseen).
    `behind` (columns, rows) float32, where a picture was looked at: how much likelier it is with a pack in that
    row than without, as a logarithm; 0 where nothing is known, and for the front row.
    """

    state: NDArray[np.int8]
    sku: NDArray[np.object_]
    confidence: NDArray[np.float32]
    pixels_per_metre: NDArray[np.float32]
    behind: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.state)


@dataclass(frozen=True, eq=False)
class Reading:
    """What one frame says. `places` and `states` are there when layout and camera are known."""

    camera: str | None
    time: float
    size: tuple[int, int]
    """Width and height of the picture in pixels."""
    detections: Detections
    places: PlaceReadings | None = None
    states: tuple[ShelfState, ...] = ()
    """One for every position of the planogram, in its order."""
    latency_ms: dict[str, float] = field(default_factory=dict)
    """Wall time of each stage: detect, recognize, register, count."""
    people: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 4), np.float32))
    """(K, 4) boxes of what may be a person, down to a lower score than `detections`: to be hidden in a picture."""
