"""Leaning and fallen units, let go in a physics engine until they rest on the shelf and on each other.

Every unit is simulated alone in an engine that was reset for it, with what stands around it held fast, so
that its pose depends on the stock only: not on order, worker or what was settled before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import Fixture, Layout, Stock, Unit
from sim.engine import pybullet
from sim.fixtures import SHEET
from sim.meshes import Floats, Mesh

STEP = 1 / 120
"""Time step of the engine, seconds."""
MOST_STEPS = 180
REST = 0.012
"""A unit rests when it moves slower than this, in m/s, and turns slower than ten times this, in rad/s."""
OVERHANG = 0.03
"""How far a unit may stick out before the shelf, metres."""
SUNKEN = 0.002
"""How deep units may be pressed into each other, metres."""
BULGE = 0.008
"""How far a mesh may reach beyond the solid that stands for it, metres."""
REACH = 0.05
"""Units farther than this from where a unit starts, in metres, are left out of its engine."""
KEPT = 4096
"""Settled units that are remembered."""
STANDING = (0.0, 0.0, 0.0, 1.0)


class Settler:
    """Settles the stock of one layout. `packs` are the meshes of the SKUs that stand in it."""

    def __init__(self, layout: Layout, packs: Mapping[str, Mesh]) -> None:
        self.layout, self.packs = layout, packs
        self._shelf_of = {p.id: (p.fixture, p.shelf) for p in layout.planogram.positions}
        self._known: dict[tuple[Unit, ...], Unit] = {}
        self._hulls: dict[str, list[list[float]]] = {}
        self._client = -1

    def close(self) -> None:
        if self._client >= 0:
            pybullet.disconnect(self._client)
            self._client = -1

    def settle(self, stock: Stock) -> Stock:
        """The stock with its leaning and fallen units at rest; a stock without such units is returned as it is.

        They are settled one by one in the order of the stock; those whose turn has not come are held where
        they start from.
        """
        if not any(unit.rotation for unit in stock.units):
            return stock
        units = list(stock.units)
        shelves: dict[tuple[str, int], list[int]] = {}
        for i, unit in enumerate(units):
            shelves.setdefault(self._shelf_of[unit.position], []).append(i)
        for (fixture_id, shelf), members in shelves.items():
            tilted = [i for i in members if units[i].rotation]
            if not tilted:
                continue
            boxes = np.array([self._bounds(units[i]) for i in members])
            for i in tilted:
                me = members.index(i)
                for reach in (REACH, math.inf):
                    near = _touch(boxes, boxes[me], reach)
                    near[me] = False
                    settled = self._remembered(
                        (units[i], *(units[members[n]] for n in np.flatnonzero(near))), fixture_id, shelf
                    )
                    others = _touch(boxes, self._bounds(settled), 0.0) & ~near
                    others[me] = False
                    if not others.any():
                        break  # nothing is touched that was left out
                units[i] = settled
                boxes[me] = self._bounds(settled)
        return Stock(tuple(units))

    def _remembered(self, key: tuple[Unit, ...], fixture_id: str, shelf: int) -> Unit:
        """A unit, the first of `key`, as it settles among those that follow."""
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = self._settled(key, self.layout.store.fixture(fixture_id), shelf)
        return self._known[key]

    def _bounds(self, unit: Unit) -> Floats:
        """Lowest and highest corner (2, 3) of a unit in the world."""
        w, d, h = self._size(unit)
        corners = np.array([[x, y, z] for x in (-w / 2, w / 2) for y in (-d / 2, d / 2) for z in (0, h)])
        points = posed_points(corners, unit)
        return np.array([points.min(axis=0), points.max(axis=0)])

    def _size(self, unit: Unit) -> tuple[float, float, float]:
        product = self.layout.catalog[unit.sku]
        return product.width, product.depth, product.height

    def _settled(self, key: tuple[Unit, ...], fixture: Fixture, shelf: int) -> Unit:
        unit, *near = key
        board = fixture.shelves[shelf].z
        position, rotation, rests = self._simulate(unit, near, fixture, board)
        posed = self._posed(unit, position, rotation)
        points = fixture.to_local(posed_points(self.packs[unit.sku].vertices, posed))
        low = (-0.001, -OVERHANG, board - BULGE)
        high = (fixture.width + 0.001, fixture.depth, board + fixture.shelves[shelf].clearance)
        if not (rests and (points.min(axis=0) >= low).all() and (points.max(axis=0) <= high).all()):
            return unit if unit.condition == "fallen" else _upright(unit, board)
        # The engine's solids are a hair off the mesh: nothing may hang over the board or be sunk in it.
        gap = float(points[:, 2].min()) - board
        uprightness = 1 - 2 * (rotation[0] ** 2 + rotation[1] ** 2)
        if uprightness > 0.998:
            return _upright(unit, board)
        condition = "fallen" if uprightness < 0.5 else "leaning"
        return replace(posed, z=posed.z - (gap if gap < BULGE else 0.0), condition=condition)

    def _simulate(
        self, unit: Unit, near: list[Unit], fixture: Fixture, board: float
    ) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
        """Let a unit go. Returns position of its centre, orientation, and whether it came to rest, clear of others."""
        if self._client < 0:
            self._client = pybullet.connect(pybullet.DIRECT)
        client = self._client
        pybullet.resetSimulation(physicsClientId=client)
        pybullet.setGravity(0, 0, -9.81, physicsClientId=client)
        pybullet.setPhysicsEngineParameter(
            fixedTimeStep=STEP, numSolverIterations=30, deterministicOverlappingPairs=1, physicsClientId=client
        )
        solids = _furniture(fixture, board) + [solid for other in near for solid in self._solids(other)]
        around = _body(client, _compound(client, solids), 0.0, (0.0, 0.0, 0.0), STANDING)
        half = self._size(unit)[2] / 2
        start = np.array([unit.x, unit.y, unit.z]) + rotation_matrix(unit.quaternion) @ (0, 0, half)
        body = _body(client, self._shape(client, unit), 0.4, tuple(start), unit.quaternion)
        at_rest = 0
        for _ in range(MOST_STEPS):
            pybullet.stepSimulation(physicsClientId=client)
            velocity, spin = pybullet.getBaseVelocity(body, client)
            slow = math.hypot(*velocity) < REST and math.hypot(*spin) < 10 * REST
            at_rest = at_rest + 1 if slow else 0
            if at_rest == 6:
                break
        position, rotation = pybullet.getBasePositionAndOrientation(body, client)
        contacts = pybullet.getContactPoints(body, around, physicsClientId=client)
        deepest = min((float(contact[8]) for contact in contacts), default=0.0)
        return position, rotation, at_rest == 6 and deepest > -SUNKEN

    def _posed(self, unit: Unit, position: tuple[float, ...], rotation: tuple[float, ...]) -> Unit:
        """The unit where the engine has its centre."""
        x, y, z = np.array(position) - rotation_matrix(rotation) @ (0.0, 0.0, self._size(unit)[2] / 2)
        qx, qy, qz, qw = (float(v) for v in rotation)
        return replace(unit, x=float(x), y=float(y), z=float(z), rotation=(qx, qy, qz, qw))

    def _shape(self, client: int, unit: Unit) -> int:
        """What falls: a cuboid or a cylinder for what is one, the convex hull of its mesh for all others."""
        form = self.layout.catalog[unit.sku].form
        if form in ("box", "multipack", "can"):
            (solid,) = self._solids(replace(unit, x=0.0, y=0.0, z=0.0, yaw=0.0, rotation=None))
            return _compound(client, [replace(solid, centre=(0.0, 0.0, 0.0))])
        if unit.sku not in self._hulls:
            centred = self.packs[unit.sku].vertices - (0.0, 0.0, self._size(unit)[2] / 2)
            self._hulls[unit.sku] = _extreme_points(centred).tolist()
        hull = self._hulls[unit.sku]
        shape = pybullet.createCollisionShape(pybullet.GEOM_MESH, vertices=hull, physicsClientId=client)
        return int(shape)

    def _solids(self, unit: Unit) -> list[_Solid]:
        """What stands around: cuboids and cylinders, of a bottle one for the body and one for the neck."""
        product = self.layout.catalog[unit.sku]
        w, d, h = self._size(unit)
        turn = rotation_matrix(unit.quaternion)
        parts = [(0.0, 1.0, 1.0)]
        if product.form == "bottle" and h > 2.2 * w:
            parts = [(0.0, 0.68, 1.0), (0.68, 1.0, 0.5)]
        solids = []
        for low, high, girth in parts:
            centre = np.array([unit.x, unit.y, unit.z]) + turn @ (0, 0, (low + high) / 2 * h)
            size = (w * girth / 2, d * girth / 2, (high - low) * h / 2)
            x, y, z = (float(v) for v in centre)
            solids.append(_Solid(product.is_round, size, (x, y, z), unit.quaternion))
        return solids


@dataclass(frozen=True)
class _Solid:
    """A cuboid or, if `round`, an upright cylinder: half extents, centre and orientation."""

    round: bool
    half: tuple[float, float, float]
    centre: tuple[float, float, float]
    turn: tuple[float, float, float, float]


def _touch(boxes: Floats, box: Floats, reach: float) -> NDArray[np.bool_]:
    """Which of the boxes (N, 2, 3) come as near as `reach` metres to a box (2, 3)."""
    return np.asarray((boxes[:, 0] < box[1] + reach).all(axis=1) & (boxes[:, 1] > box[0] - reach).all(axis=1))


def _compound(client: int, solids: list[_Solid]) -> int:
    """One collision shape of many solids: far quicker to make than as many bodies."""
    return int(
        pybullet.createCollisionShapeArray(
            shapeTypes=[pybullet.GEOM_CYLINDER if s.round else pybullet.GEOM_BOX for s in solids],
            halfExtents=[s.half for s in solids],
            radii=[s.half[0] for s in solids],
            lengths=[2 * s.half[2] for s in solids],
            collisionFramePositions=[s.centre for s in solids],
            collisionFrameOrientations=[s.turn for s in solids],
            physicsClientId=client,
        )
    )


def _body(client: int, shape: int, mass: float, at: tuple[float, ...], turn: tuple[float, ...]) -> int:
    body = int(pybullet.createMultiBody(mass, shape, -1, at, turn, physicsClientId=client))
    pybullet.changeDynamics(
        body, -1, lateralFriction=0.8, rollingFriction=0.002, spinningFriction=0.002, restitution=0.0,
        linearDamping=0.2, angularDamping=0.3, physicsClientId=client,
    )  # fmt: skip
    return body


def posed_points(vertices: NDArray[np.floating[Any]], unit: Unit) -> Floats:
    """World points (V, 3) of a unit's mesh vertices."""
    return vertices @ rotation_matrix(unit.quaternion).T + (unit.x, unit.y, unit.z)


def rotation_matrix(quaternion: tuple[float, ...]) -> NDArray[np.float64]:
    """The (3, 3) rotation of a quaternion (x, y, z, w)."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _upright(unit: Unit, board: float) -> Unit:
    """The unit on its feet, over the middle of where it was tilted."""
    return replace(unit, z=board, rotation=None, condition="standing")


def _furniture(fixture: Fixture, board: float) -> list[_Solid]:
    """The board and the back panel, and the ends that keep everything in the fixture."""
    w, d = fixture.width, fixture.depth
    turn = (0.0, 0.0, math.sin(fixture.yaw / 2), math.cos(fixture.yaw / 2))
    solids = []
    for low, high in (
        ((-0.05, 0.0, board - 0.1), (w + 0.05, d + 0.1, board)),
        ((-0.05, d - SHEET, board), (w + 0.05, d + 0.1, board + 1.0)),
        ((-0.1, -0.1, board), (0.0, d, board + 1.0)),
        ((w, -0.1, board), (w + 0.1, d, board + 1.0)),
    ):
        half = ((high[0] - low[0]) / 2, (high[1] - low[1]) / 2, (high[2] - low[2]) / 2)
        x, y, z = (float(v) for v in fixture.to_world([(a + b) / 2 for a, b in zip(low, high)]))
        solids.append(_Solid(False, half, (x, y, z), turn))
    return solids


def _extreme_points(vertices: NDArray[np.floating[Any]], directions: int = 160) -> Floats:
    """Those vertices that lie farthest in directions spread over the sphere (a Fibonacci lattice): the hull, with
    fewer points. No direction is level, so that both ends of a straight wall are kept."""
    n = np.arange(directions)
    z = 1 - (2 * n + 1) / directions
    angle = n * math.pi * (3 - math.sqrt(5))
    radius = np.sqrt(1 - z**2)
    sphere = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1)
    return vertices[np.unique((vertices @ sphere.T).argmax(axis=0))]
