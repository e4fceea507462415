"""The building: room, fixtures and their shelves, luminaires and windows.

World frame: x along the aisle, y into the shelf, z up; metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

FIXTURE_KINDS = ("gondola", "endcap", "cooler", "freezer", "pegwall", "pallet", "rack")
LUMINAIRE_KINDS = ("tube", "panel", "spot", "strip")


@dataclass(frozen=True)
class Shelf:
    """One board of a fixture: `z` is its upper surface, `clearance` the free height above it.

    The "board" of a peg wall is the line that its packs hang down to, that of a freezer chest the
    floor of the chest, that of a pallet its deck.
    """

    z: float
    clearance: float

    def __post_init__(self) -> None:
        if self.z < 0 or self.clearance <= 0:
            raise ValueError(f"shelf with z {self.z} and clearance {self.clearance}; expected z >= 0, clearance > 0")


@dataclass(frozen=True)
class Fixture:
    """One bay of shelving. (x, y) is its front left corner, as who stands before it sees it.

    `yaw` (radians) turns the fixture about that corner, anticlockwise seen from above: at 0 it spans
    +x and, into the shelf, +y, so that it faces -y; at pi it faces +y, at pi/2 it faces +x.
    `dividers` stand between the positions of a shelf; `pushers` keep every column pulled forward.
    """

    id: str
    x: float
    y: float
    width: float
    depth: float
    shelves: tuple[Shelf, ...]
    kind: str = "gondola"
    yaw: float = 0.0
    dividers: bool = False
    pushers: bool = False

    def __post_init__(self) -> None:
        if self.width <= 0 or self.depth <= 0 or not self.shelves:
            raise ValueError(f"fixture {self.id!r}; expected width and depth > 0 and at least one shelf")
        if self.kind not in FIXTURE_KINDS:
            raise ValueError(f"fixture {self.id!r}: kind {self.kind!r}; expected one of {', '.join(FIXTURE_KINDS)}")

    @property
    def height(self) -> float:
        return max(shelf.z + shelf.clearance for shelf in self.shelves)

    def to_world(self, points: ArrayLike) -> NDArray[np.float64]:
        """World points (…, 3) of points in the fixture's own frame: x from its left edge along the front,
        y from the front into the shelf, z up."""
        return np.asarray(points, float) @ self._turn.T + (self.x, self.y, 0.0)

    def to_local(self, points: ArrayLike) -> NDArray[np.float64]:
        """The inverse of `to_world`."""
        return (np.asarray(points, float) - (self.x, self.y, 0.0)) @ self._turn

    @cached_property
    def _turn(self) -> NDArray[np.float64]:
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])

    @property
    def footprint(self) -> NDArray[np.float64]:
        """The (4, 2) corners of its floor area, anticlockwise from the front left one."""
        w, d = self.width, self.depth
        return self.to_world(np.array([[0, 0, 0], [w, 0, 0], [w, d, 0], [0, d, 0]]))[:, :2]


@dataclass(frozen=True)
class Room:
    """The free space between the walls. The aisle lies in front of the fixtures, at smaller y."""

    x: tuple[float, float]
    y: tuple[float, float]
    ceiling: float

    def contains(self, point: tuple[float, float, float]) -> bool:
        x, y, z = point
        return self.x[0] < x < self.x[1] and self.y[0] < y < self.y[1] and 0 < z < self.ceiling


@dataclass(frozen=True)
class Luminaire:
    """A lamp that shines downwards: `position` of its centre, `length` × `width` of its lit area (metres;
    at `yaw` 0 the length lies along x), luminous flux in lumens, correlated colour temperature in kelvin.

    A `strip` is a cooler's or shelf's own light and stays on at night; `emergency` lamps stay on when
    the power fails.
    """

    id: str
    kind: str
    position: tuple[float, float, float]
    lumens: float
    kelvin: float = 4000.0
    length: float = 1.5
    width: float = 0.1
    yaw: float = 0.0
    emergency: bool = False

    def __post_init__(self) -> None:
        if self.kind not in LUMINAIRE_KINDS:
            raise ValueError(f"luminaire {self.id!r}: kind {self.kind!r}; expected one of {', '.join(LUMINAIRE_KINDS)}")
        if not self.lumens > 0 or not 1500 <= self.kelvin <= 12000 or min(self.length, self.width) <= 0:
            raise ValueError(
                f"luminaire {self.id!r}; expected lumens, length and width > 0 and kelvin within 1500 to 12000"
            )


@dataclass(frozen=True)
class Window:
    """A window that lets daylight in: four corners are `centre` ± width/2 along its wall ± height/2 up.

    `wall` is the wall of the room that it is in: "left" (smallest x), "right", "front" (smallest y) or
    "back". `bearing` is the compass direction that it faces, in radians clockwise from north.
    """

    wall: str
    centre: tuple[float, float, float]
    width: float
    height: float
    bearing: float = math.pi

    def __post_init__(self) -> None:
        if self.wall not in ("left", "right", "front", "back") or min(self.width, self.height) <= 0:
            raise ValueError(f"window in wall {self.wall!r}; expected left, right, front or back, width and height > 0")


@dataclass(frozen=True)
class Store:
    name: str
    room: Room
    fixtures: tuple[Fixture, ...]
    luminaires: tuple[Luminaire, ...] = ()
    """None given: two rows of tubes over the aisle."""
    windows: tuple[Window, ...] = ()

    def fixture(self, fixture_id: str) -> Fixture:
        for fixture in self.fixtures:
            if fixture.id == fixture_id:
                return fixture
        raise KeyError(fixture_id)

    def obstacle_at(self, point: tuple[float, float, float]) -> str | None:
        """Name what a camera at `point` would be inside of: a wall or a fixture, or None."""
        if not self.room.contains(point):
            return "a wall, the floor or the ceiling"
        for f in self.fixtures:
            x, y, z = f.to_local(point)
            if 0 <= x <= f.width and 0 <= y <= f.depth and z <= f.height:
                return f"fixture {f.id}"
        return None

    def overlap(self) -> tuple[str, str] | None:
        """Two fixtures that stand in one place, by more than 5 mm, or None."""
        for i, a in enumerate(self.fixtures):
            for b in self.fixtures[i + 1 :]:
                if _penetration(a.footprint, b.footprint) > 0.005:
                    return a.id, b.id
        return None


def _penetration(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """How deep two rectangles (4, 2) run into each other, by the separating axis theorem; <= 0 if they do not."""
    axes = np.concatenate([np.diff(a[:3], axis=0), np.diff(b[:3], axis=0)])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    p, q = a @ axes.T, b @ axes.T
    return float((np.minimum(p.max(0), q.max(0)) - np.maximum(p.min(0), q.min(0))).min())
