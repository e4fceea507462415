"""Where cameras may hang: points on ceilings, shelf edges, walls, poles and end caps that the rules allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Fixture, InputError, Store
from scenarios.aisles import free_floor, fronts

Floats = NDArray[np.float64]

KINDS = ("ceiling", "shelf_edge", "wall", "pole", "endcap")
OFF_WALL = 0.1
"""Metres that a camera hangs off a wall or before a shelf's edge."""
POLE_CLEAR = 0.2
"""Metres of free floor around a pole, and how far beyond a run's end poles stand."""
POLE_BEYOND = 0.5


@dataclass(frozen=True)
class Mount:
    """One way to hang cameras: every `spacing` metres, at each of `heights`, for `cost` a camera beside its price.

    Heights in metres: below the ceiling for "ceiling"; above the top of a bay for "shelf_edge" (along its front) and
    "endcap" (at either end of a run); above the floor for "wall" and "pole" (in the aisle, beyond the ends of a run).
    """

    kind: str
    heights: tuple[float, ...]
    spacing: float
    cost: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}; expected one of {', '.join(KINDS)}")
        if not self.heights or min(self.heights) < 0 or not self.spacing > 0 or self.cost < 0:
            raise ValueError(
                f"{self.kind}: heights {list(self.heights)}, spacing {self.spacing}, cost {self.cost}; "
                "expected heights >= 0, spacing > 0, cost >= 0"
            )


@dataclass(frozen=True)
class Zone:
    """A box, in metres, in which no camera may hang; without `z` from floor to ceiling."""

    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if any(low > high for low, high in (self.x, self.y, self.z or (0, 0))):
            raise ValueError(f"zone x {list(self.x)}, y {list(self.y)}; expected low <= high")

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """Which of points (N, 3) are in it."""
        spans = (self.x, self.y, self.z or (-np.inf, np.inf))
        return np.all([(points[:, k] >= low) & (points[:, k] <= high) for k, (low, high) in enumerate(spans)], axis=0)


@dataclass(frozen=True, eq=False)
class Mounts:
    """Points where a camera may hang: `place` (M, 3) metres, `kind` (M,) and `cost` (M,) of the mount."""

    place: Floats
    kind: NDArray[np.object_]
    cost: Floats

    def __len__(self) -> int:
        return len(self.place)


def mount_points(store: Store, rules: Sequence[Mount], zones: Sequence[Zone] = ()) -> Mounts:
    """All points that the rules allow. Raises InputError where a rule contradicts the store, or nothing is left."""
    if not rules:
        raise InputError("mounts is empty; expected at least one of " + ", ".join(KINDS))
    places, kinds, costs, left_out = [], [], [], []
    for rule in rules:
        _check(rule, store)
        points = np.array(list(_POINTS[rule.kind](store, rule)), float).reshape(-1, 3).round(3)
        within = np.array([store.obstacle_at(tuple(p)) is None for p in points.tolist()], bool)
        barred = np.any([z.holds(points) for z in zones], axis=0) if zones else np.zeros(len(points), bool)
        kept = points[within & ~barred]
        left_out.append(f"{rule.kind} {int((within & barred).sum())} of {int(within.sum())} in no_go zones")
        places.append(kept)
        kinds += [rule.kind] * len(kept)
        costs += [rule.cost] * len(kept)
    if not kinds:
        raise InputError(f"{store.name}: no place is left to hang a camera at ({', '.join(left_out)})")
    return Mounts(np.concatenate(places), np.array(kinds, object), np.array(costs))


def _check(rule: Mount, store: Store) -> None:
    highest = store.room.ceiling
    top = min(f.height for f in store.fixtures) if rule.kind in ("shelf_edge", "endcap") else 0.0
    if not any(height + top < highest for height in rule.heights):
        raise InputError(
            f"mounts: {rule.kind} at heights {list(rule.heights)} is not under the ceiling of {store.name}, "
            f"which is {highest} m high"
        )


Points = Iterator[tuple[float, ...]]


def _steps(low: float, high: float, spacing: float) -> Floats:
    """Middles of as many equal parts, none wider than the spacing."""
    count = max(1, int(np.ceil((high - low) / spacing - 1e-9)))
    return low + (np.arange(count) + 0.5) * (high - low) / count


def _ceiling(store: Store, rule: Mount) -> Points:
    for height in rule.heights:
        for x in _steps(*store.room.x, rule.spacing):
            for y in _steps(*store.room.y, rule.spacing):
                yield x, y, store.room.ceiling - max(height, 0.01)


def _wall(store: Store, rule: Mount) -> Points:
    (x0, x1), (y0, y1) = store.room.x, store.room.y
    for z in rule.heights:
        for x in _steps(x0, x1, rule.spacing):
            yield from ((x, y0 + OFF_WALL, z), (x, y1 - OFF_WALL, z))
        for y in _steps(y0, y1, rule.spacing):
            yield from ((x0 + OFF_WALL, y, z), (x1 - OFF_WALL, y, z))


def _shelf_edge(store: Store, rule: Mount) -> Points:
    for fixture in store.fixtures:
        for height in rule.heights:
            for u in _steps(0, fixture.width, rule.spacing):
                yield _at(fixture, u, -OFF_WALL, fixture.height + height)


def _endcap(store: Store, rule: Mount) -> Points:
    for front in fronts(store):
        for height in rule.heights:
            for u in (0.05, front.length - 0.05):
                yield (*front.place(u, OFF_WALL), front.first.height + height)


def _pole(store: Store, rule: Mount) -> Points:
    for front in fronts(store):
        spots = np.array(
            [
                (*front.place(u, d), 0.0)
                for u, free in ((-POLE_BEYOND, front.before), (front.length + POLE_BEYOND, front.after))
                if free > POLE_BEYOND
                for d in _steps(0.3, max(front.free, 0.4), rule.spacing)
            ]
        ).reshape(-1, 3)
        for x, y, _ in spots[free_floor(store, spots, POLE_CLEAR)].tolist():
            yield from ((x, y, z) for z in rule.heights)


def _at(fixture: Fixture, u: float, v: float, z: float) -> tuple[float, ...]:
    return tuple(fixture.to_world([u, v, z]).tolist())


_POINTS = {"ceiling": _ceiling, "wall": _wall, "shelf_edge": _shelf_edge, "endcap": _endcap, "pole": _pole}
