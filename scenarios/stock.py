"""What stands on the shelves at one moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scenarios.conditions import Mess
from scenarios.planogram import Layout, Position
from scenarios.products import Product
from scenarios.randomness import rng


@dataclass(frozen=True)
class Unit:
    """One physical pack. (x, y, z) is the origin of its mesh, the centre of its bottom face when it
    stands, in metres; `yaw` in radians, the fixture's own included.

    `position`, `column`, `level` and `row` say where it stands, which is not where it belongs when
    its SKU is not the position's. Row 0 is the front; the foremost unit of a column that has receded
    stands in a row behind. `condition` is "standing", "leaning" or "fallen"; `rotation`, a quaternion
    (x, y, z, w), is None for units that stand, whose yaw says all.
    """

    sku: str
    position: str
    column: int
    level: int
    row: int
    x: float
    y: float
    z: float
    yaw: float
    condition: str = "standing"
    rotation: tuple[float, float, float, float] | None = None

    @property
    def quaternion(self) -> tuple[float, float, float, float]:
        """Its orientation as a quaternion (x, y, z, w)."""
        return self.rotation or (0.0, 0.0, math.sin(self.yaw / 2), math.cos(self.yaw / 2))


@dataclass(frozen=True)
class Stock:
    units: tuple[Unit, ...]

    def units_of(self, position: Position) -> int:
        """Units of the position's own SKU that stand in it."""
        return sum(u.position == position.id and u.sku == position.sku for u in self.units)

    def facings_of(self, position: Position) -> int:
        """Front-row places of the position that hold its own SKU."""
        return sum(u.position == position.id and u.sku == position.sku and u.row == 0 for u in self.units)

    def intruder_of(self, position: Position) -> str | None:
        """The SKU in the position's front row that does not belong there, if any."""
        return next((u.sku for u in self.units if u.position == position.id and u.sku != position.sku), None)


def draw_stock(layout: Layout, mess: Mess, seed: int) -> Stock:
    """Draw what stands in every position. Columns are pulled forward: a column with a unit has one in front."""
    units: list[Unit] = []
    for position in layout.planogram.positions:
        units += _draw_position(layout, position, mess, seed)
    return Stock(tuple(units))


def _draw_position(layout: Layout, position: Position, mess: Mess, seed: int) -> list[Unit]:
    random = rng(seed, "stock", position.id)
    own = layout.product(position)
    fill = random.uniform(0.15, 1.0)
    out, plugged, misplaced = random.random(3) < (mess.out, mess.plugged, mess.misplaced)
    foreign = _foreign_product(layout, position, random, neighbour=out)
    foreign_column = int(random.integers(position.wide))
    units = []
    for column in range(position.wide):
        empty = random.random() < mess.empty_column
        count = int(np.clip(random.binomial(position.deep * position.high, fill), 1, None))
        poses = random.standard_normal((position.deep * position.high, 3))
        product = own
        if out or empty:
            count = 0
        if foreign is not None and ((out and plugged) or (misplaced and column == foreign_column)):
            product, count = foreign, 1
        # Stacks are filled from the front, each to the top before the next row begins.
        for n in range(count):
            row, level = divmod(n, position.high)
            units.append(_unit(layout, position, product, (column, level, row), poses[n], mess))
    if units or out:
        return units
    column = int(random.integers(position.wide))
    return [_unit(layout, position, own, (column, 0, 0), np.zeros(3), mess)]


def _unit(
    layout: Layout, position: Position, product: Product, place: tuple[int, int, int], pose: np.ndarray, mess: Mess
) -> Unit:
    column, level, row = place
    x, y, z = layout.base(position, column, level, row)
    y += (product.depth - layout.product(position).depth) / 2
    # A shift stays within the free gap, so that packs never run into each other.
    dx, dy = np.clip(pose[:2] * mess.shift, -0.0025, 0.0025)
    turn = float(np.clip(pose[2] * mess.turn, -0.15, 0.15))
    if product.form in ("box", "carton", "pouch"):
        turn *= 0.3
    return Unit(product.sku, position.id, column, level, row, float(x + dx), float(y + dy), float(z), turn)


def _foreign_product(
    layout: Layout, position: Position, random: np.random.Generator, neighbour: bool
) -> Product | None:
    """Choose a product that fits one facing: from the same shelf if `neighbour`, else from the store."""
    own = layout.product(position)
    candidates = [
        layout.product(p)
        for p in layout.planogram.positions
        if p.sku != position.sku and (not neighbour or (p.fixture, p.shelf) == (position.fixture, position.shelf))
    ]
    fitting = [p for p in candidates if p.width <= own.width and p.height <= own.height * 1.1 and p.depth <= 0.3]
    return fitting[int(random.integers(len(fitting)))] if fitting else None
