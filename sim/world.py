"""A scenario at one moment, as bodies in one PyBullet client."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout, Lookalikes, Product, Scenario, Stock, rng
from sim.engine import pybullet
from sim.fixtures import gondola_mesh, price_tags_mesh, room_meshes
from sim.meshes import Mesh
from sim.packaging import TEXEL_DENSITY
from sim.packs import pack_mesh
from sim.people import shopper_mesh

AWAY = (0.0, 0.0, -100.0)
"""Where bodies wait that are not in the scene."""


@dataclass(frozen=True, eq=False)
class Instance:
    """One body of the scene at this moment: its mesh, position (m) and orientation (quaternion x, y, z, w).

    `kind` is "unit", "person", "obstacle" (cart, basket, pallet), "fixture", "tag" or "room".
    """

    body: int
    kind: str
    mesh: Mesh
    position: tuple[float, ...]
    orientation: tuple[float, ...]


class World:
    """Bodies of one layout. `set` moves them to another scenario of the same layout; none is rebuilt.

    `look` seeds what is part of the building: colours of fixtures, floor and walls.
    `lookalikes` is drawn on the packs, so that a scenario with another one needs another world.
    """

    def __init__(
        self, layout: Layout, density: float = TEXEL_DENSITY, look: int = 0, lookalikes: Lookalikes | None = None
    ) -> None:
        self.layout = layout
        self.lookalikes = lookalikes or Lookalikes()
        self.density = density
        self.scenario: Scenario | None = None
        self.stock = Stock(())
        self.unit_bodies: NDArray[np.int64] = np.empty(0, np.int64)
        self.shopper_bodies: list[int] = []
        self.packs: dict[str, Mesh] = {}
        self.instances: dict[int, Instance] = {}
        """Every body by its id, those that are parked out of the scene too."""
        self._shapes: dict[str, int] = {}
        self._pool: dict[str, list[int]] = {}
        self._parked: set[int] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="shelfbench-")
        self.client = pybullet.connect(pybullet.DIRECT)
        # The engine draws bodies in the order of their making. What stands in front comes first, so that
        # little is shaded that something else then covers.
        for position in layout.planogram.positions:
            self._parked.update(self._spare(position.sku) for _ in range(position.facings * position.deep))
        self._static(price_tags_mesh(layout, look, density), "tags", "tag")
        for i, fixture in enumerate(layout.store.fixtures):
            self._static(gondola_mesh(fixture, look), f"fixture{i}", "fixture")
        for i, mesh in enumerate(room_meshes(layout, look)):
            self._static(mesh, f"room{i}", "room")

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.client >= 0:
            pybullet.disconnect(self.client)
            self.client = -1
            self._folder.cleanup()

    def set(self, scenario: Scenario) -> None:
        """Move the bodies to what the scenario holds. The layout must be this world's."""
        if scenario is self.scenario:
            return
        if scenario.layout is not self.layout:
            raise ValueError("the scenario's layout is not this world's")
        if scenario.conditions.lookalikes != self.lookalikes:
            raise ValueError(f"the scenario's {scenario.conditions.lookalikes} are not this world's {self.lookalikes}")
        self.place(scenario.stock)
        self._place_shoppers(scenario)
        self.scenario = scenario

    def place(self, stock: Stock) -> None:
        """Move the packs to where `stock` has them, and all others away."""
        used: Counter[str] = Counter()
        bodies = []
        for unit in stock.units:
            pool = self._pool.setdefault(unit.sku, [])
            if used[unit.sku] == len(pool):
                self._spare(unit.sku)
            body = pool[used[unit.sku]]
            used[unit.sku] += 1
            self._move(body, (unit.x, unit.y, unit.z), unit.quaternion)
            self._parked.discard(body)
            bodies.append(body)
        for sku, pool in self._pool.items():
            for body in pool[used[sku] :]:
                if body not in self._parked:
                    self._move(body, AWAY, (0.0, 0.0, 0.0, 1.0))
                    self._parked.add(body)
        self.stock = stock
        self.unit_bodies = np.array(bodies, np.int64)
        self.scenario = None

    def _spare(self, sku: str) -> int:
        """One more body of a SKU, out of the scene."""
        body = self._body("unit", self._pack_shape(sku), self.packs[sku])
        self._pool.setdefault(sku, []).append(body)
        return body

    def _place_shoppers(self, scenario: Scenario) -> None:
        for body in self.shopper_bodies:
            pybullet.removeBody(body, physicsClientId=self.client)
            del self.instances[body]
        self.shopper_bodies = []
        room = self.layout.store.room
        left = min(f.x for f in self.layout.store.fixtures)
        right = max(f.x + f.width for f in self.layout.store.fixtures)
        for i in range(scenario.conditions.crowd.shoppers):
            random = rng(scenario.seed, "shopper", i)
            mesh = shopper_mesh(random)
            path = mesh.write(Path(self._folder.name), f"shopper-{scenario.seed}-{i}")
            body = self._body("person", self._shape(path), mesh)
            x = float(random.uniform(left, right))
            y = float(random.uniform(max(room.y[0] + 0.35, -1.5), -0.4))
            yaw = float(random.choice([0.0, math.pi / 2, -math.pi / 2]) + random.normal(0, 0.4))
            self._move(body, (x, y, 0.0), (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)))
            self.shopper_bodies.append(body)

    def _pack_shape(self, sku: str) -> int:
        if sku not in self._shapes:
            product: Product = self.layout.catalog[sku]
            self.packs[sku] = pack_mesh(product, self.density, self.lookalikes.distance)
            self._shapes[sku] = self._shape(self.packs[sku].write(Path(self._folder.name), f"pack{len(self._shapes)}"))
        return self._shapes[sku]

    def scene(self) -> list[Instance]:
        """All bodies that are in the scene at this moment, for renderers other than PyBullet's."""
        return [instance for body, instance in self.instances.items() if body not in self._parked]

    def _static(self, mesh: Mesh, name: str, kind: str) -> None:
        self._body(kind, self._shape(mesh.write(Path(self._folder.name), name)), mesh, (0.0, 0.0, 0.0))

    def _shape(self, path: Path) -> int:
        return int(pybullet.createVisualShape(pybullet.GEOM_MESH, fileName=str(path), physicsClientId=self.client))

    def _body(self, kind: str, shape: int, mesh: Mesh, at: tuple[float, float, float] = AWAY) -> int:
        body = int(pybullet.createMultiBody(0, -1, shape, at, physicsClientId=self.client))
        self.instances[body] = Instance(body, kind, mesh, at, (0.0, 0.0, 0.0, 1.0))
        return body

    def _move(self, body: int, at: tuple[float, ...], turn: tuple[float, ...]) -> None:
        pybullet.resetBasePositionAndOrientation(body, at, turn, physicsClientId=self.client)
        self.instances[body] = replace(self.instances[body], position=at, orientation=turn)
