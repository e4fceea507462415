"""The building: room, fixtures and their shelves.

World frame: x along the aisle, y into the shelf, z up; metres.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shelf:
    """One board of a fixture: `z` is its upper surface, `clearance` the free height above it."""

    z: float
    clearance: float

    def __post_init__(self) -> None:
        if self.z < 0 or self.clearance <= 0:
            raise ValueError(f"shelf with z {self.z} and clearance {self.clearance}; expected z >= 0, clearance > 0")


@dataclass(frozen=True)
class Fixture:
    """One bay of shelving. (x, y) is its front left corner; it spans +x and, into the shelf, +y."""

    id: str
    x: float
    y: float
    width: float
    depth: float
    shelves: tuple[Shelf, ...]

    def __post_init__(self) -> None:
        if self.width <= 0 or self.depth <= 0 or not self.shelves:
            raise ValueError(f"fixture {self.id!r}; expected width and depth > 0 and at least one shelf")

    @property
    def height(self) -> float:
        return max(shelf.z for shelf in self.shelves) + self.shelves[-1].clearance


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
class Store:
    name: str
    room: Room
    fixtures: tuple[Fixture, ...]

    def fixture(self, fixture_id: str) -> Fixture:
        for fixture in self.fixtures:
            if fixture.id == fixture_id:
                return fixture
        raise KeyError(fixture_id)

    def obstacle_at(self, point: tuple[float, float, float]) -> str | None:
        """Name what a camera at `point` would be inside of: a wall or a fixture, or None."""
        if not self.room.contains(point):
            return "a wall, the floor or the ceiling"
        x, y, z = point
        for f in self.fixtures:
            if f.x <= x <= f.x + f.width and f.y <= y <= f.y + f.depth and z <= f.height:
                return f"fixture {f.id}"
        return None
