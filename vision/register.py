"""Registration: detections to the front-row places of the planogram, through the camera's calibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout
from vision.identity import LEAST_CHANCE, chance_foreign, rivals
from vision.readings import GAP, PERSON, PRODUCT, Detections, PlaceReadings, PlaceState, Sight
from vision.stacks import infer_tops
from vision.view import View

Floats = NDArray[np.float64]

WEAKEST_MATCH = 0.30
WEAKEST_GAP = 0.05
LEAST_COVERED = 0.25
CLEAR_OF_PEOPLE = 0.1
"""A place is seen clearly with less than this certainty of a person before it: of the packs that vision/view.py tells
of 10 % were called a gap with a person and 4 % without."""
GRID = 8
"""Points a side at which a place is looked up in the boxes of gaps and persons."""


def register(
    layout: Layout,
    view: View,
    detections: Detections,
    match: NDArray[np.int64],
    similarities: NDArray[np.float32] | None,
    names: NDArray[np.str_] | None,
) -> PlaceReadings:
    """Say for every place what was seen there.

    `match` (P,) is what `assign` says of the N detections. `similarities` (N, K) are cosines to the K gallery
    SKUs `names`, of those that are matched at least; None without a gallery, when every product counts as the
    planned one. A place where neither a product nor a gap was found, or that a person covers, is unseen: not seen
    is not empty.
    """
    count = len(layout.places)
    state = np.zeros(count, np.int8)
    sku = np.full(count, None, object)
    confidence = np.zeros(count, np.float32)
    gap, person = (_evidence(view.box, detections, class_id) for class_id in (GAP, PERSON))
    surest = np.append(detections.confidence, np.float32(-1))[match]  # -1 where nothing is matched
    taken = (match >= 0) & (surest >= gap * 0.5)
    planned = np.array([p.sku for p in layout.planogram.positions])[layout.places.position[taken]]
    rows = similarities[match[taken]] if similarities is not None else None
    state[taken], sku[taken], trust = _identify(planned, rows, surest[taken], names)
    confidence[taken] = surest[taken] * trust
    bare = view.visible & ~taken & (gap >= np.maximum(WEAKEST_GAP, person))
    state[bare], confidence[bare] = PlaceState.EMPTY, gap[bare]
    _withhold_names(state, sku, match, detections)
    _look_past(layout, view, state, sku, confidence)
    inferred = state == PlaceState.UNSEEN
    infer_tops(layout, view, detections, match, person < CLEAR_OF_PEOPLE, state, sku, confidence)
    sight = np.where(view.clear & (person < CLEAR_OF_PEOPLE), Sight.CLEAR, Sight.POOR).astype(np.int8)
    sight[inferred & (state == PlaceState.OWN)] = Sight.POOR
    sight[inferred & (state == PlaceState.EMPTY)] = Sight.INFERRED
    ppm = np.where(state != PlaceState.UNSEEN, view.ppm, 0).astype(np.float32)
    return PlaceReadings(state, sku, confidence, ppm, sight=sight)


def assign(view: View, detections: Detections) -> NDArray[np.int64]:
    """Match products to the places that are seen, one to one, the best pair first; returns (P,) index or -1.

    A pair is as good as the boxes overlap and as their foot points agree: packs of another size still
    stand on the shelf in the middle of the place.
    """
    match = np.full(len(view.box), -1, np.int64)
    seen, products = np.flatnonzero(view.visible), np.flatnonzero(detections.class_id == PRODUCT)
    if len(products) == 0:
        return match
    x0, y0, x1, y1 = view.box[seen].T[..., None]
    left, top, right, bottom = detections.xyxy[products].T.astype(float)
    shared = np.maximum(np.minimum(x1, right) - np.maximum(x0, left), 0)
    shared *= np.maximum(np.minimum(y1, bottom) - np.maximum(y0, top), 0)
    overlap = shared / ((x1 - x0) * (y1 - y0) + (right - left) * (bottom - top) - shared)
    across, foot = ((x0 + x1) - (left + right)) / 2 / (x1 - x0), (y1 - bottom) / (y1 - y0)
    near = np.exp(-((across / 0.35) ** 2) - (foot / 0.3) ** 2)
    quality = (0.5 * overlap + 0.5 * near) * (0.7 + 0.3 * detections.confidence[products])
    rows, columns = np.nonzero(quality >= WEAKEST_MATCH)
    best = np.argsort(-quality[rows, columns], kind="stable")
    taken = np.zeros(len(detections), bool)
    for p, d in zip(seen[rows[best]].tolist(), products[columns[best]].tolist()):
        if match[p] < 0 and not taken[d]:
            match[p], taken[d] = d, True
    return match


def _identify(
    planned: NDArray[np.str_],
    rows: NDArray[np.float32] | None,
    certainty: NDArray[np.float32],
    names: NDArray[np.str_] | None,
) -> tuple[NDArray[np.int8], NDArray, Floats]:
    """Of M places: own or foreign, the SKU seen, and how sure that is. `planned` (M,) SKUs, `rows` (M, K) cosines of
    what was seen there to the `names`, `certainty` (M,) of its boxes."""
    if rows is None or names is None or len(planned) == 0:
        return np.full(len(planned), PlaceState.OWN, np.int8), planned, np.full(len(planned), 0.5)
    column = {name: i for i, name in enumerate(names.tolist())}
    own, rival, likeness = rivals(rows, np.array([column.get(sku, -1) for sku in planned.tolist()]))
    chance = chance_foreign(own, likeness, certainty)
    foreign = chance > LEAST_CHANCE
    state = np.where(foreign, PlaceState.FOREIGN, PlaceState.OWN).astype(np.int8)
    return state, np.where(foreign, names[rival], planned), np.where(foreign, chance, 1 - chance)


def _withhold_names(
    state: NDArray[np.int8], sku: NDArray[np.object_], match: NDArray[np.int64], detections: Detections
) -> None:
    """What is not the planned product, and probably none that the gallery knows, is given no name."""
    foreign = np.flatnonzero(state == PlaceState.FOREIGN)
    doubtful = foreign[detections.unnamed[match[foreign]]]
    state[doubtful], sku[doubtful] = PlaceState.UNNAMED, None


def _look_past(
    layout: Layout, view: View, state: NDArray[np.int8], sku: NDArray[np.object_], confidence: NDArray[np.float32]
) -> None:
    """Packs that seem to stand on top of a stack and stand elsewhere leave the place unseen: whatever is found over an
    empty place, and a neighbour's, which is seen between a stack that is not full and the board above. With
    it the overhead cameras of the quickstart were right in 0.938 instead of 0.897 of the misplaced products that they
    told of.
    """
    for p in np.flatnonzero((layout.places.level > 0) & np.isin(state, (PlaceState.FOREIGN, PlaceState.UNNAMED))):
        if state[p - 1] == PlaceState.EMPTY or sku[p] in view.beside[p]:
            state[p], sku[p], confidence[p] = PlaceState.UNSEEN, None, 0


def _evidence(box: Floats, detections: Detections, class_id: int) -> NDArray[np.float32]:
    """How surely each place (P) is covered by detections of a class: over a grid of points in its box, the mean
    certainty of the surest detection there; 0 where fewer than `LEAST_COVERED` of the points are covered.

    Together, not one by one: a gap of several facings is often found in pieces that end inside of a place.
    """
    chosen = detections.class_id == class_id
    if not chosen.any():
        return np.zeros(len(box), np.float32)
    xyxy, certainty = detections.xyxy[chosen].astype(float), detections.confidence[chosen]
    # Few places have anything of the class on them; the grids of all would cost more than all else here.
    near = np.ones((len(box), len(xyxy)), bool)
    for i in (0, 1):
        low, high = np.minimum(box[:, i], box[:, i + 2]), np.maximum(box[:, i], box[:, i + 2])
        near &= (low[:, None] <= xyxy[:, i + 2]) & (high[:, None] >= xyxy[:, i])
    some, found = near.any(axis=1), np.zeros(len(box), np.float32)
    found[some] = _on_grid(box[some], xyxy, certainty)
    return found


def _on_grid(box: Floats, xyxy: Floats, certainty: NDArray[np.float32]) -> NDArray[np.float32]:
    """As `_evidence`, of the detections' boxes (N, 4) alone."""
    share = (np.arange(GRID) + 0.5) / GRID
    x, y = (box[:, None, i] + (box[:, None, i + 2] - box[:, None, i]) * share for i in (0, 1))  # (P, GRID) each
    across = (x[..., None] >= xyxy[:, 0]) & (x[..., None] <= xyxy[:, 2])  # (P, GRID, detections)
    down = (y[..., None] >= xyxy[:, 1]) & (y[..., None] <= xyxy[:, 3])
    surest = (across[:, None] * down[:, :, None] * certainty).max(axis=-1).reshape(len(box), GRID * GRID)
    covered = (surest > 0).mean(axis=1) >= LEAST_COVERED
    return np.where(covered, surest.mean(axis=1), 0).astype(np.float32)
