"""Samples of responses: one row for everything that a picture shows of a shelf's front, with what was seen of it and
what a reading made of it.

Rows are units of the front row, gaps (front-row places without a unit) and positions. `bench.response.fit` fits curves
to such tables; they are plain pandas, ready for Parquet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.precision import MAX_DETECTIONS, match
from bench.scoring import HALF
from scenarios import Camera, Layout, Scenario
from sim import Truth
from sim.lighting import illuminance
from vision.readings import PRODUCT, PlaceReadings, PlaceState, Reading

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TOLD = 0.25
"""A unit is found by a box of this score or more: what `shelfwatch read` tells unless it is asked for more."""
UNRELATED = 1.0
"""The look-alike distance of products without a family."""
CLEAN = "clean"
"""The condition of a study that others are compared with."""
STEP = 1e-4
"""Metres over which image scales are measured, as in `Camera.pixels_per_metre`."""


@dataclass(frozen=True, eq=False)
class Sight:
    """How a camera sees the front-row places (P) of a layout: `px_per_m` at the middles of their faces, the geometric
    mean of the face's two image scales, so that foreshortening counts (0 behind the camera); the `angle` between the
    face's normal and the direction of the camera, and its parts along the shelf (`horizontal`, positive with the
    camera to the right of who stands before it) and upwards (`vertical`, positive from above), in radians."""

    px_per_m: Floats
    angle: Floats
    horizontal: Floats
    vertical: Floats


def sight(layout: Layout, camera: Camera) -> Sight:
    """What geometry alone says of a camera's view of every place. Faces are fronts, or tops in a freezer chest."""
    return sight_of(faces_of(layout), camera)


def sight_of(faces: tuple[Floats, Floats, Floats, Floats], camera: Camera) -> Sight:
    """The same of some faces, as `faces_of` has them."""
    points, normal, along, up = faces
    here, depth = camera.project(points)
    right, raised = ((camera.project(points + STEP * v)[0] - here) / STEP for v in (along, up))
    area = np.abs(right[:, 0] * raised[:, 1] - right[:, 1] * raised[:, 0])
    towards = np.subtract(camera.position, points)
    off, aside, above = ((towards * v).sum(axis=1) for v in (normal, along, up))
    cosine = np.clip(off / np.linalg.norm(towards, axis=1), -1, 1)
    return Sight(
        np.where(depth > 0, np.sqrt(area), 0.0), np.arccos(cosine), np.arctan2(aside, off), np.arctan2(above, off)
    )


def place_lux(scenario: Scenario) -> Floats:
    """Illuminance on the face of every front-row place (P,), lux; nothing casts a shadow."""
    points, normal, _, _ = faces_of(scenario.layout)
    return illuminance(scenario, points, normal)


def faces_of(layout: Layout) -> tuple[Floats, Floats, Floats, Floats]:
    """Of every place's face (P, 3): the middle, the unit normal, and the directions along the shelf and up the
    face."""
    places = layout.places
    sin, cos, zero = np.sin(places.yaw), np.cos(places.yaw), np.zeros(len(places))
    outward, upward = np.stack([sin, -cos, zero], axis=1), np.broadcast_to((0.0, 0.0, 1.0), (len(places), 3))
    chest = places.from_above[:, None]
    along = np.stack([cos, sin, zero], axis=1)
    return places.faces.mean(axis=1), np.where(chest, upward, outward), along, np.where(chest, -outward, upward)


def samples_of(scenario: Scenario, camera: Camera, truth: Truth, reading: Reading) -> pd.DataFrame:
    """The samples of one picture.

    Whose: `kind` ("unit", "gap", "position"), `store`, `seed`, `camera`, `position`, `place` (-1 of a position),
    `level` in a stack, `sku` (the unit's, else the planned one), `form` and `width` (metres) of its pack, `own`
    (whether it is the planned one), `lookalike` (whether it belongs to a family) and `lookalike_distance` (1 without
    one).
    What was seen: `px_per_m`, `angle`, `angle_horizontal`, `angle_vertical` in radians (see `Sight`), `lux` on the
    face, `visible_fraction`; of a position the means over its places;
    `picture_side`, the pixels of the picture's longer side, which the detector scales to its own.
    What was read of units: `found` (matched by a product box of IoU 0.5 that scores `TOLD` or more), `confidence` of
    the box (0 without any), `named` (the nearest SKU, "" without a box), `sku_right` (found, and rightly named),
    `confused` (found, and named another of its family). `right`: a unit of the planned SKU was counted, a foreign one
    told to be foreign, a gap told to be empty, and of a position the number of facings told is exact.

    Units and gaps that do not show at all are left out, and positions of which nothing shows. Raises ValueError for a
    reading without places.
    """
    if reading.places is None:
        raise ValueError("the reading has no places; expected one of a known layout and camera")
    layout = scenario.layout
    seen, lux = sight(layout, camera), place_lux(scenario)
    planned = np.array([p.sku for p in layout.planogram.positions], object)[layout.places.position]
    view = pd.DataFrame(
        {
            "place": np.arange(len(layout.places)), "level": layout.places.level, "px_per_m": seen.px_per_m,
            "angle": seen.angle, "angle_horizontal": seen.horizontal, "angle_vertical": seen.vertical, "lux": lux,
        }
    )  # fmt: skip
    kinds = {
        "unit": _units(truth, reading, reading.places, view, planned),
        "gap": _gaps(truth, reading.places, view, planned),
        "position": _positions(layout, truth, reading, view, planned),
    }
    table = pd.concat([part.assign(kind=kind) for kind, part in kinds.items()], ignore_index=True)
    products = [layout.catalog[sku] for sku in table["sku"]]
    table["form"], table["width"] = [p.form for p in products], [p.width for p in products]
    table["lookalike"] = np.array([bool(p.family) for p in products], bool)
    table["lookalike_distance"] = np.where(table["lookalike"], scenario.conditions.lookalikes.distance, UNRELATED)
    family = {p.sku: p.family for p in layout.catalog}
    same = np.array([bool(p.family) and family.get(n) == p.family for p, n in zip(products, table["named"])], bool)
    table["confused"] = table["found"] & ~table["sku_right"] & same
    owner = np.where(table["place"] >= 0, layout.places.position[table["place"]], table.pop("index"))
    table["position"] = np.array([p.id for p in layout.planogram.positions], object)[owner.astype(int)]
    table = table.assign(
        store=layout.store.name, seed=scenario.seed, camera=camera.id, picture_side=max(reading.size)
    )  # fmt: skip
    return table[list(COLUMNS)].astype(COLUMNS)


COLUMNS = {
    "kind": "str", "store": "str", "seed": "int64", "camera": "str", "position": "str", "place": "int64",
    "level": "int64", "sku": "str", "form": "str", "width": "float64", "own": "bool", "picture_side": "int64",
    "lookalike": "bool", "lookalike_distance": "float64",
    "px_per_m": "float64", "angle": "float64", "angle_horizontal": "float64", "angle_vertical": "float64",
    "lux": "float64", "visible_fraction": "float64", "found": "bool", "confidence": "float64", "named": "str",
    "sku_right": "bool", "confused": "bool", "right": "bool",
}  # fmt: skip
"""The columns of a table of samples and their types."""


def _units(
    truth: Truth, reading: Reading, places: PlaceReadings, view: pd.DataFrame, planned: NDArray[np.object_]
) -> pd.DataFrame:
    unit = np.flatnonzero(truth.front & (truth.visible_fraction > 0))
    place, sku = truth.place[unit], truth.sku[unit]
    box = _boxes_of(truth, reading)[unit]
    there = box >= 0
    confidence = np.where(there, np.append(reading.detections.confidence, 0)[box], 0)
    named = np.where(there, np.append(reading.detections.nearest, "")[box], "")
    named[named == None] = ""  # noqa: E711
    own = sku == planned[place]
    found = confidence >= TOLD
    right = places.state[place] == np.where(own, PlaceState.OWN, PlaceState.FOREIGN)
    return view.iloc[place].assign(
        sku=sku, own=own, visible_fraction=truth.visible_fraction[unit], found=found, confidence=confidence,
        named=named, sku_right=found & (named == sku), right=right, index=-1,
    )  # fmt: skip


def _boxes_of(truth: Truth, reading: Reading) -> NDArray[np.int64]:
    """The detection that found each unit (N,), or -1. Units that are half visible are matched first, and among
    themselves, as `bench.scoring` does; the boxes that are left over may have found the others."""
    found = np.full(len(truth.sku), -1, np.int64)
    left = np.flatnonzero(reading.detections.class_id == PRODUCT)
    half = truth.visible_fraction >= HALF
    for units in (np.flatnonzero(half), np.flatnonzero(~half & (truth.visible_fraction > 0))):
        scores = reading.detections.confidence[left].astype(float)
        boxes = reading.detections.xyxy[left].astype(float)
        hit = match(boxes, scores, truth.visible_box[units].astype(float), boxes[:0]).hit[0]
        order = left[np.argsort(-scores, kind="stable")[:MAX_DETECTIONS]]
        found[units[hit[hit >= 0]]] = order[hit >= 0]
        left = np.sort(order[hit < 0])
    return found


def _gaps(truth: Truth, places: PlaceReadings, view: pd.DataFrame, planned: NDArray[np.object_]) -> pd.DataFrame:
    shown = truth.gap_visible_fraction > 0
    place = truth.gap_place[shown]
    return view.iloc[place].assign(
        sku=planned[place], own=True, visible_fraction=truth.gap_visible_fraction[shown], found=False, confidence=0.0,
        named="", sku_right=False, right=places.state[place] == PlaceState.EMPTY, index=-1,
    )  # fmt: skip


def _positions(
    layout: Layout, truth: Truth, reading: Reading, view: pd.DataFrame, planned: NDArray[np.object_]
) -> pd.DataFrame:
    owner = layout.places.position
    visible = np.zeros(len(layout.places))
    visible[truth.place[truth.front]] = truth.visible_fraction[truth.front]
    visible[truth.gap_place] = truth.gap_visible_fraction
    front = truth.place[truth.front]
    own = front[truth.sku[truth.front] == planned[front]]
    facings = np.bincount(owner[own], minlength=len(layout.planogram.positions))
    means = view.assign(visible_fraction=visible, index=owner).groupby("index", as_index=False).mean()
    told = [state.facings for state in reading.states]
    table = means.assign(
        place=-1, level=0, sku=[p.sku for p in layout.planogram.positions], own=True, found=False, confidence=0.0,
        named="", sku_right=False, right=[said == there for said, there in zip(told, facings.tolist())],
    )  # fmt: skip
    return table[table["visible_fraction"] > 0]
