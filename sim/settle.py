"""Leaning and fallen units, let go in a physics engine until they rest on the shelf and on each other.

Every unit is simulated alone in an engine that was made for it, with what stands around it held fast, so
that its pose depends on the stock only: not on order, worker or what was settled before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios import Fixture, Layout, Stock, Unit
from sim.engine import pybullet
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
REACH = 0.06
"""Units farther than this from a pose's neighbourhood, in metres, are left out of its engine."""
KEPT = 4096
"""Settled units that are remembered."""


class Settler:
    """Settles the stock of one layout. `packs` are the meshes of the SKUs that stand in it."""

    def __init__(self, layout: Layout, packs: Mapping[str, Mesh]) -> None:
        self.layout, self.packs = layout, packs
        self._known: dict[tuple[Unit, ...], Unit] = {}
        self._hulls: dict[str, Floats] = {}

    def settle(self, stock: Stock) -> Stock:
        """The stock with its leaning and fallen units at rest; a stock without such units is returned as it is."""
        disturbed = [i for i, u in enumerate(stock.units) if u.rotation is not None]
        if not disturbed:
            return stock
        units = list(stock.units)
        shelf_of = {p.id: (p.fixture, p.shelf) for p in self.layout.planogram.positions}
        shelves: dict[tuple[str, int], list[int]] = {}
        for i, unit in enumerate(units):
            shelves.setdefault(shelf_of[unit.position], []).append(i)
        waiting = set(disturbed)
        for i in disturbed:
            fixture_id, shelf = shelf_of[units[i].position]
            near = self._near(units, i, shelves[fixture_id, shelf])
            # Those that are not settled yet are held where they start from.
            units[i] = self._settled(units[i], near, self.layout.store.fixture(fixture_id), shelf)
            waiting.discard(i)
        return Stock(tuple(units))

    def _near(self, units: list[Unit], i: int, candidates: list[int]) -> tuple[Unit, ...]:
        """The units that the unit can touch on its way."""
        reach = self._size(units[i]) + REACH
        me = np.array([units[i].x, units[i].y])
        return tuple(
            units[j]
            for j in candidates
            if j != i and np.hypot(*(me - (units[j].x, units[j].y))) < reach + self._size(units[j], flat=True)
        )

    def _size(self, unit: Unit, flat: bool = False) -> float:
        product = self.layout.catalog[unit.sku]
        flat_size = float(np.hypot(product.width, product.depth)) / 2
        return flat_size if flat and unit.rotation is None else flat_size + product.height

    def _settled(self, unit: Unit, near: tuple[Unit, ...], fixture: Fixture, shelf: int) -> Unit:
        key = (unit, *near)
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = self._simulate(unit, near, fixture, shelf)
        return self._known[key]

    def _simulate(self, unit: Unit, near: tuple[Unit, ...], fixture: Fixture, shelf: int) -> Unit:
        board = fixture.shelves[shelf].z
        client = pybullet.connect(pybullet.DIRECT)
        try:
            pybullet.setGravity(0, 0, -9.81, physicsClientId=client)
            pybullet.setPhysicsEngineParameter(
                fixedTimeStep=STEP, numSolverIterations=30, deterministicOverlappingPairs=1, physicsClientId=client
            )
            _furniture(client, fixture, board)
            shapes: dict[str, int] = {}
            for other in near:
                self._body(client, shapes, other, 0.0)
            body = self._body(client, shapes, unit, 0.4)
            at_rest = 0
            for _ in range(MOST_STEPS):
                pybullet.stepSimulation(physicsClientId=client)
                speed, spin = (np.linalg.norm(v) for v in pybullet.getBaseVelocity(body, client))
                at_rest = at_rest + 1 if speed < REST and spin < 10 * REST else 0
                if at_rest == 6:
                    break
            position, rotation = pybullet.getBasePositionAndOrientation(body, client)
            sunk = min((c[8] for c in pybullet.getContactPoints(body, physicsClientId=client)), default=1.0)
        finally:
            pybullet.disconnect(client)
        posed = self._posed(unit, position, rotation)
        points = fixture.to_local(posed_points(self.packs[unit.sku].vertices, posed))
        ceiling = board + fixture.shelves[shelf].clearance
        low, high = (-0.001, -OVERHANG, board - SUNKEN), (fixture.width + 0.001, fixture.depth, ceiling)
        inside = bool((points.min(axis=0) >= low).all() and (points.max(axis=0) <= high).all())
        if at_rest < 6 or not inside or sunk < -SUNKEN:
            return unit if unit.condition == "fallen" else replace(unit, condition="standing", **_upright(unit, board))
        # The engine leaves a hair of air or overlap under what lies on the board.
        gap = float(points[:, 2].min()) - board
        tilt = 1 - 2 * (posed.quaternion[0] ** 2 + posed.quaternion[1] ** 2)
        condition = "fallen" if tilt < 0.5 else "leaning"
        return replace(posed, z=posed.z - (gap if gap < 0.004 else 0.0), condition=condition)

    def _posed(self, unit: Unit, position: tuple[float, ...], rotation: tuple[float, ...]) -> Unit:
        """The unit where the engine has its centre."""
        half = self.layout.catalog[unit.sku].height / 2
        matrix = rotation_matrix(rotation)
        x, y, z = np.array(position) - matrix @ (0.0, 0.0, half)
        qx, qy, qz, qw = (float(v) for v in rotation)
        return replace(unit, x=float(x), y=float(y), z=float(z), rotation=(qx, qy, qz, qw))

    def _body(self, client: int, shapes: dict[str, int], unit: Unit, mass: float) -> int:
        product = self.layout.catalog[unit.sku]
        if unit.sku not in shapes:
            shapes[unit.sku] = self._shape(client, unit.sku)
        centre = np.array([unit.x, unit.y, unit.z]) + rotation_matrix(unit.quaternion) @ (0, 0, product.height / 2)
        body = int(
            pybullet.createMultiBody(
                mass, shapes[unit.sku], -1, [float(v) for v in centre], unit.quaternion, physicsClientId=client
            )
        )
        pybullet.changeDynamics(
            body, -1, lateralFriction=0.7, rollingFriction=0.002, spinningFriction=0.002, restitution=0.0,
            linearDamping=0.2, angularDamping=0.3, physicsClientId=client,
        )  # fmt: skip
        return body

    def _shape(self, client: int, sku: str) -> int:
        """A cuboid for what is one, a cylinder for cans, the convex hull of the mesh for all others."""
        product = self.layout.catalog[sku]
        w, d, h = product.width, product.depth, product.height
        if product.form in ("box", "multipack"):
            return int(
                pybullet.createCollisionShape(
                    pybullet.GEOM_BOX, halfExtents=[w / 2, d / 2, h / 2], physicsClientId=client
                )
            )
        if product.form == "can":
            return int(
                pybullet.createCollisionShape(
                    pybullet.GEOM_CYLINDER, radius=max(w, d) / 2, height=h, physicsClientId=client
                )
            )
        if sku not in self._hulls:
            self._hulls[sku] = _extreme_points(self.packs[sku].vertices) - (0, 0, h / 2)
        return int(
            pybullet.createCollisionShape(
                pybullet.GEOM_MESH, vertices=self._hulls[sku].tolist(), physicsClientId=client
            )
        )


def posed_points(vertices: Floats, unit: Unit) -> Floats:
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


def _upright(unit: Unit, board: float) -> dict[str, object]:
    """Where a unit that found no rest stands instead: on the board, where it was tilted."""
    return {"rotation": None, "z": board}


def _furniture(client: int, fixture: Fixture, board: float) -> None:
    """The board and the back panel, and the sides that keep everything in the fixture."""
    w, d = fixture.width, fixture.depth
    for low, high in (
        ((-0.05, 0.0, board - 0.1), (w + 0.05, d + 0.1, board)),
        ((-0.05, d, board), (w + 0.05, d + 0.1, board + 1.0)),
        ((-0.1, -0.1, board), (0.0, d, board + 1.0)),
        ((w, -0.1, board), (w + 0.1, d, board + 1.0)),
    ):
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_BOX, halfExtents=[(b - a) / 2 for a, b in zip(low, high)], physicsClientId=client
        )
        middle = fixture.to_world([(a + b) / 2 for a, b in zip(low, high)])
        turn = (0.0, 0.0, float(np.sin(fixture.yaw / 2)), float(np.cos(fixture.yaw / 2)))
        body = pybullet.createMultiBody(0, shape, -1, [float(v) for v in middle], turn, physicsClientId=client)
        pybullet.changeDynamics(body, -1, lateralFriction=0.8, rollingFriction=0.002, physicsClientId=client)


def _extreme_points(vertices: Floats) -> Floats:
    """Those vertices (≤ 26) that lie farthest in the main directions: a hull that is quick to collide."""
    steps = (-1.0, 0.0, 1.0)
    directions = np.array([(x, y, z) for x in steps for y in steps for z in steps if (x, y, z) != (0.0, 0.0, 0.0)])
    return vertices[np.unique((vertices @ directions.T).argmax(axis=0))]
