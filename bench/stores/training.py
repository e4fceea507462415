"""Stores to train on: any number of them, drawn from the assortment's training split.

The split's brands are dealt out once more, so that what trains, what validates and what tests a model share no
brand, no product and no artwork.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from bench.stores.assortment import load_groups, load_products
from bench.stores.merchandising import BOARD, HAND_GAP, build_planogram, pitch, shelf_fill
from bench.stores.selection import cases, fits, multipacks
from scenarios import Catalog, Fixture, InputError, Layout, Planogram, Product, Room, Shelf, Store, Window, rng

SPLITS = ("train", "val", "test")
KIND_SHARES = {
    "gondola": 0.64, "cooler": 0.10, "endcap": 0.06, "rack": 0.06, "pegwall": 0.06, "freezer": 0.04, "pallet": 0.04,
}  # fmt: skip
LEAST_FILL = {"gondola": 0.9, "cooler": 0.9, "endcap": 0.85, "freezer": 0.8, "pegwall": 0.8, "rack": 0.7, "pallet": 0.6}
"""Share of every shelf's width that facings must take, by kind: bulky packs leave more of it over."""


def share_of(brand: str) -> str:
    """The split that a brand of the training assortment belongs to: a tenth validates, a tenth tests."""
    return {0: "val", 1: "test"}.get(zlib.crc32(f"split-{brand}".encode()) % 10, "train")


def check_split(split: str) -> None:
    """Raises InputError for a split that has no brands."""
    if split not in SPLITS:
        raise InputError(f"split {split!r}; expected {', '.join(SPLITS)}: each has brands of its own")


@cache
def groups_of(split: str) -> tuple[tuple[Product, ...], ...]:
    """Look-alike families and single products of one split's brands. Raises InputError."""
    check_split(split)
    return tuple(group for group in load_groups("train") if share_of(group[0].brand) == split)


def training_layout(seed: int, split: str = "train") -> Layout:
    """A store of two bays of one kind, sometimes with a third across the aisle, with products of one split;
    some stores are walls of one or two categories. Drawn from `rng(seed, "store")`, again until its shelves are
    full."""
    layouts = (_draw_layout(seed, rng(seed, "store", attempt), split) for attempt in itertools.count())
    return next(layout for layout in layouts if is_full(layout))


def is_full(layout: Layout) -> bool:
    """Whether facings take enough of every shelf."""
    fill = shelf_fill(layout.planogram.positions, layout.catalog, layout.store.fixtures)
    return all(share >= LEAST_FILL[layout.store.fixture(f).kind] for (f, _), share in fill.items())


def _draw_layout(seed: int, random: np.random.Generator, split: str) -> Layout:
    kind = str(random.choice(list(KIND_SHARES), p=list(KIND_SHARES.values())))
    aisle, ceiling = round(random.uniform(1.6, 3.0), 2), round(random.uniform(2.7, 3.5), 1)
    fixtures: list[Fixture] = []
    x = 0.0
    for number in (1, 2):
        fixture = replace(draw_fixture(kind, random), id=f"bay-{number}", x=x)
        fixtures.append(fixture)
        x = round(x + fixture.width + (0.16 if kind in ("freezer", "pallet") else 0.0), 2)
    if random.random() < 0.25:
        across = draw_fixture("gondola", random)
        left = round(random.uniform(0, max(0.0, x - across.width)), 2)
        fixtures.append(replace(across, id="bay-3", x=left + across.width, y=-aisle, yaw=round(math.pi, 6)))
    depth, behind = max(f.depth for f in fixtures), max((f.depth for f in fixtures if f.yaw), default=0.0)
    room = Room((-1.0, round(x + 1.0, 2)), (-round(aisle + behind, 2), round(depth + 0.1, 2)), ceiling)
    if kind == "rack":
        room = replace(room, ceiling=round(ceiling + 1.5, 1))
    facings_per_sku = random.uniform(1.2, 2.6)
    wanted = sum(f.width * len(f.shelves) for f in fixtures) / facings_per_sku
    products = draw_products(random, fixtures, wanted, split, wall=random.random() < 0.2)
    if kind in ("rack", "pallet"):
        products = [p for p in _in_bulk(products, random) if fits(p, fixtures)]
    planogram = build_planogram(products, fixtures) if products else Planogram(())
    planned = {position.sku for position in planogram.positions}
    catalog = Catalog(tuple(p for p in products if p.sku in planned))
    windows = (Window("left", (-1.0, -aisle / 2, 1.5), 1.2, 1.4, random.uniform(0, 2 * math.pi)),)
    store = Store(f"{split}-{seed}", room, tuple(fixtures), windows=windows if random.random() < 0.2 else ())
    return Layout(store, catalog, planogram)


def draw_fixture(kind: str, random: np.random.Generator) -> Fixture:
    """One bay of a kind at the origin."""
    uniform = random.uniform
    if kind == "freezer":
        width, depth, shelves = uniform(1.2, 1.8), uniform(0.6, 0.75), [(uniform(0.3, 0.45), uniform(0.3, 0.42))]
    elif kind == "pallet":
        width, depth, shelves = 1.2, 0.8, [(0.144, uniform(0.8, 1.4))]
    elif kind == "rack":
        width, depth = uniform(1.8, 2.7), uniform(0.9, 1.1)
        shelves = [(0.15, uniform(0.9, 1.2)), (1.5, uniform(0.9, 1.2))]
    elif kind == "pegwall":
        width, depth, lines = uniform(0.9, 1.25), uniform(0.22, 0.32), int(random.integers(4, 6))
        shelves = [(0.3 + n * 1.55 / lines, 1.55 / lines - BOARD) for n in range(lines)]
    else:
        width, depth = uniform(0.9, 1.35), uniform(0.35, 0.55)
        if kind == "cooler":
            width, depth = uniform(0.7, 1.3), uniform(0.5, 0.7)
        if kind == "endcap":
            width = uniform(0.8, 1.0)
        shelves = _draw_boards(random, int(random.integers(3, 5) if kind == "endcap" else random.integers(4, 7)))
    boards = tuple(Shelf(round(z, 3), round(clearance, 3)) for z, clearance in shelves)
    dividers, pushers = bool(random.random() < 0.2), bool(random.random() < 0.12)
    on_boards = kind in ("gondola", "cooler", "endcap")
    size = round(width, 2), round(depth, 2)
    return Fixture("bay", 0.0, 0.0, *size, boards, kind, dividers=dividers and on_boards, pushers=pushers and on_boards)


def _draw_boards(random: np.random.Generator, count: int) -> list[tuple[float, float]]:
    highest = {3: 0.55, 4: 0.45, 5: 0.38, 6: 0.32}[count]
    clearances = np.sort(random.uniform(0.22, highest, count))[::-1]
    shelves, z = [], random.uniform(0.08, 0.2)
    for clearance in np.round(clearances, 2):
        shelves.append((z, float(clearance)))
        z += float(clearance) + BOARD
    return shelves


def draw_products(
    random: np.random.Generator, fixtures: Sequence[Fixture], wanted: float, split: str, wall: bool,
    widest: float = math.inf,
) -> list[Product]:  # fmt: skip
    """Products of a few categories, or of one for a wall, in merchandising order; side by side, they are
    `wanted` metres wide, and none is wider than `widest`. Three quarters of the groups fit every shelf, the others the
    tallest. Categories are added where the drawn ones have too few products."""
    clearances = [shelf.clearance for fixture in fixtures for shelf in fixture.shelves]
    by_category: dict[str, list[tuple[Product, ...]]] = {}
    for group in groups_of(split):
        limit = min(clearances) if wall or random.random() < 0.75 else max(clearances)
        if group[0].height + HAND_GAP <= limit and group[0].width <= widest and fits(group[0], fixtures):
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


def _in_bulk(products: Sequence[Product], random: np.random.Generator) -> list[Product]:
    """Cases or multipacks of the products instead of single packs; a family's are all of one sort."""
    bulk: list[Product] = []
    for _, group in itertools.groupby(products, key=lambda p: p.family or p.sku):
        bulk += (multipacks if random.random() < 0.4 else cases)(group)
    return bulk
