"""The floor in front of the fixtures: where people walk and pallets stand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenarios.store import Fixture, Store

DEPTH = 2.5
"""Metres of floor in front of a fixture that count as its aisle."""
STEP = 0.1


@dataclass(frozen=True)
class Front:
    """Fixtures side by side with one front line: `length` metres along it from `first`'s left edge.

    `free` is the depth of free floor before it, `before` and `after` that beyond its two ends, all in
    metres. A place on it is (u, d): u along the line from its left end, d out from the shelves.
    """

    first: Fixture
    length: float
    free: float
    before: float
    after: float

    def place(self, u: float, d: float) -> tuple[float, float]:
        """World (x, y) of a place."""
        x, y, _ = self.first.to_world([u, -d, 0.0])
        return float(x), float(y)


@lru_cache(maxsize=16)
def fronts(store: Store) -> tuple[Front, ...]:
    """All fronts of a store that a person can stand before."""
    rows: dict[tuple[float, float], list[tuple[float, Fixture]]] = {}
    for f in store.fixtures:
        cos, sin = math.cos(f.yaw), math.sin(f.yaw)
        along, across = f.x * cos + f.y * sin, f.y * cos - f.x * sin
        rows.setdefault((round(f.yaw % (2 * math.pi), 2), round(across, 1)), []).append((along, f))
    found = []
    for row in rows.values():
        row.sort(key=lambda pair: pair[0])
        start = row[0]
        end = start[0] + start[1].width
        for along, f in row[1:]:
            if along > end + 0.3:
                found.append((start[1], end - start[0]))
                start = (along, f)
            end = along + f.width
        found.append((start[1], end - start[0]))
    measured = [_measured(store, first, length) for first, length in found]
    return tuple(front for front in measured if front.free >= 0.7)


def aisle_area(store: Store) -> float:
    """Square metres of free floor within DEPTH before some fixture."""
    x = np.arange(store.room.x[0] + STEP / 2, store.room.x[1], STEP)
    y = np.arange(store.room.y[0] + STEP / 2, store.room.y[1], STEP)
    points = np.stack([*np.meshgrid(x, y), np.zeros((len(y), len(x)))], -1)
    before = np.zeros(points.shape[:2], bool)
    for f in store.fixtures:
        local = f.to_local(points)
        before |= (local[..., 0] > 0) & (local[..., 0] < f.width) & (local[..., 1] < 0) & (local[..., 1] > -DEPTH)
    return float((before & free_floor(store, points)).sum() * STEP * STEP)


def free_floor(store: Store, points: NDArray[np.float64], margin: float = 0.0) -> NDArray[np.bool_]:
    """Which points (…, 3) are in the room, at least `margin` metres from walls and fixtures."""
    (x0, x1), (y0, y1) = store.room.x, store.room.y
    x, y = points[..., 0], points[..., 1]
    free = (x > x0 + margin) & (x < x1 - margin) & (y > y0 + margin) & (y < y1 - margin)
    for f in store.fixtures:
        local = f.to_local(points)
        u, v = local[..., 0], local[..., 1]
        free &= ~((u > -margin) & (u < f.width + margin) & (v > -margin) & (v < f.depth + margin))
    return free


def _measured(store: Store, first: Fixture, length: float) -> Front:
    u, d = np.arange(STEP, length, STEP), np.arange(STEP, DEPTH + 2 * STEP, STEP)
    free = _reach(store, first, u[:, None], -d[None], axis=1)
    beyond = np.arange(STEP, 2.0, STEP)
    lane = -np.array([[min(0.5, free)], [min(0.9, free)]])
    return Front(first, length, free, _reach(store, first, -beyond[None], lane, 1),
                 _reach(store, first, length + beyond[None], lane, 1))  # fmt: skip


def _reach(store: Store, first: Fixture, u: NDArray[np.float64], v: NDArray[np.float64], axis: int) -> float:
    """Metres along `axis` of a grid of the fixture's own places up to the first that is not free."""
    u, v = np.broadcast_arrays(u, v)
    free = free_floor(store, first.to_world(np.stack([u, v, np.zeros_like(u)], -1)))
    return STEP * float(np.cumprod(free, axis=axis).sum(axis=axis).min())
