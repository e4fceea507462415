"""The plan: which SKU belongs where, and where each of its places is in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios.files import InputError, read_csv, write_csv
from scenarios.products import Catalog, Product
from scenarios.store import Fixture, Store

SIDE_GAP = 0.006
"""Free width between two facings, in metres."""
FRONT_MARGIN = 0.015
"""Distance of the front row from the shelf edge, in metres."""
ROW_GAP = 0.004
"""Free depth between two rows, in metres."""


@dataclass(frozen=True)
class Position:
    """A slot of the planogram: one SKU over `wide` × `high` facings, `deep` units each.

    `shelf` counts from 0 at the bottom, `x` is the slot's left edge from the fixture's left edge
    in metres. The position is low when it holds `low_at` units or fewer.
    """

    id: str
    fixture: str
    shelf: int
    x: float
    sku: str
    wide: int
    high: int
    deep: int
    low_at: int

    def __post_init__(self) -> None:
        if min(self.wide, self.high, self.deep) < 1:
            raise ValueError(f"position {self.id!r}: wide, high and deep must be 1 or more")

    @property
    def facings(self) -> int:
        return self.wide * self.high


@dataclass(frozen=True)
class Planogram:
    positions: tuple[Position, ...]


def load_planogram(path: Path) -> Planogram:
    return Planogram(tuple(read_csv(path, Position)))


def save_planogram(planogram: Planogram, path: Path) -> None:
    write_csv(path, planogram.positions)


@dataclass(frozen=True)
class Layout:
    """Store, catalog and planogram together: every place of the plan in world coordinates.

    This is what a device knows about the shelves that it watches.
    """

    store: Store
    catalog: Catalog
    planogram: Planogram

    def product(self, position: Position) -> Product:
        return self.catalog[position.sku]

    def fixture(self, position: Position) -> Fixture:
        return self._fixtures[position.fixture]

    @cached_property
    def _fixtures(self) -> dict[str, Fixture]:
        return {fixture.id: fixture for fixture in self.store.fixtures}

    @cached_property
    def intruders(self) -> dict[tuple[str, bool], list[Product]]:
        """The products that fit one facing of a position, by its id and whether they must come from its shelf."""
        positions = self.planogram.positions
        products = [self.product(p) for p in positions]
        sku = np.array([p.sku for p in positions], object)
        shelf = np.array([f"{p.fixture}/{p.shelf}" for p in positions], object)
        sizes = np.array([[q.width, q.height, q.depth] for q in products]).reshape(-1, 3)
        fits: dict[tuple[str, bool], list[Product]] = {}
        for i, p in enumerate(positions):
            width, height, _ = sizes[i]
            anywhere = (sku != p.sku) & (sizes[:, 0] <= width) & (sizes[:, 1] <= height * 1.1) & (sizes[:, 2] <= 0.3)
            for neighbour in (False, True):
                found = anywhere & (shelf == shelf[i]) if neighbour else anywhere
                fits[p.id, neighbour] = [products[j] for j in np.flatnonzero(found)]
        return fits

    def base(self, position: Position, column: int, level: int = 0, row: int = 0) -> NDArray[np.float64]:
        """Return the (3,) centre of the bottom face of the pack at one place; row 0 is the front."""
        fixture, product = self.fixture(position), self.product(position)
        x = position.x + (column + 0.5) * (product.width + SIDE_GAP)
        y = FRONT_MARGIN + product.depth / 2 + row * (product.depth + ROW_GAP)
        z = fixture.shelves[position.shelf].z + level * product.height
        return fixture.to_world([x, y, z])

    def front_row(self, position: Position) -> NDArray[np.float64]:
        """Return the (facings, 3) bases of the front row, column by column, each from below."""
        return np.array([self.base(position, c, level) for c in range(position.wide) for level in range(position.high)])

    @cached_property
    def places(self) -> Places:
        """All front-row places of the planogram as parallel arrays."""
        positions = self.planogram.positions
        bases = np.concatenate([self.front_row(p) for p in positions])
        owner = np.repeat(np.arange(len(positions)), [p.facings for p in positions])
        sizes = np.array([[q.width, q.depth, q.height] for q in map(self.product, positions)])[owner]
        level = np.concatenate([np.tile(np.arange(p.high), p.wide) for p in positions])
        yaw = np.array([self.store.fixture(p.fixture).yaw for p in positions])[owner]
        from_above = np.array([self.store.fixture(p.fixture).kind == "freezer" for p in positions])[owner]
        return Places(owner, level, bases, sizes, yaw, from_above)

    def check(self, source: Path | str, places: Sequence[str] = ()) -> None:
        """Raise InputError for the first position that the store or the catalog cannot hold.

        `places` says where in `source` each position stands; by default they are the rows of a CSV.
        """
        places = places or [f"row {row}" for row in range(2, len(self.planogram.positions) + 2)]
        ids: dict[str, str] = {}
        ends: dict[tuple[str, int], list[tuple[float, float, str]]] = {}
        both = self.store.overlap()
        if both:
            raise InputError(f"{source}: fixtures {both[0]} and {both[1]} stand in one place; move one of them")
        for place, p in zip(places, self.planogram.positions):
            where = f"{source}, {place}: position {p.id!r}"
            if p.id in ids:
                raise InputError(f"{where} stands in {ids[p.id]} already")
            ids[p.id] = place
            if p.sku not in self.catalog:
                raise InputError(f"{where}: sku {p.sku!r} is not in the catalog ({len(self.catalog)} SKUs)")
            try:
                fixture = self.store.fixture(p.fixture)
            except KeyError:
                known = ", ".join(f.id for f in self.store.fixtures)
                raise InputError(
                    f"{where}: fixture {p.fixture!r} is not in the store; expected one of {known}"
                ) from None
            if not 0 <= p.shelf < len(fixture.shelves):
                raise InputError(f"{where}: shelf {p.shelf}; {fixture.id} has shelves 0 to {len(fixture.shelves) - 1}")
            self._check_size(p, fixture, where)
            left, right = p.x, p.x + p.wide * (self.product(p).width + SIDE_GAP)
            for other_left, other_right, other in ends.setdefault((p.fixture, p.shelf), []):
                if left < other_right - 1e-6 and other_left < right - 1e-6:
                    raise InputError(f"{where} overlaps position {other!r} on {p.fixture}, shelf {p.shelf}")
            ends[p.fixture, p.shelf].append((left, right, p.id))

    def _check_size(self, p: Position, fixture: Fixture, where: str) -> None:
        product, shelf = self.product(p), fixture.shelves[p.shelf]
        needed = {
            "wide": (p.x + p.wide * (product.width + SIDE_GAP), fixture.width),
            "high": (p.high * product.height, shelf.clearance),
            "deep": (FRONT_MARGIN + p.deep * (product.depth + ROW_GAP) - ROW_GAP, fixture.depth),
        }
        if p.x < 0:
            raise InputError(f"{where}: x {p.x} lies left of the shelf; expected 0 or more")
        for name, (need, have) in needed.items():
            if need > have + 1e-6:
                raise InputError(
                    f"{where} needs {need:.3f} m ({name} {getattr(p, name)}); "
                    f"shelf {p.shelf} of {fixture.id} has {have:.3f} m"
                )


@dataclass(frozen=True, eq=False)
class Places:
    """Front-row places as parallel arrays: `position` (N,) index into the planogram's positions,
    `level` (N,) 0 on the board and 1 or more on a stack, `base` (N, 3) centre of the bottom face in
    metres, `size` (N, 3) width, depth, height in metres, `yaw` (N,) of their fixtures in radians,
    `from_above` (N,) whether one looks down on them, as into a freezer chest."""

    position: NDArray[np.int64]
    level: NDArray[np.int64]
    base: NDArray[np.float64]
    size: NDArray[np.float64]
    yaw: NDArray[np.float64]
    from_above: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.position)

    @cached_property
    def corners(self) -> NDArray[np.float64]:
        """The (N, 8, 3) corners of the packs; the first four are the front face."""
        unit = np.array([[x, y, z] for y in (-0.5, 0.5) for x in (-0.5, 0.5) for z in (0, 1)])
        return self.base[:, None] + self._turned(unit[None] * self.size[:, None])

    @cached_property
    def faces(self) -> NDArray[np.float64]:
        """The (N, 4, 3) corners of the packs' faces that one looks at, in turn: the front, or the top."""
        front, top = self.corners[:, [0, 2, 3, 1]], self.corners[:, [1, 3, 7, 5]]
        return np.where(self.from_above[:, None, None], top, front)

    @cached_property
    def front(self) -> NDArray[np.float64]:
        """The (N, 3) centres of the packs' front faces."""
        w, d, h = np.zeros(len(self)), -self.size[:, 1] / 2, self.size[:, 2] / 2
        return self.base + self._turned(np.stack([w, d, h], axis=1)[:, None])[:, 0]

    def _turned(self, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
        """Offsets (N, K, 3) in the frames of the fixtures, in the world's."""
        cos, sin = np.cos(self.yaw)[:, None], np.sin(self.yaw)[:, None]
        x, y, z = np.moveaxis(offsets, -1, 0)
        return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=-1)
