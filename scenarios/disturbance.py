"""Units that are turned, lean or have fallen: the foremost of a column, where the column has room for it.

What is drawn here is a pose to start from, on the board and clear of the others; `sim` lets physics
settle the leaning and the fallen ones. Room is made by sending the units behind farther back; those
that then find no room are gone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios.conditions import Mess
from scenarios.planogram import FRONT_MARGIN, ROW_GAP, SIDE_GAP, Layout, Position
from scenarios.products import Product
from scenarios.randomness import rng
from scenarios.units import Unit

BOARDED = ("gondola", "endcap", "cooler", "rack")
"""Fixtures on whose boards a unit can lean or fall; in a chest, on a hook and on a pallet it cannot."""
BEYOND_BALANCE = 0.06
"""A leaning unit is tilted past the angle at which it would stand up again by this much, in radians."""
BACK_CLEARANCE = 0.004
"""What a unit keeps from the back panel, in metres."""


def disturb(layout: Layout, position: Position, units: list[Unit], mess: Mess, seed: int) -> list[Unit]:
    """Disturb the foremost units of a position's columns. Without mess of this kind they stay as they are."""
    if not (mess.turned or mess.leaning or mess.fallen):
        return units
    draws = rng(seed, "disturb", position.id).random((position.wide, position.high, 5))
    kind = layout.fixture(position).kind
    columns: dict[int, list[Unit]] = defaultdict(list)
    for unit in units:
        columns[unit.column].append(unit)
    taken: set[int] = set()  # columns into which a neighbour leans or has fallen
    for column in sorted(columns):
        lane = _Lane(layout, position, column, columns, taken)
        fall, lean, *rest = draws[column, 0]
        if kind in BOARDED and lane.single and fall < mess.fallen and lane.fall(rest):
            continue
        if kind in BOARDED and lane.single and lean < mess.leaning and lane.lean(rest):
            continue
        lane.turn(draws[column], mess.turned, whole_turns_only=kind == "pegwall")
    return [unit for column in sorted(columns) for unit in columns[column]]


class _Lane:
    """One column of a position while its foremost units are disturbed."""

    def __init__(
        self, layout: Layout, position: Position, column: int, columns: dict[int, list[Unit]], taken: set[int]
    ) -> None:
        self.layout, self.position, self.column, self.columns, self.taken = layout, position, column, columns, taken
        self.fixture, self.own = layout.fixture(position), layout.product(position)
        self.units = sorted(columns[column], key=lambda u: (u.row, u.level))
        self.front = self.units[0]
        self.product: Product = layout.catalog[self.front.sku]
        self.single = len({u.row for u in self.units}) == len(self.units) and self.front.level == 0
        """Nothing is stacked here."""

    def fall(self, draws: NDArray[np.float64]) -> bool:
        """Lay the foremost unit down, along the column or into empty ones beside it. False where there is no room."""
        p = self.product
        if max(p.width, p.depth) > self.fixture.shelves[self.position.shelf].clearance - 0.01 or p.height < p.depth:
            return False
        side = self._free_side(p.height) if draws[0] < 0.6 else 0
        if side:
            x = self._x() - side * (p.width + SIDE_GAP) / 2 + side * (SIDE_GAP / 2 + p.height / 2)
            lying = (x - side * p.height / 2, FRONT_MARGIN + p.depth / 2, p.width / 2)
            self._pose("fallen", lying, (0.0, side * math.pi / 2))
            return True
        if not self._make_room(p.height):
            return False
        forward = 1 if draws[1] < 0.6 else -1  # on its face, top towards the aisle, or on its back
        y = FRONT_MARGIN + (p.height if forward > 0 else 0.0)
        self._pose("fallen", (self._x(), y, p.depth / 2), (forward * math.pi / 2, 0.0))
        return True

    def lean(self, draws: NDArray[np.float64]) -> bool:
        """Lean the foremost unit against what stands beside or behind it. False where there is no room."""
        p = self.product
        side = self._leaning_side() if draws[0] < 0.7 and p.height > 1.4 * p.width else 0
        if side:
            angle = math.atan(p.width / p.height) + BEYOND_BALANCE
            edge = self._x() + side * p.width / 2
            foot = (edge - side * p.width / 2 * math.cos(angle), FRONT_MARGIN + p.depth / 2)
            self._pose("leaning", (*foot, p.width / 2 * math.sin(angle)), (0.0, side * angle))
            return True
        angle = math.atan(p.depth / p.height) + BEYOND_BALANCE + 0.1 * float(draws[1])
        room = p.depth * math.cos(angle) + p.height * math.sin(angle)
        if p.height < 1.5 * p.depth or len(self.units) < 2 or not self._make_room(room, close_up=True):
            return False
        middle = FRONT_MARGIN + p.depth / 2 * math.cos(angle)
        self._pose("leaning", (self._x(), middle, p.depth / 2 * math.sin(angle)), (-angle, 0.0))
        return True

    def turn(self, draws: NDArray[np.float64], share: float, whole_turns_only: bool) -> None:
        """Turn the foremost unit of every level by 20 to 180 degrees, by half a turn where no other fits."""
        for level in range(self.position.high):
            unit = next((u for u in self.units if u.level == level), None)
            if unit is None or draws[level, 4] >= share:
                continue
            product = self.layout.catalog[unit.sku]
            angle = math.radians(20 + 160 * draws[level, 2]) * (1 if draws[level, 3] < 0.5 else -1)
            if draws[level, 3] % 0.25 < 0.08:
                angle = math.copysign(math.pi / 2, angle)
            if whole_turns_only or not (product.is_round or self._fits_turned(product, angle)):
                angle = math.pi
            self._replace(unit, replace(unit, yaw=unit.yaw + angle))

    def _fits_turned(self, product: Product, angle: float) -> bool:
        """Whether a turned pack stays in its own place. With others on top or around it has no other."""
        cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
        wide, deep = product.width * cos + product.depth * sin, product.width * sin + product.depth * cos
        return wide <= self.own.width + SIDE_GAP and deep <= product.depth + 2 * ROW_GAP

    def _x(self) -> float:
        """The middle of the column from the fixture's left edge."""
        return self.position.x + (self.column + 0.5) * (self.own.width + SIDE_GAP)

    def _free_side(self, length: float) -> int:
        """1 or -1 where the columns beside this one, in this position, are empty over `length`; 0 if none are."""
        pitch = self.own.width + SIDE_GAP
        wanted = math.ceil((length - self.own.width - SIDE_GAP / 2) / pitch)
        for side in (1, -1):
            beside = [self.column + side * n for n in range(1, wanted + 1)]
            if wanted and all(self._is_free(c) for c in beside):
                self.taken.update(beside)
                return side
        return 0

    def _leaning_side(self) -> int:
        """1 or -1 where one empty column, and a unit beyond it that can be leant on, is beside this one."""
        for side in (1, -1):
            beyond = self.columns.get(self.column + 2 * side, [])
            if self._is_free(self.column + side) and any(u.row == 0 and u.condition == "standing" for u in beyond):
                self.taken.add(self.column + side)
                return side if self.front.row == 0 else 0
        return 0

    def _is_free(self, column: int) -> bool:
        return 0 <= column < self.position.wide and column not in self.columns and column not in self.taken

    def _make_room(self, length: float, close_up: bool = False) -> bool:
        """Free `length` metres of depth behind the front margin by sending the other units back; `close_up`
        brings them up to it, or fails where not one has room there."""
        pitch, back = self.own.depth + ROW_GAP, self.fixture.depth - BACK_CLEARANCE
        if FRONT_MARGIN + length > back:
            return False
        kept = []
        for n, unit in enumerate(self.units[1:]):
            here, wanted = FRONT_MARGIN + unit.row * pitch, FRONT_MARGIN + length + ROW_GAP / 2 + n * pitch
            wanted = wanted if close_up else max(here, wanted)
            if wanted == here or wanted + self.own.depth <= back:
                dx, dy = self._turned((0.0, wanted - here, 0.0))
                kept.append(replace(unit, row=max(unit.row, n + 1), x=unit.x + dx, y=unit.y + dy))
        if close_up and not kept:
            return False
        self.units = self.columns[self.column] = [self.front, *kept]
        return True

    def _pose(self, condition: str, foot: tuple[float, float, float], tilt: tuple[float, float]) -> None:
        """Place the foremost unit with the centre of its bottom face at `foot` (fixture frame, z above the board),
        tilted about the fixture's x axis or y axis."""
        x, y, z = self.fixture.to_world(foot)
        about_x, about_y = tilt
        local = (math.sin(about_x / 2), math.sin(about_y / 2), 0.0, math.cos((about_x + about_y) / 2))
        board = self.fixture.shelves[self.position.shelf].z
        turn = self.front.yaw
        posed = replace(
            self.front, x=float(x), y=float(y), z=float(z + board), condition=condition, row=0,
            rotation=_times((0.0, 0.0, math.sin(turn / 2), math.cos(turn / 2)), local),
        )  # fmt: skip
        self._replace(self.units[0], posed)

    def _replace(self, old: Unit, new: Unit) -> None:
        self.units = self.columns[self.column] = [new if u is old else u for u in self.units]

    def _turned(self, offset: tuple[float, float, float]) -> tuple[float, float]:
        x, y, _ = self.fixture.to_world(offset)
        return float(x - self.fixture.x), float(y - self.fixture.y)


def _times(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, float, float, float]:
    """The product of two quaternions (x, y, z, w): first b, then a."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )
