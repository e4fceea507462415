"""Registration: detections to the front-row places of the planogram, through the camera's calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout
from vision.readings import GAP, PERSON, PRODUCT, Detections, PlaceReadings, PlaceState

Floats = NDArray[np.float64]

FEWEST_PIXELS_PER_METRE = 120.0
"""A place seen with less is not judged."""
IN_FRAME = 0.7
"""The share of a place's expected box that has to lie inside the picture."""
WEAKEST_MATCH = 0.30
WEAKEST_GAP = 0.05
LEAST_COVERED = 0.25
GRID = 8
"""Points a side at which a place is looked up in the boxes of gaps and persons."""
FOREIGN_MARGIN = 0.12
"""A product is foreign when another SKU is nearer than the planned one by more than this cosine."""


@dataclass(frozen=True, eq=False)
class View:
    """Where a camera expects each front-row place (P): `box` (P, 4) xyxy pixels, `ppm` (P,) pixels per
    metre, `visible` (P,) whether the place is in the frame and large enough to be judged."""

    box: Floats
    ppm: Floats
    visible: NDArray[np.bool_]


def view_of(layout: Layout, camera: Camera) -> View:
    """Project every front-row place of the layout into the camera's picture."""
    places = layout.places
    pixels, depth = camera.project(places.corners)
    box = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)
    size = np.array([camera.model.width, camera.model.height] * 2)
    inside = _area(np.clip(box, 0, size)) / np.maximum(_area(box), 1e-9)
    ppm = camera.pixels_per_metre(places.front, places.yaw)
    visible = (depth.min(axis=1) > 0.2) & (inside >= IN_FRAME) & (ppm >= FEWEST_PIXELS_PER_METRE)
    return View(box, ppm, visible)


def register(
    layout: Layout,
    view: View,
    detections: Detections,
    similarities: NDArray[np.float32] | None,
    names: NDArray[np.str_] | None,
) -> PlaceReadings:
    """Say for every place what was seen there.

    `similarities` (N, K) are cosines of the N detections to the K gallery SKUs `names`; None without a
    gallery, when every product counts as the planned one. A place where neither a product nor a gap
    was found, or that a person covers, is unseen: not seen is not empty.
    """
    count = len(layout.places)
    state = np.zeros(count, np.int8)
    sku = np.full(count, None, object)
    confidence = np.zeros(count, np.float32)
    products = np.flatnonzero(detections.class_id == PRODUCT)
    match = assign(view, detections.xyxy[products], detections.confidence[products])
    gap, person = (_evidence(view.box, detections, class_id) for class_id in (GAP, PERSON))
    for p in np.flatnonzero(view.visible):
        if match[p] >= 0 and detections.confidence[products[match[p]]] >= gap[p] * 0.5:
            d = products[match[p]]
            planned = layout.planogram.positions[layout.places.position[p]].sku
            state[p], sku[p], trust = _identify(planned, d, similarities, names)
            confidence[p] = detections.confidence[d] * trust
        elif gap[p] >= max(WEAKEST_GAP, person[p]):
            state[p], confidence[p] = PlaceState.EMPTY, gap[p]
    _empty_tops(layout, view, state, confidence, person)
    ppm = np.where(state != PlaceState.UNSEEN, view.ppm, 0).astype(np.float32)
    return PlaceReadings(state, sku, confidence, ppm)


def assign(view: View, xyxy: NDArray[np.float32], certainty: NDArray[np.float32]) -> NDArray[np.int64]:
    """Match boxes (N, 4) to places, one to one, the best pair first; returns (P,) box index or -1.

    A pair is as good as the boxes overlap and as their foot points agree: packs of another size still
    stand on the shelf in the middle of the place.
    """
    match = np.full(len(view.box), -1, np.int64)
    if len(xyxy) == 0:
        return match
    a, b = view.box[:, None], xyxy[None].astype(float)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    overlap = shared / (_area(view.box)[:, None] + _area(xyxy)[None] - shared)
    width, height = (view.box[:, 2:] - view.box[:, :2]).T[..., None]
    across = ((a[..., 0] + a[..., 2]) - (b[..., 0] + b[..., 2])) / 2 / width
    foot = (a[..., 3] - b[..., 3]) / height
    near = np.exp(-((across / 0.35) ** 2) - (foot / 0.3) ** 2)
    quality = (0.5 * overlap + 0.5 * near) * (0.7 + 0.3 * certainty[None])
    quality[~view.visible] = 0
    pairs = np.argwhere(quality >= WEAKEST_MATCH)
    taken = np.zeros(len(xyxy), bool)
    for p, d in pairs[np.argsort(-quality[pairs[:, 0], pairs[:, 1]], kind="stable")]:
        if match[p] < 0 and not taken[d]:
            match[p], taken[d] = d, True
    return match


def _identify(
    planned: str, detection: int, similarities: NDArray[np.float32] | None, names: NDArray[np.str_] | None
) -> tuple[PlaceState, str, float]:
    """Own or foreign, the SKU seen, and how sure that is. The plan is believed until a rival is clearly nearer."""
    if similarities is None or names is None:
        return PlaceState.OWN, planned, 0.5
    row = similarities[detection]
    own = np.flatnonzero(names == planned)
    best = int(row.argmax())
    lead = float(row[best] - row[own[0]]) if len(own) else 1.0
    if names[best] == planned or lead <= FOREIGN_MARGIN:
        return PlaceState.OWN, planned, float(np.clip(1 - lead / FOREIGN_MARGIN / 2, 0.3, 1))
    return PlaceState.FOREIGN, str(names[best]), float(np.clip(lead / FOREIGN_MARGIN / 2, 0.3, 1))


def _evidence(box: Floats, detections: Detections, class_id: int) -> NDArray[np.float32]:
    """How surely each place (P) is covered by detections of a class: over a grid of points in its box, the mean
    certainty of the surest detection there; 0 where fewer than `LEAST_COVERED` of the points are covered.

    Together, not one by one: a gap of several facings is often found in pieces that end inside of a place.
    """
    chosen = detections.class_id == class_id
    if not chosen.any():
        return np.zeros(len(box), np.float32)
    xyxy, certainty = detections.xyxy[chosen].astype(float), detections.confidence[chosen]
    share = (np.arange(GRID) + 0.5) / GRID
    x, y = (box[:, None, i] + (box[:, None, i + 2] - box[:, None, i]) * share for i in (0, 1))  # (P, GRID) each
    across = (x[..., None] >= xyxy[:, 0]) & (x[..., None] <= xyxy[:, 2])  # (P, GRID, detections)
    down = (y[..., None] >= xyxy[:, 1]) & (y[..., None] <= xyxy[:, 3])
    surest = (across[:, None] * down[:, :, None] * certainty).max(axis=-1).reshape(len(box), -1)
    covered = (surest > 0).mean(axis=1) >= LEAST_COVERED
    return np.where(covered, surest.mean(axis=1), 0).astype(np.float32)


def _empty_tops(
    layout: Layout, view: View, state: NDArray[np.int8], confidence: NDArray[np.float32], person: NDArray[np.float32]
) -> None:
    """Upper places of a stack: nothing stands on an empty place, seen or not; and nothing found on top of a place
    that was seen is nothing there, unless a person may hide it."""
    for p in np.flatnonzero((layout.places.level > 0) & (state == PlaceState.UNSEEN)):
        below = p - 1
        bare = state[below] != PlaceState.UNSEEN and view.visible[p] and person[p] < 0.1
        if state[below] == PlaceState.EMPTY or bare:
            state[p], confidence[p] = PlaceState.EMPTY, confidence[below] * 0.8


def _area(box: NDArray) -> Floats:
    size = np.maximum(box[..., 2:] - box[..., :2], 0)
    return size[..., 0] * size[..., 1]
