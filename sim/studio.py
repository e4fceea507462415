"""Studio pictures: each pack alone before a plain ground, as a retailer would enrol it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios import (
    Camera,
    CameraModel,
    Catalog,
    Conditions,
    Fixture,
    Layout,
    Lookalikes,
    Planogram,
    Position,
    Product,
    Room,
    Scenario,
    Shelf,
    Stock,
    Store,
    Unit,
)
from sim.raster import render
from sim.world import World

VIEWS = ((0.0, 0.10), (0.45, 0.45), (-0.45, 0.45))
"""Azimuth and elevation of the three views, radians."""
FURTHER_VIEWS = ((0.0, 0.6), (0.0, 0.3))
"""For who takes five pictures: from above, as ceiling cameras see packs."""
DISTANCE = 1.2
"""Of the studio camera from the pack, metres."""
STUDIO_GAIN = 1.5
"""Exposure of the studio camera: white comes out just below full scale."""


def studio_pictures(
    products: Iterable[Product],
    pixels: int = 224,
    lookalikes: Lookalikes | None = None,
    views: Sequence[tuple[float, float]] = VIEWS,
) -> dict[str, list[NDArray[np.uint8]]]:
    """Photograph every product from `views`: the front, above left and above right.

    Each picture (H, W, 3) uint8 RGB is cut to the pack; the long side of the frame has `pixels`.
    `lookalikes` is the dial of the store that the products stand in.
    """
    products = tuple(products)
    bench = Fixture("bench", 0.0, 0.0, 3.0, 3.0, (Shelf(0.8, 2.0),))
    store = Store("studio", Room((-2.0, 5.0), (-4.0, 3.2), 3.5), (bench,))
    # Every product has its slot at the same spot; one at a time is put there.
    slots = tuple(Position(p.sku, "bench", 0, 1.5, p.sku, 1, 1, 1, 0) for p in products)
    layout = Layout(store, Catalog(products), Planogram(slots))
    scenario = Scenario(layout, Conditions("studio", lookalikes=lookalikes or Lookalikes()), seed=1)
    pictures = {}
    with World(layout, lookalikes=lookalikes) as world:
        for slot in slots:
            x, y, z = layout.base(slot, 0)
            world.place(Stock((Unit(slot.sku, slot.id, 0, 0, 0, float(x), float(y), float(z), 0.0),)))
            cameras = _cameras(layout.product(slot), np.array([x, y, z]), pixels, views)
            pictures[slot.sku] = [_photograph(world, scenario, camera) for camera in cameras]
    return pictures


def _cameras(
    product: Product, base: NDArray[np.float64], pixels: int, views: Sequence[tuple[float, float]]
) -> list[Camera]:
    size = max(product.width, product.height, product.depth)
    model = CameraModel("studio", pixels, pixels, 2 * math.atan(0.62 * size / DISTANCE), 0.0)
    middle = base + np.array([0.0, 0.0, product.height / 2])
    cameras = []
    for azimuth, elevation in views:
        level = math.cos(elevation)
        away = np.array([math.sin(azimuth) * level, -math.cos(azimuth) * level, math.sin(elevation)])
        cameras.append(Camera("studio", model, tuple(middle + DISTANCE * away), tuple(middle)))
    return cameras


def _photograph(world: World, scenario: Scenario, camera: Camera) -> NDArray[np.uint8]:
    raster = render(world, camera, scenario, shadow=False)
    rows, columns = np.nonzero(raster.body == world.unit_bodies[0])
    pack = raster.image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.float32)
    return np.clip(pack * STUDIO_GAIN, 0, 255).astype(np.uint8)
