"""What stands on the shelves at one moment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scenarios.conditions import Mess
from scenarios.disturbance import disturb
from scenarios.planogram import Layout, Position
from scenarios.products import ROUND, Product
from scenarios.randomness import rng
from scenarios.units import Unit

__all__ = ["Stock", "Unit", "draw_stock", "tidy_unit"]


@dataclass(frozen=True)
class Stock:
    """All units. A *facing* is the foremost unit of a column on one level, wherever in the depth it stands:
    the front of a row that has receded is still a facing, and an empty place is one whose column holds
    nothing on that level."""

    units: tuple[Unit, ...]

    @cached_property
    def foremost(self) -> tuple[bool, ...]:
        """For every unit whether it is the foremost of its column on its level."""
        front: dict[tuple[str, int, int], int] = {}
        for u in self.units:
            key = (u.position, u.column, u.level)
            front[key] = min(u.row, front.get(key, u.row))
        return tuple(u.row == front[u.position, u.column, u.level] for u in self.units)

    def units_of(self, position: Position) -> int:
        """Units of the position's own SKU that stand in it."""
        return sum(u.position == position.id and u.sku == position.sku for u in self.units)

    def facings_of(self, position: Position) -> int:
        """Facings of the position's own SKU."""
        own = (position.id, position.sku)
        return sum(front and (u.position, u.sku) == own for u, front in zip(self.units, self.foremost))

    def intruder_of(self, position: Position) -> str | None:
        """The SKU in the position's front row that does not belong there, if any."""
        return next((u.sku for u in self.units if u.position == position.id and u.sku != position.sku), None)


def draw_stock(layout: Layout, mess: Mess, seed: int) -> Stock:
    """Draw what stands in every position. Columns are pulled forward, so that one with a unit has one in front,
    but for those that `mess.receded` leaves as the shoppers did; `mess.turned`, `leaning` and `fallen`
    disturb the foremost units. Leaning and fallen ones have a pose that physics has yet to settle.
    """
    units: list[Unit] = []
    for position in layout.planogram.positions:
        units += _draw_position(layout, position, mess, seed)
    return Stock(tuple(units))


def _draw_position(layout: Layout, position: Position, mess: Mess, seed: int) -> list[Unit]:
    random = rng(seed, "stock", position.id)
    own = layout.product(position)
    fill = random.uniform(0.15, 1.0)
    out, plugged, misplaced = random.random(3) < (mess.out, mess.plugged, mess.misplaced)
    fitting = layout.intruders[position.id, bool(out)]
    foreign = fitting[int(random.integers(len(fitting)))] if fitting else None
    foreign_column = int(random.integers(position.wide))
    receded = np.zeros(position.wide, bool)
    if mess.receded and not layout.fixture(position).pushers:
        receded = rng(seed, "receded", position.id).random(position.wide) < mess.receded
    units = []
    for column in range(position.wide):
        empty = random.random() < mess.empty_column
        count = max(1, int(random.binomial(position.deep * position.high, fill)))
        poses = random.standard_normal((position.deep * position.high, 3))
        product = own
        if out or empty:
            count = 0
        if foreign is not None and ((out and plugged) or (misplaced and column == foreign_column)):
            product, count = foreign, 1
        # Stacks are filled from the front, each to the top before the next row begins; where units have
        # left from the front, all the free places are there.
        for n in range(count):
            row, level = divmod(n, position.high)
            if receded[column] and product is own:
                row = position.deep - 1 - row
            units.append(_unit(layout, position, product, (column, level, row), poses[n], mess))
    if units:
        return disturb(layout, position, units, mess, seed)
    if out:
        return []
    column = int(random.integers(position.wide))
    return [_unit(layout, position, own, (column, 0, 0), np.zeros(3), mess)]


def tidy_unit(layout: Layout, position: Position, product: Product, place: tuple[int, int, int]) -> Unit:
    """A pack that stands exactly in its place (column, level, row) of a position."""
    return _unit(layout, position, product, place, np.zeros(3), Mess())


def _unit(
    layout: Layout, position: Position, product: Product, place: tuple[int, int, int], pose: np.ndarray, mess: Mess
) -> Unit:
    column, level, row = place
    fixture, own = layout.fixture(position), layout.product(position)
    x, y, z = layout.base(position, column, level, row).tolist()
    cos, sin = math.cos(fixture.yaw), math.sin(fixture.yaw)
    # A shift stays within the free gap, so that packs never run into each other.
    dx, dy = (max(-0.0025, min(0.0025, v * mess.shift)) for v in pose[:2].tolist())
    deeper = (product.depth - own.depth) / 2
    x, y = x - sin * deeper, y + cos * deeper
    x, y = x + (cos * dx - sin * dy), y + (sin * dx + cos * dy)
    if fixture.kind == "pegwall":
        z += own.height - product.height  # it hangs from the hook of the pack that belongs there
    turn = max(-0.15, min(0.15, float(pose[2]) * mess.turn))
    if product.form not in ROUND:
        turn *= 0.3
    return Unit(product.sku, position.id, column, level, row, x, y, z, fixture.yaw + turn)
