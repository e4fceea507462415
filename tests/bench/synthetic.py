"""Truth and readings made by hand: what a picture of a stock shows, and what a faultless pipeline says of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout, Stock, Unit
from sim import Truth
from vision import Detections, PlaceReadings, PlaceState, Reading, audit
from vision.readings import PRODUCT

NOTHING = np.empty((0, 4), np.float32)


def full_stock(layout: Layout, leave_out: tuple[int, ...] = (), foreign: dict[int, str] | None = None) -> Stock:
    """One unit in every front-row place but those left out; `foreign` places hold another SKU."""
    units, index = [], 0
    for p in layout.planogram.positions:
        for column in range(p.wide):
            for level in range(p.high):
                sku = (foreign or {}).get(index, p.sku)
                x, y, z = layout.base(p, column, level)
                if index not in leave_out:
                    units.append(Unit(sku, p.id, column, level, 0, float(x), float(y), float(z), 0.0))
                index += 1
    return Stock(tuple(units))


def truth_of(layout: Layout, stock: Stock, camera: Camera) -> Truth:
    """The truth of a picture in which every unit and every gap of a full front row is seen whole."""
    pixels, _ = camera.project(layout.places.corners)
    boxes = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1).astype(np.float32)
    first: dict[str, int] = {}
    for i, owner in enumerate(layout.places.position):
        first.setdefault(layout.planogram.positions[owner].id, i)
    high = {p.id: p.high for p in layout.planogram.positions}
    place = np.array([first[u.position] + u.column * high[u.position] + u.level for u in stock.units], np.int64)
    gaps = np.setdiff1d(np.arange(len(layout.places)), place)
    return Truth(
        sku=np.array([u.sku for u in stock.units], object),
        place=place,
        visible_box=boxes[place],
        amodal_box=boxes[place],
        visible_fraction=np.ones(len(place), np.float32),
        hidden=np.zeros((len(place), 5), np.float32),
        gap_box=boxes[gaps],
        gap_place=gaps,
        gap_visible_fraction=np.ones(len(gaps), np.float32),
        price_tag_box=NOTHING,
        price_tag_visible_fraction=np.empty(0, np.float32),
        person_box=NOTHING,
        person_visible_fraction=np.empty(0, np.float32),
        mask=np.empty((0, 0), np.int32),
        depth=np.empty((0, 0), np.float32),
    )


def hide(truth: Truth, place: int, fraction: float = 0.3) -> Truth:
    """The same truth with only `fraction` of what is at a place to be seen."""
    unit, gap = truth.visible_fraction.copy(), truth.gap_visible_fraction.copy()
    unit[truth.place == place] = fraction
    gap[truth.gap_place == place] = fraction
    return dataclasses.replace(truth, visible_fraction=unit, gap_visible_fraction=gap)


def detections_of(truth: Truth, leave_out: tuple[int, ...] = (), extra: NDArray[np.float32] = NOTHING) -> Detections:
    """A box with the right SKU for every unit but those at the places left out, and `extra` boxes below."""
    kept = ~np.isin(truth.place, leave_out)
    n, more = int(kept.sum()), len(extra)
    sku = np.concatenate([truth.sku[kept], np.full(more, None, object)])
    return Detections(
        np.concatenate([truth.visible_box[kept], extra]).astype(np.float32),
        np.concatenate([np.full(n, 0.9), np.full(more, 0.6)]).astype(np.float32),
        np.full(n + more, PRODUCT, np.int64),
        sku,
        nearest=sku.copy(),
    )


def places_of(layout: Layout, truth: Truth, **states: Any) -> PlaceReadings:
    """What a faultless reading says of every place; `states` is {"place_3": PlaceState.UNSEEN}."""
    planned = np.array([p.sku for p in layout.planogram.positions], object)[layout.places.position]
    state = np.full(len(planned), PlaceState.EMPTY, np.int8)
    sku = np.full(len(planned), None, object)
    sku[truth.place] = truth.sku
    state[truth.place] = np.where(truth.sku == planned[truth.place], PlaceState.OWN, PlaceState.FOREIGN)
    for name, value in states.items():
        state[int(name.removeprefix("place_"))] = value
    return PlaceReadings(state, sku, np.full(len(planned), 0.9, np.float32), np.full(len(planned), 500, np.float32))


def reading_of(layout: Layout, camera: Camera, detections: Detections, places: PlaceReadings) -> Reading:
    size = (camera.model.width, camera.model.height)
    laps = {"detect": 40.0, "recognize": 10.0, "register": 2.0, "count": 1.0}
    return Reading(camera.id, 0.0, size, detections, places, audit(layout, places), laps)
