"""Merchandising: which product stands where, and with how many facings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from scenarios import Fixture, Planogram, Position, Product
from scenarios.planogram import FRONT_MARGIN, ROW_GAP, SIDE_GAP

HAND_GAP = 0.03
"""Free height above a pack that a hand needs, in metres."""

BOARD = 0.03
"""Thickness of a shelf board in metres."""
MOST_FACINGS = 5
FULL = 0.9
"""Share of a shelf's width that facings should take."""
BARE = 0.6
"""Shelves whose facings take less than this share of their width get second placements."""
MOST_DEEP = 6
STACK_HEIGHT = 0.115
"""Cans and boxes lower than this stand two high where the shelf allows it, in metres."""
MOST_STACKED = {"rack": 4, "pallet": 6}
"""How many boxes and multipacks stand on one another on fixtures that hold goods in bulk."""


def build_planogram(products: Sequence[Product], fixtures: Sequence[Fixture], first_bay: int = 1) -> Planogram:
    """Plan `products`, in merchandising order, over `fixtures` from left to right as a merchandiser would.

    Every bay gets its share of the sequence, so that categories, brands and families stay together; in a bay,
    tall categories stand low. Fast sellers get more facings. Products that fit no shelf are left out. Position
    ids count bays from `first_bay`, shelves from 0 (as the planogram does) and positions from 1.
    """
    positions: list[Position] = []
    for bay, (fixture, share) in enumerate(zip(fixtures, _shares(products, fixtures)), start=first_bay):
        for shelf in range(len(fixture.shelves)):
            rows = [_choose(share, fixture, shelf, scale) for scale in (1.0, 1.2, 0.8, 1.4, 0.6)]
            row = next((row for row in rows if _is_full(row, fixture)), rows[0])
            positions += _plan_shelf(row, fixture, shelf, f"b{bay}-s{shelf}")
            share = [product for product in share if product not in row]
    return Planogram(tuple(positions))


def _shares(products: Sequence[Product], fixtures: Sequence[Fixture]) -> list[list[Product]]:
    """Deal the sequence out to the fixtures by shelf width, small categories whole; tall categories first in
    each."""
    bay = sum(map(pitch, products)) / len(fixtures)
    blocks: list[list[Product]] = []
    for _, category in itertools.groupby(products, key=lambda p: p.category):
        block = list(category)
        small = sum(map(pitch, block)) < bay / 2
        blocks += [block] if small else [list(g) for _, g in itertools.groupby(block, key=lambda p: (p.brand, p.name))]
    widths = np.array([sum(map(pitch, block)) for block in blocks])
    ends = np.cumsum([f.width * len(f.shelves) for f in fixtures])
    owner = np.searchsorted(ends / ends[-1], (np.cumsum(widths) - widths / 2) / widths.sum())
    shares = []
    for number in range(len(fixtures)):
        share = [product for block, n in zip(blocks, owner) if n == number for product in block]
        heights: dict[str, list[float]] = {}
        for product in share:
            heights.setdefault(product.category, []).append(product.height)
        shares.append(sorted(share, key=lambda p: (-float(np.mean(heights[p.category])), p.category)))
    return shares


def fill_bare_shelves(
    planogram: Planogram, products: Sequence[Product], fixtures: Sequence[Fixture], first_bay: int = 1
) -> Planogram:
    """Plan shelves that are less than `BARE` full once more, with second placements of what sells best in their
    bay, or in the store where nothing of the bay fits."""
    fill = shelf_fill(planogram.positions, products, fixtures)
    bare = {key for key, share in fill.items() if share < BARE}
    positions = [p for p in planogram.positions if (p.fixture, p.shelf) not in bare]
    for bay, fixture in enumerate(fixtures, start=first_bay):
        here = {p.sku for p in planogram.positions if p.fixture == fixture.id}
        ranked = sorted(products, key=lambda p: (p.sku not in here, -p.daily_units, p.sku))
        for shelf, board in enumerate(fixture.shelves):
            if (fixture.id, shelf) not in bare:
                continue
            planned = {p.sku for p in planogram.positions if (p.fixture, p.shelf) == (fixture.id, shelf)}
            row = [p for p in products if p.sku in planned]
            for product in ranked:
                fits = product.height + HAND_GAP <= board.clearance + 1e-9
                if fits and product not in row and sum(map(pitch, row)) < BARE * fixture.width * 1000:
                    row.append(product)
            if sum(map(pitch, row)) > fixture.width * 1000:
                row.pop()
            positions += _plan_shelf(row, fixture, shelf, f"b{bay}-s{shelf}") if row else []
    return Planogram(tuple(positions))


def shelf_fill(
    positions: Iterable[Position], products: Iterable[Product], fixtures: Sequence[Fixture]
) -> dict[tuple[str, int], float]:
    """Share of the width that facings take, for every shelf by fixture id and number."""
    fill = {(f.id, n): 0.0 for f in fixtures for n in range(len(f.shelves))}
    width = {f.id: f.width for f in fixtures}
    by_sku = {product.sku: product for product in products}
    for p in positions:
        fill[p.fixture, p.shelf] += p.wide * pitch(by_sku[p.sku]) / 1000 / width[p.fixture]
    return fill


def pitch(product: Product) -> int:
    """Width of one facing in millimetres."""
    return round((product.width + SIDE_GAP) * 1000)


def _choose(queue: Sequence[Product], fixture: Fixture, shelf: int, scale: float) -> list[Product]:
    """The products of the queue for one shelf: those that fit nowhere above, then the first of the queue, until
    the shelf has its share (times `scale`) of what can still be planned; families stay whole where they fit."""
    clear, *above = (s.clearance - HAND_GAP + 1e-9 for s in fixture.shelves[shelf:])
    fitting = [p for p in queue if p.height <= clear]
    later = [p for p in queue if p.height <= max(above, default=0.0)]
    free = round(fixture.width * 1000)
    wanted = scale * sum(map(pitch, {*fitting, *later})) / (1 + len(above))
    row: list[Product] = []
    used = 0
    for product in sorted(fitting, key=later.__contains__):
        goes_on = bool(row and product.family and product.family == row[-1].family)
        if used + pitch(product) <= free and (used < wanted or goes_on):
            row.append(product)
            used += pitch(product)
    return [product for product in queue if product in row]


def _facings(row: Sequence[Product], free: int) -> list[int]:
    """Facings of 1 to 5 for each product of a shelf of `free` millimetres: at least 90 % of the width where that
    can be reached, and then the greatest sum of √daily_units · log(facings), which favours fast sellers."""
    worth = np.full(free + 1, -np.inf)
    worth[0] = 0.0
    choices = []
    for product in row:
        options = np.full((MOST_FACINGS, free + 1), -np.inf)
        for wide in range(1, min(MOST_FACINGS, free // pitch(product)) + 1):
            step = wide * pitch(product)
            options[wide - 1, step:] = worth[: free + 1 - step] + np.sqrt(product.daily_units + 0.05) * np.log(wide)
        worth = options.max(axis=0)
        choices.append(options.argmax(axis=0) + 1)
    full = worth[math.ceil(FULL * free) :]
    reached = np.flatnonzero(np.isfinite(worth))
    used = free - len(full) + 1 + int(full.argmax()) if np.isfinite(full.max()) else int(reached[-1])
    facings = []
    for product, choice in zip(reversed(row), reversed(choices)):
        facings.append(int(choice[used]))
        used -= facings[-1] * pitch(product)
    return facings[::-1]


def _is_full(row: Sequence[Product], fixture: Fixture) -> bool:
    free = round(fixture.width * 1000)
    return sum(wide * pitch(p) for p, wide in zip(row, _facings(row, free))) >= FULL * free


def _plan_shelf(row: Sequence[Product], fixture: Fixture, shelf: int, name: str) -> list[Position]:
    """Positions of one shelf from left to right, the free width spread between them."""
    free = round(fixture.width * 1000)
    facings = _facings(row, free)
    spare = free - sum(wide * pitch(p) for p, wide in zip(row, facings))
    positions = []
    x = 0
    for number, (product, wide) in enumerate(zip(row, facings)):
        high = _high(product, fixture, fixture.shelves[shelf].clearance)
        deep = min(MOST_DEEP, int((fixture.depth - FRONT_MARGIN + ROW_GAP + 1e-9) / (product.depth + ROW_GAP)))
        left = (x + int(spare * (number + 0.5) / len(row))) / 1000
        low_at = max(1, round(0.25 * wide * high * deep))
        id = f"{name}-p{number + 1:02d}"
        positions.append(Position(id, fixture.id, shelf, left, product.sku, wide, high, deep, low_at))
        x += wide * pitch(product)
    return positions


def _high(product: Product, fixture: Fixture, clearance: float) -> int:
    """How many units stand on one another."""
    if product.form in ("box", "multipack") and fixture.kind in MOST_STACKED:
        most = MOST_STACKED[fixture.kind]
    else:
        most = (
            2 if product.form in ("can", "box") and product.height < STACK_HEIGHT and fixture.kind != "pegwall" else 1
        )
    return max(1, min(most, int((clearance - HAND_GAP + 1e-9) / product.height)))
