"""Shops of a chain: an aisle each, drawn by its seed, that sells what the shops of the data sell."""

from __future__ import annotations

import itertools

import numpy as np

from bench.stores.furniture import bays, tubes
from bench.stores.merchandising import BOARD, build_planogram, fill_bare_shelves
from bench.stores.named import Named
from bench.stores.selection import QUICKSTART_CATEGORIES, best_sellers
from bench.stores.training import is_full
from scenarios import Camera, CameraModel, Catalog, Conditions, Layout, Lighting, Rig, Room, Store, rng

CATEGORIES = (8, 14)
"""Fewest and most that a shop's aisle carries."""
ABOVE = 0.3
"""Metres between the ceiling and a camera that hangs from it."""
OUT = 1.2
"""Metres from the shelves' fronts to the cameras, where the aisle is as wide."""
MIDDLE = 1.0
"""Height that ceiling cameras aim at, metres."""


def chain_shop(seed: int, count: int = 4) -> Named:
    """An aisle of `count` bays of one kind, with boards, room and assortment from `rng(seed, "chain")`; drawn again
    until its shelves are full."""
    shops = (_draw(seed, count, rng(seed, "chain", attempt)) for attempt in itertools.count())
    return next(shop for shop in shops if is_full(shop[0]))


def _draw(seed: int, count: int, random: np.random.Generator) -> Named:
    width, depth = round(float(random.uniform(0.9, 1.3)), 2), round(float(random.uniform(0.38, 0.55)), 2)
    clearances = [float(c) for c in random.uniform(0.24, 0.36, int(random.integers(4, 6)))]
    clearances = sorted(clearances, reverse=True)
    low = [0.1 + sum(clearances[:n]) + BOARD * n for n in range(len(clearances))]
    shelves = tuple((round(z, 3), round(c, 3)) for z, c in zip(low, clearances))
    fixtures = bays("bay", count, 0.0, 0.0, width, depth, shelves)
    aisle, ceiling = round(float(random.uniform(1.8, 2.8)), 2), round(float(random.uniform(2.7, 3.5)), 2)
    room = Room((-1.0, round(count * width + 1.0, 2)), (-aisle, depth), ceiling)
    lamps = tubes((0.0, count * width), (round(-aisle / 2, 2),), ceiling - 0.05, count, 4200, 4000)
    carried = int(random.integers(CATEGORIES[0], CATEGORIES[1] + 1))
    chosen = random.choice(QUICKSTART_CATEGORIES, carried, replace=False).tolist()
    products = best_sellers(chosen, fixtures, float(random.uniform(1.6, 2.6)))
    planogram = fill_bare_shelves(build_planogram(products, fixtures), products, fixtures)
    held = {position.sku for position in planogram.positions}
    layout = Layout(
        Store(f"shop-{seed}", room, fixtures, lamps), Catalog(tuple(p for p in products if p.sku in held)), planogram
    )
    lux = float(random.uniform(300, 900))
    return layout, Conditions(f"shop-{seed}", Lighting((round(lux), round(lux)))), "A shop of a chain."


def ceiling_rig(layout: Layout, model: CameraModel, bays_each: int = 2) -> Rig:
    """A camera under the ceiling, over the aisle, before the middle of every `bays_each` bays of one row."""
    room, fixtures = layout.store.room, layout.store.fixtures
    out = max(-OUT, room.y[0] + ABOVE)
    cameras: list[Camera] = []
    for n in range(0, len(fixtures), bays_each):
        group = fixtures[n : n + bays_each]
        x = round((group[0].x + group[-1].x + group[-1].width) / 2, 3)
        place = (x, round(out, 3), round(room.ceiling - ABOVE, 3))
        cameras.append(Camera(f"ceiling-{len(cameras) + 1}", model, place, (x, 0.0, MIDDLE)))
    return Rig("ceiling", tuple(cameras))
