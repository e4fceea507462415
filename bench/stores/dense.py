"""Training stores as photographs of real shelves show them: full, with little air above the packs, and many facings.

A merchandiser moves the boards until they just clear what stands on them, and stacks what can be stacked.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.stores.merchandising import BOARD, HAND_GAP, build_planogram
from bench.stores.selection import cases, fits, multipacks
from bench.stores.training import draw_fixture, draw_products, is_full
from scenarios import Catalog, Fixture, Layout, Planogram, Position, Product, Room, Shelf, Store, rng

KIND_SHARES = {"gondola": 0.81, "cooler": 0.09, "endcap": 0.06, "pegwall": 0.04}
STACKED = {"can": 4, "box": 4, "tub": 3, "multipack": 2, "carton": 2, "jar": 2}
"""How many packs of a form stand on one another at most."""
DEEPEST = 3
"""Rows that are planned: what stands farther back is not seen from before the shelf."""
MULTIPACKS, CASES, PALE = 0.08, 0.05, 0.2
"""Shares of the product groups that are sold in multipacks, in cases, or in pale glass and plastic."""
PALE_CONTENTS = {"bottle": "Water", "jar": "Mayonnaise"}
"""What one sees through pale packs. The assortment has few of them, and detectors miss them in real shops."""
TALLEST = 2.25
"""Greatest height of a fixture in metres."""


def dense_layout(seed: int, split: str = "train") -> Layout:
    """A store of two to four full bays of one kind, with products of one split. Drawn from
    `rng(seed, "dense store")`, again until its shelves are full."""
    layouts = (_draw_layout(seed, rng(seed, "dense store", attempt), split) for attempt in itertools.count())
    return next(layout for layout in layouts if is_full(layout))


def _draw_layout(seed: int, random: np.random.Generator, split: str) -> Layout:
    kind = str(random.choice(list(KIND_SHARES), p=list(KIND_SHARES.values())))
    count = 2 if kind == "endcap" else int(random.choice([2, 3, 4], p=[0.3, 0.5, 0.2]))
    alike = _draw_bay(kind, random) if random.random() < 0.5 else None
    fixtures: list[Fixture] = []
    x = 0.0
    for number in range(1, count + 1):
        fixtures.append(replace(alike or _draw_bay(kind, random), id=f"bay-{number}", x=round(x, 2)))
        x += fixtures[-1].width
    aisle, ceiling = round(random.uniform(2.2, 3.4), 2), round(random.uniform(2.7, 3.6), 1)
    beside, depth = random.uniform(0.2, 1.0, 2), max(f.depth for f in fixtures)
    room = Room(
        (-round(beside[0], 2), round(x + beside[1], 2)), (-round(aisle, 2), round(depth + 0.1, 2)), ceiling
    )  # fmt: skip
    wanted = sum(f.width * len(f.shelves) for f in fixtures) / random.uniform(2.0, 4.0)
    widest = float(random.choice([0.085, 0.12, 0.26], p=[0.3, 0.45, 0.25]))
    products = draw_products(random, fixtures, wanted, split, wall=random.random() < 0.15, widest=widest)
    if kind != "pegwall":
        products = _varied(products, fixtures, random)
    planogram = build_planogram(products, fixtures) if products else Planogram(())
    if kind != "pegwall":
        fixtures, planogram = close_up(fixtures, planogram, Catalog(tuple(products)), random)
    planned = {position.sku for position in planogram.positions}
    catalog = Catalog(tuple(p for p in products if p.sku in planned))
    return Layout(Store(f"{split}-{seed}", room, tuple(fixtures)), catalog, planogram)


def _draw_bay(kind: str, random: np.random.Generator) -> Fixture:
    """One bay whose boards are as close as a store has them; the lowest has the most air."""
    fixture = draw_fixture(kind, random)
    if kind == "pegwall":
        return fixture
    least = random.uniform(0.14, 0.23)
    clearances = np.sort(random.uniform(least, least + random.uniform(0.04, 0.14), 12))[::-1].round(2)
    return replace(fixture, shelves=_boards(clearances, float(random.uniform(0.06, 0.2))))


def _boards(clearances: Sequence[float] | np.ndarray, z: float) -> tuple[Shelf, ...]:
    """Boards from below, as many as stay under `TALLEST`."""
    boards: list[Shelf] = []
    for clearance in clearances:
        if z + clearance <= TALLEST:
            boards.append(Shelf(round(z, 3), round(float(clearance), 3)))
            z += float(clearance) + BOARD
    return tuple(boards)


def _varied(products: Sequence[Product], fixtures: Sequence[Fixture], random: np.random.Generator) -> list[Product]:
    """The products, some groups of them as multipacks or cases, where a shelf holds them, or in pale packs."""
    varied: list[Product] = []
    for _, members in itertools.groupby(products, key=lambda p: p.family or p.sku):
        group, share = list(members), random.random()
        other: list[Product] = []
        if share < MULTIPACKS:
            other = multipacks(group)
        elif share < MULTIPACKS + CASES:
            other = cases(group)
        elif share < MULTIPACKS + CASES + PALE and group[0].form in PALE_CONTENTS:
            other = [_pale(product) for product in group]
        varied += [p for p in other if fits(p, fixtures)] or group
    return varied


def _pale(product: Product) -> Product:
    family = f"pale-{product.family}" if product.family else ""
    return replace(product, sku=f"pale-{product.sku}", name=PALE_CONTENTS[product.form], family=family)


def close_up(
    fixtures: Sequence[Fixture], planogram: Planogram, catalog: Catalog, random: np.random.Generator
) -> tuple[list[Fixture], Planogram]:
    """Move the boards down to what stands below them, with a hand's room or less, and stack what fits under them.
    Boards that would then be higher than `TALLEST` are left out, with what was planned for them."""
    moved, positions = [], []
    for fixture in fixtures:
        z, boards = fixture.shelves[0].z, []
        for number in range(len(fixture.shelves)):
            here = [p for p in planogram.positions if (p.fixture, p.shelf) == (fixture.id, number)]
            clearance = _clearance(here, catalog, random)
            if z + clearance > TALLEST:
                break
            boards.append(Shelf(round(z, 3), clearance))
            z += clearance + BOARD
            positions += [_stacked(p, catalog[p.sku], clearance, random) for p in here]
        moved.append(replace(fixture, shelves=tuple(boards)))
    return moved, Planogram(tuple(positions))


def _clearance(positions: Sequence[Position], catalog: Catalog, random: np.random.Generator) -> float:
    """Free height over the tallest pack, or over a stack of the lowest packs if that is more."""
    heights = [catalog[p.sku].height for p in positions] or [0.1]
    low = max(heights) < 0.13 and random.random() < 0.6
    return round(max(heights) * (2 if low else 1) + float(random.uniform(0.012, 2.5 * HAND_GAP)), 3)


def _stacked(p: Position, product: Product, clearance: float, random: np.random.Generator) -> Position:
    most = min(STACKED.get(product.form, 1), int((clearance - 0.005) / product.height))
    high = max(1, most if random.random() < 0.8 else 1)
    deep = min(p.deep, DEEPEST)
    return replace(p, high=high, deep=deep, low_at=max(1, round(0.25 * p.wide * high * deep)))
