"""What the pipeline says about pictures: boxes, places and the reading of one frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import ShelfState

CLASSES = ("product", "gap", "price_tag", "person")
PRODUCT, GAP, PRICE_TAG, PERSON = range(4)


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes of one picture as parallel arrays.

    `xyxy` (N, 4) float32 pixels, `confidence` (N,) float32, `class_id` (N,) int64 into CLASSES, and
    from the recognizer `sku` (N,) object (None where unknown), `similarity` (N,) float32, how alike
    the most similar SKU is (`Gallery.similarities`, less what its size tells against it), `sku_confidence` (N,)
    float32, the chance that what `sku` says is right (both 0 where nothing was compared), and `nearest` (N,) object,
    that SKU, even where it is so far that `sku` is unknown.
    """

    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]
    sku: NDArray[np.object_] = field(default=None)  # type: ignore[assignment, arg-type]
    similarity: NDArray[np.float32] = field(default=None)  # type: ignore[assignment, arg-type]
    sku_confidence: NDArray[np.float32] = field(default=None)  # type: ignore[assignment, arg-type]
    nearest: NDArray[np.object_] = field(default=None)  # type: ignore[assignment, arg-type]

    def __post_init__(self) -> None:
        n = len(self.xyxy)
        for name in ("sku", "nearest"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(n, None, object))
        for name in ("similarity", "sku_confidence"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.zeros(n, np.float32))
        if self.xyxy.shape != (n, 4):
            raise ValueError(f"xyxy has shape {self.xyxy.shape}; expected (N, 4)")
        for name in ("confidence", "class_id", "sku", "similarity", "sku_confidence", "nearest"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}; expected ({n},)")

    def __len__(self) -> int:
        return len(self.xyxy)

    @property
    def unnamed(self) -> NDArray[np.bool_]:
        """Which (N,) were compared with a gallery and are probably none of its products."""
        return (self.sku == None) & (self.sku_confidence > 0)  # noqa: E711

    def where(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Detections:
        """Those that a mask (N,) or indices (K,) choose, in their order."""
        return Detections(*(getattr(self, f.name)[which] for f in fields(self)))


class PlaceState(IntEnum):
    """What was seen at one front-row place of the planogram. UNNAMED: a pack that is neither the planned product nor
    any other that the gallery knows."""

    UNSEEN = 0
    EMPTY = 1
    OWN = 2
    FOREIGN = 3
    UNNAMED = 4


class Sight(IntEnum):
    """How a place was seen: only inferred from what is beside it; from afar, steeply or past a person; or clearly."""

    INFERRED = 0
    POOR = 1
    CLEAR = 2


@dataclass(frozen=True, eq=False)
class PlaceReadings:
    """One entry for every front-row place of `Layout.places`, as parallel arrays.

    `state` (P,) int8 of PlaceState, `sku` (P,) object (the SKU seen, None if none), `confidence`
    (P,) float32 in [0, 1], `pixels_per_metre` (P,) float32 of the camera that saw it (0 if unseen).
    `behind` (columns, rows) float32, where a picture was looked at: how much likelier it is with a pack in that
    row than without, as a logarithm; 0 where nothing is known, and for the front row. `sight` (P,) int8 of Sight;
    None: all are seen clearly. `hides` (P,) bool: foreign packs that may stand before own ones; None: none does.
    """

    state: NDArray[np.int8]
    sku: NDArray[np.object_]
    confidence: NDArray[np.float32]
    pixels_per_metre: NDArray[np.float32]
    behind: NDArray[np.float32] | None = None
    sight: NDArray[np.int8] | None = None
    hides: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.state)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """The places (P,) of which it is known what stands there, if anything: neither unseen nor unnamed."""
        return (self.state != PlaceState.UNSEEN) & (self.state != PlaceState.UNNAMED)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """The places (P,) of which it is known whether an own pack stands there, be it behind a foreign one."""
        return self.judged if self.hides is None else self.judged & ~self.hides


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
    """Wall time of each stage: compare (with the frame before), detect, recognize, register, count."""
    people: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 4), np.float32))
    """(K, 4) boxes of what may be a person, down to a lower score than `detections`: to be hidden in a picture."""
    age: float = 0.0
    """Seconds since this was read: above 0 where the frame shows nothing that had changed since (`Pipeline`)."""


def as_plain(reading: Reading) -> dict[str, Any]:
    """Size, detections and times of a reading, as JSON holds them; boxes in pixels of the picture as given, upright
    by its EXIF tag."""
    found = reading.detections
    return {
        "width": reading.size[0],
        "height": reading.size[1],
        "detections": [
            {"box": [round(float(v), 1) for v in box], "class": CLASSES[c], "score": round(float(s), 4), "sku": sku}
            for box, c, s, sku in zip(found.xyxy, found.class_id, found.confidence, found.sku)
        ],
        "latency_ms": {stage: round(ms, 2) for stage, ms in reading.latency_ms.items()},
        **({"age": round(reading.age, 3)} if reading.age else {}),
    }


def as_exact(reading: Reading) -> dict[str, Any]:
    """All of a reading, as JSON holds it: `from_exact` gives it back to the last bit."""
    found, places = reading.detections, reading.places
    return {
        "camera": reading.camera, "time": reading.time, "size": list(reading.size), "latency_ms": reading.latency_ms,
        "detections": _arrays(found), "places": None if places is None else _arrays(places),
        "states": [asdict(state) for state in reading.states], "people": reading.people.tolist(),
    }  # fmt: skip


def from_exact(data: dict[str, Any]) -> Reading:
    """A reading of what `as_exact` gave. Raises ValueError, KeyError or TypeError for what is none."""
    found, places = data["detections"], data["places"]
    boxes = {"xyxy": (-1, 4)}
    width, height = data["size"]
    return Reading(
        data["camera"], data["time"], (width, height),
        Detections(**{name: _array(found[name], kind, boxes.get(name)) for name, kind in DETECTION_KINDS.items()}),
        None if places is None else PlaceReadings(**{n: _array(places[n], k) for n, k in PLACE_KINDS.items()}),
        tuple(ShelfState(**row) for row in data["states"]), data["latency_ms"], _array(data["people"], "f4", (-1, 4)),
    )  # fmt: skip


DETECTION_KINDS = {
    "xyxy": "f4", "confidence": "f4", "class_id": "i8", "sku": "O", "similarity": "f4", "sku_confidence": "f4",
    "nearest": "O",
}  # fmt: skip
PLACE_KINDS = {"state": "i1", "sku": "O", "confidence": "f4", "pixels_per_metre": "f4", "behind": "f4", "sight": "i1"}
"""Types of the arrays' elements."""


def _arrays(holder: Detections | PlaceReadings) -> dict[str, Any]:
    arrays = {f.name: getattr(holder, f.name) for f in fields(holder)}
    # str() of a name: NumPy has strings of its own.
    return {
        name: None if a is None else [v if v is None else str(v) for v in a] if a.dtype == object else a.tolist()
        for name, a in arrays.items()
    }


def _array(values: Any, kind: str, shape: tuple[int, ...] | None = None) -> Any:
    if values is None:
        return None
    array = np.array(values, np.dtype(kind))
    return array if shape is None else array.reshape(shape)
