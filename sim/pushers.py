"""Spring-loaded plates behind the packs of a shelf with pushers: each follows the last pack of its column."""

from __future__ import annotations

import math
from functools import cache

from scenarios import Layout, Position, Stock
from sim import surfaces
from sim.joinery import Joinery
from sim.meshes import Mesh
from sim.stage import Pose

WIDEST, HIGHEST = 0.075, 0.07
"""Of a plate, metres (catalogues of spring pushers: paddles of 40 to 75 mm)."""
THICK = 0.003
Column = tuple[Position, int]


def pusher_columns(layout: Layout) -> list[Column]:
    """Every column of every position on a shelf with pushers."""
    pushed = {f.id for f in layout.store.fixtures if f.pushers}
    return [(p, c) for p in layout.planogram.positions if p.fixture in pushed for c in range(p.wide)]


def plate_of(layout: Layout, column: Column) -> Mesh:
    """The plate of a column, its front over the origin; columns of like packs have the same one."""
    product = layout.product(column[0])
    return _plate(round(min(WIDEST, 0.85 * product.width), 3), round(min(HIGHEST, 0.6 * product.height), 3))


@cache
def _plate(width: float, height: float) -> Mesh:
    work = Joinery(plate=surfaces.swatch((206, 212, 216)), edge=surfaces.swatch((236, 240, 242)))
    work.block((-width / 2, 0.0, 0.001), (width / 2, THICK, height), "plate", "bottom", top="edge")
    return work.mesh()


def plate_poses(layout: Layout, stock: Stock, columns: list[Column]) -> list[tuple[Pose, Pose]]:
    """Position (m) and quaternion (x, y, z, w) of every column's plate: behind the last unit, in front where none
    is left."""
    rows: dict[tuple[str, int], int] = {}
    for unit in stock.units:
        key = (unit.position, unit.column)
        rows[key] = max(rows.get(key, 0), unit.row + 1)
    poses: list[tuple[Pose, Pose]] = []
    for position, column in columns:
        fixture = layout.fixture(position)
        x, y, _ = fixture.to_local(layout.base(position, column, 0, rows.get((position.id, column), 0)))
        y = min(float(y) - layout.product(position).depth / 2, fixture.depth - 2 * THICK)
        at = fixture.to_world([float(x), y, fixture.shelves[position.shelf].z])
        turn = (0.0, 0.0, math.sin(fixture.yaw / 2), math.cos(fixture.yaw / 2))
        poses.append((tuple(map(float, at)), turn))
    return poses
