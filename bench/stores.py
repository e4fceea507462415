"""Stores that are made from the assortment: the quickstart store, and any number to train on.

`python -m bench.stores` writes scenarios/quickstart/.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.assortment import load_groups, load_products
from bench.merchandising import BOARD, FULL, HAND_GAP, build_planogram, pitch
from scenarios import Catalog, Fixture, Layout, Product, Room, Shelf, Store, rng
from scenarios.planogram import save_planogram
from scenarios.products import save_catalog

QUICKSTART_CATEGORIES = (
    "Cereal", "Coffee", "Tea", "Juice", "Soft Drinks", "Soup", "Canned Meals", "Vegetables", "Canned Fruit",
    "Pasta Sauce", "Pasta", "Dinner Mixes", "Rice & Sides", "Baking", "Spreads", "Condiments", "Dressings", "Snacks",
    "Nuts", "Crackers", "Cleaning", "Personal Care", "Beer",
)  # fmt: skip
QUICKSTART_WIDTH = 0.15
"""Widest pack of the quickstart store in metres: narrower packs make room for more products."""
QUICKSTART_SHELVES = ((0.12, 0.35), (0.50, 0.29), (0.82, 0.27), (1.12, 0.27), (1.42, 0.33))
"""Height of each board and free height above it, in metres."""
SCENARIO_YAML = """\
# What happens in the quickstart store. Every range is drawn from once for each seed.
name: quickstart
lighting:
  lux: [400, 1000]      # on the shelf front
  kelvin: [3500, 5000]  # colour temperature
crowd:
  shoppers: 0           # people in the aisle
mess:                   # shares of the positions, unless said otherwise
  out: 0.08             # nothing left
  plugged: 0.15         # of those: filled with a neighbour's product
  misplaced: 0.02       # one foreign pack in the front row
  empty_column: 0.10    # probability for each facing
  shift: 0.002          # metres
  turn: 0.03            # radians
"""


def training_layout(seed: int) -> Layout:
    """A store of two bays with products of the training split, every shelf at least 90 % full; some stores are
    walls of one or two categories. Drawn from `rng(seed, "store")`, again until the shelves are full."""
    layouts = (_draw_layout(seed, rng(seed, "store", attempt)) for attempt in itertools.count())
    return next(layout for layout in layouts if min(shelf_fill(layout).values()) >= FULL)


def shelf_fill(layout: Layout) -> dict[tuple[str, int], float]:
    """Share of the width that facings take, for every shelf by fixture id and number."""
    fill = {(f.id, n): 0.0 for f in layout.store.fixtures for n in range(len(f.shelves))}
    for p in layout.planogram.positions:
        width = layout.store.fixture(p.fixture).width
        fill[p.fixture, p.shelf] += p.wide * pitch(layout.product(p)) / 1000 / width
    return fill


def _draw_layout(seed: int, random: np.random.Generator) -> Layout:
    depth = round(random.uniform(0.35, 0.55), 2)
    fixtures, x = [], 0.0
    for number in (1, 2):
        width = round(random.uniform(0.9, 1.35), 2)
        fixtures.append(Fixture(f"bay-{number}", x, 0.0, width, depth, _draw_shelves(random)))
        x = round(x + width, 2)
    aisle, ceiling = round(random.uniform(1.6, 3.0), 2), round(random.uniform(2.7, 3.5), 1)
    room = Room((-1.0, round(x + 1.0, 2)), (-aisle, depth), ceiling)
    facings_per_sku = random.uniform(1.2, 2.6)
    wanted = sum(f.width * len(f.shelves) for f in fixtures) / facings_per_sku
    products = _draw_products(random, fixtures, wanted, wall=random.random() < 0.2)
    planogram = build_planogram(products, fixtures)
    planned = {position.sku for position in planogram.positions}
    catalog = Catalog(tuple(p for p in products if p.sku in planned))
    return Layout(Store(f"training-{seed}", room, tuple(fixtures)), catalog, planogram)


def _draw_shelves(random: np.random.Generator) -> tuple[Shelf, ...]:
    count = int(random.integers(4, 7))
    clearances = np.sort(random.uniform(0.22, {4: 0.45, 5: 0.38, 6: 0.32}[count], count))[::-1]
    shelves, z = [], random.uniform(0.08, 0.2)
    for clearance in np.round(clearances, 2):
        shelves.append(Shelf(round(z, 3), float(clearance)))
        z += clearance + BOARD
    return tuple(shelves)


def _draw_products(
    random: np.random.Generator, fixtures: Sequence[Fixture], wanted: float, wall: bool
) -> list[Product]:
    """Products of a few categories, or of one for a wall, in merchandising order; side by side, they are
    `wanted` metres wide. Three quarters of the groups fit every shelf, the others the tallest. Categories are added
    where the drawn ones have too few products."""
    clearances = [shelf.clearance for fixture in fixtures for shelf in fixture.shelves]
    by_category: dict[str, list[tuple[Product, ...]]] = {}
    for group in load_groups("train"):
        limit = min(clearances) if wall or random.random() < 0.75 else max(clearances)
        if group[0].height + HAND_GAP <= limit:
            by_category.setdefault(group[0].category, []).append(group)
    count = min(1 if wall else int(random.integers(4, 11)), len(by_category))
    chosen: set[str] = set()
    width = 0.0
    for number, name in enumerate(random.permutation(list(by_category)), start=1):
        goal = wanted * min(1.0, number / count)
        for index in random.permutation(len(by_category[name])):
            if width >= goal:
                break
            group = by_category[name][index]
            chosen |= {product.sku for product in group}
            width += sum(pitch(product) for product in group) / 1000
    return [product for product in load_products("train") if product.sku in chosen]


def quickstart_layout() -> Layout:
    """Four bays of five shelves that hold best sellers of the quickstart split."""
    shelves = tuple(Shelf(z, clearance) for z, clearance in QUICKSTART_SHELVES)
    fixtures = tuple(Fixture(f"bay-{n + 1}", float(n), 0.0, 1.0, 0.45, shelves) for n in range(4))
    store = Store("quickstart", Room((-1.0, 5.0), (-2.4, 0.45), 3.0), fixtures)
    planogram = build_planogram(_quickstart_products(), fixtures)
    planned = {position.sku for position in planogram.positions}
    return Layout(store, Catalog(tuple(p for p in load_products("quickstart") if p.sku in planned)), planogram)


def _quickstart_products() -> list[Product]:
    """Of each category one look-alike family (up to three members) and four single products of packs that a
    1080p camera reads from across the aisle: those that sell best for their width, brand by brand, so that the
    private label does not fill the store."""
    chosen: set[str] = set()
    carried: Counter[str] = Counter()
    for category in QUICKSTART_CATEGORIES:
        groups = [g[:3] for g in load_groups("quickstart") if g[0].category == category]
        groups = [g for g in groups if g[0].height <= 0.315 and 0.05 <= g[0].width <= QUICKSTART_WIDTH]
        for family, count in ((True, 1), (False, 4)):
            for _ in range(count):
                left = [g for g in groups if (len(g) > 1) == family and g[0].sku not in chosen]
                if left:
                    best = max(left, key=lambda g: g[0].daily_units / g[0].width / (1 + carried[g[0].brand]))
                    chosen |= {product.sku for product in best}
                    carried[best[0].brand] += len(best)
    return [p for p in load_products("quickstart") if p.sku in chosen]


def write_quickstart(folder: Path) -> None:
    """Write store.yaml, scenario.yaml, catalog.csv and planogram.csv of the quickstart store; the same bytes
    every time."""
    layout = quickstart_layout()
    layout.check("planogram.csv")
    folder.mkdir(parents=True, exist_ok=True)
    room = layout.store.room
    lines = [
        "# A short aisle of a supermarket: four bays of five shelves. Written by `python -m bench.stores`.",
        "# Metres; x along the aisle, y into the shelf, z up. The fronts stand at y = 0, the opposite shelf at y = "
        f"{room.y[0]:g}.",
        "name: quickstart",
        f"room: {{x: [{room.x[0]:g}, {room.x[1]:g}], y: [{room.y[0]:g}, {room.y[1]:g}], ceiling: {room.ceiling:g}}}",
        "fixtures:",
    ]
    for f in layout.store.fixtures:
        lines += [f"  - id: {f.id}"] + [f"    {key}: {getattr(f, key):g}" for key in ("x", "y", "width", "depth")]
        lines += ["    shelves:  # z of the board, free height above it"]
        lines += [f"      - {{z: {s.z:g}, clearance: {s.clearance:g}}}" for s in f.shelves]
    (folder / "store.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "scenario.yaml").write_text(SCENARIO_YAML, encoding="utf-8")
    save_catalog(layout.catalog, folder / "catalog.csv")
    save_planogram(layout.planogram, folder / "planogram.csv")


if __name__ == "__main__":
    write_quickstart(Path(__file__).parent.parent / "scenarios" / "quickstart")
